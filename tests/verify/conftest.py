"""A small real image: Debian packages, a wheel and a recipe, built and assembled."""

from __future__ import annotations

from pathlib import Path

import pytest

from lockyard.assemble.layout import assemble, write_layout
from lockyard.lock.model import Target
from lockyard.plan.image import ImagePlan
from lockyard.plan.layer import DebianLayer, WheelLayer
from lockyard.spec.names import Names
from lockyard.store.store import Store
from tests.build.makers import (
    PREFIX,
    base_passwd,
    build_layers,
    deb_bytes,
    folder,
    make_wheel,
    member,
    put_deb,
    recipe_layer,
    symlink,
)
from tests.verify.doctor import Doctor

REPOSITORY = "lockyard.invalid/tests/demo"
SITE = "opt/venv/lib/python3.11/site-packages"
WHEEL = {
    "demo/__init__.py": b"def main(): pass\n" * 100,
    "demo/cached.pyc": b"\xa7\r\r\n" + bytes(12) + b"code" * 10,
    "demo/long-" + "n" * 120: b"",
    "demo-1.0.data/scripts/tool": b"#!python\n",
}
DEB = [folder("./etc"), member("./etc/demo.conf", b"a = 1\n"), symlink("./usr/lib/x", "../y")]


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A layout of three layers: two Debian packages, the wheel `demo 1.0`, the recipe."""
    scratch = tmp_path_factory.mktemp("verify")
    store = Store(scratch / "store")
    base = put_deb(store, "base-passwd", base_passwd())
    demo = put_deb(store, "demo-conf", deb_bytes("demo-conf", DEB))
    layers = (
        DebianLayer(debs=(base, demo)),
        WheelLayer(title="demo 1.0", wheels=(make_wheel(store, WHEEL),), prefix=PREFIX),
        recipe_layer(base),
    )
    plan = ImagePlan(
        env="demo",
        names=Names(image="demo", repository=REPOSITORY, environment="demo"),
        target=Target(
            name="cpu-linux-amd64",
            variant="cpu",
            platform="linux/amd64",
            base="debian12",
            python="3.11.2",
            glibc="2.36",
        ),
        layers=layers,
        config={"Cmd": ["/none"], "Labels": {"a.b": "c"}},
        created="2026-01-01T00:00:00Z",
    )
    made = assemble(plan, build_layers(layers, store))
    write_layout([made], REPOSITORY, b"{}", store, scratch / "demo")
    return scratch / "demo"


@pytest.fixture
def doctor(image: Path, tmp_path: Path) -> Doctor:
    return Doctor(image, tmp_path / "doctored")
