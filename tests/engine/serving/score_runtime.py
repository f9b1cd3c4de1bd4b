"""Answer what this process finds around it; fail or sleep when told to."""

# Runs in the image, whose libraries the type checker does not have.
# mypy: ignore-errors

import json
import os
import sys
import tempfile
import time
from pathlib import Path

try:
    import extra
except ImportError:
    extra = None


def init():
    if "FAIL" in os.environ:
        raise RuntimeError("as told")


def run(data):
    time.sleep(json.loads(data).get("sleep", 0))
    with tempfile.NamedTemporaryFile():
        written = tempfile.gettempdir()
    Path.home().joinpath("written").touch()
    return {
        "extra": extra and extra.FROM,
        "model": Path(os.environ["AZUREML_MODEL_DIR"], "model.txt").read_text(),
        "level": os.environ.get("AZUREML_LOG_LEVEL"),
        "root": os.environ["AML_APP_ROOT"],
        "written": written,
        "python": sys.executable,
        "pythonpath": os.environ.get("PYTHONPATH"),
        "libraries": os.environ.get("LD_LIBRARY_PATH"),
        "ids": [os.getuid(), os.getgid()],
    }
