"""What diffoscope says of a difference, where it is installed."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from itertools import islice
from pathlib import Path

from lockyard.store.faults import store_faults
from lockyard.verify.archive import CHUNK, items, unpacked
from lockyard.verify.difference import Difference
from lockyard.verify.view import View

_LARGEST = 256 << 20  # bytes of a file or a layer that it is given; it reads them whole
_SECONDS = 600
REPORT = "diffoscope.txt"


def write_report(found: Difference, one: View, other: View, folder: Path) -> str:
    """Have diffoscope compare what differs, into a new folder; return the report's path.

    It gets the two files beside the report, or where more than one file's content differs, the
    two layers. "" where it isn't installed, has nothing to read, or breaks down.
    """
    program = shutil.which("diffoscope")
    if program is None or found.part != "layer":
        return ""
    with store_faults(folder, "the folder of reports", "give --report"):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        pair = [_written(found, each, folder / name) for name, each in _sides(one, other).items()]
        if not all(pair):
            return ""
        report = folder / REPORT
        try:
            done = subprocess.run(
                [program, "--no-progress", "--text", str(report), *map(str, pair)],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_SECONDS,
                check=False,
            )
        except (OSError, subprocess.SubprocessError):
            return ""
        # 1: they differ, as diff(1) has it.
        return str(report) if done.returncode == 1 and report.exists() else ""


def _sides(one: View, other: View) -> Mapping[str, View]:
    return {"one": one, "other": other}


def _written(found: Difference, view: View, folder: Path) -> Path | None:
    """Write what differs of one image; None where that is too large, or isn't there."""
    layers = view.manifest(found.platform).layers
    if found.layer > len(layers):
        return None
    layer = layers[found.layer - 1]
    source = view.blob(layer)
    folder.mkdir()
    if not any(each.what.startswith("content") for each in found.changes):
        if layer.size > _LARGEST:
            return None
        target = folder / "layer.tar.gz"
        shutil.copyfile(source, target)
        return target
    target = folder / (found.path.rpartition("/")[2] or "file")
    with unpacked(source, layer.media_type) as stream:
        same = ((item, content) for item, content in items(stream) if f"/{item.path}" == found.path)
        for item, content in islice(same, 1):
            if item.size > _LARGEST:
                return None
            with target.open("xb") as made:
                shutil.copyfileobj(content, made, CHUNK)
            return target
    return None
