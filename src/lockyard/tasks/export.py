"""Export an env's lock to what other tools read."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from attrs import frozen

from lockyard.errors import LockError, StoreError, UsageError
from lockyard.lock.file import lock_path
from lockyard.lock.finding import serving
from lockyard.lock.model import Lock, Target, Wheel
from lockyard.replace import replace_file
from lockyard.spec.reader import Fleet
from lockyard.spec.unfit import suggestion
from lockyard.tasks.supply import Supply, is_built
from lockyard.tasks.why import held_lock

_CONDA = ("conda-lock", "explicit")


@frozen(kw_only=True)
class Export:
    """What is to be exported, and where to; no ``output`` is the caller's to print."""

    env: str
    format: str
    target: str = ""
    output: Path | None = None
    wheels: Path | None = None


@frozen(kw_only=True)
class Exported:
    """What was exported: its text, and the files that were written."""

    env: str
    format: str
    targets: tuple[str, ...]
    text: str
    file: str
    wheels: tuple[str, ...]


def export_env(fleet: Fleet, wanted: Export, supply: Callable[[], Supply]) -> Exported:
    """Export a lock. Raise UsageError for arguments that don't fit it.

    With ``wheels``, what the store lacks of them is brought by the supply, which raises for
    what it can't bring. The text is written last, and whole or not at all.
    """
    lock = held_lock(fleet, wanted.env)
    if wanted.wheels is not None and wanted.format in _CONDA:
        raise UsageError(
            "conda has no use for a folder of wheels",
            where="--wheels",
            solution="leave it out, or give --format requirements or pylock",
        )
    if wanted.output is not None and wanted.output.is_dir():
        raise UsageError(
            f"{wanted.output} is a folder",
            where="--output",
            solution="name the file to write, as in --output requirements.txt",
        )
    targets = _targets(lock, wanted)
    if wanted.format in _CONDA and not lock.conda:
        raise UsageError(
            f"{wanted.env} has no conda packages",
            where="--format",
            solution="export its wheels: --format requirements or pylock",
        )
    text = _text(fleet, lock, targets, wanted)
    linked: tuple[str, ...] = ()
    if wanted.wheels is not None:
        wheels = serving(lock.wheels, targets[0])
        if wanted.format == "requirements":
            # pip takes all others from its index.
            wheels = [wheel for wheel in wheels if is_built(wheel)]
        linked = _place_all(wheels, wanted.wheels, supply())
    if wanted.output is not None:
        _write(wanted.output, text)
    return Exported(
        env=wanted.env,
        format=wanted.format,
        targets=tuple(target.name for target in targets),
        text=text,
        file=str(wanted.output) if wanted.output is not None else "",
        wheels=linked,
    )


def _targets(lock: Lock, wanted: Export) -> Sequence[Target]:
    """Choose the target, or the targets of the one variant for a format that takes several."""
    names = tuple(target.name for target in lock.targets)
    chosen = [target for target in lock.targets if wanted.target in {"", target.name}]
    if not chosen:
        raise UsageError(
            f"the lock has no target {wanted.target!r}",
            where="--target",
            solution=suggestion(wanted.target, names) or "lock it again",
        )
    variants = {target.variant for target in chosen}
    several = wanted.format == "conda-lock" and len(variants) == 1
    if len(chosen) > 1 and not several:
        raise UsageError(
            "the lock has several targets",
            where="--target",
            solution=f"name one: {', '.join(names)}",
        )
    for target in chosen:
        if target.platform not in {"linux/amd64", "linux/arm64"}:
            raise LockError(
                f"target {target.name} is for {target.platform}",
                where=lock_path(lock.env),
                solution=f"lock it again: invoke lock {lock.env}",
            )
    return chosen


def _text(fleet: Fleet, lock: Lock, targets: Sequence[Target], wanted: Export) -> str:
    sources = fleet.workspace.sources
    match wanted.format:
        case "requirements":
            from lockyard.export.requirements import requirements_text  # noqa: PLC0415

            return requirements_text(lock, targets[0])
        case "pylock":
            from lockyard.export.pylock import pylock_text  # noqa: PLC0415

            return pylock_text(lock, targets[0], _relative(wanted))
        case "conda-lock":
            from lockyard.export.conda_lock import conda_lock_text  # noqa: PLC0415

            return conda_lock_text(lock, targets, sources)
        case "explicit":
            from lockyard.export.explicit import explicit_text  # noqa: PLC0415

            return explicit_text(lock, targets[0], sources)
    raise UsageError(f"there is no format {wanted.format!r}", where="--format")


def _relative(wanted: Export) -> str:
    """Return the folder of wheels as seen from the file that names it, with slashes."""
    if wanted.wheels is None:
        return "wheels"
    beside = wanted.output.parent if wanted.output is not None else Path()
    path = Path(os.path.relpath(wanted.wheels.absolute(), beside.absolute())).as_posix()
    return "" if path == "." else path


def _place_all(wheels: Sequence[Wheel], folder: Path, supply: Supply) -> tuple[str, ...]:
    """Put wheels into a folder, once all of them are there and each is what it should be."""
    supply.provide(wheels, verify=True)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for wheel in wheels:
            path = supply.store.artifact(wheel.sha256, wheel.size)
            if path is None:
                raise StoreError(
                    f"{wheel.file} has gone from the store",
                    where=str(supply.store.root),
                    solution="export again: it will be brought again",
                )
            _place(path, folder / wheel.file)
    except OSError as error:
        raise _refused(folder, error) from None
    return tuple(str(folder / wheel.file) for wheel in wheels)


def _place(path: Path, target: Path) -> None:
    """Copy a file under its name: the store's own must stay out of everybody's reach."""
    made = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        shutil.copyfile(path, made)
        made.chmod(0o644)
        made.replace(target)
    finally:
        made.unlink(missing_ok=True)


def _write(path: Path, text: str) -> None:
    try:
        replace_file(path, text.encode())
    except OSError as error:
        raise _refused(path, error) from None


def _refused(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"it can't be written: {error.strerror}",
        where=str(path),
        solution="name a folder that is there and writable, or make room",
    )
