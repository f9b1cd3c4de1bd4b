from __future__ import annotations

import hashlib
from typing import Any

import pytest
from attrs import evolve

from lockyard.lock.model import Deb, Lock, Target, Wheel


def _fields(name: str, version: str, file: str, source: str, **changes: Any) -> dict[str, Any]:
    return {
        "name": name,
        "version": version,
        "file": file,
        "sha256": hashlib.sha256(file.encode()).hexdigest(),
        "size": 1000 + len(file),
        "source": source,
        "required_by": ("env",),
    } | changes


class Make:
    """Sound parts of a lock, with what a test wants otherwise."""

    def wheel(self, name: str, version: str = "1.0", **changes: Any) -> Wheel:
        file = changes.pop("file", f"{name.replace('-', '_')}-{version}-py3-none-any.whl")
        given = {"uploaded": "2026-01-02T03:04:05Z"}
        return Wheel(**_fields(name, version, file, "pypi", **(given | changes)))

    def deb(self, name: str, version: str = "1.0-1", **changes: Any) -> Deb:
        file = f"{name}_{version}_amd64.deb"
        given = {"architecture": "amd64", "path": f"pool/main/{name[0]}/{name}/{file}"}
        return Deb(**_fields(name, version, file, "debian", **(given | changes)))

    def target(self, variant: str = "cpu", platform: str = "linux/amd64") -> Target:
        return Target(
            name=f"{variant}-{platform.replace('/', '-')}",
            variant=variant,
            platform=platform,
            base="debian12",
            python="3.11.2",
            glibc="2.36",
        )

    def lock(self, **changes: Any) -> Lock:
        sound = Lock(
            env="trial",
            inputs={"base": "0" * 64, "env": "1" * 64, "recipe": "2" * 64},
            targets=(self.target(),),
            debs=(self.deb("bash"), self.deb("libc6", "2.36-9+deb12u10")),
            wheels=tuple(self.wheel(name) for name in ("flask", "numpy", "pandas")),
        )
        return evolve(sound, **changes)


@pytest.fixture(scope="session")
def make() -> Make:
    return Make()
