from __future__ import annotations

import json
from pathlib import Path

from lockyard.verify.expected import by_digest, by_ledger, expected_of
from lockyard.verify.view import layout_view
from tests.verify.doctor import Doctor

PLANS = {"linux/amd64": "key"}


def ledger(folder: Path, **changes: object) -> None:
    (digest,) = layout_view(folder, "").digests
    value = {"plans": PLANS, "builder": "embedded", "blobs": {}, "images": {"linux/amd64": digest}}
    (folder / "lockyard.json").write_text(json.dumps(value | changes))


def test_a_ledger_counts_for_its_own_plan_and_builder(doctor: Doctor) -> None:
    folder = doctor.folder
    ledger(folder)
    expected = by_ledger(folder, PLANS, "embedded")
    assert expected is not None
    assert expected.fits(layout_view(folder, "again"))
    assert by_ledger(folder, {"linux/amd64": "other"}, "embedded") is None
    assert by_ledger(folder, PLANS, "docker") is None
    # A ledger that speaks of another image than the one beside it says nothing.
    ledger(folder, images={"linux/amd64": f"sha256:{'0' * 64}"})
    assert by_ledger(folder, PLANS, "embedded") is None
    assert by_ledger(folder / "none", PLANS, "embedded") is None


def test_a_digest_has_its_image_where_that_was_built(image: Path, tmp_path: Path) -> None:
    view = layout_view(image, "it")
    (digest,) = view.digests
    known, unknown = by_digest(digest, image), by_digest(digest, tmp_path)
    assert known.view is not None
    assert unknown.view is None
    assert known.fits(view)
    assert unknown.fits(view)
    assert not by_digest(f"sha256:{'0' * 64}", image).fits(view)


def test_an_image_that_was_changed_does_not_fit(image: Path, doctor: Doctor) -> None:
    doctor.image(lambda _, config: config.update({"created": "2000-01-01T00:00:00Z"}))
    changed = layout_view(doctor.folder, "changed")
    assert not expected_of(layout_view(image, "it")).fits(changed)
