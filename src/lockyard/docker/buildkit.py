"""Run a build by buildx, and take in the image that it makes."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections import deque
from collections.abc import Iterable
from pathlib import Path

from lockyard.assemble.document import CONFIG, Document
from lockyard.assemble.layout import Image
from lockyard.build.built import BuiltLayer
from lockyard.docker.engine import BUILDER, BUILDX
from lockyard.docker.template import contexts, epoch
from lockyard.errors import EngineError
from lockyard.events import Reporter
from lockyard.plan.image import ImagePlan
from lockyard.ship.layout import Layout, read_layout
from lockyard.sources.manifest import MANIFESTS, Manifest, parse_document
from lockyard.store.store import Store

_CHUNK = 1 << 20
_KEPT = 60  # lines of a failed build's output that are told
# "#8 [packages 2/2] RUN ..." when a step is first told of, "#8 DONE 4.2s" when it ends; what is
# "[internal]" is nobody's step.
_STEP = re.compile(r"#(\d+) (.+)")
_END = re.compile(r"(DONE|CACHED|ERROR|CANCELED)\b")


def run_build(
    plan: ImagePlan,
    context: Path,
    target: Path,
    reporter: Reporter,
    *,
    cache: bool = True,
) -> None:
    """Build a context into an OCI layout in the new folder ``target``.

    Without ``cache``, no step's earlier result is used. Raise EngineError with the end of what
    the engine said.
    """
    replaced = contexts(plan, f"{context}/")
    command = [
        *(*BUILDX, "build", *BUILDER, "--progress", "plain"),
        *("--platform", plan.target.platform),
        *("--network", "none", "--provenance", "false", "--sbom", "false"),
        *("--output", f"type=oci,dest={target},tar=false,rewrite-timestamp=true"),
        *(f"--build-context={name}={place}" for name, place in replaced.items()),
        *(() if cache else ("--no-cache",)),
        str(context),
    ]
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, "SOURCE_DATE_EPOCH": str(epoch(plan))},
        encoding="utf-8",
        errors="replace",
    ) as process:
        assert process.stderr is not None  # noqa: S101 - for the type checker
        try:
            last = follow(process.stderr, f"{plan.names.image} {plan.target.platform}", reporter)
        except BaseException:
            process.terminate()
            raise
    if process.returncode != 0:
        raise EngineError(
            "the engine can't build this image; it said last:\n" + "\n".join(last),
            where=f"{plan.names.image}, {plan.target.platform}",
            solution=f"`invoke dockerfile {plan.env}` writes what it was given",
        )


def follow(lines: Iterable[str], title: str, reporter: Reporter) -> list[str]:
    """Tell of a build's steps as they begin and end; return the last lines."""
    last: deque[str] = deque(maxlen=_KEPT)
    running: set[str] = set()
    for each in lines:
        line = each.rstrip()
        if line:
            last.append(line)
        step = _STEP.fullmatch(line)
        if step is None:
            continue
        task = f"{title} {step[1]}"
        if _END.match(step[2]):
            if task in running:
                reporter.end(task)
        elif task not in running and not step[2].startswith("[internal]"):
            running.add(task)
            reporter.begin(task, f"{title}: {step[2]}")
    return list(last)


def take_image(plan: ImagePlan, folder: Path, store: Store) -> Image:
    """Take an image that an engine has written, its layers into the store.

    Raise EngineError where it isn't what was asked for, IntegrityError where a blob isn't what
    its digest says.
    """
    layout = read_layout(folder)
    (document,) = layout.manifests
    manifest = parse_document(document.data, MANIFESTS, str(folder))
    assert isinstance(manifest, Manifest)  # noqa: S101 - read_layout takes no other
    config = Document(CONFIG, layout.path(manifest.config.sha256).read_bytes())
    said = json.loads(config.data)
    made_for = f"{said.get('os')}/{said.get('architecture')}"
    titles = [step["created_by"] for step in said["history"] if not step.get("empty_layer")]
    diff_ids = said["rootfs"]["diff_ids"]
    if (
        config.digest != manifest.config.sha256
        or made_for != plan.target.platform
        or not len(titles) == len(diff_ids) == len(manifest.layers)
    ):
        raise EngineError(
            f"the engine made something else: an image for {made_for}",
            where=f"{plan.names.image}, {plan.target.platform}",
            solution="look at the engine's version and its log",
        )
    layers = []
    for title, diff_id, layer in zip(titles, diff_ids, manifest.layers, strict=True):
        _keep(layout, layer.sha256, layer.size, store)
        layers.append(
            BuiltLayer(
                title=title,
                digest=layer.sha256,
                size=layer.size,
                diff_id=diff_id.removeprefix("sha256:"),
                media_type=layer.media_type,
            )
        )
    return Image(
        platform=plan.target.platform, manifest=document, config=config, layers=tuple(layers)
    )


def _keep(layout: Layout, sha256: str, size: int, store: Store) -> None:
    with store.writer("blob") as writer, layout.path(sha256).open("rb") as blob:
        while chunk := blob.read(_CHUNK):
            writer.write(chunk)
        writer.commit(sha256=sha256, size=size)
