from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path

import pytest

from lockyard.build.bytecode.modules import Compilers
from lockyard.build.layer import build_layer, cached_layer
from lockyard.build.wheel.archive import open_wheel
from lockyard.errors import BuildError, IntegrityError, LockyardError
from lockyard.plan.layer import WheelLayer
from lockyard.store.store import Store
from tests.build.makers import (
    PREFIX,
    make_wheel,
    put_wheel,
    record_hash,
    wheel_artifact,
    wheel_content,
    zipped,
)

NAME = "demo-1.0-py3-none-any.whl"
RECORD = "demo-1.0.dist-info/RECORD"
WHEEL = "demo-1.0.dist-info/WHEEL"
ENTRY_POINTS = "demo-1.0.dist-info/entry_points.txt"
DEMO = wheel_content("demo", "1.0", {"demo.py": b"x = 1\n" * 50})
Made = Callable[[], bytes]


def with_files(**files: bytes | None) -> bytes:
    """Pack the demo with other files, or without some, and with its old RECORD."""
    content = DEMO | {name: data for name, data in files.items() if data is not None}
    return zipped(
        {name: data for name, data in content.items() if files.get(name, b"") is not None}
    )


def with_record(line: str) -> bytes:
    """Pack the demo with this line of RECORD in place of that of demo.py."""
    lines = DEMO[RECORD].decode().splitlines()
    kept = [each for each in lines if not each.startswith("demo.py,")]
    return with_files(**{RECORD: "\n".join([*kept, line]).encode()})


def sound(**files: bytes) -> bytes:
    """Pack a wheel whose RECORD knows these files."""
    return zipped(wheel_content("demo", "1.0", {"demo.py": b"", **files}))


def scripts(text: str) -> bytes:
    return sound(**{ENTRY_POINTS: text.encode()})


def twice() -> bytes:
    stream = io.BytesIO(zipped(DEMO))
    with zipfile.ZipFile(stream, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("demo.py", b"y")
    return stream.getvalue()


def encrypted() -> bytes:
    data = bytearray(zipped(DEMO))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= 1
    return bytes(data)


def compressed_as(method: int) -> bytes:
    data = bytearray(zipped(DEMO))
    for signature, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        struct.pack_into("<H", data, data.index(signature) + offset, method)
    return bytes(data)


def damaged(offset: int) -> bytes:
    """Flip bits of the content of demo.py."""
    data = bytearray(zipped(DEMO))
    data[data.index(b"demo.py") + len("demo.py") + offset] ^= 0xFF
    return bytes(data)


def bomb() -> bytes:
    return sound(zeros=bytes(65 << 20))


def overlapping() -> bytes:
    """Let 2,000 members have the same megabyte of data, so that each seems to bring its own."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("zeros", bytes(1 << 20))
        (info,) = archive.infolist()
        for number in range(2000):
            other = zipfile.ZipInfo(f"zeros{number}")
            for name in ("CRC", "compress_size", "file_size", "header_offset"):
                setattr(other, name, getattr(info, name))
            archive.filelist.append(other)
        for path, data in DEMO.items():
            archive.writestr(path, data)
    return stream.getvalue()


HOSTILE: dict[str, tuple[Made, str]] = {
    "nothing": (lambda: b"x", "damaged"),
    "not a zip": (lambda: b"<html>" * 100, "damaged"),
    "cut off": (lambda: zipped(DEMO)[:-100], "damaged"),
    "no beginning": (lambda: zipped(DEMO)[50:], "damaged"),
    "damaged content": (lambda: damaged(5), "damaged"),
    "encrypted": (encrypted, "encrypted"),
    "unknown compression": (lambda: compressed_as(97), "compressed"),
    "bzip2": (lambda: compressed_as(zipfile.ZIP_BZIP2), "compressed"),
    "one path twice": (twice, "twice"),
    "twice by another name": (lambda: with_files(**{"./demo.py": b"y"}), "twice"),
    "climbs": (lambda: sound(**{"../evil": b""}), "outside"),
    "climbs inside": (lambda: sound(**{"demo/../../evil": b""}), "outside"),
    "absolute": (lambda: sound(**{"/etc/evil": b""}), "outside"),
    "backslash": (lambda: sound(**{"..\\evil": b""}), "outside"),
    "new line": (lambda: sound(**{"a\nb": b""}), "outside"),
    "whiteout": (lambda: sound(**{"demo/.wh.x": b""}), "whiteouts"),
    "file below a file": (lambda: sound(**{"demo.py/x": b""}), "below"),
    "bomb": (bomb, "unpack to"),
    "no dist-info": (lambda: zipped({"demo.py": b""}), "dist-info"),
    "two dist-infos": (lambda: with_files(**{"b-1.dist-info/WHEEL": b""}), "dist-info"),
    "another's dist-info": (lambda: zipped(wheel_content("other", "1.0", {})), "dist-info"),
    "no WHEEL": (lambda: with_files(**{WHEEL: None}), "Wheel-Version"),
    "a newer standard": (lambda: sound(**{WHEEL: b"Wheel-Version: 2.0\n"}), "Wheel-Version"),
    "WHEEL of no text": (lambda: sound(**{WHEEL: b"\xff"}), "damaged"),
    "no RECORD": (lambda: with_files(**{RECORD: None}), "no RECORD"),
    "RECORD elsewhere": (lambda: with_files(**{RECORD: None, f"./{RECORD}": b""}), "no hash"),
    "RECORD of no text": (lambda: with_files(**{RECORD: b"\xff\xfe"}), "damaged"),
    "RECORD of no table": (lambda: with_files(**{RECORD: b"a,b\n"}), "expected 3"),
    "RECORD of one long field": (lambda: with_record('"' + "x" * 200_000), "damaged"),
    "RECORD doesn't know a file": (lambda: with_files(**{"evil.py": b""}), "no hash for evil.py"),
    "RECORD has no hash": (lambda: with_record("demo.py,,"), "no hash for demo.py"),
    "RECORD has an empty hash": (lambda: with_record("demo.py,sha256=,"), "no sound hash"),
    "RECORD has a short hash": (lambda: with_record("demo.py,sha256=AAAA,"), "no sound hash"),
    "RECORD has no base64": (lambda: with_record("demo.py,sha256=A,"), "damaged|no sound"),
    "RECORD has a weak hash": (
        lambda: with_record(f"demo.py,{record_hash(DEMO['demo.py'], 'md5')},"),
        "no sound hash",
    ),
    "RECORD has an odd hash": (lambda: with_record("demo.py,shake_128=AAAA,"), "no sound hash"),
    "RECORD has an unknown hash": (lambda: with_record("demo.py,rot13=AAAA,"), "rot13"),
    "RECORD lies": (lambda: with_record(f"demo.py,{record_hash(b'y')},"), "demo.py doesn't have"),
    "RECORD lies in sha512": (
        lambda: with_record(f"demo.py,{record_hash(b'y', 'sha512')},"),
        "demo.py doesn't have",
    ),
    "RECORD lies of a script": (
        lambda: with_files(
            **{
                "demo-1.0.data/scripts/run": b"#!python\n",
                RECORD: DEMO[RECORD] + f"demo-1.0.data/scripts/run,{record_hash(b'y')},\n".encode(),
            }
        ),
        "run doesn't have",
    ),
    "unknown scheme": (lambda: sound(**{"demo-1.0.data/etc/passwd": b""}), "no scheme"),
    "script up": (lambda: scripts("[console_scripts]\n../../evil = demo:f\n"), "outside"),
    "script down": (lambda: scripts("[console_scripts]\na/b = demo:f\n"), "outside"),
    "script dots": (lambda: scripts("[console_scripts]\n.. = demo:f\n"), "outside"),
    "script absolute": (lambda: scripts("[gui_scripts]\n/etc/cron = demo:f\n"), "outside"),
    "script without function": (lambda: scripts("[console_scripts]\na = demo\n"), "wrong way"),
    "script of code": (lambda: scripts("[console_scripts]\na = os;x:f()\n"), "wrong way"),
    "script twice": (
        lambda: scripts("[console_scripts]\na = demo:f\na = demo:g\n"),
        "wrong way",
    ),
    "entry points of no format": (lambda: scripts("console_scripts"), "wrong way"),
    "entry points that interpolate": (
        lambda: scripts("[console_scripts]\na = %(x)s\n"),
        "wrong way",
    ),
}


@pytest.mark.parametrize(("made", "told"), HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile(store: Store, executor: Executor, made: Made, told: str) -> None:
    wheel = put_wheel(store, made())
    layer = WheelLayer(title="hostile", wheels=(wheel,), prefix=PREFIX)
    before = sorted(store.root.rglob("*"))
    with pytest.raises(LockyardError, match=told) as caught:
        build_layer(layer, store, executor, Compilers(store))
    assert isinstance(caught.value, IntegrityError | BuildError)
    assert caught.value.solution
    assert [path for path in store.root.rglob("*") if path.is_file()] == [
        path for path in before if path.is_file()
    ]
    assert cached_layer(layer, store) is None


def test_members_that_share_their_data_are_counted_apart(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(overlapping())
    with pytest.raises(IntegrityError, match="unpack to"), open_wheel(path, NAME):
        pass


def test_a_name_that_is_no_wheels(store: Store, executor: Executor) -> None:
    wheel = make_wheel(store, {})
    odd = wheel_artifact("demo", file="demo.zip", sha256=wheel.sha256, size=wheel.size)
    with pytest.raises(IntegrityError) as caught:
        build_layer(
            WheelLayer(title="", wheels=(odd,), prefix=PREFIX), store, executor, Compilers(store)
        )
    assert caught.value.where == "demo.zip"


def test_damage_is_told_of_the_wheel_that_has_it(store: Store, executor: Executor) -> None:
    # All wheels of a layer are open when the first is read.
    wheels = (
        put_wheel(store, damaged(5)),
        make_wheel(store, {"other.py": b""}, name="other"),
    )
    with pytest.raises(IntegrityError) as caught:
        build_layer(
            WheelLayer(title="", wheels=wheels, prefix=PREFIX), store, executor, Compilers(store)
        )
    assert caught.value.where == NAME


def test_members_in_order_with_their_modes(store: Store) -> None:
    modes = {"b.so": 0o100755, "a.py": 0o100666, "link": 0o120777, "typeless": 0o755}
    files = {"b.so": b"elf", "a.py": b"py", "link": b"a.py", "typeless": b"", "é/ü.py": b""}
    wheel = make_wheel(store, files, modes=modes)
    path = store.artifact(wheel.sha256)
    assert path
    with open_wheel(path, wheel.file) as opened:
        found = {each.path: each.executable for each in opened.members()}
        assert list(found) == sorted(found)
        # As pip has it: a regular file with any right to execute, and nothing else.
        assert [name for name, executable in found.items() if executable] == ["b.so"]
        assert RECORD not in found
        with opened.open("a.py") as stream:
            assert stream.read() == b"py"
        assert opened.read_dist_info("LICENSE") is None
        assert opened.root_scheme() == "purelib"


def test_stronger_hashes_are_known(store: Store) -> None:
    path = store.artifact(
        put_wheel(
            store, with_record(f"demo.py,{record_hash(DEMO['demo.py'], 'sha512')},300")
        ).sha256
    )
    assert path
    with open_wheel(path, NAME) as opened:
        (found,) = (each.sha256 for each in opened.members() if each.path == "demo.py")
    assert record_hash(DEMO["demo.py"]) == record_hash_of(found)


def record_hash_of(hexadecimal: str) -> str:
    from base64 import urlsafe_b64encode

    return f"sha256={urlsafe_b64encode(bytes.fromhex(hexadecimal)).decode().rstrip('=')}"


def test_an_error_of_the_caller_stays_what_it_is(store: Store) -> None:
    path = store.artifact(make_wheel(store, {}).sha256)
    assert path
    with pytest.raises(zipfile.BadZipFile), open_wheel(path, NAME):
        raise zipfile.BadZipFile
