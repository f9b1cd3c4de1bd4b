"""The ways that lead from a spec's lines to a package."""

from __future__ import annotations

import pytest
from attrs import evolve

from lockyard.errors import UsageError
from lockyard.lock.why import routes
from tests.lock.sound import on_debian, wheel, with_conda


def test_a_way_begins_with_the_line_that_asks() -> None:
    (route,) = routes(on_debian().subject, "werkzeug")
    assert (route.asker, route.targets) == ("recipe bare", ())
    assert route.requirement == "server>=1,<2; python_version >= '3.8'"
    assert route.packages == ("server 1.21", "werkzeug 1.21")


def test_of_two_ways_from_one_line_the_shorter_is_told_and_cycles_end() -> None:
    sound = on_debian()
    wheels = (
        *sound.lock.wheels[:3],
        wheel("werkzeug", "server", required_by=("markupsafe", "server")),
        wheel("markupsafe", "werkzeug", required_by=("werkzeug",)),
    )
    subject = evolve(sound.subject, lock=evolve(sound.lock, wheels=wheels))
    found = [route.packages for route in routes(subject, "markupsafe")]
    assert found == [("server 1.21", "werkzeug 1.21", "markupsafe 1.21")]


def test_each_line_that_leads_there_is_told_the_nearest_first() -> None:
    sound = on_debian()
    wheels = (
        *sound.lock.wheels[:2],
        wheel("server", "recipe bare"),
        wheel("werkzeug", "server", required_by=("env", "server")),
    )
    subject = evolve(sound.subject, lock=evolve(sound.lock, wheels=wheels))
    assert [(each.asker, each.packages) for each in routes(subject, "werkzeug")] == [
        ("env", ("werkzeug 1.21",)),
        ("recipe bare", ("server 1.21", "werkzeug 1.21")),
    ]


def test_a_way_of_one_target_alone_names_it() -> None:
    sound = on_debian()
    subject = evolve(sound.subject, lock=evolve(sound.lock, wheels=sound.lock.wheels[1:]))
    assert [each.targets for each in routes(subject, "numpy")] == [("cpu-linux-arm64",)]


def test_debian_and_conda_packages_have_the_base_for_an_asker() -> None:
    (python,) = routes(on_debian().subject, "python3.11")
    assert str(python) == (
        'debian: base debian12 requires "python3.11 (>= 3.11.2)": python3.11 3.11.2-6'
    )
    (pip,) = routes(with_conda().subject, "pip")
    assert str(pip) == 'conda: base image requires "python 3.7.*": python 3.7.12 -> pip 22.0'


def test_a_name_is_taken_as_people_write_it() -> None:
    assert routes(on_debian().subject, "Werkzeug") == routes(on_debian().subject, "werkzeug")


def test_for_a_package_that_is_not_there_the_nearest_is_named() -> None:
    with pytest.raises(UsageError, match="did you mean 'numpy'"):
        routes(on_debian().subject, "numppy")
    with pytest.raises(UsageError, match=r"see what it has in locks/trial\.lock\.toml"):
        routes(on_debian().subject, "zzz")
