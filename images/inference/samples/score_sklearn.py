"""Serve the model of train_sklearn.py."""

import json
import os
from pathlib import Path

import joblib

model = None


def init():
    global model
    model = joblib.load(Path(os.environ["AZUREML_MODEL_DIR"]) / "model.joblib")


def run(data):
    return model.predict(json.loads(data)["data"]).tolist()
