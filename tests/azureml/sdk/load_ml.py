"""Load environments with azure-ai-ml and print what it would send of each, as JSON by file."""

import json
import sys

from azure.ai.ml import load_environment  # type: ignore[import-not-found]
from azure.ai.ml._restclient.arm_ml_service._utils.model_base import (  # type: ignore[import-not-found]
    SdkJSONEncoder,
)

made = {}
for file in sys.argv[1:]:
    try:
        environment = load_environment(file)
    except Exception as error:
        made[file] = {"error": str(error)}
        continue
    # As its operations write the body of a request.
    body = json.dumps(environment._to_rest_object(), cls=SdkJSONEncoder, exclude_readonly=True)
    made[file] = {
        "name": environment.name,
        "version": environment.version,
        "document": json.loads(body),
    }
print(json.dumps(made))
