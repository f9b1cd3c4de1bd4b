"""The report that CI systems read."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from lockyard.trial.junit import junit
from lockyard.trial.outcome import Outcome, SkippedError, Tested, WrongError, outcome


def _skip() -> str:
    raise SkippedError("no server")


def _fail() -> str:
    raise WrongError("<a>", "\x1b[31m\x00 ]]> \ud800 &\nsecond")


def test_a_report_is_xml_whatever_an_image_says() -> None:
    outcomes: tuple[Outcome, ...] = (
        outcome("config", lambda: "User"),
        outcome("health", _fail),
        outcome("stop", _skip),
    )
    tested = Tested(
        env="e", image="i", platform="linux/amd64", digest="sha256:0", outcomes=outcomes, memory=1
    )
    root = ET.fromstring(junit([tested]))  # noqa: S314 - what was just made
    (suite,) = root
    assert {key: suite.get(key) for key in ("name", "tests", "failures", "errors", "skipped")} == {
        "name": "i",
        "tests": "3",
        "failures": "1",
        "errors": "0",
        "skipped": "1",
    }
    properties, passed, failed, skipped = suite
    assert {each.get("name"): each.get("value") for each in properties} == {
        "platform": "linux/amd64",
        "digest": "sha256:0",
        "memory-bytes": "1",
    }
    assert (passed.get("name"), passed.findtext("system-out")) == ("config", "User")
    failure = failed.find("failure")
    assert failure is not None
    assert failure.get("message") == "\ufffd[31m\ufffd ]]> \ufffd &"
    assert failure.text == "expected:\n<a>\nfound:\n\ufffd[31m\ufffd ]]> \ufffd &\nsecond\n"
    told = skipped.find("skipped")
    assert told is not None
    assert told.get("message") == "no server"
