"""Import the inference server, and all that it needs to start."""

# Runs in the image, whose libraries the type checker does not have.
# mypy: ignore-errors

import azureml_inference_server_http
from azureml_inference_server_http import amlserver

assert callable(amlserver.run)
print("azureml-inference-server-http", azureml_inference_server_http.__version__)
