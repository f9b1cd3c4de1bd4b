"""Fetch from the sources that this machine is configured to use."""

from __future__ import annotations

import os
import zipfile

import pytest

from lockyard.fetch.fetch import fetch
from lockyard.fetch.locate import Locator
from lockyard.lock.model import Deb, Wheel
from lockyard.sources import debian, http, pypi
from lockyard.store.store import Store

WHEEL = Wheel(
    name="six",
    version="1.9.0",
    file="six-1.9.0-py2.py3-none-any.whl",
    sha256="418a93c397a7edab23e5588dbc067ac74a723edb3d541bd4936f79476e7645da",
    size=10_222,
    source="pypi",
    required_by=("env",),
)
DEB = Deb(
    name="hello",
    version="2.10-3",
    file="hello_2.10-3_amd64.deb",
    sha256="2e6e2f1a0007dc43bc91c273fd36e91e40a4f1c2765a03eca68b70a42103878a",
    size=53_080,
    source="debian",
    required_by=("env",),
    architecture="amd64",
    path="pool/main/h/hello/hello_2.10-3_amd64.deb",
)


@pytest.mark.network
def test_a_wheel_and_a_deb_come_from_their_sources(store: Store) -> None:
    session = http.session(pypi.certificate(os.environ))
    locate = Locator(
        session,
        {
            "pypi": lambda: pypi.index_url(None, os.environ),
            "debian": lambda: debian.mirror_url(None, os.environ),
        },
    )
    try:
        summary = fetch([WHEEL, DEB], store=store, locate=locate, session=session)
    except http.UnreachableError as error:
        pytest.skip(str(error))
    assert (summary.fetched, summary.size) == (2, WHEEL.size + DEB.size)
    wheel, deb = store.artifact(WHEEL.sha256), store.artifact(DEB.sha256)
    assert wheel
    assert "six.py" in zipfile.ZipFile(wheel).namelist()
    assert deb
    assert deb.read_bytes().startswith(b"!<arch>\n")
