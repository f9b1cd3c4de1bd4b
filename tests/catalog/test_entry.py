"""What an entry of the catalogue says of an env's packages."""

from __future__ import annotations

from attrs import evolve

from lockyard.azureml.record import Record
from lockyard.catalog.entry import Entry, entries
from lockyard.lock.file import write_lock
from lockyard.spec.checks import VariantName
from lockyard.spec.model import Env, Requirements
from lockyard.spec.reader import Fleet, read_fleet
from tests.azureml.test_record import IMAGE, lock
from tests.tasks.conftest import fleet, lock_of, wheel

__all__ = ["fleet"]


def entries_of(fleet: Fleet, env: Env, *names: str) -> tuple[Entry, ...]:
    held = lock_of(fleet, *(wheel(name, "1.0") for name in names))
    (version,) = Record(env="trial").current(lock("a")).noted({"cpu": IMAGE}, "").versions
    return entries(fleet.workspace, env, fleet.recipe(env.recipe), held, version)


def test_what_the_spec_asks_for_as_locked(fleet: Fleet) -> None:
    asked = Requirements(pypi=("Zope.Thing[more]>=1", 'tomli; python_version<"3.8"', "abc"))  # type: ignore[arg-type]
    more = Requirements(pypi=("nvidia",))  # type: ignore[arg-type]
    added = {VariantName("cpu"): Requirements(), VariantName("cuda12"): more}
    env = evolve(fleet.env("trial"), requirements=asked, variants=added)
    cpu, gpu = entries_of(fleet, env, "abc", "nvidia", "other", "zope-thing")
    assert cpu.packages == ("zope-thing==1.0", "abc==1.0")
    assert gpu.packages == ("zope-thing==1.0", "abc==1.0", "nvidia==1.0")
    assert cpu.count == 4
    assert (cpu.digest, cpu.size, cpu.created) == (IMAGE.digest, IMAGE.size, IMAGE.created)
    assert (gpu.digest, gpu.size, gpu.created) == ("", 0, "")


def test_what_an_env_extends_comes_first(fleet: Fleet) -> None:
    (fleet.root / "envs/child.toml").write_text(
        'title = "Child"\nextends = "trial"\nrequirements.pypi = ["extra"]\n'
    )
    with (fleet.root / "envs/trial.toml").open("a") as stream:
        stream.write('requirements.pypi = ["abc"]\n')
    again = read_fleet(fleet.root)
    write_lock(again.root, lock_of(again, wheel("abc", "1.0")))
    cpu, _ = entries_of(again, again.env("child"), "abc", "extra")
    assert cpu.packages == ("abc==1.0", "extra==1.0")
