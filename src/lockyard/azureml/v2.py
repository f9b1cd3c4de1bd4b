"""The forms of azure-ai-ml: its YAML or JSON, and the body that it sends."""

from __future__ import annotations

from typing import Any

from attrs import asdict

from lockyard.azureml.curated import Curated
from lockyard.azureml.document import sdk_yaml_text

SCHEMA = "https://azuremlschemas.azureedge.net/latest/environment.schema.json"


def v2_document(made: Curated, *, conda: bool = False) -> dict[str, Any]:
    """Return the definition as ``load_environment`` takes it (azure-ai-ml 1.35).

    With ``conda``, Azure ML builds an image of its own upon this one, from the same packages.
    """
    document: dict[str, Any] = {
        "$schema": SCHEMA,
        "name": made.name,
        "version": str(made.version),
        "description": made.description,
        "image": made.image,
        "os_type": "linux",
        "tags": dict(made.tags),
    }
    if conda:
        document["conda_file"] = dict(made.conda)
    if made.liveness and made.scoring:
        document["inference_config"] = {
            "liveness_route": asdict(made.liveness),
            "readiness_route": asdict(made.liveness),
            "scoring_route": asdict(made.scoring),
        }
    return document


def rest_document(made: Curated, *, conda: bool = False) -> dict[str, Any]:
    """Return the body of an environment version; its name and version are the address's."""
    properties: dict[str, Any] = {
        "description": made.description,
        "image": made.image,
        "isAnonymous": False,
        "isArchived": False,
        "osType": "linux",
        "tags": dict(made.tags),
    }
    if conda:
        properties["condaFile"] = sdk_yaml_text(dict(made.conda))
    if made.liveness and made.scoring:
        properties["inferenceConfig"] = {
            "livenessRoute": asdict(made.liveness),
            "readinessRoute": asdict(made.liveness),
            "scoringRoute": asdict(made.scoring),
        }
    return {"properties": dict(sorted(properties.items()))}
