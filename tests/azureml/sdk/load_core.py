"""Load environments with azureml-core and print what it makes of each, as JSON by folder."""

import json
import sys
from pathlib import Path

from azureml.core import Environment  # type: ignore[import-not-found]

made = {}
for folder in map(Path, sys.argv[1:]):
    environment = Environment.load_from_directory(str(folder))
    made[str(folder)] = {
        "kind": type(environment).__name__,
        "document": Environment._serialize_to_dict(environment),
    }
print(json.dumps(made))
