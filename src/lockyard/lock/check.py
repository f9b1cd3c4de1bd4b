"""Whether a lock still satisfies its spec and holds together, decided from the two alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from lockyard.lock.check_closure import check_closure
from lockyard.lock.check_cuda import check_cuda
from lockyard.lock.check_debian import check_debian
from lockyard.lock.check_parent import check_parent
from lockyard.lock.check_pypi import check_pypi, check_wheels
from lockyard.lock.check_records import check_records
from lockyard.lock.file import lock_path
from lockyard.lock.finding import Finding, Python, Subject, gathered
from lockyard.lock.inputs import changed_inputs, inputs
from lockyard.lock.model import BaseImage, Lock, Target
from lockyard.lock.parent import other_labels
from lockyard.spec.model import Env, ImageBase, Recipe, Workspace
from lockyard.spec.names import target_name


def check_lock(
    lock: Lock,
    workspace: Workspace,
    env: Env,
    recipe: Recipe,
    python: Callable[[Target], Python | None],
    parent: Lock | None = None,
    builder: Lock | None = None,
) -> tuple[Finding, ...]:
    """Return everything that is wrong with a lock; nothing where it can be built as it is.

    ``python`` gives the facts of a target, None for one that no Python can have. ``parent`` is
    the lock of the env that this one extends, if it does and there is one, and ``builder`` that
    of the one that compiles for it. What is told
    is by the lock and the spec alone: that the artifacts are what the lock says is proven when
    they are fetched.
    """
    subject = _subject(lock, workspace, env, recipe, python, parent, builder)
    found = [
        *_check_inputs(subject),
        *_check_targets(subject),
        *_check_images(subject),
        *check_records(subject),
        *check_closure(subject),
        *check_debian(subject),
        *check_pypi(subject),
        *_check_together(subject),
    ]
    return gathered(found, lock)


def check_coherence(
    lock: Lock,
    workspace: Workspace,
    env: Env,
    recipe: Recipe,
    python: Callable[[Target], Python | None],
    parent: Lock | None = None,
    builder: Lock | None = None,
) -> tuple[Finding, ...]:
    """Return what keeps a lock's packages from running together on their base.

    It is the part of ``check_lock`` that asks for one CUDA, for wheels and conda packages that
    the base's glibc and Python can load, for what these require of each other, and for all
    that the parent has.
    """
    subject = _subject(lock, workspace, env, recipe, python, parent, builder)
    return gathered([*_check_together(subject)], lock)


def _subject(
    lock: Lock,
    workspace: Workspace,
    env: Env,
    recipe: Recipe,
    python: Callable[[Target], Python | None],
    parent: Lock | None,
    builder: Lock | None,
) -> Subject:
    pythons: Mapping[str, Python] = {
        target.name: facts for target in lock.targets if (facts := python(target)) is not None
    }
    return Subject(
        file=lock_path(env.name),
        lock=lock,
        workspace=workspace,
        env=env,
        recipe=recipe,
        pythons=pythons,
        parent=parent,
        builder=builder,
    )


def _check_together(subject: Subject) -> Iterator[Finding]:
    yield from check_cuda(subject)
    yield from check_wheels(subject)
    yield from check_parent(subject)
    if subject.lock.conda or isinstance(subject.base, ImageBase):
        # Its library takes long to load, and most locks have no conda package.
        from lockyard.lock.check_conda import check_conda  # noqa: PLC0415

        yield from check_conda(subject)


def _check_inputs(subject: Subject) -> Iterator[Finding]:
    now = inputs(subject.workspace, subject.env, subject.recipe, subject.parent, subject.builder)
    changed = changed_inputs(subject.lock, now)
    if changed:
        others = other_labels(subject.env)
        listed = ", ".join(others.get(each, each) for each in changed)
        yield subject.finding(f"made from another {listed}")


def _check_targets(subject: Subject) -> Iterator[Finding]:
    """Compare the targets with the env's variants and platforms, and with its base."""
    env, base = subject.env, subject.base
    wanted = {
        target_name(variant, platform): (variant, platform)
        for variant in env.variants
        for platform in env.platforms
    }
    locked = {target.name: target for target in subject.lock.targets}
    if len(locked) < len(subject.lock.targets):
        yield subject.finding("a target stands in it twice")
    for name in sorted(wanted.keys() - locked.keys()):
        yield subject.finding(f"the spec's target {name} isn't locked")
    for name in sorted(locked.keys() - wanted.keys()):
        yield subject.finding(f"the spec has no target {name}")
    for name in sorted(wanted.keys() & locked.keys()):
        target = locked[name]
        if (target.variant, target.platform) != wanted[name]:
            yield subject.finding(f"target {name} is of another variant or platform")
        if target.base != env.base:
            yield subject.finding(f"target {name} stands on {target.base}, not on {env.base}")
        if target.python.rpartition(".")[0] != base.python or name not in subject.pythons:
            yield subject.finding(
                f"target {name} has Python {target.python}, and the base is for {base.python}"
            )
        if isinstance(base, ImageBase) and target.glibc != base.glibc:
            yield subject.finding(f"target {name} has glibc {target.glibc}, not {base.glibc}")


def _check_images(subject: Subject) -> Iterator[Finding]:
    """Compare the base images with the one that the base names, one a platform."""
    base, held = subject.base, {image.platform: image for image in subject.lock.images}
    wanted = {str(each) for each in subject.env.platforms} if isinstance(base, ImageBase) else set()
    for platform in sorted(wanted - held.keys()):
        yield subject.finding(f"the base image for {platform} isn't locked")
    if len(held) < len(subject.lock.images) or held.keys() - wanted:
        yield subject.finding("it holds a base image that no target stands on")
    if isinstance(base, ImageBase):
        for platform in sorted(wanted & held.keys()):
            yield from _check_image(subject, base, held[platform])


def _check_image(subject: Subject, base: ImageBase, image: BaseImage) -> Iterator[Finding]:
    if (image.image, image.tag, image.source) != (base.image, base.tag, base.source):
        yield subject.finding(
            f"its base image is {image.image}:{image.tag}, not {base.image}:{base.tag}"
        )
    given = {str(platform): digest for platform, digest in base.manifests.items()}
    manifest = given.get(image.platform, "")
    if manifest and manifest != f"sha256:{image.manifest}":
        yield subject.finding(f"its base image for {image.platform} has another digest")
