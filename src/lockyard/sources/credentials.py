"""The credentials that Docker's own config has for a registry."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# What credential helpers call the user where the secret is a token to be exchanged.
IDENTITY = "<token>"


def docker_credentials(name: str, environ: Mapping[str, str]) -> tuple[str, str] | None:
    """Return the user and password that Docker's config has for a registry, if any.

    They come from a credential helper or from the config itself, as for ``docker pull``, and
    are never written anywhere. The user ``IDENTITY`` stands for an identity token.
    """
    folder = environ.get("DOCKER_CONFIG") or str(Path(environ.get("HOME", "/")) / ".docker")
    try:
        config = table(json.loads((Path(folder) / "config.json").read_text()))
    except (OSError, ValueError, RecursionError):
        return None
    key = "https://index.docker.io/v1/" if name == "docker.io" else name
    helper = table(config.get("credHelpers")).get(name) or config.get("credsStore")
    if helper:
        return _from_helper(str(helper), key)
    return _from_config(table(table(config.get("auths")).get(key)))


def table(value: object) -> dict[str, Any]:
    """Return a JSON object, or an empty one for anything else: it is somebody else's."""
    return value if isinstance(value, dict) else {}


def _from_config(entry: Mapping[str, Any]) -> tuple[str, str] | None:
    token = entry.get("identitytoken")
    if isinstance(token, str) and token:
        return IDENTITY, token
    try:
        user, _, password = base64.b64decode(str(entry.get("auth", ""))).decode().partition(":")
    except ValueError:
        return None
    return (user, password) if user else None


def _from_helper(helper: str, key: str) -> tuple[str, str] | None:
    if not re.fullmatch(r"[A-Za-z0-9._-]+", helper):
        return None
    try:
        done = subprocess.run(
            [f"docker-credential-{helper}", "get"],
            input=key,
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        value = json.loads(done.stdout)
        return str(value["Username"]), str(value["Secret"])
    except (OSError, subprocess.SubprocessError, ValueError, LookupError, TypeError):
        return None
