from __future__ import annotations

from attrs import asdict, evolve

from lockyard.verify.conditions import Machine, chosen_locales, conditions

MACHINE = Machine(
    uid=1001,
    locales=("C", "C.utf8", "tr_TR.utf8"),
    clock="/lib/faketime",
    users="namespace",
    hosts=True,
    network=True,
    memory="/dev/shm",
    room=1 << 34,
    processors=(0, 1),
    pythons=("/a", "/b", "/c"),
)
BARE = Machine(uid=1001, pythons=("/a",))


def test_each_rebuild_has_another_value_of_everything() -> None:
    for number in range(1, 60):
        one, other = conditions(number, MACHINE), conditions(number + 1, MACHINE)
        same = {key for key, value in asdict(one).items() if asdict(other)[key] == value}
        assert same == set(), number


def test_ten_rebuilds_are_ten_combinations() -> None:
    parts = [asdict(conditions(number, MACHINE)) for number in range(1, 11)]
    for part in parts:
        del part["number"], part["order"]
    assert len({str(part) for part in parts}) == 10
    assert {part["jobs"] for part in parts} == {1, 2, 3, 5, 8}


def test_they_are_a_function_of_the_number() -> None:
    assert conditions(7, MACHINE) == conditions(7, evolve(MACHINE))


def test_what_the_machine_does_not_allow_is_left_out() -> None:
    given = conditions(2, BARE)
    assert (given.clock, given.user, given.host, given.memory) == ("", None, "", "")
    assert given.network
    assert "clock" not in str(given)
    assert len(BARE.left_out) == 8
    assert MACHINE.left_out == ()


def test_jobs_are_bounded_and_large_artifacts_stay_on_disk() -> None:
    assert {conditions(number, MACHINE, jobs=1).jobs for number in range(1, 9)} == {1}
    assert conditions(2, MACHINE, size=1 << 20).memory == "/dev/shm"
    assert conditions(2, MACHINE, size=1 << 40).memory == ""


def test_memory_that_has_no_room_is_left_alone() -> None:
    # What engines give a container.
    container = evolve(MACHINE, room=64 << 20)
    assert conditions(2, container, size=1 << 20).memory == "/dev/shm"
    assert conditions(2, container, size=50 << 20).memory == ""


def test_the_first_python_is_the_one_that_runs() -> None:
    assert conditions(1, MACHINE).python == "/a"


def test_locales_that_sort_oddly() -> None:
    installed = ["POSIX", "C.utf8", "en_US.utf8", "tr_TR.utf8", "fr_FR.utf8"]
    assert chosen_locales(installed) == ("C", "C.utf8", "tr_TR.utf8", "en_US.utf8")
    assert chosen_locales([]) == ("C",)
