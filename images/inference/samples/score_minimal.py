"""Serve the model of train_minimal.py."""

import json
import os
from pathlib import Path

model = None


def init():
    global model
    model = json.loads((Path(os.environ["AZUREML_MODEL_DIR"]) / "model.json").read_text())


def run(data):
    rows = json.loads(data)["data"]
    w = model["weights"]
    return [model["intercept"] + w[0] * a + w[1] * b for a, b in rows]
