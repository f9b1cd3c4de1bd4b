"""Build an env as the program does; write the processor seconds of its parts to a file, as JSON.

Each part is measured by the processor time of the thread that does it, where a library is called.
"""

from __future__ import annotations

import hashlib
import json
import resource
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

_SHA256 = hashlib.sha256
_spent: defaultdict[str, float] = defaultdict(float)
_lock = threading.Lock()


def _measured(part: str, act: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that adds its time to a part's."""

    def acted(*arguments: Any, **options: Any) -> Any:
        start = time.thread_time()
        try:
            return act(*arguments, **options)
        finally:
            spent = time.thread_time() - start
            with _lock:
                _spent[part] += spent

    return acted


def _measured_parts(part: str, act: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
    """Return a generator that adds the time of what it gives to a part's."""

    def acted(*arguments: Any) -> Iterator[Any]:
        following = _measured(part, iter(act(*arguments)).__next__)
        while True:
            try:
                given = following()
            except StopIteration:
                return
            yield given

    return acted


class _Sha256:
    """hashlib's, measured."""

    digest_size = 32

    def __init__(self, data: Any = b"", **_: object) -> None:
        self._hash = _SHA256()
        self.update = _measured("sha256", self._hash.update)
        self.digest, self.hexdigest = self._hash.digest, self._hash.hexdigest
        self.update(data)


def main() -> None:
    """Run the program with its parts measured."""
    target = Path(sys.argv.pop(1))
    hashlib.sha256 = _Sha256  # type: ignore[assignment]
    hashlib.file_digest = _measured("sha256", hashlib.file_digest)
    from lockyard.build import compress  # noqa: PLC0415
    from lockyard.build.debian import archive as debian  # noqa: PLC0415
    from lockyard.build.wheel import archive as wheel  # noqa: PLC0415
    from lockyard.cli.program import main as program  # noqa: PLC0415

    changed: Any = compress
    changed._compress = _measured("deflate", changed._compress)
    changed = debian
    changed._unpacked_xz = _measured_parts("xz", changed._unpacked_xz)
    changed = wheel
    changed.read_member = _measured("inflate", changed.read_member)
    changed.deflated_parts = _measured_parts("inflate", changed.deflated_parts)
    try:
        program()
    finally:
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        parts = {**_spent, "compiling modules": children.ru_utime + children.ru_stime}
        parts["Python, the kernel, all else"] = time.process_time() - sum(_spent.values())
        target.write_text(json.dumps(parts))


if __name__ == "__main__":
    main()
