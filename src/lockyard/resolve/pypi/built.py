"""Wheels of a resolution that no index has, and that are built on the way."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import evolve
from packaging.utils import parse_wheel_filename

from lockyard.errors import BuildError, StoreError
from lockyard.events import Reporter
from lockyard.lock.model import Compiled, Sdist, Wheel

from .process import ask
from .protocol import Answer, Request
from .target import PythonTarget

if TYPE_CHECKING:
    from lockyard.resolve.sdist.build import SdistBuilder

Builder = Callable[[], "SdistBuilder"]


def builder_of(request: Request, source: str, reporter: Reporter) -> Builder:
    """Return what gives the builder of a request's sdists, always the same one."""

    @cache
    def make() -> SdistBuilder:
        # Few resolutions build, and to import this takes as long as many a resolution.
        from lockyard.resolve.sdist.build import SdistBuilder  # noqa: PLC0415
        from lockyard.resolve.sdist.index import Index  # noqa: PLC0415

        index = Index(address=request.index, source=source, cert=request.cert)
        return SdistBuilder(index=index, cache=Path(request.cache), reporter=reporter)

    return make


def ask_and_build(request: Request, builder: Builder) -> Answer:
    """Have a request answered, and whatever must be built for that built on the way."""
    built: list[Sdist] = []
    while True:
        answer = ask(request)
        failure = answer.failure
        sdist = failure.sdist if failure else None
        if failure is None or sdist is None:
            return answer
        if sdist in built:
            raise StoreError(
                "what was built of it is gone",
                where=sdist.file,
                solution="see that nothing clears the cache's folder during a resolution",
            )
        if failure.package in request.compiled:
            builder().metadata(sdist)
        else:
            builder().wheel(sdist)
        built.append(sdist)


def with_compiled(wheel: Wheel, builder: str) -> Wheel:
    """Return what an engine makes in place of a wheel whose file is its sdist's."""
    assert wheel.sdist is not None  # noqa: S101 - the caller has looked
    compiled = Compiled(builder=builder, environment=wheel.sdist.environment)
    return evolve(wheel, sdist=None, compiled=compiled)


def with_built(wheel: Wheel, builder: Builder, target: PythonTarget) -> Wheel:
    """Return what is built in place of a wheel whose file is its sdist's."""
    assert wheel.sdist is not None  # noqa: S101 - the caller has looked
    kept = builder().wheel(wheel.sdist)
    if not parse_wheel_filename(kept.file)[3] & set(target.tags):
        raise BuildError(
            f"its build gives {kept.file}, which isn't for {target}",
            where=wheel.sdist.file,
            solution="ask for another version of it",
        )
    return evolve(wheel, file=kept.file, sha256=kept.sha256, size=kept.size)
