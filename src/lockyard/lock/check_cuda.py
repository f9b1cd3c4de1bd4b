"""Whether base, conda packages and wheels of a lock are of one CUDA: the variant's."""

from __future__ import annotations

import re
from collections.abc import Iterator

from attrs import frozen

from lockyard.lock.finding import Finding, Subject, serving
from lockyard.lock.model import Artifact, Target

# The packages whose own version is CUDA's, and how much of it counts. The libraries of one
# major version run with each other, so only what stands for a release counts to its minor.
_VERSIONED = (
    (re.compile(r"cudatoolkit|cuda(-toolkit|-runtime|-libraries)?"), 3),
    (re.compile(r"cuda-version|cuda-cudart.*|libcudart[\d.]+"), 2),
    (re.compile(r"nvidia-cuda-runtime(-cu\d\d)?|nvidia-cuda-toolkit"), 2),
    (re.compile(r"cuda-(cupti|nvcc|nvrtc|nvtx)([_-].+)?|cuda-(bindings|python)"), 1),
    (re.compile(r"nvidia-cuda-[a-z-]+"), 1),
)
# The packages whose name tells it, as nvidia-cudnn-cu12, cupy-cuda12x, jax-cuda13-plugin and
# libcudnn9-cuda-12.
_NAMED = re.compile(r".+-cu(\d\d)|.+-cuda-?(\d\d)(?:\d?x?|-.+)")
# Those whose version does, as 2.3.0+cu121 and 9.0.0-1+cuda12.5.
_LOCAL = re.compile(r".+\+.*cu(?:da)?(\d{1,2})\.?\d")
# Those that are of CUDA and don't tell of which.
_UNTOLD = re.compile(r"(lib)?cudnn|nccl|nvidia-(cu|nv|npp|nccl).+")
_IMAGE = re.compile(r"(?:.+/)?cuda:(\d+)\.(\d+)(?:\.(\d+))?(?:-.+)?")
_CUDNN = re.compile(r"(lib)?cudnn(\d+(-cuda-\d+)?)?|nvidia-cudnn(-cu\d\d)?")


@frozen(order=True)
class _Part:
    """A part of an image that is of CUDA, and of which, as far as it tells."""

    name: str
    version: str
    cuda: tuple[int, ...]
    askers: tuple[str, ...] = ()


def check_cuda(subject: Subject) -> Iterator[Finding]:
    """Find what doesn't belong to the CUDA of its variant, one finding of a kind for a target.

    In a ``cuda`` variant, all have its major version, and those that stand for a release of
    CUDA have the same version, as far as each tells it. ``cpu`` has none of them. All cuDNN of
    a target has one major version. What packages of one side require of each other, and of
    glibc, other checks see to. Only the lock is read.
    """
    for target in subject.lock.targets:
        parts = sorted(_parts(subject, target))
        if target.variant == "cpu":
            yield from _check_none(subject, parts, target)
        else:
            mixed = list(_check_one(subject, parts, target))
            yield from mixed or _check_cudnn(subject, target)


def _check_none(subject: Subject, parts: list[_Part], target: Target) -> Iterator[Finding]:
    if not parts:
        return
    ours = {each.name for each in parts}
    # What something else than CUDA itself asks for tells the most.
    part = min(parts, key=lambda each: (ours.issuperset(each.askers), -len(each.cuda)))
    asked = f"{', '.join(part.askers)} requires it, which is" if part.askers else "the base is"
    yield subject.finding(
        f"{asked} of CUDA{_text(part.cuda)}, and the variant is cpu",
        package=part.name,
        target=target.name,
        solution="require what does without CUDA, or make it a variant of that CUDA",
    )


def _check_one(subject: Subject, parts: list[_Part], target: Target) -> Iterator[Finding]:
    wanted = _numbers(target.variant.removeprefix("cuda"))
    fitting = [each for each in parts if each.cuda and _agree(each.cuda, wanted)]
    best = max(fitting, key=lambda each: len(each.cuda), default=None)
    measure = max(wanted, best.cuda if best else (), key=len)
    wrong = [each for each in parts if not _agree(each.cuda, measure)]
    if not wrong:
        return
    part = max(wrong, key=lambda each: len(each.cuda))
    beside = f"the variant is {target.variant}"
    if best and not _agree(part.cuda, best.cuda):
        beside = f"{best.name} {best.version} of CUDA{_text(best.cuda)}, as {target.variant} says"
    yield subject.finding(
        f"{part.version} is of CUDA{_text(part.cuda)}, and {beside}",
        package=part.name,
        target=target.name,
        solution="require packages of one CUDA, and name the variant after it",
    )


def _check_cudnn(subject: Subject, target: Target) -> Iterator[Finding]:
    """Find a second cuDNN: which of the two is loaded would depend on who loads it first."""
    held = [each for each in _artifacts(subject, target) if _CUDNN.fullmatch(each.name)]
    for each in held[1:]:
        if _numbers(each.version)[:1] != _numbers(held[0].version)[:1]:
            yield subject.finding(
                f"{each.source} gives cuDNN {each.version}, and {held[0].source} gives "
                f"{held[0].name} {held[0].version}",
                package=each.name,
                target=target.name,
                solution="require cuDNN of one major version",
            )
            return


def _parts(subject: Subject, target: Target) -> Iterator[_Part]:
    """Give everything in a target that is of CUDA."""
    for image in subject.lock.images:
        told = _IMAGE.fullmatch(f"{image.image}:{image.tag}")
        if told and image.platform == target.platform:
            yield _Part(image.image, image.tag, _groups(told))
    for each in _artifacts(subject, target):
        cuda = _cuda(each.name, each.version)
        if cuda is not None:
            yield _Part(each.name, each.version, cuda, each.required_by)


def _cuda(name: str, version: str) -> tuple[int, ...] | None:
    """Return which CUDA a package is of, empty where it doesn't tell; None where of none."""
    for pattern, count in _VERSIONED:
        if pattern.fullmatch(name):
            return _numbers(version)[:count]
    told = _NAMED.fullmatch(name) or _LOCAL.fullmatch(version)
    if told:
        return _groups(told)
    return () if _UNTOLD.fullmatch(name) else None


def _artifacts(subject: Subject, target: Target) -> list[Artifact]:
    lock = subject.lock
    kinds: tuple[tuple[Artifact, ...], ...] = (lock.debs, lock.conda, lock.wheels)
    return [each for kind in kinds for each in serving(kind, target)]


def _agree(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Tell whether two versions are the same as far as both go."""
    return all(a == b for a, b in zip(one, other, strict=False))


def _groups(match: re.Match[str]) -> tuple[int, ...]:
    return tuple(int(each) for each in match.groups() if each is not None)


def _numbers(version: str) -> tuple[int, ...]:
    """Return the numbers that a version begins with, without a Debian epoch."""
    match = re.match(r"(?:\d+:)?(\d+(?:\.\d+)*)", version)
    return tuple(int(each) for each in match[1].split(".")) if match else ()


def _text(version: tuple[int, ...]) -> str:
    return f" {'.'.join(map(str, version))}" if version else ""
