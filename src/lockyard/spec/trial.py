"""The model of a recipe's ``test.toml``: what its images are asked when they are tested."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from lockyard.spec.checks import (
    ImagePath,
    Line,
    LocalFile,
    NamePart,
    PypiRequirement,
    Value,
    VariableName,
)


@frozen(kw_only=True)
class Server:
    """A server that images start, at the first of the recipe's ports.

    ``health``, ``score`` and ``swagger`` are paths of addresses; ``healthy`` is what the first
    answers. A model is brought as an ``entry_script``, a folder of ``models`` and variables.
    """

    health: Value
    healthy: Line
    score: Value
    swagger: Value = ""
    starts_within: int = 60
    stops_within: int = 8
    entry_script: ImagePath
    models: ImagePath
    environment: Mapping[VariableName, Value] = field(factory=dict)


@frozen(kw_only=True)
class Sample:
    """A model that an image trains and then serves, where it has the ``package``.

    Without a package it is for images that no other sample is for. ``train`` is a script that
    leaves the model in the server's folder of models, ``script`` the entry script that serves
    it. The ``answer`` to a ``request`` is as this one, both being JSON; its numbers may differ by
    a thousandth.
    """

    package: PypiRequirement | None = None
    train: LocalFile
    script: LocalFile
    request: Value
    answer: Value


@frozen(kw_only=True)
class TrialSpec:
    """What images of a recipe are asked.

    ``writable`` are folders that a user of the image may write to, beside those that the recipe
    gives it. ``skip`` names modules that can't be imported in a test, and why. ``contents`` holds
    the text of every script that ``samples`` name, by its path.
    """

    server: Server | None = None
    samples: Mapping[NamePart, Sample] = field(factory=dict)
    writable: tuple[ImagePath, ...] = (
        ImagePath("/run/lock"),
        ImagePath("/tmp"),  # noqa: S108
        ImagePath("/var/tmp"),  # noqa: S108
    )
    skip: Mapping[Value, Line] = field(factory=dict)
    contents: Mapping[str, bytes] = field(factory=dict)
