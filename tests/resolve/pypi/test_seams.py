from __future__ import annotations

from collections.abc import Iterator

import pytest
from pip._internal.commands.install import InstallCommand
from pip._internal.req.constructors import install_req_from_line
from pip._vendor.packaging import markers

from lockyard.resolve.pypi import seams
from lockyard.resolve.pypi.refusal import Refusal
from lockyard.resolve.pypi.target import PythonTarget

PY37 = PythonTarget("3.7.16", "2.27", "x86_64")


@pytest.fixture(autouse=True)
def _put_markers_back() -> Iterator[None]:
    before = markers.default_environment
    yield
    markers.default_environment = before


def test_holds_with_the_pinned_versions() -> None:
    seams.check_seams()


def test_refuses_other_signatures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(seams._SIGNATURES, InstallCommand.make_resolver, ("python",))
    with pytest.raises(Refusal, match="make_resolver has no parameter python"):
        seams.check_seams()


def test_leads_pips_markers() -> None:
    seams.lead_markers(PY37)
    assert install_req_from_line("app; python_version == '3.7'").match_markers()
    assert not install_req_from_line("app; python_version == '3.11'").match_markers()


def test_refuses_when_markers_cannot_be_led(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seams, "_replace_environment", lambda environment: None)
    with pytest.raises(Refusal, match="evaluated for this machine"):
        seams.lead_markers(PY37)


def test_finder_sees_the_tags_of_the_target() -> None:
    foreign = seams.ForeignPython(PY37)
    assert [str(tag) for tag in foreign.get_sorted_tags()] == [str(tag) for tag in PY37.tags]
    assert foreign.get_unsorted_tags() == set(foreign.get_sorted_tags())
    assert foreign.py_version_info == (3, 7, 16)
