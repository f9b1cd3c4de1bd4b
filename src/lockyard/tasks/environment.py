"""Write the curated environments of envs, each version under a number of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from attrs import evolve, field, frozen

from lockyard.assemble.layout import read_ledger
from lockyard.azureml.curated import Curated, curated, main_target, reference
from lockyard.azureml.form import Form, form_files
from lockyard.azureml.record import Record, RecordedImage, Version
from lockyard.azureml.record_file import read_record, record_path, write_record
from lockyard.errors import UsageError
from lockyard.lock.model import Lock
from lockyard.lock.text import encode_lock
from lockyard.plan.image import ImagePlan
from lockyard.replace import replace_file
from lockyard.ship.layout import read_layout
from lockyard.spec.model import Env
from lockyard.spec.names import names
from lockyard.spec.reader import Fleet
from lockyard.spec.unfit import suggestion
from lockyard.store.faults import output_faults
from lockyard.tasks.names import check_names
from lockyard.tasks.plan import fresh_lock, plan_env


@frozen(kw_only=True)
class WrittenEnvironment:
    """One environment: the text of each of its files, and where those were written.

    ``image`` is the reference of its image, ``digest`` the part that never moves, or empty
    where the image isn't built and never was. ``new`` tells whether the version is.
    """

    env: str
    variant: str
    environment: str
    version: int
    new: bool
    image: str
    digest: str
    folder: str
    files: Mapping[str, str] = field(factory=dict)


@frozen(kw_only=True)
class Numbered:
    """An env with its lock, and the version that its environments have now."""

    env: Env
    lock: Lock
    record: Record
    new: bool

    @property
    def version(self) -> Version:
        """Return the version that the lock has."""
        return self.record.versions[-1]


@frozen(kw_only=True)
class EnvironmentWriter:
    """Write the environments of a fleet's envs; ``built`` is the folder of image layouts.

    Without an ``output`` nothing but the record of versions is written, and with ``dry_run``
    not even that. ``tag`` is what the images were pushed under.
    """

    fleet: Fleet
    built: Path
    form: Form
    output: Path | None = None
    variant: str = ""
    tag: str = ""
    conda: bool = False
    new_version: bool = False
    dry_run: bool = False

    def write(self, name: str) -> list[WrittenEnvironment]:
        """Write an env's environments, one for each variant.

        Raise LockError where the lock doesn't fit its spec, or the version is of another
        image; UsageError for a variant that isn't there.
        """
        numbered = number(self.fleet, name, self.built, new=self.new_version)
        variants = self._variants(numbered.env)
        if self.tag:
            record = numbered.record.tagged(self.tag, variants)
            numbered = evolve(numbered, record=record)
        made = [self._environment(numbered, variant) for variant in variants]
        if not self.dry_run:
            write_record(self.fleet.root, numbered.record)
            if self.output is not None:
                for each in made:
                    _write_files(self.output, each)
        return made

    def _variants(self, env: Env) -> list[str]:
        known = tuple(sorted(str(variant) for variant in env.variants))
        if self.variant and self.variant not in known:
            raise UsageError(
                f"{env.name} has no variant {self.variant!r}",
                where="--variant",
                solution=suggestion(self.variant, known),
            )
        return [self.variant] if self.variant else list(known)

    def _environment(self, numbered: Numbered, variant: str) -> WrittenEnvironment:
        made = curated_environment(self.fleet, numbered, variant, self.tag)
        held = numbered.version.of(variant)
        return WrittenEnvironment(
            env=numbered.env.name,
            variant=variant,
            environment=made.name,
            version=made.version,
            new=numbered.new,
            image=made.image,
            digest=held.digest if held else "",
            folder=str(self.output / made.name) if self.output else "",
            files=form_files(made, self.form, conda=self.conda),
        )


def curated_environment(fleet: Fleet, numbered: Numbered, variant: str, tag: str = "") -> Curated:
    """Return the environment of a variant; ``tag`` names its image where nothing is known of it."""
    env, lock = numbered.env, numbered.lock
    recipe = fleet.recipe(env.recipe)
    held = numbered.version.of(variant)
    return curated(
        fleet.workspace,
        env,
        recipe,
        lock,
        main_target(lock, variant),
        version=numbered.version.number,
        image=reference(
            names(fleet.workspace, env, recipe, variant).repository,
            tag=held.tag if held else tag,
            digest=held.digest if held else "",
        ),
    )


def number(fleet: Fleet, name: str, built: Path | None, *, new: bool = False) -> Numbered:
    """Return an env with the version of its lock, and the images of it that are built.

    Nothing is written. Without a folder of what is ``built``, the record alone counts.
    """
    env = fleet.env(name)
    lock = fresh_lock(fleet, env)
    old = read_record(fleet.root, name)
    digest = hashlib.sha256(encode_lock(lock).encode()).hexdigest()
    record = old.current(f"sha256:{digest}", new=new)
    if built is not None:
        plans = plan_env(fleet, name)
        check_names(fleet, name, {plan.names.image for plan in plans})
        record = record.noted(_built(plans, built), record_path(name))
    return Numbered(env=env, lock=lock, record=record, new=len(record.versions) > len(old.versions))


def _built(plans: Sequence[ImagePlan], folder: Path) -> dict[str, RecordedImage]:
    """Return those images that are built from these plans, by their variants."""
    by_variant: dict[str, list[ImagePlan]] = {}
    for plan in plans:
        by_variant.setdefault(plan.target.variant, []).append(plan)
    found = {}
    for variant, own in by_variant.items():
        place = folder / own[0].names.image
        ledger = read_ledger(place)
        if ledger is None or ledger.get("plans") != {p.target.platform: p.key for p in own}:
            continue
        layout = read_layout(place)
        found[variant] = RecordedImage(
            variant=variant,
            digest=f"sha256:{layout.top.digest}",
            size=layout.size,
            created=max(plan.created for plan in own),
        )
    return found


def _write_files(output: Path, made: WrittenEnvironment) -> None:
    """Write an environment's files, each whole or not at all."""
    with output_faults(output):
        for name, text in made.files.items():
            path = output / made.environment / name
            path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(path, text.encode())
