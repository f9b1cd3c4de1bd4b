"""The record of an image's build, beside its layout."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from lockyard import ASSEMBLY_VERSION
from lockyard.assemble.layout import LEDGER, Image, top_document
from lockyard.plan.image import ImagePlan
from lockyard.replace import replace_file
from lockyard.tasks.reasons import reasons


def ledger_of(
    plans: Sequence[ImagePlan], images: Sequence[Image], made: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the record of a build: what went in by its key, what came out by its digests.

    ``made`` says how, and from which ``lock`` (its file's sha256) and ``origin`` (see Origins).
    """
    top = top_document(images)
    blobs = {name: size for image in images for name, size in image.blobs.items()}
    blobs[top.digest] = len(top.data)
    return {
        # Format 1 had neither the lock's digest nor the image's own.
        "format": 2,
        **made,
        "image": f"sha256:{top.digest}",
        "assembly": ASSEMBLY_VERSION,
        "plans": {plan.target.platform: plan.key for plan in plans},
        "parts": {plan.target.platform: plan.parts for plan in plans},
        "images": {image.platform: image.digest for image in images},
        "blobs": blobs,
        "layers": {
            image.platform: [
                {"title": layer.title, "digest": layer.digest, "diff_id": layer.diff_id}
                for layer in image.layers
            ]
            for image in images
        },
    }


def changes(
    plans: Sequence[ImagePlan], ledger: Mapping[str, Any] | None, builder: str
) -> tuple[str, ...]:
    """Say what differs from the last build of an image, if there was one."""
    if ledger is not None and ledger.get("builder") != builder:
        return (f"it was built by another builder: {ledger.get('builder')}",)
    parts = (ledger or {}).get("parts")
    then = parts if isinstance(parts, dict) else {}
    now = {plan.target.platform: plan.parts for plan in plans}
    told = [f"{platform} isn't asked for any more" for platform in sorted(then.keys() - now)]
    for platform, each in now.items():
        if then.get(platform) != each:
            told += reasons(each, then.get(platform))
    return tuple(dict.fromkeys(told)) or ("its Dockerfile is another, or what that runs",)


def ledger_text(ledger: Mapping[str, Any]) -> bytes:
    """Return a ledger as it is written."""
    return json.dumps(ledger, sort_keys=True, indent=1).encode() + b"\n"


def note_origin(folder: Path, ledger: Mapping[str, Any], origin: str) -> None:
    """Have a ledger say that these files give the same image, if it can be written.

    Where it can't, the next build plans the image again, to find that out again.
    """
    if origin and ledger.get("origin") != origin:
        with suppress(OSError):
            replace_file(folder / LEDGER, ledger_text({**ledger, "origin": origin}))
