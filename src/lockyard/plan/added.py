"""The layers that an env adds to those of the one that it extends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from lockyard.lock.model import Deb
from lockyard.plan.layer import (
    ChosenLayer,
    DebianLayer,
    FilesLayer,
    Layer,
    PackageLayer,
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
) -> tuple[Layer, ...]:
    """Return the layers of an env that extends another, those ``below`` being the other's.

    They come after the other's recipe, whose layer stays where it is: it is the same that way.
    """
    standing = next((each.debs for each in reversed(below) if isinstance(each, DebianLayer)), ())
    more_debs = {deb.sha256 for deb in debs} - {deb.sha256 for deb in standing}
    return (
        *below,
        *([DebianLayer(debs=debs, below=standing)] if more_debs else []),
        *packages,
        *chosen,
        *([_files_layer(env, recipe)] if env.files or env.directories else []),
    )


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


def _files_layer(env: Env, recipe: Recipe) -> FilesLayer:
    above = {
        path: owner
        for path, owner in _directories(env, recipe).items()
        if any(each.startswith(f"{path}/") for each in (*env.files, *env.directories))
    }
    return FilesLayer(
        env=env.name,
        user=recipe.user,
        files=env.files,
        directories={**above, **env.directories},
        contents=env.contents,
    )


def _directories(env: Env, recipe: Recipe) -> Mapping[ImagePath, Owner]:
    """Return the folders of the recipe and of all envs that one extends."""
    found = dict(recipe.directories)
    for each in reversed(list(_above(env))):
        found |= each.directories
    return found


def _above(env: Env) -> Iterator[Env]:
    while env.parent is not None:
        env = env.parent
        yield env
