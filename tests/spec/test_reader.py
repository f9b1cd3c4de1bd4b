from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from lockyard.errors import SpecError, UsageError
from lockyard.spec.reader import read_fleet

FaultsOf = Callable[[Callable[[], object]], list[str]]


def test_sound_workspace(root: Path) -> None:
    fleet = read_fleet(root)
    assert fleet.env_names() == ("trial",)
    assert fleet.recipe_names() == ("inference",)
    env, recipe = fleet.env("trial"), fleet.recipe("inference")
    assert (env.name, env.platforms, list(env.variants)) == ("trial", ("linux/amd64",), ["cpu"])
    assert recipe.contents == {"start": b"#!/bin/sh\n"}


def test_found_from_a_folder_below(root: Path) -> None:
    below = root / "envs" / "deep" / "er"
    below.mkdir(parents=True)
    assert read_fleet(below).root == root


def test_no_workspace(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no WORKSPACE\.toml here or above"):
        read_fleet(tmp_path)


def test_all_faults_of_an_env_at_once(root: Path, faults_of: FaultsOf) -> None:
    (root / "envs/trial.toml").write_text(
        'titel = "Trial"\n'
        'base = "debian21"\n'
        'requirements.pypi = ["numpy=>1.2", "pandas @ https://files.example/p.whl", "-r all.txt"]\n'
        'requirements.debian = "libgomp1"\n'
        'platforms = ["linux/amd46"]\n'
        'environment."A-B" = "x"\n'
        "environment.PORT = 5001\n"
        "[variants.gpu]\n"
    )
    file = "envs/trial.toml"
    found = faults_of(lambda: read_fleet(root).env("trial"))
    assert sorted(found) == sorted(
        [
            f"{file}: titel: there is no such key (did you mean 'title'?)",
            f"{file}: title: this key is missing",
            f"{file}: base: there is no base 'debian21' (did you mean 'debian12'?)",
            f"{file}: requirements.pypi[0]: 'numpy=>1.2' isn't a requirement: Expected semicolon "
            "(after name with no version specifier) or end "
            '(write it as "name>=1.2,<2" (PEP 508))',
            f"{file}: requirements.pypi[1]: 'pandas @ https://files.example/p.whl' names an "
            "address (require it by name and version from a source)",
            f"{file}: requirements.pypi[2]: '-r all.txt' is an option of pip "
            "(sources are set in WORKSPACE.toml)",
            f"{file}: requirements.debian: 'libgomp1' isn't a list (write it as ['libgomp1'])",
            f"{file}: platforms[0]: there is no platform 'linux/amd46' "
            "(did you mean 'linux/amd64'?)",
            f"{file}: environment.A-B: 'A-B' isn't a variable's name (write it as \"LANG\")",
            f"{file}: environment.PORT: 5001 isn't a text",
            f"{file}: variants.gpu: 'gpu' isn't a variant "
            '(write it as "cpu" or "cuda" and a version)',
        ]
    )


@pytest.mark.parametrize(
    ("line", "key", "reason"),
    [
        ('title = "two\\nlines"', "title", "isn't a line of text"),
        ('title = " "', "title", "isn't a line of text"),
        ("platforms = []", "platforms", "there is nothing in it"),
        ("variants = {}", "variants", "there is nothing in it"),
        ('variants."cuda../../x" = {}', 'variants."cuda../../x"', "isn't a variant"),
        ('sdists.app.environment.A = "a\\u0000b"', "sdists.app.environment.A", "NUL"),
        ('sdists."../app" = {}', 'sdists."../app"', "isn't a package's name"),
        ("sdists = { PyYAML = {}, pyyaml = {} }", "sdists.pyyaml", "pyyaml has two rules"),
        ('as-of.pypi = "20230701"', "as-of.pypi", "isn't a day"),
        ('as-of.pypi = "2023-W26-6"', "as-of.pypi", "isn't a day"),
        ('as-of.pypi = "2023-02-30"', "as-of.pypi", "isn't a day"),
        ('environment.A = "a\\u0000b"', "environment.A", "NUL"),
        ('recipe = "../inference"', "recipe", "there is no recipe"),
        ('requirements.pypi = ["-e ."]', "requirements.pypi[0]", "option of pip"),
        ('requirements.debian = ["a; rm -rf"]', "requirements.debian[0]", "isn't a Debian package"),
        ("requirements = 2026-01-01", "requirements", "2026-01-01 isn't a table"),
        ("title = true", "title", "true isn't a text"),
        ("title = inf", "title", "inf isn't a text"),
        (f"title = 0x{'f' * 5000}", "title", "a number this large isn't a text"),
    ],
)
def test_unfit_value_of_an_env(
    root: Path, faults_of: FaultsOf, line: str, key: str, reason: str
) -> None:
    given = {"title": 'title = "Trial"', "base": 'base = "debian12"'}
    text = "\n".join([*(each for name, each in given.items() if not line.startswith(name)), line])
    (root / "envs/trial.toml").write_text(text)
    (fault,) = faults_of(lambda: read_fleet(root).env("trial"))
    assert fault.startswith(f"envs/trial.toml: {key}: ")
    assert reason in fault


@pytest.mark.parametrize(
    "requirement",
    [
        "p; python_version ~= 'abc'",
        "p; os_name == 'nt' and python_version ~= 'abc'",
        "p; sys_platform ~= 'x'",
        "p; " + "(" * 600 + "os_name == 'a'" + ")" * 600,
        "p>=" + "9" * 5000,
        "",
        "a b",
        "\x00",
    ],
)
def test_requirement_that_breaks_parsers(root: Path, faults_of: FaultsOf, requirement: str) -> None:
    text = requirement.replace("\x00", "\\u0000")
    with (root / "envs/trial.toml").open("a") as stream:
        stream.write(f'requirements.pypi = ["{text}"]\n')
    (fault,) = faults_of(lambda: read_fleet(root).env("trial"))
    assert fault.startswith("envs/trial.toml: requirements.pypi[0]: ")
    assert len(fault) < 400


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'title = "a\n', "this isn't TOML"),
        (b"title = \n", "line 1"),
        (b'title = "a"\ntitle = "b"\n', "line 2"),
        (b'title = "\xff"\n', "byte 9 isn't UTF-8"),
        (b"title = " + b"[" * 5000, "no TOML that anybody writes"),
        (b"title = " + b"1" * 5000, "no TOML that anybody writes"),
        (b"title" + b".a" * 5000 + b" = 1", "no TOML that anybody writes"),
        (b"\x00", "this isn't TOML"),
    ],
)
def test_what_is_no_toml(root: Path, faults_of: FaultsOf, data: bytes, reason: str) -> None:
    (root / "envs/trial.toml").write_bytes(data)
    (fault,) = faults_of(lambda: read_fleet(root).env("trial"))
    assert fault.startswith("envs/trial.toml: ")
    assert reason in fault


def test_files_that_cannot_be_read(root: Path, faults_of: FaultsOf) -> None:
    (root / "envs/folder.toml").mkdir()
    (root / "envs/circle.toml").symlink_to("circle.toml")
    fleet = read_fleet(root)
    assert faults_of(lambda: fleet.env("folder")) == [
        "envs/folder.toml: can't be read: Is a directory"
    ]
    assert faults_of(lambda: fleet.env("circle")) == [
        "envs/circle.toml: can't be read: Too many levels of symbolic links"
    ]


@pytest.mark.parametrize("name", ["Trial", "a b", "a_b", "-a", "a.", "a--b", "ä", "x" * 101])
def test_env_that_no_image_can_be_called_by(root: Path, faults_of: FaultsOf, name: str) -> None:
    (root / f"envs/{name}.toml").write_text((root / "envs/trial.toml").read_text())
    (fault,) = faults_of(lambda: read_fleet(root).env(name))
    assert "images can't have this name (a-z, 0-9, dots and dashes, at most 100)" in fault


@pytest.mark.parametrize(
    "marker",
    ["python_version < '3.8'", "extra == 'a'", "'linux' in sys_platform", "platform_release != ''"],
)
def test_markers_that_can_be_evaluated(root: Path, marker: str) -> None:
    with (root / "envs/trial.toml").open("a") as stream:
        stream.write(f'requirements.pypi = ["p; {marker}"]\n')
    assert read_fleet(root).env("trial").requirements.pypi == (f"p; {marker}",)


def test_sdists_are_known_by_their_normalised_names(root: Path) -> None:
    with (root / "envs/trial.toml").open("a") as stream:
        stream.write('sdists."Ruamel.Yaml_clib" = {}\n')
    assert list(read_fleet(root).env("trial").sdists) == ["ruamel-yaml-clib"]


def test_unknown_env(root: Path) -> None:
    fleet = read_fleet(root)
    with pytest.raises(UsageError, match="did you mean 'trial'") as caught:
        fleet.env("trail")
    assert caught.value.where == "envs/"
    for name in ("../envs/trial", "", "/etc/passwd", "\0"):
        with pytest.raises(UsageError, match="there is no env"):
            fleet.env(name)


def test_hidden_files_are_no_envs(root: Path) -> None:
    (root / "envs/.#trial.toml").symlink_to("somebody@host:1")
    (root / "envs/.trial.toml").touch()
    assert read_fleet(root).env_names() == ("trial",)


@pytest.mark.parametrize(
    ("old", "new", "key", "reason"),
    [
        ("format = 1", "format = 2", "format", "this is format 2 (known: 1)"),
        ("format = 1", "format = true", "format", "true isn't a whole number"),
        ('"registry.example"', '"https://registry"', "names.registry", "a registry's host"),
        ('"team"', '"Team/../x"', "names.repository", "a path in a registry"),
        ('"Team-"', '"Team "', "names.environment-prefix", "a prefix"),
        ('kind = "pypi"', 'kind = "npm"', "sources.pypi", "no source of kind 'npm'"),
        ('kind = "pypi"', "kind = []", "sources.pypi", "a source has a kind"),
        ('kind = "pypi"', "kind = [1]", "sources.pypi", "no source of kind a list"),
        ('kind = "pypi"', 'kind = "pypi"\nmirror = "x"', "sources.pypi.mirror", "no such key"),
        ('kind = "pypi"', 'kind = "pypi"\nindex = "../x"', "sources.pypi.index", "an address"),
        ("B8B80B5B", "b8b80b5b", "sources.debian.keys[0]", "a key's fingerprint"),
        (
            'keys = ["B8B80B5B623EAB6AD8775C45B7C5D7D6350947F8"]',
            "keys = []",
            "sources.debian.keys",
            "nothing in it",
        ),
        ("[bases.debian12]", '[bases."../debian12"]', 'bases."../debian12"', "an image's name"),
        ('"bookworm"', '"../../bookworm"', "bases.debian12.suite", "a suite"),
        ('["main"]', '["../main"]', "bases.debian12.components[0]", "a component"),
        ('["main"]', "[]", "bases.debian12.components", "nothing in it"),
        ('python = "3.11"', "python = 3.11", "bases.debian12.python", "3.11 isn't a text"),
        ('"/opt/venv"', '"opt/venv"', "bases.debian12.prefix", "an absolute path"),
        ('"/opt/venv"', '"/opt/../venv"', "bases.debian12.prefix", "an absolute path"),
        ('"/opt/venv"', '"/lib64/venv"', "bases.debian12.prefix", 'write it as "/usr/lib64/venv"'),
        ('"/opt/venv"', '"/opt:/venv"', "bases.debian12.prefix", "a colon"),
        ('pypi = "pypi"', 'pypi = "debian"', "bases.debian12.pypi", "no pypi source 'debian'"),
        ('source = "debian"', 'source = "debain"', "bases.debian12.source", "mean 'debian'"),
    ],
)
def test_unfit_value_of_the_workspace(
    root: Path, faults_of: FaultsOf, old: str, new: str, key: str, reason: str
) -> None:
    path = root / "WORKSPACE.toml"
    path.write_text(path.read_text().replace(old, new))
    found = faults_of(lambda: read_fleet(root))
    assert [fault for fault in found if fault.startswith(f"WORKSPACE.toml: {key}: ")], found
    assert [fault for fault in found if reason in fault], found


def test_another_format_is_told_before_its_keys(root: Path, faults_of: FaultsOf) -> None:
    (root / "WORKSPACE.toml").write_text("format = 2\nsomething-new = 1\n")
    assert faults_of(lambda: read_fleet(root)) == [
        "WORKSPACE.toml: format: this is format 2 (known: 1)"
    ]


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('suffix = "inference"', 'suffix = "../inference"', "suffix"),
        ('name = "somebody"', 'name = "root:x:0:0"', "user.name"),
        ("uid = 1000", "uid = 0", "user.uid"),
        ("gid = 1000", "gid = 65535", "user.gid"),
        ('home = "/home/somebody"', 'home = "/home/some:body"', "user.home"),
        ('home = "/home/somebody"', 'home = "/home/some\\nbody"', "user.home"),
        ('from = "start"', 'from = "../../envs/trial.toml"', 'files."/usr/local/bin/start".from'),
        ('from = "start"', 'from = "/etc/passwd"', 'files."/usr/local/bin/start".from'),
        ('from = "start"', 'from = "a\\u0000b"', 'files."/usr/local/bin/start".from'),
        ('from = "start"', 'from = "absent"', 'files."/usr/local/bin/start".from'),
        ('from = "start"', 'from = "recipe.toml/x"', 'files."/usr/local/bin/start".from'),
        ('mode = "0755"', 'mode = "4755"', 'files."/usr/local/bin/start".mode'),
        ('mode = "0755"', "mode = 493", 'files."/usr/local/bin/start".mode'),
        ('= "user"', '= "nobody"', 'directories."/home/somebody"'),
        ('"/usr/local/bin/start" = {', '"usr/start" = {', "files.usr/start"),
        ('"/usr/local/bin/start" = {', '"/bin/start" = {', "files./bin/start"),
        ('"/home/somebody" = "user"', '"/var/run/x" = "user"', "directories./var/run/x"),
        ('home = "/home/somebody"', 'home = "/sbin"', "user.home"),
        ('command = ["/usr/local/bin/start"]', "command = []", "config.command"),
        ('command = ["/usr/local/bin/start"]', 'command = ["a\\u0000"]', "config.command[0]"),
        ("[config]", "[config]\nports = [0]", "config.ports[0]"),
        ("[config]", '[config]\nports = ["5001"]', "config.ports[0]"),
        ("[config]", '[config]\nstop-signal = "TERM; x"', "config.stop-signal"),
    ],
)
def test_unfit_value_of_a_recipe(
    root: Path, faults_of: FaultsOf, old: str, new: str, key: str
) -> None:
    path = root / "images/inference/recipe.toml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    (fault,) = faults_of(lambda: read_fleet(root).recipe("inference"))
    file, found, _ = fault.replace('"', "").split(": ", 2)
    assert (file, found) == ("images/inference/recipe.toml", key.replace('"', ""))


def test_a_path_that_only_begins_as_a_link_does(root: Path) -> None:
    path = root / "images/inference/recipe.toml"
    path.write_text(path.read_text().replace('"/home/somebody" = "user"', '"/library" = "user"'))
    assert list(read_fleet(root).recipe("inference").directories) == ["/library"]


def test_a_fault_stops_only_what_needs_the_file(root: Path) -> None:
    (root / "envs/broken.toml").write_text("[")
    fleet = read_fleet(root)
    assert fleet.env("trial").title == "Trial"
    with pytest.raises(SpecError, match="the file can't be read") as caught:
        fleet.env("broken")
    assert caught.value.where == "envs/broken.toml"


def test_nothing_but_the_files_counts(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = read_fleet(root).env("trial")
    monkeypatch.chdir("/")
    os.utime(root / "envs/trial.toml", (0, 0))
    assert read_fleet(root).env("trial") == before
