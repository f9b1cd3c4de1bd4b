"""Serve the model of train_xgboost.py."""

import json
import os
from pathlib import Path

import numpy
import xgboost

model = None


def init():
    global model
    model = xgboost.Booster()
    model.load_model(Path(os.environ["AZUREML_MODEL_DIR"]) / "model.ubj")


def run(data):
    rows = numpy.array(json.loads(data)["data"], dtype=float)
    return model.predict(xgboost.DMatrix(rows)).tolist()
