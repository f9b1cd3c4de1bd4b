"""Digests that change only together with the assembly version.

A difference here means that images which were built before would be built otherwise now: raise
``ASSEMBLY_VERSION``, and write the new digests under its number.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from lockyard import ASSEMBLY_VERSION
from tests.determinism.conditions import Conditions, jitter
from tests.determinism.golden import digests

GOLDEN: dict[int, dict[str, str]] = {
    2: {
        "2 Debian packages": "b1124085f8899cf410302020e5ffb1d84721bac3ef3ad4fd7d4f7464fce00325",
        "demo 1.0": "fd4f1f5dcb1cb0d8fe4ff7209b0c15fde1fe9cfb28a9521e4fd1c72efe8d0fdd",
        "recipe trial": "994c82f8ded0039f3e1043923ffc939f466025a1246cd3589195ea401b687d60",
        "app 1.0, pure 1.0": "d4ae5b4c736ef55af237bc164a58823c137ac9c769b908b07a84520620e4cf0a",
        "more 1.0": "1c597f605ac5f810b95df501ec2796c097e153f2ac450c1b19d25a0302d0e158",
        "files of demo": "3d42dba6d8e85dfcaf1e639257454ae7cd3db304bc4d07dba5b68342c7dc86c1",
        "blobs": "d4002fa4a0972a2a 1644a20bc72e2fbb 82a17b01a3607d72 "
        "d1e60233d66432bb f856c03bfd96593a 91af6ebebd9d8bda",
        "config": "dc79c5239a649d276647690961b6a665d92cf703ba0670475dc4e46beb16db37",
        "manifest": "6198b6f126b70b6dbb35331991dae3c9d4db99814bae08ba25845d1a36d4e338",
        "manifest of arm64": "5ebadf54e3ce39a04cc65e86f837d7935964a0d808b12ff9718e63ef4607d47c",
        "index": "b57bee25dc83fb28d9930342df24ee64f901588099f39e7740a082e0798d181a",
        "archive": "2b59274f08b1253d9668564edf5446c8ffe1172daaa06422be4d38c46cdd2ef3",
        "groups": "6 4 7 3 5 3 5 7",
    }
}
# Whatever a guard keeps out shows in one of these.
WORLDS = {
    "strict": Conditions(
        umask=0o077,
        variables={
            "TZ": "Pacific/Kiritimati",
            "LC_ALL": "POSIX",
            "PYTHONCOERCECLOCALE": "0",
            "PYTHONHASHSEED": "7",
            "PYTHONUTF8": "0",
            "SHUFFLED": "1",
            "SOURCE_DATE_EPOCH": "1",
        },
        another_user=True,
    ),
    "open": Conditions(
        umask=0,
        variables={
            "TZ": "America/St_Johns",
            "LC_ALL": "C.UTF-8",
            "PYTHONHASHSEED": "4711",
            "SHUFFLED": "2",
        },
    ),
}


def made(conditions: Conditions, home: Path) -> dict[str, str]:
    """Make the golden image in a child; return its digests."""
    (place := home / "a place").mkdir(parents=True)
    module = ["-P", "-m", "tests.determinism.golden", str(place)]
    done = conditions.run(*module, home=home, cwd=place, PYTHONPATH=os.pathsep.join(sys.path))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def test_the_bytes_are_those_of_this_assembly_version(tmp_path: Path) -> None:
    assert digests(tmp_path) == GOLDEN[ASSEMBLY_VERSION]


@pytest.mark.parametrize("name", WORLDS)
def test_the_world_does_not_show(name: str, tmp_path: Path) -> None:
    assert made(WORLDS[name], tmp_path) == GOLDEN[ASSEMBLY_VERSION]


def test_ten_worlds_of_chance_do_not_show(tmp_path: Path) -> None:
    for seed in range(10):
        found = made(jitter(seed), tmp_path / str(seed))
        assert found == GOLDEN[ASSEMBLY_VERSION], jitter(seed)
