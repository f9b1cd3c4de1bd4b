"""The METADATA of wheels, without the wheels (child process only)."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from pip._internal.exceptions import HashMismatch, UnsupportedWheel
from pip._internal.metadata import BaseDistribution, get_metadata_distribution
from pip._internal.network.lazy_wheel import HTTPRangeRequestUnsupported, LazyZipOverHTTP
from pip._internal.operations.prepare import RequirementPreparer, get_http_url
from pip._internal.req import InstallRequirement
from pip._internal.utils.hashes import Hashes
from pip._internal.utils.wheel import wheel_dist_info_dir

from .memory import Memory
from .pages import Pages, SizedFile
from .recipes import Recipes
from .refusal import refusal
from .supply import NETWORK_ERRORS, describe

# More than any real METADATA has, and little enough to hold.
_LARGEST = 16 << 20

# One request of this many bytes from a wheel's end mostly holds both its central directory
# and its METADATA, which builders put last.
_CHUNK = 64 << 10


class MetadataReader:
    """Tell pip what wheels depend on.

    Of an sdist, the wheel that was built of it is read; it is refused where none was. Of a
    wheel, in this order: from the store, from the index where it serves metadata beside its wheels
    (PEP 658), from the wheel's own end by range requests, and from the whole wheel. The whole
    wheel is checked against the index's hash, but a part of one can't be. That is enough for
    resolving: fetching checks each wheel in full before anything is unpacked, so that a lie
    here can make a resolution wrong, and never an image other than its lock.
    """

    def __init__(self, pages: Pages, store: Memory, recipes: Recipes) -> None:
        self.pages = pages
        self.store = store
        self.recipes = recipes

    def attach(self, preparer: RequirementPreparer) -> None:
        """Make a preparer ask here, where it would have downloaded wheels."""
        # It is asked first for each wheel; only None would make pip download one by itself.
        preparer._fetch_metadata_only = partial(  # type: ignore[method-assign]
            self._distribution, preparer
        )

    def _distribution(
        self, preparer: RequirementPreparer, requirement: InstallRequirement
    ) -> BaseDistribution:
        name = requirement.name or ""
        file = self.pages.file(name, requirement.link)
        if not file.link.is_wheel:
            return self._built_distribution(name, file)
        contents = self.store.get(file.sha256)
        if contents is None:
            contents = self._fetch(preparer, name, file)
            self.store.put(file.sha256, contents)
        distribution = get_metadata_distribution(contents, file.file, name)
        self.pages.supply.expect(each.name for each in distribution.iter_dependencies())
        return distribution

    def _built_distribution(self, name: str, file: SizedFile) -> BaseDistribution:
        built = self.recipes.built(name, file)
        try:
            if self.recipes.is_compiled(name):
                return get_metadata_distribution(built.path.read_bytes(), file.file, name)
            with ZipFile(built.path) as wheel:
                return get_metadata_distribution(read_metadata(wheel, name), built.file, name)
        except (BadZipFile, UnsupportedWheel, KeyError, OSError) as error:
            raise refusal("metadata", f"{file.file} gives no wheel: {error}", name) from error

    def _fetch(self, preparer: RequirementPreparer, name: str, file: SizedFile) -> bytes:
        try:
            beside = file.link.metadata_link()
            if beside is not None:
                path = get_http_url(beside, preparer._download, hashes=beside.as_hashes()).path
                return Path(path).read_bytes()
            partly = _read_by_ranges(preparer, name, file)
            if partly is not None:
                return partly
            whole = Hashes({"sha256": [file.sha256]})
            path = get_http_url(file.link, preparer._download, hashes=whole).path
            with ZipFile(path) as wheel:
                return read_metadata(wheel, name)
        except HashMismatch as error:
            text = f"{file.file} isn't what the index's hash says"
            raise refusal("integrity", text, name) from error
        except (BadZipFile, UnsupportedWheel, KeyError) as error:
            raise refusal("metadata", f"{file.file} is no wheel: {error}", name) from error
        except NETWORK_ERRORS as error:
            raise refusal("index", describe(error), name) from error


def _read_by_ranges(preparer: RequirementPreparer, name: str, file: SizedFile) -> bytes | None:
    """Read METADATA out of a wheel's end; return None where only the whole wheel will do.

    A server that answers a range request with something else gives all sorts of errors here,
    and each of them means the same: download the wheel, which is checked by its hash.
    """
    url = file.link.url_without_fragment
    try:
        with LazyZipOverHTTP(url, preparer._session, chunk_size=_CHUNK) as part:
            if part._length != file.size:
                return None
            with ZipFile(part) as wheel:
                return read_metadata(wheel, name)
    except (HTTPRangeRequestUnsupported, AssertionError, KeyError, ValueError, OSError):
        return None
    except (BadZipFile, UnsupportedWheel, *NETWORK_ERRORS):
        return None


def read_metadata(wheel: ZipFile, package: str) -> bytes:
    """Return the METADATA of a wheel of a package.

    Raise UnsupportedWheel if there is none or several, KeyError if its folder lacks it,
    BadZipFile if it is damaged or absurdly large.
    """
    member = wheel.getinfo(f"{wheel_dist_info_dir(wheel, package)}/METADATA")
    if member.file_size > _LARGEST:
        raise BadZipFile(f"METADATA of {member.file_size} bytes")
    return wheel.read(member)
