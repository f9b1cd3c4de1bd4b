"""Use what a Dockerfile added: a program of apt's, a package of pip's, and a model."""

# Runs in the image, whose libraries the type checker does not have.
# mypy: ignore-errors

import os
import subprocess
from pathlib import Path

import extra

model = None


def init():
    global model  # noqa: PLW0603 - the server calls init() once, then run()
    model = Path(os.environ["AZUREML_MODEL_DIR"], "model.txt").read_text()


def run(data):
    done = subprocess.run(["jq", ".a"], input=data.encode(), stdout=subprocess.PIPE, check=True)
    return [os.getuid(), extra.FROM, model, done.stdout.decode()]
