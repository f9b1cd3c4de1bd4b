"""The programs that run in images, as far as they run here."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from lockyard.trial import inside

PROGRAMS = sorted(Path(inside.__file__).parent.glob("*.py"))


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_they_are_for_the_oldest_python_and_alone(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"), feature_version=(3, 7))
    for node in ast.walk(tree):
        assert not isinstance(node, ast.Match | ast.NamedExpr)
        names = [node.module] if isinstance(node, ast.ImportFrom) else []
        names += [each.name for each in node.names] if isinstance(node, ast.Import) else []
        assert {str(name).split(".")[0] for name in names} <= sys.stdlib_module_names


def test_imports_tell_of_all_that_fails(tmp_path: Path) -> None:
    texts = {
        "fine": "print('hello')",
        "raises": "raise RuntimeError('as told')",
        "leaves": "import sys; sys.exit(0)",
        "ends": "import os; os._exit(3)",
        "crashes": "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
        "hangs": "import time; time.sleep(60)",
    }
    for name, text in texts.items():
        (tmp_path / f"{name}.py").write_text(text)
    program = next(path for path in PROGRAMS if path.stem == "imports")
    done = subprocess.run(
        [sys.executable, "-c", program.read_text(), "1", json.dumps([*texts, "absent", "json"])],
        cwd=tmp_path,
        capture_output=True,
        timeout=30,
        check=True,
    )
    assert json.loads(done.stdout) == {
        "raises": "RuntimeError: as told",
        "leaves": "SystemExit: 0",
        "ends": "it ended the process",
        "crashes": "killed by signal 11",
        "hangs": "not done in 1 s",
        "absent": "ModuleNotFoundError: No module named 'absent'",
    }
