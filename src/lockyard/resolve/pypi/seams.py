"""Where pip and pip-tools are led to see another Python (child process only).

pip resolves for the Python that runs it. Four of its parts ask which one that is: markers,
the finder of wheels, the check of Requires-Python and the reader of metadata. Two of them
fail silently when they aren't reached (packages go missing, versions are older), so the
versions are pinned, and the seams are tested before each resolution.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, cast

from pip._internal.commands.install import InstallCommand
from pip._internal.index.collector import LinkCollector
from pip._internal.models.target_python import TargetPython
from pip._internal.network.lazy_wheel import LazyZipOverHTTP
from pip._internal.operations.prepare import RequirementPreparer, get_http_url
from pip._internal.req.constructors import install_req_from_line
from pip._vendor.packaging import markers
from pip._vendor.packaging.tags import Tag
from pip._vendor.requests.adapters import HTTPAdapter
from pip._vendor.truststore._openssl import _configure_context

from .refusal import refusal
from .target import PythonTarget

# What is called or replaced, and parameters that it must have for that.
_SIGNATURES: dict[Callable[..., Any], tuple[str, ...]] = {
    InstallCommand.make_resolver: ("preparer", "finder", "options", "py_version_info"),
    InstallCommand.make_requirement_preparer: ("temp_build_dir", "options", "session"),
    LinkCollector.fetch_response: ("self", "location", "package_name"),
    HTTPAdapter.build_connection_pool_key_attributes: ("self", "request", "verify"),
    LazyZipOverHTTP.__init__: ("self", "url", "session", "chunk_size"),
    RequirementPreparer._fetch_metadata_only: ("self", "req"),
    TargetPython.get_sorted_tags: ("self",),
    _configure_context: ("ctx",),
    get_http_url: ("link", "download", "download_dir", "hashes"),
    markers.default_environment: (),
}


def check_seams() -> None:
    """Raise Refusal unless what is called and replaced looks as it is expected to."""
    for function, expected in _SIGNATURES.items():
        missing = set(expected) - set(inspect.signature(function).parameters)
        if missing:
            name = f"{function.__module__}.{function.__qualname__}"
            raise refusal("seams", f"{name} has no parameter {min(missing)}")


def lead_markers(target: PythonTarget) -> None:
    """Have every marker in this process evaluated for a target; raise Refusal if that fails.

    There is no way back: the process is thrown away.
    """
    # A Python that nobody has shows whether pip's own reading of a requirement gets here.
    _replace_environment(target.markers | {"python_version": "2.0"})
    probe = install_req_from_line("probe; python_version == '2.0'")
    if not probe.match_markers():
        raise refusal("seams", "markers are evaluated for this machine and not for the target")
    _replace_environment(target.markers)


def _replace_environment(environment: Mapping[str, str]) -> None:
    markers.default_environment = lambda: cast("markers.Environment", dict(environment))


class ForeignPython(TargetPython):
    """Tell pip's finder the tags of a target, in the order in which its own pip has them."""

    def __init__(self, target: PythonTarget) -> None:
        super().__init__(
            platforms=list(target.platforms),
            py_version_info=target.version_info,
            implementation="cp",
        )
        self.tags = [Tag(tag.interpreter, tag.abi, tag.platform) for tag in target.tags]

    def get_sorted_tags(self) -> list[Tag]:
        """See TargetPython."""
        return self.tags
