from __future__ import annotations

from lockyard.verify.documents import document_changes
from lockyard.verify.steps import Change


def test_every_path_with_both_values() -> None:
    one = b'{"a": [1, {"b": "x"}], "c.d": true, "e": 1}'
    other = b'{"a": [1, {"b": "y"}, 2], "c.d": 1, "f": null}'
    assert document_changes(one, other) == [
        Change(what="$.a[1].b", one='"x"', other='"y"'),
        Change(what="$.a[2]", one="nothing", other="2"),
        Change(what='$["c.d"]', one="true", other="1"),
        Change(what="$.e", one="1", other="nothing"),
        Change(what="$.f", one="nothing", other="null"),
    ]


def test_the_form_alone() -> None:
    (change,) = document_changes(b'{"a":1}', b'{"a": 1}')
    assert change.what == "form"
    assert "at 5" in change.one
    assert document_changes(b"{}", b"{}") == []


def test_what_is_no_json_differs_by_its_bytes() -> None:
    deep = b"[" * 100_000
    assert [each.what for each in document_changes(deep, b"{}")] == ["form"]
