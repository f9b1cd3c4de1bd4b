"""Each format as the tool that it is for reads it."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import tomli
from attrs import evolve
from packaging.pylock import Pylock

from lockyard.errors import LockError, UsageError
from lockyard.export.channel import channel_address, package_address
from lockyard.export.conda_lock import conda_lock_text
from lockyard.export.explicit import explicit_text, in_order
from lockyard.export.pylock import pylock_text
from lockyard.export.requirements import requirements_text
from lockyard.lock.model import Compiled, Sdist
from lockyard.spec.model import CondaSource
from tests.lock.sound import conda, on_debian, wheel, with_conda

CHANNEL = "https://conda.example/channel"


def test_requirements_are_pinned_and_hashed_for_one_target() -> None:
    lock = on_debian().lock
    numpy, _, server, werkzeug = lock.wheels
    assert requirements_text(lock, lock.targets[0]) == (
        "# trial, cpu-linux-amd64, Python 3.11.2\n"
        f"numpy==1.21 \\\n    --hash=sha256:{numpy.sha256}\n"
        f"server==1.21 \\\n    --hash=sha256:{server.sha256}\n"
        f"werkzeug==1.21 \\\n    --hash=sha256:{werkzeug.sha256}\n"
    )


def test_a_wheel_that_was_built_also_has_the_hash_of_its_source() -> None:
    sdist = Sdist(file="gast-1.21.tar.gz", sha256="d" * 64, size=9, tools=())
    lock = evolve(on_debian().lock, wheels=(wheel("gast", "env", sdist=sdist),))
    hashes = [
        line.strip().removesuffix(" \\")
        for line in requirements_text(lock, lock.targets[0]).splitlines()[2:]
    ]
    assert hashes == [f"--hash=sha256:{lock.wheels[0].sha256}", f"--hash=sha256:{'d' * 64}"]


def test_what_is_compiled_is_its_source_distribution() -> None:
    compiled = Compiled(builder="compilers")
    fast = evolve(wheel("fast", "env", compiled=compiled), file="fast-1.21.tar.gz")
    lock = evolve(on_debian().lock, wheels=(fast,))
    told = requirements_text(lock, lock.targets[0])
    assert told.endswith(f"fast==1.21 \\\n    --hash=sha256:{fast.sha256}\n")
    pylock = Pylock.from_dict(tomli.loads(pylock_text(lock, lock.targets[0], "files")))
    (package,) = pylock.packages
    assert package.wheels is None
    assert package.sdist is not None
    assert (package.sdist.path, package.sdist.size) == ("files/fast-1.21.tar.gz", 1000)


def test_pylock_is_read_by_packaging() -> None:
    given = on_debian().lock
    server = evolve(given.wheels[2], uploaded="2026-01-02T03:04:05Z")
    lock = evolve(given, wheels=(*given.wheels[:2], server))
    pylock = Pylock.from_dict(tomli.loads(pylock_text(lock, lock.targets[1], "wheels")))
    assert pylock.requires_python is not None
    assert pylock.requires_python.contains("3.11.2")
    assert not pylock.requires_python.contains("3.12.0")
    found = [each for package in pylock.packages for each in package.wheels or ()]
    assert [each.path for each in found] == [
        "wheels/numpy-1.21-cp311-cp311-manylinux_2_17_aarch64.whl",
        "wheels/server-1.21-py3-none-any.whl",
    ]
    assert found[1].hashes == {"sha256": server.sha256}
    assert (found[1].size, found[1].url) == (1000, None)
    assert found[1].upload_time is not None
    assert found[1].upload_time.isoformat() == "2026-01-02T03:04:05+00:00"


def test_a_pylock_holds_on_its_own_machine_alone() -> None:
    lock = on_debian().lock
    pylock = Pylock.from_dict(tomli.loads(pylock_text(lock, lock.targets[1], "wheels")))
    (marker,) = pylock.environments or ()
    here = {"sys_platform": "linux", "implementation_name": "cpython", "python_version": "3.11"}
    assert marker.evaluate({**here, "platform_machine": "aarch64"})
    assert not marker.evaluate({**here, "platform_machine": "x86_64"})


def test_wheels_beside_a_pylock_have_no_folder() -> None:
    lock = on_debian().lock
    pylock = Pylock.from_dict(tomli.loads(pylock_text(lock, lock.targets[0], "")))
    assert (pylock.packages[1].wheels or [])[0].path == "server-1.21-py3-none-any.whl"


def test_an_explicit_list_has_each_package_after_what_it_depends_on() -> None:
    sound = with_conda()
    text = explicit_text(sound.lock, sound.lock.targets[0], sound.workspace.sources)
    md5 = "c" * 32
    assert text.splitlines() == [
        "# trial, cuda10.1-linux-amd64",
        "# platform: linux-64",
        "@EXPLICIT",
        f"{CHANNEL}/linux-64/cudatoolkit-10.1.243-h1_0.conda#{md5}",
        f"{CHANNEL}/linux-64/cudnn-8.0.5-h1_0.conda#{md5}",
        # pip and python depend on each other.
        f"{CHANNEL}/linux-64/python-3.7.12-h1_0.conda#{md5}",
        f"{CHANNEL}/noarch/pip-22.0-h1_0.conda#{md5}",
    ]


def test_order_is_the_same_whatever_order_was_given() -> None:
    a = conda("a", "1", "env", depends=("b >=1", "c"))
    b = conda("b", "1", "a", depends=("c", "__glibc"))
    c = conda("c", "1", "b")
    assert in_order([a, b, c]) == in_order([c, b, a]) == in_order([b, c, a]) == [c, b, a]


def _read_conda_lock(file: Path) -> Any:
    return import_module("conda_lock.lockfile").parse_conda_lock_file(file)


def test_a_conda_lock_is_read_by_conda_lock(tmp_path: Path) -> None:
    sound, file = with_conda(), tmp_path / "conda-lock.yml"
    file.write_text(
        conda_lock_text(sound.lock, sound.lock.targets, sound.workspace.sources), encoding="utf-8"
    )
    content = _read_conda_lock(file)
    held = {each.name: each for each in content.package}
    assert sorted(held) == ["cudatoolkit", "cudnn", "pip", "python"]
    assert held["cudnn"].dependencies == {"cudatoolkit": "10.1.*", "__cuda": ""}
    assert held["pip"].url == f"{CHANNEL}/noarch/pip-22.0-h1_0.conda"
    assert held["pip"].hash.sha256 == sound.lock.conda[2].sha256
    assert {each.platform for each in content.package} == {"linux-64"}
    assert [each.url for each in content.metadata.channels] == [CHANNEL]


def test_an_awkward_version_stays_a_text_in_yaml(tmp_path: Path) -> None:
    sound, file = with_conda(), tmp_path / "conda-lock.yml"
    lock = evolve(sound.lock, conda=(conda("tzdata", "2023", "env", depends=("yes 1.10",)),))
    file.write_text(conda_lock_text(lock, lock.targets, sound.workspace.sources), encoding="utf-8")
    (package,) = _read_conda_lock(file).package
    assert (package.version, package.dependencies) == ("2023", {"yes": "1.10"})


@pytest.mark.parametrize(
    "channel", ["https://user:secret@conda.example/x", "https://conda.example/t/secret/x"]
)
def test_a_secret_in_a_channel_is_not_written_out(channel: str) -> None:
    sources = {"channel": CondaSource(kind="conda", channel=channel)}
    with pytest.raises(UsageError) as caught:
        channel_address(sources, "channel")
    assert "secret" not in str(caught.value).replace("holds a secret", "").replace(
        "the secret to", ""
    )


def test_an_address_is_the_channels_and_not_its_mirrors() -> None:
    sources = {
        "channel": CondaSource(kind="conda", channel=f"{CHANNEL}/", mirror="https://mirror.example")
    }
    package = conda("libgcc", "1!2+x", "env", file="libgcc-1%212+x-h1_0.conda")
    assert package_address(sources, package) == (
        f"{CHANNEL}/linux-64/libgcc-1%25212%2Bx-h1_0.conda"
    )
    with pytest.raises(LockError, match="no conda source 'gone'"):
        channel_address(sources, "gone")
