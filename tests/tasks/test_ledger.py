from __future__ import annotations

import json
from pathlib import Path

from lockyard.assemble.layout import LEDGER
from lockyard.tasks.ledger import ledger_text, note_origin


def test_an_origin_is_noted_once(tmp_path: Path) -> None:
    file = tmp_path / LEDGER
    file.write_bytes(ledger_text({"images": {}, "origin": "a"}))
    note_origin(tmp_path, json.loads(file.read_bytes()), "b")
    assert json.loads(file.read_bytes()) == {"images": {}, "origin": "b"}
    stamp = file.stat().st_mtime_ns
    note_origin(tmp_path, json.loads(file.read_bytes()), "b")
    note_origin(tmp_path, json.loads(file.read_bytes()), "")
    assert file.stat().st_mtime_ns == stamp
    assert [path.name for path in tmp_path.iterdir()] == [LEDGER]


def test_where_it_cannot_be_noted_it_is_not(tmp_path: Path) -> None:
    note_origin(tmp_path / "absent", {}, "b")
    assert not list(tmp_path.iterdir())
