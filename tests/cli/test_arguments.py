"""What the programs offer, and what they say to arguments that don't fit."""

from __future__ import annotations

import json

import pytest

from lockyard.cli.namespace import namespace
from lockyard.cli.program import main
from lockyard.errors import UsageError
from tests.cli.conftest import Yard

TASKS = sorted(namespace.task_names)


def test_both_programs_offer_the_same(yard: Yard) -> None:
    offers = []
    for program in ("lockyard", "invoke"):
        listed = yard.run("--list", "--list-format=json", program=program)
        assert listed.returncode == 0
        offers.append({each["name"]: each["help"] for each in json.loads(listed.stdout)["tasks"]})
    assert offers[0] == offers[1]
    assert sorted(offers[0]) == TASKS
    assert all(offers[0].values())


@pytest.mark.parametrize("task", TASKS)
def test_help_teaches(yard: Yard, task: str) -> None:
    shown = {
        program: yard.run("--help", task, program=program) for program in ("lockyard", "invoke")
    }
    texts = [done.stdout.partition("\n")[2] for done in shown.values()]
    assert texts[0] == texts[1]
    assert f"Example: invoke {task}" in texts[0]


@pytest.mark.parametrize("task", TASKS)
def test_every_option_is_described(task: str) -> None:
    for argument in namespace[task].get_arguments():
        assert argument.help, argument.names


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["build"], "name one env, or give --all"),
        (["lock"], "name one env, or give --all"),
        (["build", "trial", "--all"], "name one env, or give --all"),
        (["build", "--all", "trial"], "No idea what 'trial' is!"),
        (["build", "trial", "--jobs", "many"], "--jobs takes a number of at least 1, not 'many'"),
        (["build", "trial", "--jobs", "0"], "--jobs takes a number of at least 1, not '0'"),
        (["build", "trial", "--jobs=-1"], "--jobs takes a number of at least 1, not '-1'"),
        (["build", "trial", "--fast"], "No idea what '--fast' is!"),
        (["build", "--fast"], "there is no option --fast"),
        (["ship"], "No idea what 'ship' is!"),
        (["--help", "ship"], "No idea what 'ship' is!"),
        (["build", "trail"], "there is no env 'trail'\ndid you mean 'trial'?"),
        (["lock", "trail"], "there is no env 'trail'\ndid you mean 'trial'?"),
        (["build", "../envs/trial"], "there is no env '../envs/trial'"),
    ],
)
def test_usage(yard: Yard, arguments: list[str], reason: str) -> None:
    yard.write_spec("trial", 'title = "Trial"\nbase = "debian12"\n')
    message = yard.refused(UsageError.status, *arguments)
    assert message.startswith("usage error: ")
    assert reason in message


def test_usage_as_json(yard: Yard) -> None:
    for arguments in (["build", "--json"], ["build", "nothing", "--json"]):
        error = json.loads(yard.refused(UsageError.status, *arguments))["error"]
        assert error["family"] == "usage"
        assert error["reason"]
        assert error["solution"]


def test_invoke_tells_its_own_faults_without_a_traceback(yard: Yard) -> None:
    for arguments in (["build"], ["build", "trial", "--jobs", "many"], ["ship"]):
        done = yard.run(*arguments, program="invoke")
        assert done.returncode == 1
        assert len(done.stderr.splitlines()) == 1


def test_no_workspace(yard: Yard) -> None:
    done = yard.run("list", folder=str(yard.root.parent))
    assert done.returncode == UsageError.status
    assert "there is no WORKSPACE.toml here or above" in done.stderr


def test_found_from_a_folder_of_the_workspace(yard: Yard) -> None:
    yard.lock("trial", yard.base())
    done = yard.run("build", "trial", folder=str(yard.root / "envs"))
    assert done.returncode == 0
    assert (yard.root / "dist").is_dir()


def test_version(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["lockyard", "--version"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    assert capsys.readouterr().out.startswith("lockyard ")


@pytest.mark.parametrize("task", ["list", "lock", "build", "check", "diff", "export"])
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_a_task_explains_itself(yard: Yard, task: str, flag: str) -> None:
    done = yard.run(task, flag)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Example:" in done.stdout
    assert done.stdout == yard.run("--help", task).stdout
