"""What pip itself does with the same wheels."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
import venv
from collections.abc import Mapping
from pathlib import Path

import pytest

from lockyard.build.content import layer_content
from lockyard.build.entry import Entry
from lockyard.fetch.fetch import fetch
from lockyard.fetch.locate import Locator
from lockyard.lock.file import read_lock
from lockyard.lock.model import Wheel
from lockyard.plan.layer import WheelLayer
from lockyard.plan.prefix import Prefix
from lockyard.sources import http, pypi
from lockyard.store.store import Store
from tests.build.makers import make_wheel
from tests.build.wheel.test_install import FILES

ROOT = Path(__file__).parents[3]
Found = Mapping[str, tuple[int, str]]


def by_pip(wheel: Wheel, store: Store, prefix: Path) -> Found:
    """Install a wheel into a new environment; return mode and sha256 of what that adds."""
    venv.create(prefix, symlinks=True)
    before = set(prefix.rglob("*"))
    links = prefix.with_name("links")
    links.mkdir()
    source = store.artifact(wheel.sha256)
    assert source
    (links / wheel.file).symlink_to(source)
    command = f"{sys.executable} -I -m pip --isolated --python {prefix}/bin/python install"
    command += f" -q --no-deps --no-index --no-compile --find-links {links} {wheel.name}"
    mask = os.umask(0o022)
    try:
        subprocess.run(command.split(), check=True, timeout=120)
    finally:
        os.umask(mask)
    return {
        str(path)[1:]: (path.stat().st_mode & 0o7777, hashlib.sha256(path.read_bytes()).hexdigest())
        for path in prefix.rglob("*")
        if path not in before and path.is_file()
    }


def by_lockyard(wheel: Wheel, store: Store, prefix: Path) -> Mapping[str, Entry]:
    python = platform.python_version()
    target = Prefix(path=str(prefix), interpreter=sys.executable, python=python)
    layer = WheelLayer(title=wheel.name, wheels=(wheel,), prefix=target)
    with layer_content(layer, store) as content:
        return {entry.path: entry for entry in content.tree if entry.kind == "file"}


def differences(wheel: Wheel, store: Store, folder: Path) -> list[str]:
    """Name what pip and Lockyard do in other ways, beyond what they should."""
    prefix = folder / "venv"
    theirs, ours = by_pip(wheel, store, prefix), by_lockyard(wheel, store, prefix)
    told = [f"only pip: {path}" for path in sorted(theirs.keys() - ours.keys())]
    told += [f"only lockyard: {path}" for path in sorted(ours.keys() - theirs.keys())]
    for path in sorted(theirs.keys() & ours.keys()):
        mode, digest = theirs[path]
        if mode != ours[path].mode:
            told.append(f"mode: {path} {mode:o} {ours[path].mode:o}")
        # Each writes its own name, and the hashes of its own scripts.
        own = path.endswith((".dist-info/RECORD", ".dist-info/INSTALLER"))
        if digest != ours[path].sha256 and not own:
            told.append(f"content: {path}")
    return [line.replace(str(prefix)[1:], "") for line in told]


MODES = {"demo/native.so": 0o100755, "demo-1.0.data/scripts/shell": 0o100755}


def test_every_scheme(store: Store, tmp_path: Path) -> None:
    files = {name: data for name, data in FILES.items() if "RECORD" not in name}
    wheel = make_wheel(store, files, modes=MODES)
    assert differences(wheel, store, tmp_path) == [
        # pip records that it was asked for by name.
        f"only pip: /lib/python{platform.python_version()[:4]}/site-packages/"
        "demo-1.0.dist-info/REQUESTED",
        "content: /bin/old.run",
        "content: /bin/run",
        "content: /bin/show",
        # The standard has every script made executable; pip leaves what the wheel says.
        "mode: /bin/tool 644 755",
        "mode: /bin/window 644 755",
    ]


def test_scripts_are_named_by_the_python_that_runs_them(store: Store, tmp_path: Path) -> None:
    """As the wheels of pip and of old setuptools declare theirs."""
    names = ["pip", "pip3", "pip3.99", "easy_install", "easy_install-3.99", "other3.99"]
    declared = "".join(f"{name} = demo:main\n" for name in names)
    entry_points = f"[console_scripts]\n{declared}".encode()
    wheel = make_wheel(
        store,
        {"demo.py": b"def main(): pass\n", "demo-1.0.dist-info/entry_points.txt": entry_points},
    )
    told = differences(wheel, store, tmp_path)
    minor = platform.python_version()[:4]
    made = ["easy_install", f"easy_install-{minor}", "other3.99", "pip", "pip3", f"pip{minor}"]
    assert [line for line in told if "REQUESTED" not in line] == [
        f"content: /bin/{name}" for name in made
    ]


@pytest.mark.network
@pytest.mark.parametrize(
    ("name", "scripts"),
    [("gunicorn", ["gunicorn", "gunicornc"]), ("protobuf", []), ("python-dotenv", ["dotenv"])],
)
def test_real_wheels(name: str, scripts: list[str], store: Store, tmp_path: Path) -> None:
    wheel = locked(name)
    session = http.session(pypi.certificate(os.environ))
    locate = Locator(session, {"pypi": lambda: pypi.index_url(None, os.environ)})
    fetch([wheel], store=store, locate=locate, session=session)
    told = [line for line in differences(wheel, store, tmp_path) if "REQUESTED" not in line]
    assert told == [f"content: /bin/{script}" for script in scripts]


def locked(name: str) -> Wheel:
    """Return a wheel that the committed locks pin."""
    for env in ("sklearn-1.9", "onnxruntime-1.31"):
        lock = read_lock(ROOT, env)
        for wheel in lock.wheels if lock else ():
            if wheel.name == name and wheel.targets in {(), ("cpu-linux-amd64",)}:
                return wheel
    raise LookupError(name)
