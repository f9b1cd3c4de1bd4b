"""Documents as text: JSON and YAML of one form each."""

from __future__ import annotations

import json
from typing import Any

import yaml


class _Dumper(yaml.SafeDumper):
    """A dumper that writes what occurs twice twice, and indents lists as people do."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        super().increase_indent(flow, False)


def json_text(value: Any) -> str:
    """Return JSON with its keys in their order, ending with a line's end."""
    return json.dumps(value, indent=4, ensure_ascii=False) + "\n"


def yaml_text(value: Any) -> str:
    """Return YAML in block style with its keys in their order; no line is broken."""
    return str(
        yaml.dump(
            value,
            Dumper=_Dumper,
            sort_keys=False,
            allow_unicode=True,
            default_flow_style=False,
            width=float("inf"),
        )
    )


def sdk_yaml_text(value: Any) -> str:
    """Return YAML as azure-ai-ml writes it into a REST body."""
    return str(yaml.dump(value, Dumper=yaml.SafeDumper, sort_keys=True))
