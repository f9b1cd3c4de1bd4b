"""Serve the model of train_onnxruntime.py."""

import json
import os
from pathlib import Path

import numpy
import onnxruntime

model = None


def init():
    global model
    path = Path(os.environ["AZUREML_MODEL_DIR"]) / "model.onnx"
    model = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def run(data):
    rows = numpy.array(json.loads(data)["data"], dtype=numpy.float32)
    (result,) = model.run(None, {"x": rows})
    return result[:, 0].tolist()
