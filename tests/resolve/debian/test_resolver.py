"""The whole way: from a mirror's signed documents to what a lock keeps."""

from __future__ import annotations

import hashlib
import lzma
import shutil
import subprocess
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import pytest
import requests
import zstandard
from pysequoia import Tsk

from lockyard.errors import FetchError, IntegrityError, ResolveError, StoreError, UsageError
from lockyard.lock.model import Deb
from lockyard.resolve.debian.resolver import Resolution, resolve_debian, upstream_version
from lockyard.resolve.once import Once

Paragraph = Callable[..., str]
KEYS = ("B8B80B5B623EAB6AD8775C45B7C5D7D6350947F8",)
BASE = ("apt", "usr-is-merged", "python3.11", "ca-certificates", "libgomp1")


class Archive(Protocol):
    root: Path
    url: str
    cache: Path
    served: list[str]

    @property
    def dists(self) -> Path: ...
    def release(self, text: str, **fields: str) -> str: ...
    def sign(self, text: str, signer: Tsk | None = None) -> bytes: ...
    def publish(self, *paragraphs: str, **fields: str) -> None: ...
    def resolve(self, *roots: str, **changes: Any) -> Resolution: ...


@pytest.fixture
def archive(site: Archive, make_paragraph: Paragraph) -> Archive:
    site.publish(
        make_paragraph("init", essential="yes", depends="c"),
        make_paragraph("a", "1:1.5-2", depends="b | c"),
        make_paragraph("b"),
        make_paragraph("c", architecture="all"),
    )
    return site


def packages_file(archive: Archive) -> Path:
    return archive.dists / "main" / "binary-amd64" / "Packages.xz"


def test_a_resolution_holds_what_a_lock_keeps(archive: Archive) -> None:
    found = archive.resolve(roots={"base trial": (), "env": ("a (>= 1:1.5)", "c")})
    assert found.release_date == datetime(2026, 7, 11, 10, 16, 37, tzinfo=UTC)
    assert [(deb.name, deb.required_by) for deb in found.debs] == [
        ("a", ("env",)),
        ("c", ("a", "env", "init")),
        ("init", ("base trial",)),
    ]
    assert found.debs[0] == Deb(
        name="a",
        version="1:1.5-2",
        architecture="amd64",
        file="a_1.5-2_amd64.deb",
        path="pool/main/a/a/a_1.5-2_amd64.deb",
        sha256=hashlib.sha256(b"a 1:1.5-2").hexdigest(),
        size=101,
        source="debian",
        required_by=("env",),
    )
    assert upstream_version(found.debs[0]) == "1.5"


def test_a_relock_fetches_only_the_release(archive: Archive) -> None:
    first = archive.resolve("a")
    archive.served.clear()
    assert archive.resolve("a") == first
    assert archive.served == ["/dists/trial/InRelease"]


def test_a_corrupt_cache_is_fetched_again(archive: Archive) -> None:
    first = archive.resolve("a")
    (cached,) = archive.cache.iterdir()
    whole = cached.read_bytes()
    cached.write_bytes(whole[:-1] + b"x")
    assert archive.resolve("a") == first
    assert cached.read_bytes() == whole


@pytest.mark.parametrize("tail", ["", "/", "//"])
def test_a_mirror_may_end_in_slashes(tail: str, archive: Archive) -> None:
    archive.resolve("a", mirror=archive.url.rstrip("/") + tail)
    assert not [path for path in archive.served if "//" in path]


def test_the_index_is_fetched_by_its_hash(archive: Archive) -> None:
    packages_file(archive).unlink()
    assert archive.resolve("a").debs
    assert "/by-hash/SHA256/" in archive.served[1]


def test_a_mirror_without_hashes_gives_the_index_by_name(archive: Archive) -> None:
    for file in packages_file(archive).parent.rglob("by-hash/SHA256/*"):
        file.unlink()
    assert archive.resolve("a").debs
    assert archive.served[-1].endswith("/main/binary-amd64/Packages.xz")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[:-1],
        lambda data: data + b"x",
        lambda data: data[:-1] + b"x",
        lambda data: b"",
        lambda data: lzma.compress(b"Package: evil\n"),
    ],
)
def test_an_index_that_is_not_the_listed_one_is_refused(
    spoil: Callable[[bytes], bytes], archive: Archive
) -> None:
    for file in packages_file(archive).parent.rglob("*"):
        if file.is_file():
            file.write_bytes(spoil(file.read_bytes()))
    with pytest.raises(IntegrityError, match="that the Release lists"):
        archive.resolve("a")
    assert not archive.cache.exists()


@pytest.mark.parametrize("size", [1, 10**7])
def test_an_index_unpacks_to_the_listed_size_only(
    size: int, archive: Archive, make_paragraph: Paragraph
) -> None:
    text = make_paragraph("a")
    release = archive.release(text).replace(f" {len(text)} ", f" {size} ")
    (archive.dists / "InRelease").write_bytes(archive.sign(release))
    with pytest.raises(IntegrityError, match="doesn't decompress to"):
        archive.resolve("a")


def test_a_listed_file_that_is_no_archive_is_refused(archive: Archive) -> None:
    packed, broken = packages_file(archive).read_bytes(), b"not xz at all"
    release = archive.release("Package: a\n")
    packed = packages_file(archive).read_bytes()
    release = release.replace(f" {len(packed)} ", f" {len(broken)} ").replace(
        hashlib.sha256(packed).hexdigest(), hashlib.sha256(broken).hexdigest()
    )
    packages_file(archive).write_bytes(broken)
    (archive.dists / "InRelease").write_bytes(archive.sign(release))
    with pytest.raises(IntegrityError, match="can't be decompressed"):
        archive.resolve("a")


def test_a_stranger_is_not_believed(archive: Archive, stranger: Tsk) -> None:
    text = archive.release("Package: evil\n")
    (archive.dists / "InRelease").write_bytes(archive.sign(text, stranger))
    with pytest.raises(IntegrityError, match="is signed by"):
        archive.resolve("a")
    assert archive.served == ["/dists/trial/InRelease"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"components": ("universe",)}, "no component universe"),
        ({"architecture": "arm64"}, "no architecture arm64"),
        ({"components": ("contrib",)}, "lists no contrib/binary-amd64/Packages"),
    ],
)
def test_what_the_suite_does_not_have_is_said(
    changes: Mapping[str, Any], said: str, archive: Archive
) -> None:
    with pytest.raises(IntegrityError, match=said):
        archive.resolve("a", **changes)


def test_a_missing_document_is_named_by_its_path(archive: Archive) -> None:
    (archive.dists / "InRelease").unlink()
    with pytest.raises(FetchError) as caught:
        archive.resolve("a")
    assert caught.value.where == "debian /dists/trial/InRelease"


def test_a_mirror_that_does_not_answer_is_a_fetch_error() -> None:
    with pytest.raises(FetchError, match="can't be downloaded") as caught:
        resolve_debian(
            session=requests.Session(),
            mirror="http://localhost:1/debian",
            source="debian",
            suite="bookworm",
            components=("main",),
            architecture="amd64",
            keys=KEYS,
            roots={"env": ("a",)},
            pinned={},
            cache=Path("unused"),
            now=datetime(2026, 8, 1, tzinfo=UTC),
        )
    assert caught.value.where == "debian /debian/dists/bookworm/InRelease"


def test_a_cache_that_cannot_be_written_is_a_store_error(archive: Archive) -> None:
    archive.cache.write_text("in the way")
    with pytest.raises(StoreError):
        archive.resolve("a")


def test_roots_are_checked_before_anything_is_fetched(archive: Archive) -> None:
    with pytest.raises(UsageError, match="not a relation"):
        archive.resolve("a b c")
    assert archive.served == []


def test_an_unknown_root_is_explained(archive: Archive) -> None:
    with pytest.raises(ResolveError, match="env asks for zz, but no package is or provides zz"):
        archive.resolve("zz")


@pytest.mark.parametrize(("field", "value"), [("filename", "pool/a b.deb"), ("size", "0")])
def test_a_record_that_no_lock_may_hold_is_refused(
    field: str, value: str, archive: Archive, make_paragraph: Paragraph
) -> None:
    archive.publish(make_paragraph("a", **{field: value}))
    with pytest.raises(IntegrityError, match="record of a 1 can't be locked"):
        archive.resolve("a")


def test_pins_hold_and_the_resolution_is_stable(archive: Archive) -> None:
    pinned = archive.resolve("a", pinned={"b": "1"})
    assert [deb.name for deb in pinned.debs] == ["a", "c", "init"]
    versions = {deb.name: deb.version for deb in pinned.debs}
    assert archive.resolve("a", pinned=versions) == pinned


def test_packages_of_all_architectures_may_stand_apart(
    archive: Archive, make_paragraph: Paragraph
) -> None:
    text = make_paragraph("c", architecture="all")
    release = archive.release(make_paragraph("a", depends="c"), Architectures="all amd64")
    packed = lzma.compress(text.encode())
    folder = archive.dists / "main" / "binary-all"
    folder.mkdir()
    (folder / "Packages.xz").write_bytes(packed)
    for name, data in (("Packages", text.encode()), ("Packages.xz", packed)):
        release += f" {hashlib.sha256(data).hexdigest()} {len(data)} main/binary-all/{name}\n"
    (archive.dists / "InRelease").write_bytes(archive.sign(release))
    assert [deb.name for deb in archive.resolve("a").debs] == ["a", "c"]


@pytest.fixture(scope="session")
def lists(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lists")


@pytest.fixture(scope="session")
def real(lists: Path) -> Callable[..., Resolution]:
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"]
    try:
        told = subprocess.run(command, check=True, capture_output=True, text=True, timeout=30)
        mirror = told.stdout.split()[0]
        requests.head(mirror, timeout=10)
    except (OSError, subprocess.SubprocessError, IndexError, requests.RequestException) as error:
        pytest.skip(f"no Debian mirror answers ({type(error).__name__})")

    def run(architecture: str, pinned: Mapping[str, str] | None = None) -> Resolution:
        return resolve_debian(
            session=requests.Session(),
            mirror=mirror,
            source="debian",
            suite="bookworm",
            components=("main",),
            architecture=architecture,
            keys=KEYS,
            roots={"base debian12": BASE},
            pinned=pinned or {},
            cache=lists,
            now=datetime(2026, 8, 1, tzinfo=UTC),
        )

    return run


@pytest.mark.network
@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
def test_bookworm_gives_a_small_base(architecture: str, real: Callable[..., Resolution]) -> None:
    found = real(architecture)
    debs = {deb.name: deb for deb in found.debs}
    assert {*BASE, "mawk", "libc6", "dpkg", "perl-base"} <= debs.keys()
    assert not {"usrmerge", "perl", "libperl5.36", "gawk"} & debs.keys()
    assert 90 <= len(debs) <= 115
    assert {deb.architecture for deb in found.debs} == {architecture, "all"}
    assert debs["usr-is-merged"].required_by == ("base debian12", "init-system-helpers")
    assert upstream_version(debs["python3.11"]).startswith("3.11.")
    assert upstream_version(debs["libc6"]) == "2.36"
    pinned = {deb.name: deb.version for deb in found.debs}
    assert real(architecture, pinned) == found


def apt_check(status: str, folder: Path, architecture: str) -> int:
    """Let apt judge a dpkg status file on its own, and return its exit status."""
    for name in ("lists/partial", "archives/partial", "etc"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "status").write_text(status)
    options = {
        "APT::Architecture": architecture,
        "APT::Architectures::": architecture,
        "Dir::Etc": folder / "etc",
        "Dir::State": folder,
        "Dir::State::status": folder / "status",
        "Dir::Cache": folder,
        "Debug::NoLocking": "true",
    }
    told = [f"-o{key}={value}" for key, value in options.items()]
    command = ["apt-get", "check", "-q", *told]
    return subprocess.run(command, capture_output=True, timeout=60, check=False).returncode


@pytest.mark.network
@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
def test_apt_finds_nothing_broken_in_the_set(
    architecture: str, real: Callable[..., Resolution], lists: Path, tmp_path: Path
) -> None:
    files = {deb.path: deb.name for deb in real(architecture).debs}
    installed = {}
    for cached in lists.iterdir():
        for text in zstandard.decompress(cached.read_bytes()).decode().split("\n\n"):
            path = text.partition("\nFilename: ")[2].partition("\n")[0]
            if path in files:
                installed[files[path]] = f"{text.strip()}\nStatus: install ok installed\n"
    assert installed.keys() == set(files.values())
    assert apt_check("\n".join(installed.values()), tmp_path, architecture) == 0
    del installed["libexpat1"]
    assert apt_check("\n".join(installed.values()), tmp_path, architecture) != 0


def test_resolutions_that_share_a_run_ask_the_mirror_once(archive: Archive) -> None:
    once = Once()
    first = archive.resolve("a", once=once)
    shutil.rmtree(archive.root)
    shutil.rmtree(archive.cache)
    assert archive.resolve("a", once=once) == first
    with pytest.raises(FetchError):
        archive.resolve("a")
