"""A workspace with sources of its own, and the console program run in it as users do."""

from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import threading
import zipfile
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve, frozen

from lockyard.lock.file import write_lock
from lockyard.lock.inputs import inputs
from lockyard.lock.model import Artifact, Deb, Lock, Target, Wheel
from lockyard.spec.reader import read_fleet

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60  # more than any of these commands takes
# Nobody listens there: port 9 is "discard", which no machine of ours runs.
CLOSED = "http://127.0.0.1:9"


class Site(ThreadingHTTPServer):
    """A mirror and an index in one; what is in ``stalls`` ends half way and never goes on.

    ``asked`` has the paths of all requests, in their order.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.stalls: set[str] = set()
        self.asked: list[str] = []
        self.stalled = threading.Event()
        self.released = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        data = self.server.files.get(self.path)
        if data is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.path in self.server.stalls:
            self.wfile.write(data[: len(data) // 2])
            self.wfile.flush()
            self.server.stalled.set()
            self.server.released.wait(SECONDS)
        else:
            self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


@frozen(kw_only=True)
class Yard:
    """A workspace, a store and sources; ``run`` calls the program in it."""

    root: Path
    store: Path
    site: Site
    live: bool = False

    def environment(self, **changes: str) -> dict[str, str]:
        """Return the environment of a run: where ``live``, with the sources of this machine."""
        own = {
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_INDEX_URL": f"{self.site.url}/simple",
            "LOCKYARD_DEBIAN_MIRROR": f"{self.site.url}/debian",
            "HOME": str(self.root.parent / "home"),
            "PATH": os.environ["PATH"],
            "NO_PROXY": "127.0.0.1",
        }
        return {
            **(os.environ if self.live else own),
            "PYTHONPATH": str(ROOT / "src"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "LOCKYARD_STORE": str(self.store),
            **changes,
        }

    def command(self, *arguments: str, program: str = "lockyard") -> list[str]:
        return [str(Path(sys.executable).with_name(program)), *arguments]

    def run(
        self, *arguments: str, program: str = "lockyard", folder: str = "", **changes: str
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            self.command(*arguments, program=program),
            cwd=folder or self.root,
            env=self.environment(**changes),
            capture_output=True,
            encoding="utf-8",
            timeout=SECONDS,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def refused(self, status: int, *arguments: str, **changes: str) -> str:
        """Run what must fail with a status and leave all as it was; return its message."""
        before = self.state()
        done = self.run(*arguments, **changes)
        assert done.returncode == status, done.stderr
        assert done.stdout in ("", "[]\n")  # no results
        after = self.state()
        assert {path for path in after if before.get(path) != after[path]} == set()
        assert before.keys() == after.keys()
        return done.stderr

    def state(self) -> dict[str, str]:
        """Return the digest of every file of the workspace and the store.

        Caches aside, and what says who uses the store.
        """
        return {
            str(path): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
            for folder in (self.root, self.store)
            for path in sorted(folder.rglob("*"))
            if (path.is_file() or folder == self.root)
            and not {"cache", "workspace"} & set(path.relative_to(folder).parts)
            and path != self.store / "lock"
        }

    def write_spec(self, name: str, text: str) -> None:
        (self.root / "envs" / f"{name}.toml").write_text(text, encoding="utf-8")

    def lock(self, name: str, *artifacts: Artifact, text: str = "") -> None:
        """Describe an env and lock it to artifacts that the site serves."""
        self.write_spec(name, f'title = "Trial"\nbase = "debian12"\n{text}')
        fleet = read_fleet(self.root)
        env = fleet.env(name)
        target = Target(
            name="cpu-linux-amd64",
            variant="cpu",
            platform="linux/amd64",
            base="debian12",
            python="3.11.2",
            glibc="2.36",
        )
        lock = Lock(
            env=name,
            inputs=inputs(fleet.workspace, env, fleet.recipe(env.recipe)),
            targets=(target,),
            debs=tuple(each for each in artifacts if isinstance(each, Deb)),
            wheels=tuple(each for each in artifacts if isinstance(each, Wheel)),
        )
        write_lock(self.root, lock)

    def serve(self, artifact: Artifact, data: bytes) -> None:
        if isinstance(artifact, Deb):
            self.site.files[f"/debian/{artifact.path}"] = data
            return
        page = f'<a href="/files/{artifact.file}">{artifact.file}</a>'
        self.site.files[f"/simple/{artifact.name}/"] = f"<!DOCTYPE html>{page}".encode()
        self.site.files[f"/files/{artifact.file}"] = data

    def base(self) -> Deb:
        """Serve the one package that a base can't be without."""
        data = _deb()
        file = "base-passwd_3.6.1_amd64.deb"
        made = Deb(
            name="base-passwd",
            version="3.6.1",
            file=file,
            sha256=hashlib.sha256(data).hexdigest(),
            size=len(data),
            source="debian",
            required_by=("base debian12",),
            architecture="amd64",
            path=f"pool/main/b/base-passwd/{file}",
        )
        self.serve(made, data)
        return made

    def wheel(self, name: str, extra: str | None = None) -> Wheel:
        """Serve a wheel of one module, and a member ``extra`` beside it."""
        data = _wheel(name, extra)
        made = Wheel(
            name=name,
            version="1.0",
            file=f"{name}-1.0-py3-none-any.whl",
            sha256=hashlib.sha256(data).hexdigest(),
            size=len(data),
            source="pypi",
            required_by=("env",),
            uploaded="2026-01-02T03:04:05Z",
        )
        self.serve(made, data)
        return made


def wrong(artifact: Artifact) -> Artifact:
    """Return an artifact that the site serves with another content of the same size."""
    return evolve(artifact, sha256="0" * 64)


def _wheel(name: str, extra: str | None) -> bytes:
    info = f"{name}-1.0.dist-info"
    files = {
        f"{name}.py": b"'''A module.'''\n" * 4096,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files |= {extra: b"outside\n"} if extra else {}
    rows = [
        f"{path},sha256={urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip('=')},"
        for path, data in files.items()
    ]
    files[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,"]).encode()
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for path, data in files.items():
            archive.writestr(zipfile.ZipInfo(path), data)
    return stream.getvalue()


def _deb() -> bytes:
    control = _tar({"./control": b"Package: base-passwd\nVersion: 3.6.1\nArchitecture: amd64\n"})
    data = _tar(
        {
            "./usr/share/base-passwd/passwd.master": b"root:*:0:0:root:/root:/bin/bash\n",
            "./usr/share/base-passwd/group.master": b"root:*:0:\nshadow:*:42:\n",
        }
    )
    made = b"!<arch>\n"
    for name, part in (
        ("debian-binary", b"2.0\n"),
        ("control.tar", control),
        ("data.tar", data),
    ):
        made += f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(part):<10}`\n".encode()
        made += part + b"\n" * (len(part) % 2)
    return made


def _tar(files: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for path, data in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return stream.getvalue()


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as served:
        thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield served
        served.released.set()
        served.shutdown()
        thread.join()


@pytest.fixture
def yard(tmp_path: Path, site: Site) -> Yard:
    """This workspace's tables and recipe, without its envs."""
    return Yard(root=_workspace(tmp_path), store=tmp_path / "store", site=site)


@pytest.fixture
def live(tmp_path: Path, site: Site, live_store: Path) -> Yard:
    """The same on the sources of this machine, with a base and a recipe of few packages."""
    root = _workspace(tmp_path)
    workspace, recipe = root / "WORKSPACE.toml", root / "images/inference/recipe.toml"
    for path, key, value in ((workspace, "packages", '["python3.11"]'), (recipe, "pypi", "[]")):
        text, count = re.subn(
            rf"^{key} = \[.*?^\]$", f"{key} = {value}", path.read_text(), flags=re.M | re.S
        )
        assert count == 1
        path.write_text(text)
    return Yard(root=root, store=live_store, site=site, live=True)


@pytest.fixture(scope="session")
def live_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that keeps what the resolvers learnt, since it takes seconds to learn."""
    return tmp_path_factory.mktemp("live-store")


def _workspace(folder: Path) -> Path:
    root = folder / "workspace"
    for name in ("envs", "locks"):
        (root / name).mkdir(parents=True)
    for file in ("WORKSPACE.toml", "tasks.py"):
        shutil.copyfile(ROOT / file, root / file)
    shutil.copytree(ROOT / "images", root / "images")
    (folder / "home").mkdir()
    return root
