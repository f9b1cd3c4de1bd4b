"""Save a module of TensorFlow's that computes y = 2 a + 3 b + 1."""

import os
from pathlib import Path

import tensorflow as tf


class Line(tf.Module):
    def __init__(self):
        super().__init__()
        self.weight = tf.Variable([[2.0], [3.0]])

    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32)])
    def __call__(self, rows):
        return tf.matmul(rows, self.weight) + 1.0


tf.saved_model.save(Line(), str(Path(os.environ["AZUREML_MODEL_DIR"]) / "line"))
