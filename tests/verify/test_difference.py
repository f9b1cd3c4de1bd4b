"""One thing of an image is changed, and exactly that is named."""

from __future__ import annotations

import gzip
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from lockyard.assemble.document import platform_index
from lockyard.errors import IntegrityError
from lockyard.verify.difference import Difference, difference
from lockyard.verify.view import layout_view
from tests.verify.conftest import SITE
from tests.verify.doctor import Doctor, at, layer_members, tarred

MODULE = f"{SITE}/demo/__init__.py"
LONG = f"{SITE}/demo/long-{'n' * 120}"


def found(image: Path, doctor: Doctor) -> Difference:
    told = difference(layout_view(image, "one"), layout_view(doctor.folder, "other"))
    assert told is not None
    return told


def set_(name: str, value: Any) -> Callable[[tarfile.TarInfo, bytes], None]:
    return lambda info, _: setattr(info, name, value)


def flipped(byte: int) -> Callable[[tarfile.TarInfo, bytes], bytes]:
    return lambda _, data: data[:byte] + bytes([data[byte] ^ 1]) + data[byte + 1 :]


def test_the_same_image_has_no_difference(image: Path, doctor: Doctor) -> None:
    assert difference(layout_view(image, "one"), layout_view(doctor.folder, "other")) is None


CASES = {
    "a byte": (2, MODULE, flipped(20), "content", "demo 1.0", "another version was packed"),
    "a pyc's header": (2, f"{SITE}/demo/cached.pyc", flipped(9), "content", "demo 1.0", "header"),
    "a pyc's code": (2, f"{SITE}/demo/cached.pyc", flipped(20), "content", "demo 1.0", "code of"),
    "RECORD": (
        2,
        f"{SITE}/demo-1.0.dist-info/RECORD",
        lambda _, data: b"\n".join(sorted(data.splitlines(), reverse=True)) + b"\n",
        "content",
        "demo 1.0",
        "RECORD lists",
    ),
    "a script": (2, "opt/venv/bin/tool", flipped(5), "content", "demo 1.0", "interpreter"),
    "a mode": (2, MODULE, set_("mode", 0o600), "mode", "demo 1.0", "umask"),
    "an owner": (2, MODULE, set_("uid", 1000), "owner", "demo 1.0", "who builds"),
    "an owner's name": (1, "etc/demo.conf", set_("uname", "me"), "owner's name", "demo-conf", ""),
    "a time": (2, MODULE, set_("mtime", 315532801), "time", "demo 1.0", "reads the clock"),
    "a link": (1, "usr/lib/x", set_("linkname", "../z"), "link target", "demo-conf", "folder"),
    "a pax header": (
        2,
        MODULE,
        set_("pax_headers", {"X.y": "z"}),
        "header form, pax header",
        "demo 1.0",
        "wrote it",
    ),
    "a Debian file": (1, "etc/demo.conf", flipped(0), "content", "demo-conf", "packed"),
    "the recipe's": (3, "usr/local/bin/start", flipped(3), "content", "recipe trial", ""),
}


@pytest.mark.parametrize("name", CASES)
def test_an_entry(name: str, image: Path, doctor: Doctor) -> None:
    layer, path, change, kind, package, cause = CASES[name]
    doctor.archive(layer, at(path, change))
    told = found(image, doctor)
    assert (told.part, told.layer, told.path) == ("layer", layer, f"/{path}")
    assert (told.kind.partition(" from byte")[0], told.package) == (kind, package)
    assert cause in told.cause
    assert (told.further, told.further_layers) == (0, 0)
    assert told.path in str(told)


def test_content_is_told_by_its_first_byte(image: Path, doctor: Doctor) -> None:
    doctor.archive(2, at(MODULE, flipped(21)))
    (change,) = found(image, doctor).changes
    assert change.what == "content from byte 21 on"
    assert change.one.startswith("1700 bytes, sha256 ")
    assert change.one != change.other


def test_how_many_more(image: Path, doctor: Doctor) -> None:
    doctor.archive(2, lambda data: tarred([_later(each) for each in layer_members(data)]))
    doctor.archive(3, at("usr/local/bin/start", flipped(3)))
    told = found(image, doctor)
    assert (told.layer, told.kind, told.path) == (2, "time", "/opt")
    assert (told.further, told.further_layers) == (15, 1)


def _later(member: Any) -> Any:
    member[0].mtime += 5
    return member


def test_a_missing_and_an_added_entry(image: Path, doctor: Doctor) -> None:
    def without(data: bytes) -> bytes:
        return tarred([each for each in layer_members(data) if each[0].name != MODULE])

    doctor.archive(2, without)
    told = found(image, doctor)
    assert (told.kind, told.path, told.package) == ("missing", f"/{MODULE}", "demo 1.0")
    whole, lacking = layout_view(image, "one"), layout_view(doctor.folder, "other")
    back = difference(lacking, whole)
    assert back is not None
    assert (back.kind, back.path, back.package) == ("added", f"/{MODULE}", "demo 1.0")


def test_names_that_are_meant_for_a_terminal(image: Path, doctor: Doctor) -> None:
    evil = "opt/\x1b[2J\n  likely cause: none\udcff" + "x" * 5000

    def with_it(data: bytes) -> bytes:
        return tarred([*layer_members(data), (tarfile.TarInfo(evil), b"")])

    doctor.archive(2, with_it)
    told = found(image, doctor)
    assert told.path == f"/{evil}"
    lines = str(told).splitlines()
    assert all(line.isprintable() and len(line) < 1100 for line in lines)
    assert [line for line in lines if "likely cause" in line and "a file that" in line]
    assert "\\x1b[2J\\n  likely cause: none\\udcff" in str(told)


def test_order(image: Path, doctor: Doctor) -> None:
    doctor.archive(2, lambda data: tarred(_swapped(layer_members(data))))
    told = found(image, doctor)
    assert (told.kind, told.further) == ("order", 0)
    assert told.changes[0].what == "entry 15"


def _swapped(members: list[Any]) -> list[Any]:
    return [*members[:-2], members[-1], members[-2]]


def test_type(image: Path, doctor: Doctor) -> None:
    def link(info: tarfile.TarInfo, _: bytes) -> bytes:
        info.type, info.linkname = tarfile.SYMTYPE, "x"
        return b""

    doctor.archive(1, at("etc/demo.conf", link))
    told = found(image, doctor)
    assert told.kind == "type, link target"
    assert told.changes[0].one == "file"


def test_the_form_of_long_names(image: Path, doctor: Doctor) -> None:
    doctor.archive(2, lambda data: tarred(layer_members(data), 1))
    told = found(image, doctor)
    assert (told.kind, told.path) == ("header form", "/opt")
    assert told.changes[0].one == "ustar"
    assert told.changes[0].other == "GNU"


def test_padding(image: Path, doctor: Doctor) -> None:
    doctor.archive(2, lambda data: data + bytes(512))
    told = found(image, doctor)
    assert (told.kind, told.path) == ("padding", "")
    assert "archive from byte" in told.changes[0].what


def test_compression_only(image: Path, doctor: Doctor) -> None:
    doctor.blob(2, lambda data: gzip.compress(gzip.decompress(data), 9, mtime=1))
    told = found(image, doctor)
    assert (told.layer, told.title, told.kind) == (2, "demo 1.0", "compression only")
    assert ("gzip time", "0", "1") in [(each.what, each.one, each.other) for each in told.changes]
    assert "level" in told.cause


def test_division_into_members(image: Path, doctor: Doctor) -> None:
    def divided(data: bytes) -> bytes:
        archive = gzip.decompress(data)
        return gzip.compress(archive[:1000], mtime=0) + gzip.compress(archive[1000:], mtime=0)

    doctor.blob(2, divided)
    told = found(image, doctor)
    assert ("gzip members", "1", "2") in [
        (each.what, each.one, each.other) for each in told.changes
    ]


def test_config(image: Path, doctor: Doctor) -> None:
    doctor.image(lambda _, config: config["config"]["Labels"].update({"a.b": "d"}))
    told = found(image, doctor)
    assert (told.part, told.path) == ("config", '$.config.Labels["a.b"]')
    assert (told.changes[0].one, told.changes[0].other) == ('"c"', '"d"')


def test_manifest(image: Path, doctor: Doctor) -> None:
    doctor.image(lambda manifest, _: manifest.update({"annotations": {"a": "b"}}))
    told = found(image, doctor)
    assert (told.part, told.path) == ("manifest", "$.annotations")
    assert told.changes[0].one == "nothing"


def test_a_layer_more(image: Path, doctor: Doctor) -> None:
    def add(manifest: Any, config: Any) -> None:
        manifest["layers"].append(manifest["layers"][1])
        config["rootfs"]["diff_ids"].append(config["rootfs"]["diff_ids"][1])
        config["history"].append({"created_by": "RUN hello"})

    doctor.image(add)
    told = found(image, doctor)
    assert (told.layer, told.title, told.kind) == (4, "RUN hello", "only other has it")


def test_a_damaged_layout_is_told_as_such(image: Path, doctor: Doctor) -> None:
    doctor.blob(2, lambda data: gzip.compress(gzip.decompress(data), mtime=2))
    view = layout_view(doctor.folder, "other")
    blob = view.blob(view.manifest("linux/amd64").layers[1])
    blob.write_bytes(blob.read_bytes() + b"x")
    with pytest.raises(IntegrityError, match="damaged"):
        difference(layout_view(image, "one"), view)


def test_what_is_no_archive(image: Path, doctor: Doctor) -> None:
    doctor.blob(2, lambda _: gzip.compress(b"no archive" * 1000))
    with pytest.raises(IntegrityError, match="no layer"):
        difference(layout_view(image, "one"), layout_view(doctor.folder, "other"))


def test_an_index_of_other_platforms(image: Path) -> None:
    alone = layout_view(image, "one")
    (manifest,) = alone.manifests.values()
    both = dict.fromkeys(("linux/amd64", "linux/arm64"), manifest)
    two = evolve(alone, title="two", top=platform_index(both), manifests=both)
    assert difference(alone, two) is None  # one of its platforms
    told = difference(two, alone)
    assert told is not None
    assert (told.part, told.platform) == ("index", "linux/arm64")
    assert told.kind == "only one of them has linux/arm64"
