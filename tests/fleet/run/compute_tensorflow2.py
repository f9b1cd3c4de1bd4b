"""Run a compiled function and its gradient, fit a model, and say which devices there are."""

# Runs in the image, whose libraries the type checker does not have.
# mypy: ignore-errors

import numpy
import pandas
import tensorflow as tf


@tf.function
def line(rows):
    return tf.matmul(rows, [[2.0], [3.0]]) + 1.0


rows = tf.constant([[1.0, 2.0], [3.0, 4.0]])
with tf.GradientTape() as tape:
    tape.watch(rows)
    answer = line(rows)
assert answer[:, 0].numpy().tolist() == [9, 19]
assert tape.gradient(answer, rows).numpy().tolist() == [[2, 3], [2, 3]]

model = tf.keras.Sequential([tf.keras.layers.Dense(1, input_shape=(2,))])
model.compile(tf.keras.optimizers.SGD(0.05), "mse")
known = numpy.random.RandomState(0).normal(size=(64, 2)).astype("float32")
model.fit(known, line(known), epochs=60, verbose=0)
numpy.testing.assert_allclose(model.predict(rows)[:, 0], [9, 19], atol=0.1)
devices = tf.config.list_physical_devices("GPU") or "no device"
print(
    "tensorflow", tf.__version__, "numpy", numpy.__version__, "pandas", pandas.__version__, end=""
)
print(", GPU:", devices)
