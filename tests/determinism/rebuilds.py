"""An image built again where all but its lock is another: user, place, settings, store.

``python -m tests.determinism.rebuilds [--times N] [ENV ...]`` builds envs of the current
generation, all of them or those named, so many times under conditions of chance, and compares
the digests. Their artifacts are taken from the user's store, which must have them.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Iterable, Mapping
from pathlib import Path

from attrs import field, frozen

from lockyard.lock.file import read_lock
from lockyard.spec.reader import read_fleet
from lockyard.store.store import Store
from lockyard.tasks.supply import is_built
from tests.conftest import ROOT
from tests.determinism.conditions import Conditions, jitter

Content = tuple[bytes, bytes, list[str]]
CONDITIONS = {
    "plain": Conditions(umask=0o022, jobs=1, variables={"TZ": "UTC", "LC_ALL": "C"}),
    "strict": Conditions(
        umask=0o077,
        jobs=8,
        variables={
            "TZ": "Pacific/Kiritimati",
            "LC_ALL": "tr_TR.UTF-8",
            "PYTHONHASHSEED": "7",
            "SOURCE_DATE_EPOCH": "1",
        },
        another_user=True,
    ),
    "open": Conditions(
        umask=0,
        jobs=3,
        variables={"TZ": "America/St_Johns", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "4711"},
    ),
}


@frozen(kw_only=True)
class Rebuilds:
    """A locked env of a workspace, and a store with what it is made of.

    ``environ`` has the addresses of its sources. A wheel from source is built anew, but by
    another user: in the sandbox, that one may no more read the interpreter in root's home.
    """

    root: Path
    env: str
    store: Store
    environ: Mapping[str, str] = field(factory=dict)

    def layout(self, conditions: Conditions, home: Path) -> Path:
        """Build under conditions, in a store that holds no layer; return the layout."""
        workspace = home / f"a workspace of {home.name}"
        for folder in ("envs", "images", "locks"):
            shutil.copytree(self.root / folder, workspace / folder)
        shutil.copy(self.root / "WORKSPACE.toml", workspace)
        self._seed(home / "store", with_built=conditions.another_user)
        command = ["-m", "lockyard", "build", self.env, "--json", "--jobs", str(conditions.jobs)]
        store = str(home / "store")
        done = conditions.run(
            *command, home=home, cwd=workspace, LOCKYARD_STORE=store, **self.environ
        )
        assert done.returncode == 0, done.stderr
        (built,) = json.loads(done.stdout)
        assert built["state"] == "built"
        # Where the image has a base of a registry, the layers of that are more.
        assert 0 < built["new_layers"] <= built["layers"]
        layout = Path(built["folder"])
        if conditions.another_user and os.geteuid() == 0:
            assert (layout / "index.json").stat().st_uid == 12345
        return layout

    def _seed(self, target: Path, *, with_built: bool) -> None:
        """Give a new store what the store has of the image's packages, and nothing else."""
        lock = read_lock(self.root, self.env)
        assert lock is not None
        if not any(map(is_built, lock.artifacts)):
            target.mkdir()
            (target / "artifacts").symlink_to(self.store.root / "artifacts")
            return
        for artifact in (each for each in lock.artifacts if with_built or not is_built(each)):
            path = self.store.artifact(artifact.sha256, artifact.size)
            assert path is not None
            place = target / path.relative_to(self.store.root)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)


def contents(rebuilds: Rebuilds, folder: Path, names: Iterable[str]) -> list[Content]:
    """Build under some conditions, each in a folder of its own; see ``content``."""
    found = []
    for name in names:
        home = folder / name
        home.mkdir()
        found.append(content(rebuilds.layout(CONDITIONS[name], home)))
    return found


def content(layout: Path) -> Content:
    """Return the index of a layout, its ledger, and the digests of its blobs."""
    blobs = sorted(path.name for path in (layout / "blobs" / "sha256").iterdir())
    return (layout / "index.json").read_bytes(), (layout / "lockyard.json").read_bytes(), blobs


def rebuild(env: str, times: int) -> set[str]:
    """Build an env of this workspace so many times; say what comes of it, return the digests."""
    rebuilds = Rebuilds(root=ROOT, env=env, store=Store.default(os.environ))
    found = set()
    for seed in range(times):
        with tempfile.TemporaryDirectory(prefix="lockyard-rebuild-") as folder:
            (home := Path(folder) / str(seed)).mkdir()
            Path(folder).chmod(0o755)
            started = time.monotonic()
            layout = rebuilds.layout(jitter(seed), home)
            seconds = time.monotonic() - started
            (entry,) = json.loads((layout / "index.json").read_bytes())["manifests"]
        found.add(entry["digest"])
        print(f"{env} {seed}: {entry['digest']} in {seconds:.0f} s", flush=True)  # noqa: T201
    return found


def main() -> int:
    """Rebuild envs; return an exit status."""
    options = ArgumentParser(description=rebuild.__doc__)
    options.add_argument("--times", type=int, default=10)
    options.add_argument("envs", nargs="*")
    given = options.parse_args()
    fleet = read_fleet(ROOT)
    current = [name for name in fleet.env_names() if not _first_generation(name)]
    differing = [env for env in given.envs or current if len(rebuild(env, given.times)) > 1]
    print(f"not always the same: {', '.join(differing) or 'none'}")  # noqa: T201
    return 1 if differing else 0


def _first_generation(name: str) -> bool:
    lock = read_lock(ROOT, name)
    return lock is None or bool(lock.images)


if __name__ == "__main__":
    sys.exit(main())
