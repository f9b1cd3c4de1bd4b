"""What came of checks as JUnit's XML, which CI systems show."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree as ET

from lockyard.trial.outcome import Outcome, Tested

# What isn't a character of XML 1.0 (production 2): an image may say anything.
_NO_CHARACTER = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(tested: Sequence[Tested]) -> bytes:
    """Return a JUnit report, a suite for each image and a case for each check.

    It has no times of day, so only durations differ between two runs.
    """
    root = ET.Element("testsuites", name="lockyard test")
    for each in tested:
        suite = ET.SubElement(
            root,
            "testsuite",
            name=each.image,
            tests=str(len(each.outcomes)),
            failures=str(len(each.failed)),
            errors="0",
            skipped=str(sum(one.state == "skipped" for one in each.outcomes)),
            time=f"{each.seconds:.2f}",
        )
        _properties(suite, each)
        for one in each.outcomes:
            _case(suite, each, one)
    ET.indent(root)
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _properties(suite: ET.Element, tested: Tested) -> None:
    properties = ET.SubElement(suite, "properties")
    measured = {
        "platform": tested.platform,
        "digest": tested.digest,
        "cold-start-seconds": tested.cold_start,
        "memory-bytes": tested.memory,
    }
    for name, value in measured.items():
        if value is not None:
            ET.SubElement(properties, "property", name=name, value=str(value))


def _case(suite: ET.Element, tested: Tested, one: Outcome) -> None:
    case = ET.SubElement(
        suite, "testcase", name=one.check, classname=tested.image, time=f"{one.seconds:.2f}"
    )
    if one.state == "failed":
        first = (one.found.splitlines() or [""])[0]
        failure = ET.SubElement(case, "failure", message=_clean(first), type=one.check)
        failure.text = _clean(f"expected:\n{one.expected}\nfound:\n{one.found}\n")
    elif one.state == "skipped":
        ET.SubElement(case, "skipped", message=_clean(one.detail))
    elif one.detail:
        ET.SubElement(case, "system-out").text = _clean(one.detail)


def _clean(text: str) -> str:
    return _NO_CHARACTER.sub("\ufffd", text)
