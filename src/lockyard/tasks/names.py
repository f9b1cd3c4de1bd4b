"""No two envs may have an image of one name: each build would replace the other's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Set

from lockyard.errors import Fault, LockyardError, SpecError
from lockyard.spec.model import Env, Recipe
from lockyard.spec.names import names
from lockyard.spec.reader import Fleet

_STEM = re.compile(rb"\bstem\b")
ADVICE = "give one of them another stem"


def image_names(fleet: Fleet, env: Env, recipe: Recipe) -> frozenset[str]:
    """Return the names of an env's images, one for each variant."""
    return frozenset(names(fleet.workspace, env, recipe, each).image for each in env.variants)


def shared(image: str, other: str) -> str:
    """Return why an env can't have an image that another has."""
    return f"its image {image} is that of env {other} as well"


def check_names(fleet: Fleet, name: str, images: Set[str]) -> None:
    """Raise SpecError where another env has one of the images of the env ``name``.

    An env that can't be read is passed over, since that stops only what needs it.
    """
    for other in _likely(fleet, name, images):
        try:
            env = fleet.env(other)
            same = images & image_names(fleet, env, fleet.recipe(env.recipe))
        except LockyardError:
            continue
        if same:
            fault = Fault(f"envs/{name}.toml", "", shared(min(same), other), ADVICE)
            raise SpecError("1 fault to mend", where=fault.file, faults=(fault,))


def _likely(fleet: Fleet, name: str, images: Set[str]) -> Iterator[str]:
    """Give the other envs that could have such an image, without the cost of reading all.

    An image's name begins with its env's, or with the stem that the env's file sets.
    """
    for other in fleet.env_names():
        if other == name:
            continue
        if any(image.startswith(f"{other}-") for image in images) or _sets_stem(fleet, other):
            yield other


def _sets_stem(fleet: Fleet, name: str) -> bool:
    try:
        return bool(_STEM.search((fleet.root / f"envs/{name}.toml").read_bytes()))
    except OSError:
        return False
