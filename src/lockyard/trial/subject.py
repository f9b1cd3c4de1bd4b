"""What an image has to be: taken from its spec, its recipe and its lock."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from attrs import field, frozen

from lockyard.lock.model import Artifact, CondaPackage, Deb, Wheel
from lockyard.plan.image import ImagePlan
from lockyard.spec.checks import ImagePath
from lockyard.spec.model import Base, Env, LaidFile, Recipe, User
from lockyard.spec.trial import TrialSpec

Packages = Mapping[str, str]


@frozen(kw_only=True)
class Laid:
    """A file or folder that is laid; ``sha256`` is that of a file's content, ``mode`` a file's."""

    kind: Literal["file", "folder"]
    uid: int
    gid: int
    mode: str = ""
    sha256: str = ""


@frozen(kw_only=True)
class Subject:
    """What an image has to be.

    ``config`` is the OCI config's ``config`` object, ``python`` its interpreter. ``debs``,
    ``conda`` and ``wheels`` are versions by name. Where it ``runs`` commands, these may add
    packages.
    """

    env: str
    image: str
    platform: str
    config: Mapping[str, Any]
    user: User
    ports: tuple[int, ...]
    python: str
    laid: Mapping[str, Laid]
    writable: tuple[str, ...]
    debs: Packages = field(factory=dict)
    conda: Packages = field(factory=dict)
    wheels: Packages = field(factory=dict)
    runs: bool = False
    spec: TrialSpec = field(factory=TrialSpec)


def subject_of(plan: ImagePlan, env: Env, recipe: Recipe, base: Base, spec: TrialSpec) -> Subject:
    """Return what an image has to be, of its plan and what that was made from."""
    laid = dict(_laid(env, recipe))
    home = recipe.user.home
    own = [path for path, each in laid.items() if each.uid == recipe.user.uid]
    return Subject(
        env=plan.env,
        image=plan.names.image,
        platform=plan.target.platform,
        config=plan.config,
        user=recipe.user,
        ports=tuple(recipe.config.ports),
        python=f"{base.prefix}/bin/python3",
        laid=laid,
        writable=tuple(sorted({home, *own, *map(str, spec.writable)})),
        debs=_versions(plan, Deb),
        conda=_versions(plan, CondaPackage),
        wheels=_versions(plan, Wheel),
        runs=bool(plan.run),
        spec=spec,
    )


def _laid(env: Env, recipe: Recipe) -> Iterator[tuple[str, Laid]]:
    """Give what a recipe lays, then what each env lays over it, the parents first."""
    if env.parent is None:
        yield from _placed(recipe.directories, recipe.files, recipe.contents, recipe.user)
    else:
        yield from _laid(env.parent, recipe)
    yield from _placed(env.directories, env.files, env.contents, recipe.user)


def _placed(
    directories: Mapping[ImagePath, Any],
    files: Mapping[ImagePath, LaidFile],
    contents: Mapping[str, bytes],
    user: User,
) -> Iterator[tuple[str, Laid]]:
    ids = {"root": (0, 0), "user": (user.uid, user.gid)}
    for path, whose in directories.items():
        uid, gid = ids[str(whose)]
        yield str(path), Laid(kind="folder", uid=uid, gid=gid)
    for path, file in files.items():
        uid, gid = ids[str(file.owner)]
        sha256 = hashlib.sha256(contents[str(file.source)]).hexdigest()
        yield (
            str(path),
            Laid(kind="file", uid=uid, gid=gid, mode=str(file.mode), sha256=sha256),
        )


def _versions(plan: ImagePlan, kind: type[Artifact]) -> dict[str, str]:
    return {each.name: each.version for each in plan.artifacts if type(each) is kind}
