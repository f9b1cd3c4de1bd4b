"""The form of azureml-core, ``azureml_environment.json``."""

from __future__ import annotations

from typing import Any

from lockyard.azureml.curated import Curated

FILE = "azureml_environment.json"


def v1_document(made: Curated) -> dict[str, Any]:
    """Return the definition, with every key that azureml-core writes itself (1.61).

    ``userManagedDependencies`` says that the packages are in the image: nothing is built of
    ``condaDependencies``.
    """
    return {
        "name": made.name,
        "version": str(made.version),
        "environmentVariables": {},
        "python": {
            "userManagedDependencies": True,
            "interpreterPath": "python",
            "condaDependenciesFile": None,
            "baseCondaEnvironment": None,
            "condaDependencies": dict(made.conda),
        },
        "docker": {
            "enabled": False,
            "baseImage": made.image,
            "baseDockerfile": None,
            "buildContext": None,
            "sharedVolumes": True,
            "shmSize": None,
            "arguments": [],
            "baseImageRegistry": {
                "address": None,
                "username": None,
                "password": None,
                "registryIdentity": None,
            },
            "platform": {"os": "Linux", "architecture": made.architecture},
        },
        "spark": {"repositories": [], "packages": [], "precachePackages": True},
        "databricks": {
            "mavenLibraries": [],
            "pypiLibraries": [],
            "rcranLibraries": [],
            "jarLibraries": [],
            "eggLibraries": [],
        },
        "r": None,
        "inferencingStackVersion": None,
        "assetId": None,
    }
