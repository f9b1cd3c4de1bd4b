from __future__ import annotations

import pytest

from lockyard.errors import SpecError
from lockyard.spec.reader import Fleet, read_fleet
from lockyard.tasks.names import check_names, clashes, image_names

ENV = 'title = "Another"\nbase = "debian12"\n'


def images(fleet: Fleet) -> frozenset[str]:
    env = fleet.env("trial")
    return image_names(fleet, env, fleet.recipe(env.recipe))


def write(fleet: Fleet, name: str, text: str) -> None:
    (fleet.root / f"envs/{name}.toml").write_text(text)


def test_each_variant_has_an_image(fleet: Fleet) -> None:
    assert images(fleet) == {
        "trial-debian12-py311-cpu-inference",
        "trial-debian12-py311-cuda12-gpu-inference",
    }


def test_envs_of_other_images_do_not_matter(fleet: Fleet) -> None:
    write(fleet, "other", ENV)
    write(fleet, "stemmed", f'{ENV}stem = "trial-2"\n')
    write(fleet, "trial-debian12", ENV)
    write(fleet, "torn", "stem = [")
    check_names(fleet, "trial", images(fleet))


def test_a_stem_that_is_the_name_of_another(fleet: Fleet) -> None:
    write(fleet, "again", f'{ENV}stem = "trial"\n')
    with pytest.raises(SpecError) as caught:
        check_names(fleet, "trial", images(fleet))
    assert [str(fault) for fault in caught.value.faults] == [
        "envs/trial.toml: its image trial-debian12-py311-cpu-inference is that of env again as "
        "well (give one of them another stem)"
    ]


def test_names_that_run_together(fleet: Fleet) -> None:
    """The parts of an image's name may have the dashes that join them."""
    path = fleet.root / "WORKSPACE.toml"
    base = path.read_text().partition("[bases.debian12]")[2]
    path.write_text(f"{path.read_text()}\n[bases.old-debian12]{base}")
    write(fleet, "trial-old", ENV)
    write(fleet, "trial", ENV.replace("debian12", "old-debian12"))
    again = read_fleet(fleet.root)
    with pytest.raises(SpecError):
        check_names(again, "trial", images(again))


def test_envs_that_are_known_are_not_read_again(fleet: Fleet) -> None:
    write(fleet, "again", f'{ENV}stem = "trial"\n')
    check_names(fleet, "trial", images(fleet), known={"again"})


def test_each_env_that_clashes_is_told_of_another() -> None:
    found = clashes({"a": {"one", "two"}, "b": {"two"}, "c": {"three"}, "d": {"two"}})
    assert {env: str(error.faults[0]) for env, error in found.items()} == {
        env: f"envs/{env}.toml: its image two is that of env {other} as well "
        "(give one of them another stem)"
        for env, other in {"a": "b", "b": "a", "d": "a"}.items()
    }
