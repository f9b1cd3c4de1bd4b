"""The real SDKs of Azure ML, each in an environment of its own, take what is written."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import platformdirs
import pytest
import yaml

from lockyard.azureml.form import FORMS, form_files
from lockyard.sources.pypi import index_url
from lockyard.tasks.environment import curated_environment, number
from tests.azureml.fleet import as_built, copied
from tests.fleet.pythons import checked, find_python, plain_environment
from tests.fleet.sync import Uv

pytestmark = [pytest.mark.network, pytest.mark.xdist_group("azureml-sdk")]

SDK = Path(__file__).parent / "sdk"


def sdk(name: str, version: str) -> Path:
    """Return a Python with one of the SDKs, made once for all runs of these tests."""
    python, pins = find_python(version), SDK / f"{name}.txt"
    key = hashlib.sha256(pins.read_bytes() + python.encode()).hexdigest()[:16]
    place = platformdirs.user_cache_path("lockyard-tests") / f"azureml-{name}-{key}"
    if not (place / "bin/python").exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent) as folder:
            own, index = Uv(Path(folder) / "cache"), index_url(None, os.environ)
            own.run("venv", "--python", python, "made", folder=Path(folder))
            own.run(
                "pip", "install", "--python=made/bin/python", "--no-deps", "--no-build",
                f"--default-index={index}", f"--requirements={pins}", folder=Path(folder),
            )  # fmt: skip
            # What a run that was killed has left is no environment.
            shutil.rmtree(place, ignore_errors=True)
            (Path(folder) / "made").rename(place)
    return place / "bin/python"


def told(python: Path, script: str, *paths: Path, home: Path) -> Mapping[str, Any]:
    environment = plain_environment(HOME=str(home))
    done = checked([str(python), str(SDK / script), *map(str, paths)], environment)
    found: Mapping[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The environments of the whole fleet, a folder a form; half of the images by digest."""
    folder = tmp_path_factory.mktemp("environments")
    (folder / "fleet").mkdir()
    fleet = copied(folder / "fleet")
    for name in fleet.env_names()[::2]:
        as_built(fleet, name)
    for name in fleet.env_names():
        numbered = number(fleet, name, None)
        for variant in numbered.env.variants:
            made = curated_environment(fleet, numbered, str(variant))
            for form in FORMS:
                write(folder / form / made.name, form_files(made, form))
                write(folder / f"{form}-conda" / made.name, form_files(made, form, conda=True))
    return folder


def write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def document(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def test_azureml_core_serialises_what_it_loads(written: Path, tmp_path: Path) -> None:
    folders = sorted((written / "v1").iterdir())
    assert len(folders) == 16
    # It says nothing about a key that it doesn't know: comparing is what finds that.
    wrong = tmp_path / "wrong"
    shutil.copytree(folders[0], wrong)
    unknown = document(wrong / "azureml_environment.json")
    unknown["docker"]["base_image"] = unknown["docker"].pop("baseImage")
    (wrong / "azureml_environment.json").write_text(json.dumps(unknown))

    found = told(sdk("core", "3.9"), "load_core.py", wrong, *folders, home=tmp_path)
    for folder in folders:
        given = document(folder / "azureml_environment.json")
        assert found[str(folder)]["kind"] == "Environment"
        assert found[str(folder)]["document"] == given
    assert found[str(wrong)]["document"] != unknown


def test_azure_ai_ml_sends_the_rest_body(written: Path, tmp_path: Path) -> None:
    wanted = {}
    for conda in ("", "-conda"):
        for folder in sorted((written / f"rest{conda}").iterdir()):
            body = document(folder / "environment_version.json")
            for file in ("v2{}/{}/environment.yml", "v2-json{}/{}/environment.json"):
                wanted[written / file.format(conda, folder.name)] = body
            wanted[written / f"assets{conda}/{folder.name}/spec.yaml"] = body
    assert len(wanted) == 2 * 3 * 16
    wrong = tmp_path / "wrong.yml"
    given = yaml.safe_load(next(iter(wanted)).read_text(encoding="utf-8"))
    wrong.write_text(yaml.safe_dump({**given, "osType": "linux"}))

    found = told(sdk("ml", "3.11"), "load_ml.py", wrong, *wanted, home=tmp_path)
    for path, body in wanted.items():
        made = found[str(path)]
        name = yaml.safe_load(path.read_text(encoding="utf-8"))["name"]
        assert (made.get("error"), made["name"], made["version"]) == (None, name, "1")
        assert made["document"] == body
    assert "osType" in found[str(wrong)]["error"]
