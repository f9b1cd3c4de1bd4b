from __future__ import annotations

import pytest
from attrs import evolve

from lockyard.build.base.accounts import ImageAccounts
from lockyard.build.entry import text
from lockyard.errors import BuildError
from tests.build.makers import recipe

USER = recipe().user
FILES = {
    "etc/passwd": text("etc/passwd", b"root:x:0:0:root:/root:/bin/bash\nodd\xff:x:7:7::/:\n"),
    "etc/group": text("etc/group", b"root:x:0:\nshadow:x:42:"),
    "etc/shadow": evolve(text("etc/shadow", b"root:$6$s:1:0:99999:7:::\n", mode=0o640), gid=42),
}


def contents(accounts: ImageAccounts) -> dict[str, bytes]:
    found = {}
    for entry in accounts.entries():
        assert entry.open
        with entry.open() as stream:
            found[entry.path] = stream.read()
    return found


def test_a_line_is_added_and_the_others_stay() -> None:
    added = ImageAccounts(files=FILES).with_user(USER)
    assert contents(added) == {
        "etc/passwd": b"root:x:0:0:root:/root:/bin/bash\nodd\xff:x:7:7::/:\n"
        b"someone:x:1000:1000::/home/someone:/bin/sh\n",
        "etc/group": b"root:x:0:\nshadow:x:42:\nsomeone:x:1000:\n",
        "etc/shadow": b"root:$6$s:1:0:99999:7:::\nsomeone:*:3652:0:99999:7:::\n",
    }
    (shadow,) = (each for each in added.entries() if each.path == "etc/shadow")
    assert (shadow.mode, shadow.gid) == (0o640, 42)


def test_what_some_take_for_the_end_of_a_line_stays() -> None:
    content = "root:x:0:0:Ren\u2028e\x0c:/root:/bin/sh\r\n".encode()
    files = {"etc/passwd": text("etc/passwd", content)}
    added = contents(ImageAccounts(files=files).with_user(USER))["etc/passwd"]
    assert added == content + b"someone:x:1000:1000::/home/someone:/bin/sh\n"


def test_an_image_without_accounts_gets_the_user_alone() -> None:
    added = contents(ImageAccounts(files={}).with_user(USER))
    assert added == {
        "etc/passwd": b"someone:x:1000:1000::/home/someone:/bin/sh\n",
        "etc/group": b"someone:x:1000:\n",
    }


@pytest.mark.parametrize(
    "taken", [b"someone:x:5:5::/:\n", b"other:x:1000:5::/:\n"], ids=["name", "number"]
)
def test_an_account_that_is_taken(taken: bytes) -> None:
    files = {**FILES, "etc/passwd": text("etc/passwd", taken)}
    with pytest.raises(BuildError, match="the base has an account"):
        ImageAccounts(files=files).with_user(USER)
