"""Which source distributions may be taken, and the wheels built of them (child process only)."""

from __future__ import annotations

from pathlib import Path

from packaging.utils import InvalidSdistFilename, canonicalize_name, parse_sdist_filename
from pip._internal.models.format_control import FormatControl

from lockyard.lock.model import Sdist
from lockyard.resolve.sdist.cache import KeptFile, build_key, built_wheels, told_metadata

from .pages import SizedFile
from .protocol import Failure, Request
from .refusal import Refusal, refusal


class WheelsFirst(FormatControl):
    """Have pip's finder take wheels of every package, and sdists of the named ones as well."""

    def __init__(self, sdists: frozenset[str]) -> None:
        super().__init__(only_binary={":all:"})
        self.sdists = sdists

    def get_allowed_formats(self, canonical_name: str) -> frozenset[str]:
        """See FormatControl."""
        if canonical_name in self.sdists:
            return frozenset({"binary", "source"})
        return super().get_allowed_formats(canonical_name)


class Recipes:
    """Tell how sdists are built, and what was built of them.

    This process builds nothing, for it may be killed at any moment: an sdist without a wheel
    ends the resolution, and who asked for it has it built and asks again.
    """

    def __init__(self, request: Request) -> None:
        self.request = request
        self.kept = built_wheels(Path(request.cache))
        self.kept_metadata = told_metadata(Path(request.cache))

    def sdist(self, name: str, file: SizedFile) -> Sdist:
        """Return the record of an sdist's build; raise Refusal if its file's name is odd."""
        try:
            right = parse_sdist_filename(file.file)[0] == canonicalize_name(name)
        except InvalidSdistFilename:
            right = False
        if not right:
            raise refusal("metadata", f"{file.file!r} is no source distribution of it", name)
        try:
            return Sdist(
                file=file.file,
                sha256=file.sha256,
                size=file.size,
                tools=self.request.tools,
                environment=self.request.sdists[canonicalize_name(name)],
            )
        except ValueError as error:
            raise refusal("page", str(error), name) from error

    def built(self, name: str, file: SizedFile) -> KeptFile:
        """Return the wheel of an sdist, or the METADATA of one that is compiled elsewhere.

        Raise Refusal if it wasn't built yet.
        """
        sdist = self.sdist(name, file)
        kept = self.kept_metadata if self.is_compiled(name) else self.kept
        made = kept.get(build_key(sdist))
        if made is None:
            package = str(canonicalize_name(name))
            raise Refusal(Failure(kind="unbuilt", package=package, sdist=sdist))
        return made

    def is_compiled(self, name: str) -> bool:
        """Tell whether a package is compiled while an image is built."""
        return canonicalize_name(name) in self.request.compiled
