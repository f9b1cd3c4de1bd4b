from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from lockyard.errors import UsageError
from lockyard.tasks.against import Against
from lockyard.tasks.supply import Supply


def test_a_path_that_leads_nowhere_is_no_image_of_a_registry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dist").mkdir()
    against = Against(given="dist/image.tar", output=tmp_path / "dist", builder="embedded")
    # Nothing to ask a registry with.
    with pytest.raises(UsageError, match="no layout and no archive"):
        against.expected({"image": []}, cast("Supply", None), tmp_path)
