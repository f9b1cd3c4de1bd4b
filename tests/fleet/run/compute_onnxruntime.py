"""Run the model that train_onnxruntime.py has written."""

# Runs in the image, whose libraries the type checker does not have.
# mypy: ignore-errors

import os
from pathlib import Path

import numpy
import onnxruntime

path = Path(os.environ["AZUREML_MODEL_DIR"]) / "model.onnx"
session = onnxruntime.InferenceSession(str(path))
(answer,) = session.run(None, {"x": numpy.array([[1, 2], [3, 4]], dtype=numpy.float32)})
numpy.testing.assert_allclose(answer[:, 0], [9, 19])
assert session.get_providers() == ["CPUExecutionProvider"]
print("onnxruntime", onnxruntime.__version__, "numpy", numpy.__version__)
