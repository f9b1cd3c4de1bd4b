from __future__ import annotations

from lockyard.build.conda.record import record_text
from tests.build.conda.makers import CHANNEL, artifact, listed

RECORD = {
    "name": "app",
    "build": "0",
    "files": ["bin/b", "bin/a", "lib/c"],
    "paths_data": {"paths_version": 1, "paths": [listed("bin/b"), listed("bin/a")]},
}


def test_neither_order_nor_place_of_an_installation_shows() -> None:
    package = artifact(b"package")
    place = {"link": {"source": "/tmp/a"}, "extracted_package_dir": "/tmp/a"}
    turned = {
        **place,
        **dict(reversed(RECORD.items())),
        "files": ["lib/c", "bin/a", "bin/b"],
        "paths_data": {"paths": [listed("bin/a"), listed("bin/b")], "paths_version": 1},
    }
    assert record_text(turned, package, CHANNEL) == record_text(RECORD, package, CHANNEL)
