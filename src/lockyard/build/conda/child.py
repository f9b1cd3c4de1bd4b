"""The process that installs: ``python -m lockyard.build.conda.child FOLDER``.

It runs rattler on what it finds in ``FOLDER/jobs.json``, a list of Jobs. What goes wrong is
told on standard output, as ``{"job": number, "reason": text}``. rattler brings threads and a
runtime of its own, and may crash as the interpreter ends: so it has a process of its own.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import signal
import sys
from pathlib import Path

import attrs
from attrs import frozen

JOBS = "jobs.json"
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
# Only whether it is a Unix shows in what is installed; the machine's own must not matter.
_PLATFORM = "linux-64"


@frozen(kw_only=True)
class Job:
    """An installation of packages that ``cache`` holds extracted, into the folder ``target``.

    ``records`` are paths of the packages' records; the files name ``prefix`` as their place.
    """

    records: tuple[str, ...]
    cache: str
    target: str
    prefix: str


async def _install(job: Job) -> None:
    from rattler import PackageRecord, RepoDataRecord, Subdir  # noqa: PLC0415
    from rattler.install import install  # noqa: PLC0415
    from rattler.package_cache import PackageCache, ValidationMode  # noqa: PLC0415

    records = []
    for path in job.records:
        record = PackageRecord.from_index_json(Path(path))
        name = f"{record.name.normalized}-{record.version}-{record.build}.conda"
        # Nothing is there: what isn't in the cache must not come from anywhere else.
        nowhere = (Path(job.cache) / "nothing").as_uri()
        records.append(RepoDataRecord(record, name, f"{nowhere}/{name}", nowhere))
    await install(
        records,
        job.target,
        installed_packages=[],
        platform=Subdir(_PLATFORM),
        execute_link_scripts=False,
        show_progress=False,
        alternative_target_prefix=job.prefix,
        package_cache=PackageCache.new_layered([job.cache], validation_mode=ValidationMode.skip()),
    )


def main() -> None:
    """Serve the jobs of a folder, one by one, and leave at the first that fails."""
    # Nobody reads what is installed once the parent has gone, however it went.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    jobs = json.loads((Path(sys.argv[1]) / JOBS).read_bytes())
    for number, job in enumerate(jobs):
        try:
            asyncio.run(_install(Job(**job)))
        except Exception as error:
            sys.stdout.write(json.dumps({"job": number, "reason": str(error)}))
            break
    sys.stdout.flush()
    # Without the interpreter's own end, at which rattler's threads may still be running.
    os._exit(0)


def encoded(jobs: list[Job]) -> bytes:
    """Return jobs as the child reads them."""
    return json.dumps([attrs.asdict(job) for job in jobs]).encode()


if __name__ == "__main__":
    main()
