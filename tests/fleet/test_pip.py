"""The first generation's locks, as the last pip for their own Python takes them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import evolve
from packaging.utils import canonicalize_name

from lockyard.export.requirements import requirements_text
from tests.fleet.locked import first_generation, held
from tests.fleet.proxy import Proxy, View, serving
from tests.fleet.pythons import Native

pytestmark = pytest.mark.network

# pip checks hashes of whole wheels, also in a dry run. Those above this size, two gigabytes of
# frameworks in all, are left to the second test, which reads none of their bytes.
_LARGE = 50_000_000

# What pip does before it downloads: the file that its finder takes, by its own tags.
_FIND = """\
import json, sys
from pip._internal.commands import create_command
from pip._internal.utils.hashes import Hashes
from pip._vendor.packaging.specifiers import SpecifierSet

command = create_command("download")
options, _ = command.parse_args(["--only-binary=:all:", "--no-cache-dir"])
found = []
with command.main_context():
    finder = command._build_package_finder(options, command._build_session(options))
    for name, version, sha256 in json.load(open(sys.argv[1])):
        wanted = SpecifierSet("==" + version), Hashes({"sha256": [sha256]})
        link = finder.find_best_candidate(name, *wanted).best_candidate.link
        found.append([link.filename, link.hash])
json.dump(found, open(sys.argv[2], "w"))
"""


@pytest.fixture(scope="module")
def index() -> Iterator[Proxy]:
    with serving(View(sdists=frozenset())) as proxy:
        yield proxy


@pytest.mark.parametrize("env", first_generation())
def test_pip_takes_every_wheel_by_its_hash(
    env: str, native: Native, index: Proxy, built: Path, tmp_path: Path
) -> None:
    lock = held(env)
    small = tuple(each for each in lock.wheels if each.size <= _LARGE)
    assert not any(each.targets for each in small), "its variants have the same wheels"
    text = requirements_text(evolve(lock, wheels=small), lock.targets[0])
    (tmp_path / "requirements.txt").write_text(text)
    native.run(
        "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed", "--no-deps",
        "--require-hashes", "--only-binary=:all:", f"--find-links={built}",
        "--report=report.json", "--requirement=requirements.txt",
        index=index.index_url, folder=tmp_path,
    )  # fmt: skip
    taken = {
        (
            canonicalize_name(each["metadata"]["name"]),
            each["metadata"]["version"],
            each["download_info"]["archive_info"]["hashes"]["sha256"],
        )
        for each in json.loads((tmp_path / "report.json").read_bytes())["install"]
    }
    assert taken == {(each.name, each.version, each.sha256) for each in small}


def test_pip_would_download_the_large_wheels_that_are_locked(
    native: Native, index: Proxy, tmp_path: Path
) -> None:
    large = {
        (each.name, each.version, each.sha256): each.file
        for env in first_generation()
        for each in held(env).wheels
        if each.size > _LARGE
    }
    assert {name for name, _, _ in large} == {"tensorflow", "torch", "xgboost"}
    (tmp_path / "wanted.json").write_text(json.dumps(list(large)))
    native.run("-c", _FIND, "wanted.json", "found.json", index=index.index_url, folder=tmp_path)
    found = json.loads((tmp_path / "found.json").read_bytes())
    assert found == [[file, sha256] for (_, _, sha256), file in large.items()]
