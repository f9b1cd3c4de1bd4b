from __future__ import annotations

import json
from pathlib import Path

from lockyard.lock.file import write_lock
from lockyard.spec.reader import Fleet, read_fleet
from lockyard.tasks.list import list_env
from tests.tasks.conftest import lock_of


def test_an_image_a_variant(fleet: Fleet) -> None:
    rows = list_env(fleet, "trial", Path("dist"))
    assert [(row.env, row.variant, row.lock, row.digest) for row in rows] == [
        ("trial", "cpu", "missing", ""),
        ("trial", "cuda12", "missing", ""),
    ]
    assert rows[0].repository == "registry.example/team/trial-debian12-py311-cpu-inference"
    assert rows[1].environment == "Team-trial-debian12-py311-cuda12-gpu-inference"


def test_state_of_the_lock(fleet: Fleet) -> None:
    write_lock(fleet.root, lock_of(fleet))
    assert {row.lock for row in list_env(fleet, "trial", Path("dist"))} == {"fresh"}
    with (fleet.root / "envs/trial.toml").open("a") as stream:
        stream.write('requirements.pypi = ["numpy"]\n')
    assert {row.lock for row in list_env(read_fleet(fleet.root), "trial", Path("dist"))} == {
        "stale"
    }


def test_only_a_whole_image_counts_as_built(fleet: Fleet) -> None:
    folder = fleet.root / "dist/trial-debian12-py311-cpu-inference"
    folder.mkdir(parents=True)
    for text in ("", "[", "[]", "{}", '{"blobs": 1}', '{"blobs": {"a": 1}}', "\xff"):
        (folder / "lockyard.json").write_text(text, encoding="latin-1")
        assert list_env(fleet, "trial", Path("dist"))[0].digest == ""
    (folder / "index.json").touch()
    said = '{"blobs": {}, "images": {"linux/amd64": "sha256:1"}, "layers": %s}'
    for text in ('{"blobs": {}, "images": []}', said % "[]", said % '{"linux/amd64": 1}'):
        (folder / "lockyard.json").write_text(text)
        assert list_env(fleet, "trial", Path("dist"))[0].digest == ""
    (folder / "lockyard.json").write_text(
        json.dumps({"blobs": {}, "images": {"linux/amd64": "sha256:1"}})
    )
    assert list_env(fleet, "trial", Path("dist"))[0].digest == "sha256:1"
