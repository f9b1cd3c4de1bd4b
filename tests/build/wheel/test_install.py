from __future__ import annotations

import csv
import importlib.metadata
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from lockyard.build.content import layer_content
from lockyard.build.entry import Entry
from lockyard.lock.model import Wheel
from lockyard.plan.layer import WheelLayer
from lockyard.plan.prefix import Prefix
from lockyard.store.store import Store
from tests.build.makers import PREFIX, make_wheel

SITE = "opt/venv/lib/python3.11/site-packages"
INFO = f"{SITE}/demo-1.0.dist-info"
FILES = {
    "demo/__init__.py": b"def main(): pass\n",
    'demo/ünï, "code".txt': b"text",
    "demo/native.so": b"\x7fELF",
    "demo/empty": b"",
    "demo-1.0.dist-info/INSTALLER": b"another\n",
    "demo-1.0.dist-info/RECORD.jws": b"{}",
    "demo-1.0.dist-info/entry_points.txt": b"[console_scripts]\nrun = demo:main\n"
    b"old.run = demo.cli:group.main [extra]\n[gui_scripts]\nshow = demo:main\n[other]\nx = y\n",
    "demo-1.0.data/scripts/tool": b"#!python -E\nprint(1)\n",
    "demo-1.0.data/scripts/window": b"#!pythonw\r\nprint(2)\r\n",
    "demo-1.0.data/scripts/shell": b"#!/bin/sh\necho python\n",
    "demo-1.0.data/headers/demo.h": b"int x;\n",
    "demo-1.0.data/data/share/demo/data.txt": b"data",
    "demo-1.0.data/data/lib/python3.11/site-packages/by_data.py": b"",
    "demo-1.0.data/purelib/pure.py": b"",
    "demo-1.0.data/platlib/plat.py": b"",
}


@pytest.fixture
def wheel(store: Store) -> Wheel:
    return make_wheel(store, FILES, modes={"demo/native.so": 0o100755})


def unpacked(wheel: Wheel, store: Store, root: Path, prefix: Prefix = PREFIX) -> dict[str, Entry]:
    """Unpack a wheel's tree below a folder."""
    layer = WheelLayer(title="demo", wheels=(wheel,), prefix=prefix)
    with layer_content(layer, store) as content:
        entries = {entry.path: entry for entry in content.tree}
        for path, entry in entries.items():
            if entry.kind == "directory":
                (root / path).mkdir()
            elif entry.open:
                with entry.open() as stream, (root / path).open("wb") as target:
                    shutil.copyfileobj(stream, target)
    return entries


@pytest.fixture
def entries(wheel: Wheel, store: Store, tmp_path: Path) -> dict[str, Entry]:
    return unpacked(wheel, store, tmp_path)


def test_everything_has_its_place(entries: dict[str, Entry]) -> None:
    assert {path for path, entry in entries.items() if entry.kind == "file"} == {
        f"{SITE}/demo/__init__.py",
        f'{SITE}/demo/ünï, "code".txt',
        f"{SITE}/demo/native.so",
        f"{SITE}/demo/empty",
        f"{SITE}/pure.py",
        f"{SITE}/plat.py",
        f"{SITE}/by_data.py",
        f"{INFO}/METADATA",
        f"{INFO}/WHEEL",
        f"{INFO}/RECORD",
        f"{INFO}/INSTALLER",
        f"{INFO}/entry_points.txt",
        "opt/venv/bin/run",
        "opt/venv/bin/old.run",
        "opt/venv/bin/show",
        "opt/venv/bin/tool",
        "opt/venv/bin/window",
        "opt/venv/bin/shell",
        "opt/venv/include/site/python3.11/demo/demo.h",
        "opt/venv/share/demo/data.txt",
    }


def test_modes_are_two_and_all_is_roots(entries: dict[str, Entry]) -> None:
    for path, entry in entries.items():
        executable = entry.kind == "directory" or "/bin/" in path or path.endswith(".so")
        assert entry.mode == (0o755 if executable else 0o644), path
        assert (entry.uid, entry.gid) == (0, 0)


@pytest.mark.usefixtures("entries")
def test_scripts_name_the_images_python(tmp_path: Path) -> None:
    folder = tmp_path / "opt/venv/bin"
    assert (folder / "tool").read_bytes() == b"#!/opt/venv/bin/python\nprint(1)\n"
    assert (folder / "window").read_bytes() == b"#!/opt/venv/bin/python\nprint(2)\r\n"
    assert (folder / "shell").read_bytes() == FILES["demo-1.0.data/scripts/shell"]
    run = (folder / "run").read_text()
    assert run.startswith("#!/opt/venv/bin/python\n")
    assert "from demo import main\n" in run
    dotted = (folder / "old.run").read_text()
    assert "from demo.cli import group\n" in dotted
    assert "group.main()" in dotted


@pytest.mark.usefixtures("entries")
def test_record_is_complete_and_right_for_another_reader(tmp_path: Path) -> None:
    (found,) = importlib.metadata.distributions(path=[str(tmp_path / SITE)])
    assert found.read_text("INSTALLER") == "lockyard\n"
    listed = found.files or []
    for file in listed:
        data = Path(str(file.locate())).read_bytes()
        if file.name == "RECORD":
            assert (file.hash, file.size) == (None, None)
            continue
        assert file.hash
        assert file.size == len(data)
        assert file.hash.mode == "sha256"
        assert file.hash.value == record_value(data)
    there = {path.resolve() for path in files_of(tmp_path)}
    assert {Path(str(file.locate())).resolve() for file in listed} == there
    assert len(listed) == len(there)


def record_value(data: bytes) -> str:
    import base64
    import hashlib

    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")


def files_of(root: Path) -> Iterator[Path]:
    for path in (root / "opt").rglob("*"):
        if stat.S_ISREG(path.lstat().st_mode):
            yield path


def test_record_is_sorted(entries: dict[str, Entry]) -> None:
    stream = entries[f"{INFO}/RECORD"].open
    assert stream
    with stream() as read:
        *rows, last = read.read().decode().splitlines()
    paths = [next(csv.reader([row]))[0] for row in rows]
    assert paths == sorted(paths)
    assert last == "demo-1.0.dist-info/RECORD,,"


def test_the_venv_decides_the_places(wheel: Wheel, store: Store, tmp_path: Path) -> None:
    prefix = Prefix(path="/srv/a/b", interpreter="/usr/bin/python3", python="3.14.0rc1")
    found = unpacked(wheel, store, tmp_path, prefix)
    assert "srv/a/b/lib/python3.14/site-packages/demo/__init__.py" in found
    record = tmp_path / "srv/a/b/lib/python3.14/site-packages/demo-1.0.dist-info/RECORD"
    assert "\n../../../bin/run,sha256=" in record.read_text()
    assert (tmp_path / "srv/a/b/bin/run").read_text().startswith("#!/srv/a/b/bin/python\n")


def test_a_long_prefix_gives_scripts_that_the_kernel_can_start(
    wheel: Wheel, store: Store, tmp_path: Path
) -> None:
    # A first line of more than 127 bytes is cut off by the kernel.
    path = "/" + "/".join(["d" * 60] * 3)
    prefix = Prefix(path=path, interpreter="/usr/bin/python3", python="3.11.2")
    unpacked(wheel, store, tmp_path, prefix)
    lines = (tmp_path / path[1:] / "bin/run").read_text().splitlines()
    assert lines[0] == "#!/bin/sh"
    assert f"{path}/bin/python" in lines[1]
