from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lockyard.errors import FetchError, SpecError
from lockyard.events import Silent
from lockyard.lock.model import CondaPackage
from lockyard.resolve.conda.resolver import CondaRequirement

Resolve = Callable[..., tuple[CondaPackage, ...]]

DATA = Path(__file__).parent / "data"
PYTHON = """\
_libgcc_mutex-0.1-conda_forge.tar.bz2
_openmp_mutex-4.5-2_gnu.tar.bz2
ca-certificates-2024.2.2-hbcca054_0.conda
ld_impl_linux-64-2.40-h55db66e_0.conda
libffi-3.4.2-h7f98852_5.tar.bz2
libgcc-ng-13.2.0-h77fa898_7.conda
libgomp-13.2.0-h77fa898_7.conda
libnsl-2.0.1-hd590300_0.conda
libsqlite-3.45.3-h2797004_0.conda
libstdcxx-ng-13.2.0-hc0a3c3a_7.conda
libzlib-1.2.13-hd590300_5.conda
ncurses-6.5-h59595ed_0.conda
openssl-3.3.0-hd590300_0.conda
python-3.7.12-hf930737_100_cpython.tar.bz2
readline-8.2-h8228510_1.conda
sqlite-3.45.3-h2c6b66d_0.conda
tk-8.6.13-noxft_h4845f30_101.conda
xz-5.2.6-h166bdaf_0.tar.bz2""".splitlines()
CUDA = ["cudatoolkit-11.0.3-h7761cd4_13.conda", "cudnn-8.0.5.39-ha5ca753_1.tar.bz2"]


def files(packages: Iterable[CondaPackage]) -> list[str]:
    return [each.file for each in packages]


def versions(packages: Iterable[CondaPackage]) -> dict[str, str]:
    return {each.name: each.version for each in packages}


def test_python_of_conda_forge(resolve: Resolve) -> None:
    found = resolve("python 3.7.*")
    assert files(found) == PYTHON
    assert found[-4] == CondaPackage(
        name="readline",
        version="8.2",
        build="h8228510_1",
        build_number=1,
        subdir="linux-64",
        file="readline-8.2-h8228510_1.conda",
        md5="47d31b792659ce70f470b5c82fdfb7a4",
        sha256="5435cf39d039387fbdc977b0a762357ea909a7694d9528ab40f005e9208744d7",
        size=281456,
        source="conda-forge",
        depends=("libgcc-ng >=12", "ncurses >=6.3,<7.0a0"),
        required_by=("python", "sqlite"),
    )
    assert next(each for each in found if each.name == "python").required_by == ("env",)


def test_cuda_of_conda_forge(resolve: Resolve) -> None:
    asked = ("python 3.7.*", "cudatoolkit 11.0.3.*", "cudnn 8.0.5.39.*")
    found = resolve(*asked, cuda="11.0.3")
    assert files(found) == sorted(PYTHON + CUDA)
    # The records only constrain CUDA, where there is one.
    assert resolve(*asked) == found


def test_requirements_for_one_package_all_hold(resolve: Resolve) -> None:
    recipe = CondaRequirement("sqlite >=3.40", "recipe inference")
    found = resolve("sqlite <3.45", recipe, "sqlite 3.*")
    assert versions(found)["sqlite"] == "3.44.2"
    asking = next(each for each in found if each.name == "sqlite")
    assert asking.required_by == ("env", "recipe inference")


def test_exact_versions_and_builds(resolve: Resolve) -> None:
    assert versions(resolve("sqlite ==3.44.2"))["libsqlite"] == "3.44.2"
    found = resolve("libgcc-ng * h807b86a_5")
    assert versions(found).keys() == {"_libgcc_mutex", "_openmp_mutex", "libgcc-ng", "libgomp"}
    assert {each.build for each in found if each.name == "libgcc-ng"} == {"h807b86a_5"}


def test_noarch_packages_lie_in_their_own_folder(resolve: Resolve) -> None:
    found = {each.name: each.subdir for each in resolve("python 3.7.*", "pip")}
    assert found["pip"] == found["wheel"] == "noarch"
    assert found["python"] == "linux-64"


def test_nothing_asked_is_nothing_found(resolve: Resolve) -> None:
    assert resolve(mirror="http://localhost:1") == ()


def test_locking_again_moves_nothing(resolve: Resolve) -> None:
    old = resolve("sqlite 3.44.*")
    assert versions(old)["libsqlite"] == "3.44.2"
    assert resolve("sqlite", pinned=old) == old
    assert versions(resolve("sqlite"))["libsqlite"] == "3.45.3"


def test_an_added_requirement_adds_what_it_needs(resolve: Resolve) -> None:
    old = resolve("sqlite 3.44.*")
    new = resolve("sqlite", "tk", pinned=old)
    assert set(files(new)) - set(files(old)) == {"tk-8.6.13-noxft_h4845f30_101.conda"}
    assert set(files(old)) <= set(files(new))


def test_an_upgrade_moves_a_package_and_what_it_forces(resolve: Resolve) -> None:
    asked = ("sqlite", "openssl")
    old = resolve("sqlite 3.44.*", "openssl 3.2.*")
    new = resolve(*asked, pinned=old, upgrade=("libsqlite",))
    assert set(files(new)) - set(files(old)) == {
        "libsqlite-3.45.3-h2797004_0.conda",
        "sqlite-3.45.3-h2c6b66d_0.conda",
    }
    exact = resolve(*asked, pinned=old, upgrade=("openssl==3.3.0",))
    assert set(files(exact)) - set(files(old)) == {"openssl-3.3.0-hd590300_0.conda"}


def test_what_no_longer_fits_is_noted(resolve: Resolve) -> None:
    notes: list[str] = []

    class Reporter(Silent):
        def note(self, text: str) -> None:
            notes.append(text)

    old = resolve("libsqlite 3.44.*")
    resolve("libsqlite 3.45.*", pinned=old, reporter=Reporter())
    assert notes == [
        "libsqlite-3.44.2-h2797004_0.conda no longer fits: "
        "libsqlite-3.45.3-h2797004_0.conda is taken instead"
    ]


def test_a_pin_that_the_channel_changed_is_given_up(
    resolve: Resolve, make_channel: Callable[..., Path]
) -> None:
    old = resolve("app", mirror=make_channel({"app 1.0": {}}))
    channel = make_channel({"app 1.0": {"sha256": "f" * 64}, "app 2.0": {}})
    assert versions(resolve("app", mirror=channel, pinned=old)) == {"app": "2.0"}


def test_a_date_cuts_off_what_came_later(
    resolve: Resolve, make_channel: Callable[..., Path]
) -> None:
    march, april = datetime(2024, 3, 1, tzinfo=UTC), datetime(2024, 4, 1, tzinfo=UTC)
    channel = make_channel(
        {
            "app 1.0": {"timestamp": int(march.timestamp() * 1000)},
            "app 2.0": {"timestamp": int(april.timestamp() * 1000)},
        }
    )
    newest = resolve("app", mirror=channel)
    assert versions(newest) == {"app": "2.0"}
    cut = resolve("app", mirror=channel, exclude_newer=april)
    assert versions(cut) == {"app": "1.0"}
    assert resolve("app", mirror=channel, exclude_newer=april, pinned=newest) == cut


def test_a_cut_off_needs_a_time_zone(resolve: Resolve) -> None:
    with pytest.raises(SpecError, match="no time zone"):
        resolve("app", exclude_newer=datetime(2024, 4, 1))


def test_a_server_gives_what_a_folder_gives(
    resolve: Resolve, serve: Callable[[Path], Any], tmp_path: Path
) -> None:
    mirror = serve(DATA)
    expected = resolve("python 3.7.*")
    assert resolve("python 3.7.*", mirror=mirror.url + "/") == expected
    assert mirror.credentials == {None}
    private = mirror.url.replace("://", "://user:p%40ss@")
    assert resolve("python 3.7.*", mirror=private) == expected
    assert "Basic dXNlcjpwQHNz" in mirror.credentials
    kept = [path.read_bytes() for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert kept
    assert not [each for each in kept if b"p@ss" in each or b"p%40ss" in each]


def test_a_channel_server_s_token_stays_out_of_the_cache(
    resolve: Resolve, serve: Callable[[Path], Any], tmp_path: Path
) -> None:
    shutil.copytree(DATA, tmp_path / "served" / "t" / "se-cret" / "internal")
    address = serve(tmp_path / "served").url + "/t/se-cret/internal"
    assert resolve("python 3.7.*", mirror=address) == resolve("python 3.7.*")
    kept = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert kept
    assert not [path for path in kept if b"se-cret" in path.read_bytes() + bytes(path)]


def test_locking_again_over_a_server_moves_nothing(
    resolve: Resolve, serve: Callable[[Path], Any]
) -> None:
    served = serve(DATA)
    first = resolve("python 3.7.*", mirror=served.url)
    assert resolve("python 3.7.*", mirror=served.url, pinned=first) == first


def test_a_dead_mirror_isn_t_gone_round(resolve: Resolve, serve: Callable[[Path], Any]) -> None:
    canonical = serve(DATA)
    with pytest.raises(FetchError) as error:
        resolve("xz", channel=canonical.url, mirror="http://localhost:1/secret")
    assert "Connection refused" in str(error.value)
    assert "secret" not in str(error.value)
    assert canonical.requests == []


def test_the_channel_s_address_holds_no_password(resolve: Resolve) -> None:
    with pytest.raises(FetchError, match="holds a user or a password") as error:
        resolve("xz", channel="https://user:secret@conda.example.invalid/x")
    assert "secret" not in str(error.value)


def test_the_machine_changes_nothing(resolve: Resolve, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = resolve("cudatoolkit")
    for name, value in {
        "CONDA_FLAGS": "--broken",
        "CONDA_OVERRIDE_CUDA": "9.0",
        "CONDA_OVERRIDE_GLIBC": "2.5",
        "CONDA_LOCK_CONDA": "/nowhere",
        "CONDA_CHANNELS": "other",
        "PYTHONSTARTUP": "/nowhere",
        "LC_ALL": "tr_TR.UTF-8",
        "TZ": "Asia/Tokyo",
    }.items():
        monkeypatch.setenv(name, value)
    assert resolve("cudatoolkit") == expected


def test_resolving_imports_no_rattler_into_this_process() -> None:
    code = (
        "import sys, lockyard.resolve.conda.resolver\n"
        "print([each for each in ('rattler', 'conda_lock') if each in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ
    )
    assert done.stdout.strip() == "[]"
