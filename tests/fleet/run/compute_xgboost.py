"""Fit trees to classes, keep the model in a file, and predict by it."""

# Runs in the image, whose libraries the type checker does not have.
# mypy: ignore-errors

import tempfile
from pathlib import Path

import numpy
import pandas
import xgboost

rows = numpy.random.RandomState(0).normal(size=(200, 2))
frame = pandas.DataFrame(rows, columns=["a", "b"])
model = xgboost.XGBClassifier(n_estimators=20, n_jobs=2).fit(frame, frame.a + frame.b > 0)
asked = pandas.DataFrame({"a": [1.0, -1.0], "b": [1.0, -1.0]})
assert model.predict(asked).tolist() == [True, False]

path = str(Path(tempfile.mkdtemp()) / "model")
model.save_model(path)
kept = xgboost.Booster(model_file=path)
chances = kept.predict(xgboost.DMatrix(asked))
assert chances[0] > 0.9
assert chances[1] < 0.1
print("xgboost", xgboost.__version__, "numpy", numpy.__version__, "pandas", pandas.__version__)
