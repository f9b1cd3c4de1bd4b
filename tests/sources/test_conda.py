from __future__ import annotations

from pathlib import Path

from lockyard.sources.conda import mirror_address

URL = "https://mirror.example/conda-forge"


def test_the_environment_wins() -> None:
    environ = {"LOCKYARD_CONDA_FORGE_MIRROR": URL + "/"}
    assert mirror_address("conda-forge", "https://other.example", environ) == URL


def test_then_the_workspace() -> None:
    environ = {"LOCKYARD_CONDA_FORGE_MIRROR": " ", "LOCKYARD_OTHER_MIRROR": URL}
    assert mirror_address("conda-forge", URL, environ) == URL
    assert mirror_address("conda-forge", None, environ) is None


def test_every_name_has_a_variable() -> None:
    assert mirror_address("my.own-2", None, {"LOCKYARD_MY_OWN_2_MIRROR": URL}) == URL


def test_a_folder_becomes_an_address(tmp_path: Path) -> None:
    folder = tmp_path / "a b"
    assert mirror_address("x", str(folder) + "/", {}) == folder.as_uri()
    assert mirror_address("x", folder.as_uri(), {}) == folder.as_uri()
    assert mirror_address("x", "relative", {}) == Path("relative").absolute().as_uri()
