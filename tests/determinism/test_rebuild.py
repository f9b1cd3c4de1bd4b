"""The same lock gives the same image, whoever builds it, where, and under what settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from lockyard.tasks.build import Builder
from tests.conftest import ROOT
from tests.determinism.rebuilds import CONDITIONS, Rebuilds, contents

ENV = "minimal-py311"

pytestmark = [pytest.mark.network, pytest.mark.xdist_group(ENV)]


def test_the_same_digests_under_other_conditions(builder: Builder, tmp_path: Path) -> None:
    builder.build(ENV)  # so that the store has what it is made of
    first, *others = contents(
        Rebuilds(root=ROOT, env=ENV, store=builder.store), tmp_path, CONDITIONS
    )
    assert others == [first] * (len(CONDITIONS) - 1)
