"""Which modules packages bring: pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from lockyard.trial.packages import Installed

_DEEPEST = 8  # folders of namespace packages, as azure.monitor.opentelemetry
# An extension module says which Python it is for; one at the top need not, and a library does not.
_MODULE = re.compile(r"([^\W\d]\w*)(\.py|\.(cpython-[\w-]+|abi3)\.so)")
_UNTAGGED = re.compile(r"(?!lib)([^\W\d]\w*)\.so")
_SITE = "/site-packages/"


def modules(installed: Installed) -> tuple[str, ...]:
    """Return the top-level modules of all packages of an image, sorted.

    They are taken from what each package's record has; where it has none, from the
    ``top_level.txt`` of older metadata.
    """
    found: set[str] = set()
    for each in installed.distributions:
        # Some name the folders of a namespace there.
        named = (name.replace("/", ".") for name in each.top)
        found.update(top_modules(each.record) or named)
    for record in installed.conda:
        inside = (path.partition(_SITE)[2] for path in record.files if _SITE in path)
        found.update(top_modules(inside))
    return tuple(sorted(found))


def top_modules(paths: Iterable[str]) -> set[str]:
    """Return the modules of a record's paths that are in no other module.

    A folder without ``__init__`` is a namespace's: the modules are those in it.
    """
    known = {module for path in paths for module in _named(path)}
    packages = {parts[:-1] for parts in known if parts[-1] == "__init__"}
    plain = {parts for parts in known if parts[-1] != "__init__"}
    tops = packages | {
        parts for parts in plain if not any(parts[:n] in packages for n in range(1, len(parts)))
    }
    return {
        ".".join(parts)
        for parts in tops
        if parts and not any(parts[:n] in packages for n in range(1, len(parts)))
    }


def _named(path: str) -> Iterator[tuple[str, ...]]:
    """Give the parts of a module's name, if a path is one's."""
    *folders, file = path.split("/")
    module = _MODULE.fullmatch(file) or (None if folders else _UNTAGGED.fullmatch(file))
    if module and len(folders) < _DEEPEST and all(each.isidentifier() for each in folders):
        yield (*folders, module[1])
