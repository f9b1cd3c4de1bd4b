"""The forms of a curated environment, by the names that users give."""

from __future__ import annotations

from typing import Literal, get_args

from lockyard.azureml.assets import assets_files
from lockyard.azureml.curated import Curated
from lockyard.azureml.document import json_text, yaml_text
from lockyard.azureml.v1 import FILE, v1_document
from lockyard.azureml.v2 import rest_document, v2_document

Form = Literal["v1", "v2", "v2-json", "rest", "assets"]
FORMS: tuple[Form, ...] = get_args(Form)


def form_files(made: Curated, form: Form, *, conda: bool = False) -> dict[str, str]:
    """Return the text of each file of a form, by its path in the environment's folder."""
    match form:
        case "v1":
            return {FILE: json_text(v1_document(made))}
        case "v2":
            return {"environment.yml": yaml_text(v2_document(made, conda=conda))}
        case "v2-json":
            return {"environment.json": json_text(v2_document(made, conda=conda))}
        case "rest":
            return {"environment_version.json": json_text(rest_document(made, conda=conda))}
        case "assets":
            return assets_files(made, conda=conda)
