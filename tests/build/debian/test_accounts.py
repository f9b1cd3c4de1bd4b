from __future__ import annotations

import grp
import pwd
from pathlib import Path
from typing import Any, cast

import pytest

from lockyard.build.debian.accounts import Accounts, base_accounts
from lockyard.build.debian.archive import open_debs
from lockyard.errors import BuildError
from lockyard.spec.model import User
from tests.build.makers import GROUP, PASSWD, base_passwd, deb_bytes, member

MASTER = "./usr/share/base-passwd"


def accounts(tmp_path: Path, *debs: bytes) -> Accounts:
    paths = {}
    for number, data in enumerate(debs):
        paths[f"{number}.deb"] = tmp_path / str(number)
        paths[f"{number}.deb"].write_bytes(data)
    with open_debs(paths) as opened:
        return base_accounts(opened)


def user(**more: Any) -> User:
    values = {"name": "someone", "uid": 1000, "gid": 1001, "home": "/home/someone"}
    return cast(Any, User)(**values | more)  # type: ignore[no-any-return]


def written(made: Accounts) -> dict[str, str]:
    texts = {}
    for entry in made.entries():
        assert entry.open
        with entry.open() as stream:
            texts[entry.path] = stream.read().decode()
    return texts


def test_files_have_the_form_that_the_system_reads(tmp_path: Path) -> None:
    made = accounts(tmp_path, base_passwd()).with_user(user())
    texts = written(made)
    for line in texts["etc/passwd"].splitlines():
        # As many fields as passwd(5) has, and the password elsewhere.
        found = pwd.struct_passwd([*line.split(":")])
        assert found.pw_passwd == "x"
    for line in texts["etc/group"].splitlines():
        assert grp.struct_group(line.split(":")).gr_passwd == "x"
    assert [len(line.split(":")) for line in texts["etc/shadow"].splitlines()] == [9, 9, 9]
    assert all(line.split(":")[1] == "*" for line in texts["etc/shadow"].splitlines())
    names = [line.split(":")[0] for line in texts["etc/passwd"].splitlines()]
    assert names == ["root", "man", "someone"]
    assert names == [line.split(":")[0] for line in texts["etc/shadow"].splitlines()]
    assert texts["etc/gshadow"].splitlines()[-1] == "someone:*::"
    assert texts["etc/passwd"].endswith("someone:x:1000:1001::/home/someone:/bin/sh\n")
    assert texts["etc/group"].endswith("someone:x:1001:\n")


def test_shadows_are_secret(tmp_path: Path) -> None:
    modes = {e.path: (e.mode, e.gid) for e in accounts(tmp_path, base_passwd()).entries()}
    assert modes == {
        "etc/passwd": (0o644, 0),
        "etc/group": (0o644, 0),
        "etc/shadow": (0o640, 42),
        "etc/gshadow": (0o640, 42),
    }


def test_apt_has_its_user(tmp_path: Path) -> None:
    assert accounts(tmp_path, base_passwd()).user_id("_apt", -1) == -1
    assert accounts(tmp_path, base_passwd(), deb_bytes("apt")).user_id("_apt", -1) == 100


def test_numbers(tmp_path: Path) -> None:
    made = accounts(tmp_path, base_passwd())
    assert made.user_id("man", 999) == 6
    assert made.user_id("staff", 999) == 999
    assert made.group_id("staff", 999) == 50


@pytest.mark.parametrize(
    "more", [{"name": "man"}, {"uid": 6}, {"gid": 8}, {"name": "mail"}, {"uid": 0}]
)
def test_a_user_that_the_base_has(more: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="the base has an account") as caught:
        accounts(tmp_path, base_passwd()).with_user(user(**more))
    assert caught.value.where.startswith("user ")


@pytest.mark.parametrize(
    "passwd", [b"\xff\n", b"root\n", b"root:*:zero:0::/:/bin/sh\n", b"\n", b"a/b:*:1:1::/:/x\n"]
)
def test_a_base_of_unsound_accounts(passwd: bytes, tmp_path: Path) -> None:
    files = [member(f"{MASTER}/passwd.master", passwd), member(f"{MASTER}/group.master", GROUP)]
    with pytest.raises(BuildError, match=r"no sound usr/share/base-passwd/passwd\.master"):
        accounts(tmp_path, deb_bytes("base-passwd", files))


def test_a_base_of_no_groups(tmp_path: Path) -> None:
    data = deb_bytes("base-passwd", [member(f"{MASTER}/passwd.master", PASSWD)])
    with pytest.raises(BuildError, match=r"no sound usr/share/base-passwd/group\.master"):
        accounts(tmp_path, data)
