"""A small image of every kind of layer, and its digests, for any process to make anew.

``python -m tests.determinism.golden FOLDER`` makes it in a folder and prints them as JSON. Where
``SHUFFLED`` is set, folders are listed in an order of chance, of which that is the seed.
"""

from __future__ import annotations

import json
import os
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from lockyard.assemble.layout import assemble, write_layout
from lockyard.events import Silent
from lockyard.lock.model import CondaPackage, Target
from lockyard.plan.division import divide
from lockyard.plan.image import ImagePlan
from lockyard.plan.layer import CondaLayer, DebianLayer, FilesLayer, Layer, WheelLayer
from lockyard.plan.prefix import Prefix
from lockyard.ship.archive import write_archive
from lockyard.spec.names import Names
from lockyard.store.digest import file_sha256
from lockyard.store.store import Store
from tests.build.conda.makers import CHANNEL, PLACEHOLDER, Content, Shelf, pure, replaced
from tests.build.makers import (
    PREFIX,
    base_passwd,
    build_layers,
    deb_bytes,
    folder,
    hardlink,
    kept,
    make_wheel,
    member,
    put_deb,
    recipe,
    recipe_layer,
    symlink,
    wheel_artifact,
)

REPOSITORY = "registry.example/demo"
WHEEL = {
    "demo/__init__.py": b"def main(): pass\n",
    "demo/long-" + "n" * 120: b"",
    "demo-1.0.dist-info/entry_points.txt": b"[console_scripts]\nrun = demo:main\n",
    "demo-1.0.data/scripts/tool": b"#!python\n",
    "demo-1.0.data/headers/demo.h": b"int x;\n",
}
DEB = [
    folder("./etc", mode=0o755),
    member("./etc/demo.conf", b"a = 1\n"),
    member("./bin/su", b"1", mode=0o4755),
    hardlink("./bin/same", "./bin/su", mode=0o4755),
    symlink("./usr/lib/\u00fc", "../raw-\udcff"),
    member("./usr/share/man/man1/demo.1", b"page"),
]
CONTROL = {"conffiles": b"/etc/demo.conf\n", "md5sums": b"0" * 32 + b"  bin/su\n"}
SCRIPT = f"#!{PLACEHOLDER}/bin/python\n".encode()
APP = Content(
    members=[
        member("bin/tool", SCRIPT, mode=0o775),
        member("lib/libapp.so.1", b"\x7fELF", mode=0o664),
        hardlink("lib/libsame.so", "lib/libapp.so.1"),
        symlink("lib/libapp.so", "libapp.so.1"),
        member("share/\u00fcn\u00ef", b"text"),
        folder("var/none", mode=0o700),
    ],
    paths=[replaced("bin/tool", SCRIPT, "text")],
)
PURE = pure({"site-packages/pure/__init__.py": b""}, ["pure = pure:main"])


def layers(store: Store, place: Path) -> tuple[Layer, ...]:
    """Put small packages into a store; return a layer of each kind, base first."""
    base = put_deb(store, "base-passwd", base_passwd())
    demo = put_deb(store, "demo", deb_bytes("demo", DEB, CONTROL))
    more = put_deb(store, "more", deb_bytes("more", [member("./usr/bin/more", b"2")]))
    wheel = make_wheel(store, WHEEL, modes={"demo/__init__.py": 0o100755})
    laid = recipe()
    return (
        DebianLayer(debs=(base, demo)),
        WheelLayer(title="demo 1.0", wheels=(wheel,), prefix=PREFIX),
        recipe_layer(base),
        CondaLayer(
            title="app 1.0, pure 1.0",
            packages=conda(store, place),
            prefix=Prefix(
                path="/opt/conda", interpreter="/opt/conda/bin/python", python="3.7.9",
                virtual=False,
            ),
            channel=CHANNEL,
        ),
        DebianLayer(debs=(base, demo, more), below=(base, demo)),
        FilesLayer(
            env="demo",
            user=laid.user,
            files=laid.files,
            directories=laid.directories,
            contents=laid.contents,
        ),
    )  # fmt: skip


def conda(store: Store, place: Path) -> tuple[CondaPackage, ...]:
    """Put two conda packages into a store."""
    shelf = Shelf(place)
    packages = shelf.make(APP), shelf.make(PURE, subdir="noarch")
    for package in packages:
        kept(store, shelf.paths[package.file].read_bytes())
    return packages


def plan(made: tuple[Layer, ...], platform: str) -> ImagePlan:
    """Plan an image of layers."""
    return ImagePlan(
        env="demo",
        names=Names(image="demo", repository=REPOSITORY, environment="demo"),
        target=Target(
            name=f"cpu-{platform.replace('/', '-')}",
            variant="cpu",
            platform=platform,
            base="debian12",
            python="3.11.2",
            glibc="2.36",
        ),
        layers=made,
        config={"Env": ["A=ü"], "User": "1000:1000"},
        created="2026-01-01T00:00:00Z",
    )


def digests(place: Path) -> dict[str, str]:
    """Make the image for two platforms, as a layout and an archive; return all its digests.

    A layer's is the diffID, and among the ``blobs`` the beginning of that of its blob.
    ``groups`` says how many packages share layers, by their names.
    """
    store = Store(place / "store")
    made = layers(store, place / "shelf")
    built = build_layers(made, store, jobs=2, reporter=Silent())
    images = [assemble(plan(made, platform), built) for platform in ("linux/arm64", "linux/amd64")]
    write_layout(images, REPOSITORY, b"{}", store, place / "layout")
    write_archive(place / "layout", place / "archive")
    groups = divide(wheel_artifact(f"w{number}") for number in range(40))
    return {
        **{layer.title: layer.diff_id for layer in built},
        "blobs": " ".join(layer.digest[:16] for layer in built),
        "config": images[1].config.digest,
        "manifest": images[1].manifest.digest,
        "manifest of arm64": images[0].manifest.digest,
        "index": file_sha256(place / "layout" / "index.json"),
        "archive": file_sha256(place / "archive"),
        "groups": " ".join(str(len(group)) for group in groups),
    }


def shuffled(seed: str) -> Callable[..., list[str]]:
    """Return what lists a folder in an order of chance."""
    chance, listed = random.Random(seed), os.listdir  # noqa: S311 - no secret

    def listdir(path: Path) -> list[str]:
        names = sorted(listed(path))
        chance.shuffle(names)
        return names

    return listdir


if __name__ == "__main__":
    if "SHUFFLED" in os.environ:
        os.listdir = cast(Any, shuffled(os.environ["SHUFFLED"]))
    sys.stdout.write(json.dumps(digests(Path(sys.argv[1]))))
