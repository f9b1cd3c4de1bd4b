"""The folder of an environment in the layout of azureml-assets, for publishing."""

from __future__ import annotations

from typing import Any

from lockyard.azureml.curated import Curated
from lockyard.azureml.document import yaml_text
from lockyard.azureml.v2 import v2_document


def assets_files(made: Curated, *, conda: bool = False) -> dict[str, str]:
    """Return the text of each file, by its path in the folder.

    What is published is the image as it is: the context's Dockerfile adds nothing to it.
    """
    asset: dict[str, Any] = {
        "name": made.name,
        "version": made.version,
        "type": "environment",
        "spec": "spec.yaml",
        "extra_config": "environment.yaml",
        "categories": ["Inference"] if made.scoring else ["Training"],
    }
    image = {
        "image": {
            "name": f"azureml/curated/{made.name}",
            "os": "linux",
            "context": {"dir": "context", "dockerfile": "Dockerfile"},
            "publish": {"location": "mcr", "visibility": "public"},
        }
    }
    return {
        "asset.yaml": yaml_text(asset),
        "context/Dockerfile": f"FROM {made.image}\n",
        "environment.yaml": yaml_text(image),
        "spec.yaml": yaml_text(v2_document(made, conda=conda)),
    }
