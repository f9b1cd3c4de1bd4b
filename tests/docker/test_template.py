from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from lockyard.docker.template import contexts, epoch, render
from lockyard.errors import BuildError, SpecError
from lockyard.plan.image import ImagePlan
from tests.docker.conftest import base_image

TEMPLATE = Path(__file__).resolve().parents[2] / "images/inference/Dockerfile"


def config(plan: ImagePlan, **changes: Any) -> str:
    return render("@{config}", evolve(plan, config={**plan.config, **changes}), "Dockerfile")


def test_the_config_as_instructions(plan: ImagePlan) -> None:
    assert config(plan).splitlines() == [
        'ENV PATH="/opt/venv/bin:/bin"',
        'LABEL title="Trial"',
        'WORKDIR "/srv"',
        "EXPOSE 80/tcp 9000/tcp",
        "USER 1000:1000",
        "STOPSIGNAL SIGINT",
        'CMD ["/usr/local/bin/start", "a b"]',
    ]


def test_no_value_is_taken_for_a_variable_or_the_end_of_another(plan: ImagePlan) -> None:
    told = config(plan, Env=["A=1 $HOME", 'B="\\'])
    assert 'ENV A="1 \\$HOME" \\\n    B="\\"\\\\"\n' in told


def test_without_ports_there_is_no_instruction_for_them(plan: ImagePlan) -> None:
    assert "EXPOSE" not in config(plan, ExposedPorts={})


@pytest.mark.parametrize("value", ["two\nlines", "a\rreturn"])
def test_a_value_that_no_dockerfile_can_say(plan: ImagePlan, value: str) -> None:
    with pytest.raises(BuildError, match="several lines") as caught:
        config(plan, Env=[f"A={value}"])
    assert "value of A" in caught.value.reason


def test_places(plan: ImagePlan) -> None:
    text = render("@{title} @{platform} @{epoch} @{prefix} @{python} $x @", plan, "Dockerfile")
    assert text == (
        "registry.example/trial-cpu linux/amd64 1767323045 /opt/venv /opt/venv/bin/python $x @"
    )
    assert epoch(plan) == 1767323045


def test_a_registrys_image_stands_in_the_place_of_the_base(plan: ImagePlan) -> None:
    assert contexts(plan) == {}
    based = evolve(plan, image=base_image())
    place = f"oci-layout://base@sha256:{'a' * 64}"
    assert contexts(based) == {"base": place}
    assert contexts(based, "/tmp/x/") == {"base": place.replace("base", "/tmp/x/base", 1)}
    told = render("# build@{contexts} .", based, "Dockerfile")
    assert told == f"# build \\\n#     --build-context base={place} ."


def test_a_place_that_is_not_there(plan: ImagePlan) -> None:
    with pytest.raises(SpecError, match="1 fault") as caught:
        render("FROM @{base}", plan, "images/trial/Dockerfile")
    assert "images/trial/Dockerfile: @{base}: there is no such place" in str(caught.value)


def test_commands_as_they_are(plan: ImagePlan) -> None:
    assert render("@{steps}", plan, "Dockerfile") == ""
    commands = ('echo "$HOME" \\', "two\nlines <<EOF")
    lines = render("@{steps}", evolve(plan, run=commands), "Dockerfile").splitlines()
    assert len(lines) == 2
    for line, command in zip(lines, commands, strict=True):
        assert line.startswith("RUN --network=none [")
        assert json.loads(line.removeprefix("RUN --network=none "))[-2:] == ["-euc", command]
        assert "PATH=/opt/venv/bin:/bin" in line


def test_commands_see_nothing_of_who_builds(plan: ImagePlan) -> None:
    told = render("@{steps}", evolve(plan, run=("env",)), "Dockerfile")
    command = json.loads(told.removeprefix("RUN --network=none "))
    given = {"HTTPS_PROXY": "http://name:secret@proxy", "no_proxy": "x", "HOME": "/else"}
    ran = subprocess.run(command, env=given, stdout=subprocess.PIPE, text=True, check=True)
    seen = dict(line.split("=", 1) for line in ran.stdout.splitlines())
    assert seen.keys() - {"PWD", "OLDPWD", "SHLVL", "_"} == {
        "HOME",
        "PATH",
        "PYTHONDONTWRITEBYTECODE",
    }
    assert seen["HOME"] == "/root"


def test_nothing_from_outside_decides_what_the_template_builds(plan: ImagePlan) -> None:
    lines = render(TEMPLATE.read_text(), plan, "Dockerfile").splitlines()
    assert not [line for line in lines if line.startswith(("ARG", "# syntax"))]
    assert all("--network=none" in line for line in lines if line.startswith("RUN"))
    names = [line.split()[3] for line in lines if line.startswith("FROM") and " AS " in line]
    froms = [line.split()[1] for line in lines if line.startswith("FROM")]
    assert set(froms) <= {"scratch", *names}
