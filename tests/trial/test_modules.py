"""Which modules records name."""

from __future__ import annotations

import pytest

from lockyard.trial.modules import modules, top_modules
from lockyard.trial.packages import CondaRecord, Distribution, Installed


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["six.py", "six-1.0.dist-info/RECORD"], {"six"}),
        (["a/__init__.py", "a/b.py", "a/c/__init__.py"], {"a"}),
        (["_x.cpython-311-x86_64-linux-gnu.so", "_y.abi3.so", "_z.so"], {"_x", "_y", "_z"}),
        (
            ["google/cloud/storage/__init__.py", "google/one.py"],
            {"google.cloud.storage", "google.one"},
        ),
        (["a/__init__.cpython-311-x86_64-linux-gnu.so", "a/b.py"], {"a"}),
        (["../../../bin/tool.py", "a.libs/libz.so", "a-b.py", "1.py", "/x.py"], set()),
        (["__init__.py"], set()),
        (["libz.so", "nvidia/lib/libperf.so", "nvidia/x.so", "n/y.abi3.so"], {"n.y"}),
    ],
)
def test_top_modules(paths: list[str], expected: set[str]) -> None:
    assert top_modules(paths) == expected


def test_records_go_before_older_metadata_and_conda_has_its_own() -> None:
    installed = Installed(
        distributions=(
            Distribution(place="/p/a", name="a", version="1", record=("a.py",), top=("other",)),
            Distribution(place="/p/b", name="b", version="1", top=("b", "n/c")),
        ),
        conda=(
            CondaRecord(
                name="c",
                version="1",
                files=("lib/python3.7/site-packages/c/__init__.py", "bin/d.py"),
            ),
        ),
        debs=(),
        markers={},
    )
    assert modules(installed) == ("a", "b", "c", "n.c")
