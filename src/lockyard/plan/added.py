"""The layers that an env adds to those of the one that it extends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from lockyard.lock.model import Deb
from lockyard.plan.compiler import Compiler
from lockyard.plan.division import LARGEST
from lockyard.plan.layer import (
    ChosenLayer,
    DebianLayer,
    FilesLayer,
    Layer,
    PackageLayer,
    in_parts,
)
from lockyard.spec.checks import ImagePath, Owner
from lockyard.spec.model import Env, Recipe


def added_layers(
    env: Env,
    recipe: Recipe,
    debs: tuple[Deb, ...],
    packages: Sequence[PackageLayer],
    chosen: Sequence[ChosenLayer],
    below: Sequence[Layer],
    compiler: Compiler | None,
) -> tuple[Layer, ...]:
    """Return the layers of an env that extends another, those ``below`` being the other's.

    They come after the other's recipe, whose layer stays where it is: it is the same that way.
    Debian packages that an engine installs are in none of them.
    """
    standing = standing_debs(below)
    more_debs = bool(new_debs(debs, below))
    directories = _directories(env, recipe, packages, more_debs)
    return (
        *below,
        *(
            [DebianLayer(debs=debs, below=standing, compiler=compiler)]
            if more_debs and not env.run_scripts
            else []
        ),
        *(part for layer in packages for part in in_parts(layer, LARGEST)),
        *chosen,
        *([_files_layer(env, recipe, directories)] if env.files or directories else []),
    )


def standing_debs(below: Sequence[Layer]) -> tuple[Deb, ...]:
    """Return the Debian packages that layers have."""
    return next((each.debs for each in reversed(below) if isinstance(each, DebianLayer)), ())


def new_debs(debs: Sequence[Deb], below: Sequence[Layer]) -> tuple[Deb, ...]:
    """Return those of Debian packages that layers don't have."""
    held = {deb.sha256 for deb in standing_debs(below)}
    return tuple(deb for deb in debs if deb.sha256 not in held)


def own_choice(
    env: Env, packages: Sequence[PackageLayer], below: Sequence[Layer]
) -> Sequence[PackageLayer]:
    """Return the packages whose files the env's ``owners`` have to put over the others' again.

    Those are all of the image where some are added, which may own the same paths, or where the
    env has chosen anew. They are none where the other env's choice stands as it is.
    """
    if not packages and env.parent is not None and env.owners == env.parent.owners:
        return ()
    return [*(each for each in below if isinstance(each, PackageLayer)), *packages]


def _files_layer(env: Env, recipe: Recipe, directories: Mapping[ImagePath, Owner]) -> FilesLayer:
    return FilesLayer(
        env=env.name,
        user=recipe.user,
        files=env.files,
        directories=directories,
        contents=env.contents,
    )


def _directories(
    env: Env, recipe: Recipe, packages: Sequence[PackageLayer], debs: bool
) -> dict[ImagePath, Owner]:
    """Return the env's own folders, and the user's of those that stand which are laid again.

    A layer that names a file gives the folders above it to root. Those of its own files are
    known, packages have theirs about the prefix, and Debian packages may have them anywhere.
    """
    standing = dict(recipe.directories)
    for each in reversed(list(_above(env))):
        standing |= each.directories
    named = {*env.files, *env.directories, *(layer.prefix.path for layer in packages)}
    prefixes = {layer.prefix.path for layer in packages}
    again = {
        path: owner
        for path, owner in standing.items()
        if owner == "user"
        and (
            debs
            or any(each.startswith(f"{path}/") for each in named)
            or any(f"{path}/".startswith(f"{each}/") for each in prefixes)
        )
    }
    return {**again, **env.directories}


def _above(env: Env) -> Iterator[Env]:
    while env.parent is not None:
        env = env.parent
        yield env
