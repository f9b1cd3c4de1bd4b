from __future__ import annotations

import gzip
import lzma
import tarfile
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path

import pytest
import zstandard

from lockyard.build.bytecode.modules import Compilers
from lockyard.build.debian.archive import DebArchive, open_debs
from lockyard.build.layer import build_layer
from lockyard.errors import BuildError, IntegrityError, LockyardError
from lockyard.plan.layer import DebianLayer
from lockyard.store.store import Store
from tests.build.makers import (
    ar,
    base_passwd,
    deb_bytes,
    folder,
    hardlink,
    member,
    put_deb,
    symlink,
    tarred,
)

CONTROL = b"Package: demo\nVersion: 1.0\nArchitecture: amd64\n"
DATA = tarred([folder("./"), member("./usr/a", b"content" * 100)])
Pack = Callable[[bytes], bytes]


def parts(**more: bytes) -> dict[str, bytes]:
    control = tarred([member("./control", CONTROL)])
    names = {"control": "control.tar", "data": "data.tar"}
    return {"debian-binary": b"2.0\n", "control.tar": control, "data.tar": DATA} | {
        names.get(name, name): data for name, data in more.items()
    }


def packed(suffix: str, pack: Pack) -> bytes:
    return ar(
        {
            f"{name}.{suffix}" if "tar" in name else name: pack(data) if "tar" in name else data
            for name, data in parts().items()
        }
    )


def frames(data: bytes) -> bytes:
    half = len(data) // 2
    return zstandard.compress(data[:half]) + zstandard.compress(data[half:])


def read(data: bytes, tmp_path: Path) -> tuple[DebArchive, dict[str, bytes]]:
    path = tmp_path / "blob"
    path.write_bytes(data)
    with open_debs({"demo.deb": path}) as (deb,):
        contents = {}
        for owned in deb.members:
            if owned.entry.open:
                with owned.entry.open() as stream:
                    contents[owned.entry.path] = stream.read()
        return deb, contents


@pytest.mark.parametrize(
    ("suffix", "pack"),
    [
        ("xz", lzma.compress),
        ("gz", gzip.compress),
        ("zst", zstandard.compress),
        ("zst", frames),
    ],
)
def test_every_compression_of_dpkg(suffix: str, pack: Pack, tmp_path: Path) -> None:
    deb, contents = read(packed(suffix, pack), tmp_path)
    assert contents == {"usr/a": b"content" * 100}
    assert deb.name == "demo"
    assert deb.control == {"control": CONTROL}


def test_parts_may_be_plain(tmp_path: Path) -> None:
    assert read(ar(parts()), tmp_path)[1] == {"usr/a": b"content" * 100}


def test_members_with_all_that_they_say(tmp_path: Path) -> None:
    long = "./usr/" + "é" * 200
    data = deb_bytes(
        "demo",
        [
            folder("./usr", mode=0o2775, gid=8, gname="mail"),
            member(long, b"1", mode=0o600, uid=5, uname="games"),
            member("./usr/latin-\udce9", b"2"),
            symlink("./usr/to", "/anywhere/../at/all"),
            hardlink("./usr/same", "./usr/latin-\udce9"),
        ],
        {"md5sums": b"x"},
        "Depends: a,\n b\n",
    )
    # tarred() writes names as UTF-8 with surrogates, as broken archives have them.
    deb, _ = read(data, tmp_path)
    found = {owned.entry.path: owned for owned in deb.members}
    assert list(found) == ["usr", long[2:], "usr/latin-\udce9", "usr/to", "usr/same"]
    assert (found["usr"].entry.mode, found["usr"].group) == (0o2775, "mail")
    file = found[long[2:]]
    assert (file.entry.mode, file.entry.uid, file.user, file.entry.size) == (0o600, 5, "games", 1)
    assert found["usr/to"].entry.link == "/anywhere/../at/all"
    assert found["usr/same"].entry.link == "usr/latin-\udce9"
    assert deb.fields["Depends"] == "a,\n b"


def test_packages_come_by_file_name(tmp_path: Path) -> None:
    paths = {}
    for name in ("b.deb", "a.deb"):
        paths[name] = tmp_path / name
        paths[name].write_bytes(deb_bytes(name[0] + "-package"))
    with open_debs(paths) as debs:
        assert [deb.file for deb in debs] == ["a.deb", "b.deb"]


def sparse() -> bytes:
    """Make a member that claims a tebibyte and brings nothing (GNU tar's pax format 0.1)."""
    headers = {"GNU.sparse.map": f"0,0,{1 << 40},0", "GNU.sparse.size": str(1 << 40)}
    return deb_bytes("demo", [member("./usr/big", b"", pax_headers=headers)])


def of_type(kind: bytes) -> bytes:
    return deb_bytes("demo", [member("./dev/x", type=kind)])


def control(data: bytes) -> bytes:
    return ar(parts(control=tarred([member("./control", data)])))


def named(name: str) -> bytes:
    return deb_bytes("demo", [member(name)])


SOUND = deb_bytes("demo", [member("./usr/a", b"x" * 5000)])
HOSTILE: dict[str, tuple[bytes, str]] = {
    "not an archive": (b"<html>" * 20, "damaged"),
    "cut off": (SOUND[:-50], "damaged"),
    "no data": (ar({"debian-binary": b"2.0\n", "control.tar": b""}), "damaged|0 members"),
    "two data": (ar(parts(**{"data.tar.xz": b""})), "2 members data.tar"),
    "unknown compression": (packed("bz2", lambda data: data), "isn't known"),
    "xz cut off": (packed("xz", lambda data: lzma.compress(data)[:-30]), "damaged"),
    "xz that isn't": (packed("xz", lambda data: data), "damaged"),
    "gz cut off": (packed("gz", lambda data: gzip.compress(data)[:-10]), "damaged"),
    "gz that isn't": (packed("gz", lambda data: data), "damaged"),
    "gz damaged": (packed("gz", lambda data: gzip.compress(data)[:20] + b"\xff" * 40), "damaged"),
    "zst cut off": (packed("zst", lambda data: zstandard.compress(data)[:-9]), "damaged"),
    "zst that isn't": (packed("zst", lambda data: data), "damaged"),
    "tar cut off": (ar(parts(data=DATA[:1300])), "damaged"),
    "no tar": (ar(parts(data=b"\xff" * 1024)), "damaged"),
    "no control": (ar(parts(control=tarred([member("./other")]))), "no control file"),
    "control of no text": (control(CONTROL + b"Description: \xff\n"), "damaged"),
    "control of nothing": (control(b""), "no sound Package"),
    "control of a path": (control(CONTROL.replace(b"demo", b"../../x")), "no sound Package"),
    "architecture of a path": (control(CONTROL.replace(b"amd64", b"a/b")), "no sound Archi"),
    "control folder": (deb_bytes("demo", control={"a/b": b""}), "has a folder"),
    "control climbs": (deb_bytes("demo", control={"../postinst": b""}), "outside"),
    "climbs": (named("./../evil"), "outside"),
    "absolute": (named("/etc/passwd"), "outside"),
    "new line": (named("./a\nb"), "outside"),
    "hard link climbs": (deb_bytes("demo", [hardlink("./a", "../../etc/shadow")]), "outside"),
    "hard link to nothing": (deb_bytes("demo", [hardlink("./a", "./b")]), "hard link"),
    "whiteout": (named("./etc/.wh.passwd"), "whiteouts"),
    "below a link": (deb_bytes("demo", [symlink("./a", "/etc"), member("./a/b")]), "below"),
    "block device": (of_type(tarfile.BLKTYPE), "device"),
    "character device": (of_type(tarfile.CHRTYPE), "device"),
    "pipe": (of_type(tarfile.FIFOTYPE), "pipe"),
    "sparse": (sparse(), "sparse"),
    "a file twice": (deb_bytes("demo", [member("./a"), member("./a")]), "two packages own"),
    "unknown script": (
        deb_bytes("demo", control={"postinst": b""}),
        r"demo_1.0_amd64.deb \(postinst\)",
    ),
    "unknown scripts": (
        deb_bytes("demo", control={"postinst": b"", "preinst": b""}),
        r"demo_1.0_amd64.deb \(postinst, preinst\)",
    ),
}


@pytest.mark.parametrize(("data", "told"), HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile(store: Store, executor: Executor, data: bytes, told: str) -> None:
    debs = (put_deb(store, "base-passwd", base_passwd()), put_deb(store, "demo", data))
    before = {path for path in store.root.rglob("*") if path.is_file()}
    with pytest.raises(LockyardError, match=told) as caught:
        build_layer(DebianLayer(debs=debs), store, executor, Compilers(store))
    assert isinstance(caught.value, IntegrityError | BuildError)
    assert caught.value.solution
    assert "demo_1.0_amd64.deb" in str(caught.value)
    assert {path for path in store.root.rglob("*") if path.is_file()} == before


def test_a_bomb_is_stopped(tmp_path: Path) -> None:
    zeros = lzma.compress(bytes(80 << 20), preset=0)
    control = parts()["control.tar"]
    data = ar({"control.tar": control, "data.tar.xz": zeros})
    with pytest.raises(IntegrityError, match="would unpack to more than"):
        read(data, tmp_path)
