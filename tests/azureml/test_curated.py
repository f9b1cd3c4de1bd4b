"""What a curated environment says, and the framework that it says it of."""

from __future__ import annotations

import pytest
from attrs import evolve

from lockyard.azureml.curated import Curated, Route, curated, main_target, reference
from lockyard.azureml.document import json_text, yaml_text
from lockyard.azureml.form import FORMS, form_files
from lockyard.azureml.framework import Framework, framework_of
from lockyard.azureml.v2 import rest_document, v2_document
from lockyard.lock.model import Lock
from lockyard.spec.model import Env
from lockyard.spec.reader import read_fleet
from tests.azureml.test_conda import TARGET
from tests.conftest import ROOT

DIGEST = f"sha256:{'1' * 64}"


@pytest.mark.parametrize(
    ("tag", "digest", "named"),
    [
        ("", "", "host/image:latest"),
        ("20261122.v1", "", "host/image:20261122.v1"),
        ("", DIGEST, f"host/image@{DIGEST}"),
        ("20261122.v1", DIGEST, f"host/image:20261122.v1@{DIGEST}"),
    ],
)
def test_the_reference_of_an_image(tag: str, digest: str, named: str) -> None:
    assert reference("host/image", tag=tag, digest=digest) == named


@pytest.mark.parametrize(
    ("name", "title", "stem", "framework"),
    [
        ("pytorch-1.7", "PyTorch 1.7", "", Framework(name="PyTorch", version="1.7")),
        ("pytorch-2.15", "PyTorch", "", Framework(name="PyTorch", version="2.15")),
        ("lightgbm-4", "LightGBM", "", Framework(name="LightGBM", version="4")),
        ("ours", "Ours", "sklearn-1.9", Framework(name="Ours", version="1.9")),
        ("minimal", "No framework", "", None),
        ("minimal-1", "No framework", "minimal", None),
        ("minimal-py311", "No framework", "", None),
    ],
)
def test_the_framework(name: str, title: str, stem: str, framework: Framework | None) -> None:
    env = Env(name=name, title=title, stem=stem, base="trial")  # type: ignore[arg-type]
    assert framework_of(env) == framework
    derived = evolve(env, name="fraud-7", title="Fraud", stem="", parent=env)
    assert framework_of(derived) == framework


def test_a_variant_is_described_by_amd64() -> None:
    arm = evolve(TARGET, name="cpu-linux-arm64", platform="linux/arm64")
    gpu = evolve(TARGET, name="cuda12-linux-amd64", variant="cuda12")
    lock = Lock(env="trial", inputs={}, targets=(arm, gpu, TARGET))
    assert main_target(lock, "cpu") == TARGET
    assert main_target(lock, "cuda12") == gpu
    assert main_target(evolve(lock, targets=(arm,)), "cpu") == arm


def made_of(env: str, variant: str) -> Curated:
    from lockyard.lock.file import read_lock

    fleet = read_fleet(ROOT)
    lock = read_lock(ROOT, env)
    assert lock is not None
    described = fleet.env(env)
    return curated(
        fleet.workspace,
        described,
        fleet.recipe(described.recipe),
        lock,
        main_target(lock, variant),
        version=3,
        image=f"host/image@{DIGEST}",
    )


def test_an_environment_of_a_gpu() -> None:
    made = made_of("tensorflow-2.4", "cuda11.0.3")
    assert made.name == "AzureML-tensorflow-2.4-ubuntu18.04-py37-cuda11.0.3-gpu-inference"
    assert made.tags == {
        "GPU": "Cuda11.0.3",
        "Inferencing": "",
        "OS": "Ubuntu18.04",
        "Python": "3.7",
        "TensorFlow": "2.4",
    }
    assert (made.liveness, made.scoring) == (
        Route(path="/", port=5001),
        Route(path="/score", port=5001),
    )
    dependencies = made.conda["dependencies"]
    assert dependencies[0] == "python=3.7.12"
    assert {"cudatoolkit=11.0.3", "cudnn=8.0.5.39"} <= set(dependencies[1:-1])
    assert dependencies[1:-1] == sorted(dependencies[1:-1])
    assert dependencies[-1]["pip"] == sorted(dependencies[-1]["pip"])


def test_a_server_that_does_not_listen_has_no_routes() -> None:
    made = evolve(made_of("minimal", "cpu"), liveness=None, scoring=None)
    assert "inference_config" not in v2_document(made)
    assert "inferenceConfig" not in rest_document(made)["properties"]


def test_packages_are_named_only_where_asked() -> None:
    made = made_of("minimal", "cpu")
    assert "conda_file" not in v2_document(made)
    assert v2_document(made, conda=True)["conda_file"] == made.conda
    assert "condaFile" not in rest_document(made)["properties"]


def test_each_form_has_its_files() -> None:
    made = made_of("minimal", "cpu")
    files = {form: sorted(form_files(made, form)) for form in FORMS}
    assert files == {
        "v1": ["azureml_environment.json"],
        "v2": ["environment.yml"],
        "v2-json": ["environment.json"],
        "rest": ["environment_version.json"],
        "assets": ["asset.yaml", "context/Dockerfile", "environment.yaml", "spec.yaml"],
    }
    assert form_files(made, "assets")["context/Dockerfile"] == f"FROM {made.image}\n"


def test_texts_of_one_form() -> None:
    twice = ["a"]
    value = {"version": "1", "b": twice, "a": twice, "text": "é " + 60 * "long ", "yes": "no"}
    assert yaml_text(value) == (
        "version: '1'\nb:\n  - a\na:\n  - a\ntext: 'é " + 60 * "long " + "'\n'yes': 'no'\n"
    )
    assert json_text({"b": "é", "a": []}) == '{\n    "b": "é",\n    "a": []\n}\n'
