"""Serve the model of train_tensorflow.py."""

import json
import os
from pathlib import Path

import tensorflow as tf

model = None


def init():
    global model
    model = tf.saved_model.load(str(Path(os.environ["AZUREML_MODEL_DIR"]) / "line"))


def run(data):
    rows = tf.constant(json.loads(data)["data"], dtype=tf.float32)
    return model(rows)[:, 0].numpy().tolist()
