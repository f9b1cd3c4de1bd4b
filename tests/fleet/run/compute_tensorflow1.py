"""Run a graph in a session, and train one of its variables."""

# Runs in the image, whose libraries the type checker does not have.
# mypy: ignore-errors

import numpy
import pandas
import tensorflow as tf

with tf.Graph().as_default(), tf.compat.v1.Session() as session:
    rows = tf.compat.v1.placeholder(tf.float32, [None, 2])
    line = tf.matmul(rows, [[2.0], [3.0]]) + 1.0
    answer = session.run(line, {rows: [[1, 2], [3, 4]]})
    assert answer[:, 0].tolist() == [9, 19]

    weight = tf.Variable([[0.0], [0.0]])
    loss = tf.reduce_mean((tf.matmul(rows, weight) + 1.0 - line) ** 2)
    train = tf.compat.v1.train.GradientDescentOptimizer(0.1).minimize(loss)
    session.run(tf.compat.v1.global_variables_initializer())
    for _ in range(200):
        session.run(train, {rows: numpy.eye(2)})
    numpy.testing.assert_allclose(session.run(weight)[:, 0], [2, 3], atol=1e-3)
print("tensorflow", tf.__version__, "numpy", numpy.__version__, "pandas", pandas.__version__)
