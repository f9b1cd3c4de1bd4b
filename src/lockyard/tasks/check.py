"""Check locks against their specs, without network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial

from attrs import frozen

from lockyard.errors import LockError, LockyardError, SpecError
from lockyard.lock.check import check_lock
from lockyard.lock.file import FOLDER, lock_path, read_lock
from lockyard.lock.finding import Finding, Python, relock
from lockyard.lock.model import Target
from lockyard.resolve.pypi.target import PythonTarget
from lockyard.spec.model import Recipe
from lockyard.spec.platform import MACHINES
from lockyard.spec.reader import Fleet
from lockyard.tasks.names import ADVICE, image_names, shared
from lockyard.tasks.parents import builder_lock, parent_lock

_SHARE = 32
_SUFFIX = ".lock.toml"
_Named = tuple[str, str]  # an image's name, and its env's


@frozen(kw_only=True)
class Checked:
    """What came of a check: how many locks, and everything that is wrong with them."""

    locks: int
    findings: tuple[Finding, ...]


def check_fleet(fleet: Fleet, name: str = "", *, jobs: int = 1) -> Checked:
    """Check one env's lock, or all, and that each has its env. Raise UsageError for no env.

    ``jobs`` is how many processes share the work where there is much of it.
    """
    names = (name,) if name else fleet.env_names()
    shares = [names[start : start + _SHARE] for start in range(0, len(names), _SHARE)]
    check = partial(_check_envs, fleet)
    if jobs > 1 and len(shares) > 1:
        # Reading locks is work of the interpreter, which threads would only queue up for.
        with ProcessPoolExecutor(min(jobs, len(shares))) as pool:
            found = list(pool.map(check, shares))
    else:
        found = [check(share) for share in shares]
    findings = [each for share, _ in found for each in share]
    findings += _shared(pair for _, share in found for pair in share)
    if not name:
        findings += _strays(fleet, names)
    return Checked(locks=len(names), findings=tuple(findings))


def _check_envs(fleet: Fleet, names: Sequence[str]) -> tuple[list[Finding], list[_Named]]:
    """Return the findings of some envs, and the names of their images."""
    recipes: dict[str, Recipe] = {}
    named: list[_Named] = []
    return [each for env in names for each in _check_env(fleet, env, recipes, named)], named


def _check_env(
    fleet: Fleet, name: str, recipes: dict[str, Recipe], named: list[_Named]
) -> Sequence[Finding]:
    """Check one env's lock; what can't be read is a finding as well, so that all are told.

    The names of its images are added to ``named``.
    """
    try:
        env = fleet.env(name)
        if env.recipe not in recipes:
            recipes[env.recipe] = fleet.recipe(env.recipe)
        named += [(image, name) for image in sorted(image_names(fleet, env, recipes[env.recipe]))]
        lock = read_lock(fleet.root, name)
        parent, builder = parent_lock(fleet, env), builder_lock(fleet, env)
    except SpecError as error:
        return [
            Finding(
                lock=fault.file,
                package="",
                reason=f"{fault.key}: {fault.reason}" if fault.key else fault.reason,
                solution=fault.solution or "correct the spec",
            )
            for fault in error.faults
        ]
    except LockyardError as error:
        if error.status == 2:
            raise
        return [
            # Of the lock of the env that this one extends, if it is that.
            Finding(
                lock=error.where if isinstance(error, LockError) else lock_path(name),
                package="",
                reason=error.reason,
                solution=error.solution,
            )
        ]
    if lock is None:
        missing = "there is no lock"
        return [Finding(lock=lock_path(name), package="", reason=missing, solution=relock(name))]
    recipe = recipes[env.recipe]
    return check_lock(lock, fleet.workspace, env, recipe, python_facts, parent, builder)


def _shared(named: Iterable[_Named]) -> Sequence[Finding]:
    """Return a finding for each env that has an image of an env before it."""
    first: dict[str, str] = {}
    return [
        Finding(
            lock=f"envs/{env}.toml", package="", reason=shared(image, first[image]), solution=ADVICE
        )
        for image, env in named
        if first.setdefault(image, env) != env
    ]


def _strays(fleet: Fleet, names: Sequence[str]) -> Sequence[Finding]:
    found = (path.name for path in (fleet.root / FOLDER).glob(f"*{_SUFFIX}"))
    return [
        Finding(
            lock=f"{FOLDER}/{file}",
            package="",
            reason="no env has this lock",
            solution=f"remove it, or describe the env in envs/{file.removesuffix(_SUFFIX)}.toml",
        )
        for file in sorted(found)
        if file.removesuffix(_SUFFIX) not in names
    ]


@frozen
class _Facts:
    markers: Mapping[str, str]
    tags: Set[str]


def python_facts(target: Target) -> Python | None:
    """Return what wheels and markers depend on, None for a target that no Python can have."""
    return _facts(target.python, target.glibc, target.platform)


@cache
def _facts(python: str, glibc: str, platform: str) -> Python | None:
    try:
        facts = PythonTarget(python=python, glibc=glibc, machine=MACHINES.get(platform, ""))
    except SpecError:
        return None
    return _Facts(facts.markers, frozenset(map(str, facts.tags)))
