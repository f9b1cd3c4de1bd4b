"""Fit a line to points that lie on it, and a forest to classes that it can tell apart."""

# Runs in the image, whose libraries the type checker does not have.
# mypy: ignore-errors

import numpy
import pandas
import scipy
import sklearn
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression

x = numpy.arange(12, dtype=float).reshape(6, 2) ** 2
frame = pandas.DataFrame(x, columns=["a", "b"]).assign(y=lambda f: 2 * f.a + 3 * f.b + 1)
line = LinearRegression().fit(frame[["a", "b"]], frame.y)
numpy.testing.assert_allclose(line.predict([[1, 2], [3, 4]]), [9, 19])

rows = numpy.random.RandomState(0).normal(size=(200, 2))
above = rows.sum(axis=1) > 0
forest = RandomForestClassifier(n_estimators=20, random_state=0, n_jobs=2).fit(rows, above)
assert forest.predict([[1, 1], [-1, -1]]).tolist() == [True, False]
print("scikit-learn", sklearn.__version__, "scipy", scipy.__version__, "numpy", numpy.__version__)
