"""Digests that change only together with the assembly version.

A difference here means that images which were built before would be built otherwise now: raise
``ASSEMBLY_VERSION``, and write the new digests under its number.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import evolve

from lockyard import ASSEMBLY_VERSION
from lockyard.assemble.layout import assemble
from lockyard.events import Silent
from lockyard.plan.image import ImagePlan
from lockyard.plan.layer import DebianLayer, WheelLayer
from lockyard.store.store import Store
from tests.build.makers import (
    PREFIX,
    base_passwd,
    build_layers,
    deb_bytes,
    folder,
    hardlink,
    make_wheel,
    member,
    put_deb,
    recipe_layer,
    symlink,
)

GOLDEN: dict[int, dict[str, str]] = {
    2: {
        "2 Debian packages": "b1124085f8899cf410302020e5ffb1d84721bac3ef3ad4fd7d4f7464fce00325",
        "demo 1.0": "fd4f1f5dcb1cb0d8fe4ff7209b0c15fde1fe9cfb28a9521e4fd1c72efe8d0fdd",
        "recipe trial": "994c82f8ded0039f3e1043923ffc939f466025a1246cd3589195ea401b687d60",
        "blobs": "d4002fa4a0972a2a 1644a20bc72e2fbb 82a17b01a3607d72",
        "image": "sha256:a1422b05b75d4dae1bab7603b7a248ab5858ad1ff6626bb49c13806e39518a55",
    }
}
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


def test_golden(store: Store, make_plan: Callable[..., ImagePlan]) -> None:
    base = put_deb(store, "base-passwd", base_passwd())
    demo = put_deb(store, "demo", deb_bytes("demo", DEB, CONTROL))
    wheel = make_wheel(store, WHEEL, modes={"demo/__init__.py": 0o100755})
    layers = (
        DebianLayer(debs=(base, demo)),
        WheelLayer(title="demo 1.0", wheels=(wheel,), prefix=PREFIX),
        recipe_layer(base),
    )
    built = build_layers(layers, store, jobs=2, reporter=Silent())
    image = assemble(evolve(make_plan(), layers=layers), built)
    found = {layer.title: layer.diff_id for layer in built}
    found |= {"blobs": " ".join(layer.digest[:16] for layer in built), "image": image.digest}
    assert GOLDEN[ASSEMBLY_VERSION] == found
