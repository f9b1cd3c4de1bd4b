"""The compressor's bytes on processors that know less than this one, and on another's kind.

QEMU is the other processor: it tells the library of no feature that it is told to lack, and has
no instruction of it either.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import files, version
from itertools import islice
from pathlib import Path

import pytest

from lockyard.lock.file import read_lock
from lockyard.tasks.build import Builder
from tests.conftest import ROOT
from tests.fleet.pythons import checked, plain_environment

ENV = "minimal-py311"
SIZE = 24 << 20  # three of the compressor's pieces
# What Debian's Python needs of an image's base to compress something.
NEEDED = {
    *("libc6", "libexpat1", "libssl3", "zlib1g"),
    *("libpython3.11-minimal", "libpython3.11-stdlib", "python3.11-minimal"),
}
PROGRAM = """
import hashlib, sys
from concurrent.futures import ThreadPoolExecutor
from lockyard.build.compress import GzipStream
digest = hashlib.sha256()
with open(sys.argv[1], "rb") as sample, ThreadPoolExecutor(2) as executor:
    stream = GzipStream(digest.update, executor)
    while data := sample.read(1 << 20):
        stream.write(data)
    stream.finish()
print(digest.hexdigest())
"""
# Leaf 7 of cpuid, of which bit 5 is AVX2 (Intel's manual, volume 2A).
AVX2 = """
import ctypes, mmap
code = bytes.fromhex("53 b8 07 00 00 00 31 c9 0f a2 89 d8 5b c3")
page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
page.write(code)
place = ctypes.addressof(ctypes.c_char.from_buffer(page))
print(bool(ctypes.CFUNCTYPE(ctypes.c_uint32)(place)() & 1 << 5))
"""

pytestmark = [pytest.mark.network, pytest.mark.xdist_group(ENV)]


@pytest.fixture(scope="module")
def emulator() -> Callable[[str], str]:
    """Return a function that finds the emulator of an architecture."""

    def find(architecture: str) -> str:
        command = [str(ROOT / "tools" / "qemu-user"), architecture]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        if done.returncode != 0:
            pytest.skip("QEMU's user-mode emulators can't be had on this machine")
        return done.stdout.strip()

    return find


def contents() -> Iterator[bytes]:
    """Give files of installed packages, programs and texts."""
    for name in ("zstandard", "hypothesis", "mypy", "ruff"):
        for file in files(name) or ():
            path = Path(str(file.locate()))
            if path.suffix in {".so", ".py", ""} and path.is_file():
                yield path.read_bytes()


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real contents of wheels, and what this processor makes of them is not known yet."""
    path = tmp_path_factory.mktemp("sample") / "sample"
    data = b"".join(islice(contents(), 3000))
    assert len(data) >= SIZE
    path.write_bytes(data[:SIZE])
    return path


def printed(command: list[str], path: list[str]) -> str:
    environment = plain_environment(PYTHONPATH=os.pathsep.join(path))
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def native(sample: Path) -> str:
    return printed([sys.executable, "-c", PROGRAM, str(sample)], sys.path)


@pytest.mark.parametrize(
    ("processor", "has_avx2"), [("qemu64", False), ("Nehalem", False), ("max", True)]
)
def test_no_feature_of_the_processor_shows(
    processor: str, has_avx2: bool, sample: Path, native: str, emulator: Callable[[str], str]
) -> None:
    python = [emulator("x86_64"), "-cpu", processor, sys.executable, "-c"]
    assert printed([*python, AVX2], sys.path) == str(has_avx2)
    assert printed([*python, PROGRAM, str(sample)], sys.path) == native


def test_no_kind_of_processor_shows(
    sample: Path, native: str, emulator: Callable[[str], str], builder: Builder, tmp_path: Path
) -> None:
    """Debian's Python for arm64, out of an image's base, runs on the emulator."""
    builder.build(ENV)  # so that the store has the packages
    lock = read_lock(ROOT, ENV)
    assert lock
    for deb in (each for each in lock.debs if each.architecture == "arm64"):
        if deb.name in NEEDED:
            package = builder.store.artifact(deb.sha256, deb.size)
            subprocess.run(["dpkg-deb", "-x", str(package), tmp_path], check=True, timeout=60)
    wheel = f"deflate=={version('deflate')}"
    options = ["--no-deps", "--only-binary=:all:", "--python-version=3.11", "--quiet"]
    options += ["--platform=manylinux_2_28_aarch64", "--platform=manylinux_2_17_aarch64"]
    command = [sys.executable, "-m", "pip", "install", *options, f"--target={tmp_path / 'site'}"]
    checked([*command, wheel], dict(os.environ))
    python = [emulator("aarch64"), "-L", str(tmp_path), str(tmp_path / "usr/bin/python3.11"), "-c"]
    path = [str(tmp_path / "site"), str(ROOT / "src")]
    assert printed([*python, "import os; print(os.uname().machine)"], path) == "aarch64"
    assert printed([*python, PROGRAM, str(sample)], path) == native
