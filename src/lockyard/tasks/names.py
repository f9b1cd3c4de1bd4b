"""No two envs may have an image of one name: each build would replace the other's."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Set

from lockyard.errors import Fault, LockyardError, SpecError
from lockyard.spec.model import Env, Recipe
from lockyard.spec.names import Names, names
from lockyard.spec.reader import Fleet

ADVICE = "give one of them another stem"


def env_names(fleet: Fleet, env: Env, recipe: Recipe) -> dict[str, Names]:
    """Return the names of an env's images by the image's, one for each variant, sorted."""
    made = (names(fleet.workspace, env, recipe, each) for each in sorted(env.variants))
    return {each.image: each for each in made}


def image_names(fleet: Fleet, env: Env, recipe: Recipe) -> frozenset[str]:
    """Return what an env's images are called, one for each variant."""
    return frozenset(env_names(fleet, env, recipe))


def shared(image: str, other: str) -> str:
    """Return why an env can't have an image that another has."""
    return f"its image {image} is that of env {other} as well"


def clashes(named: Mapping[str, Set[str]]) -> dict[str, SpecError]:
    """Return by its name each env that has an image of another, of envs with their images."""
    having: dict[str, list[str]] = {}
    for env, images in named.items():
        for image in images:
            having.setdefault(image, []).append(env)
    return {
        env: _clash(env, image, next(other for other in envs if other != env))
        for image, envs in having.items()
        if len(envs) > 1
        for env in envs
    }


def check_names(fleet: Fleet, name: str, images: Set[str], known: Container[str] = ()) -> None:
    """Raise SpecError where another env has one of the images of the env ``name``.

    An env that can't be read is passed over, since that stops only what needs it; and so are
    those that are ``known`` to have others.
    """
    for other in _likely(fleet, name, images, known):
        try:
            env = fleet.env(other)
            same = images & image_names(fleet, env, fleet.recipe(env.recipe))
        except LockyardError:
            continue
        if same:
            raise _clash(name, min(same), other)


def _clash(name: str, image: str, other: str) -> SpecError:
    fault = Fault(f"envs/{name}.toml", "", shared(image, other), ADVICE)
    return SpecError("1 fault to mend", where=fault.file, faults=(fault,))


def _likely(fleet: Fleet, name: str, images: Set[str], known: Container[str]) -> Iterator[str]:
    """Give the other envs that could have such an image, without the cost of reading all.

    An image's name begins with its env's, or with the stem that the env's file sets.
    """
    for other in fleet.env_names():
        if other == name or other in known:
            continue
        if any(image.startswith(f"{other}-") for image in images) or other in fleet.stemmed:
            yield other
