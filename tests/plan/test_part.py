from __future__ import annotations

from lockyard.plan.part import WHOLE, Part


def test_each_path_is_in_one_part() -> None:
    paths = [f"opt/venv/lib/{number}.so" for number in range(500)]
    parts = [Part(number, 3) for number in range(3)]
    held = [[path for path in paths if part.has(path)] for part in parts]
    assert sorted(path for each in held for path in each) == sorted(paths)
    assert all(len(each) > 100 for each in held)


def test_the_whole_has_all() -> None:
    assert WHOLE.has("a")
    assert WHOLE.has("\udcff")
