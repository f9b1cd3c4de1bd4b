from __future__ import annotations

from lockyard.verify.enter import commands


def test_nothing_of_its_own_needs_no_command() -> None:
    assert commands(0, host="", network=True, user=None) == []
    assert commands(1001, host="", network=True, user=None) == []
    assert commands(0, host="", network=True, user=0) == []


def test_root_becomes_another_user_that_may_read_what_root_may() -> None:
    command = commands(0, host="", network=False, user=12345)
    assert command[:3] == ["unshare", "--net", "--"]
    assert command[3:6] == ["setpriv", "--reuid", "12345"]
    assert "+dac_read_search" in command


def test_a_user_is_shown_as_another_in_a_name_space() -> None:
    assert commands(1001, host="", network=True, user=0) == [
        "unshare",
        "--user",
        "--map-root-user",
        "--",
    ]
    command = commands(1001, host="x", network=True, user=7)
    assert command[:4] == ["unshare", "--user", "--map-root-user", "--uts"]
    assert command[-4:] == ["--user", "--map-user=7", "--map-group=7", "--"]
    # Its own number, where it has a host of its own.
    assert "--map-user=1001" in commands(1001, host="x", network=True, user=None)
