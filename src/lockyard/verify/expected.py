"""What an image is expected to be: by a digest, and by the image itself where it is at hand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from attrs import frozen

from lockyard.assemble.layout import read_ledger
from lockyard.errors import IntegrityError, UsageError
from lockyard.verify.view import View, layout_view


@frozen(kw_only=True)
class Expected:
    """An image by the digests that name it, or its platforms, any of which will do.

    ``view`` is the image itself, by which it is told what differs; ``title`` is for messages.
    """

    title: str
    digests: frozenset[str]
    view: View | None = None

    def fits(self, view: View) -> bool:
        """Tell whether a rebuilt image is the one that is expected, or one of its platforms is.

        That is told by what the expected image's own tag names: an index, a manifest.
        """
        if self.view is not None:
            return f"sha256:{self.view.top.digest}" in view.digests
        return bool(self.digests & view.digests)


def expected_of(view: View) -> Expected:
    """Return what an image at hand lets expect."""
    return Expected(title=view.title, digests=frozenset({f"sha256:{view.top.digest}"}), view=view)


def by_digest(digest: str, folder: Path) -> Expected:
    """Return what a digest lets expect; the layout in ``folder`` is at hand if it has it."""
    found = _built(folder)
    at_hand = found if found is not None and digest in found.digests else None
    return Expected(title=digest, digests=frozenset({digest}), view=at_hand)


def by_ledger(folder: Path, plans: Mapping[str, str], builder: str) -> Expected | None:
    """Return what the last build lets expect, if that was of these plans, by platform.

    None where another builder made it, whose images have other digests.
    """
    ledger = read_ledger(folder)
    if ledger is None or ledger.get("plans") != plans or ledger.get("builder") != builder:
        return None
    found = _built(folder)
    if found is None or set(ledger["images"].values()) - found.digests:
        return None
    return expected_of(found)


def _built(folder: Path) -> View | None:
    """Return the image of a build, None where there is none that can be read."""
    try:
        return layout_view(folder, str(folder))
    except (UsageError, IntegrityError):
        return None
