from __future__ import annotations

import pytest

from lockyard.resolve.moves import Moves


@pytest.mark.parametrize(
    ("package", "held", "moved"),
    [
        ("PyYAML", {"pyyaml"}, {"pyyaml"}),
        ("PyYAML==6.0", {"pyyaml"}, {"pyyaml==6.0"}),
        ("Ruamel.Yaml", {"ruamel-yaml"}, {"ruamel-yaml"}),
        ("Ruamel.Yaml", {"ruamel.yaml"}, {"ruamel.yaml"}),
        ("python3.11", {"python3.11", "python3-11"}, {"python3.11", "python3-11"}),
        ("app==1.0+Local", {"app"}, {"app==1.0+Local"}),
        ("library/ubuntu", {"library/ubuntu"}, {"library/ubuntu"}),
        ("app", {"apps"}, set()),
    ],
)
def test_packages_are_spelt_as_those_that_are_held(
    package: str, held: set[str], moved: set[str]
) -> None:
    moves = Moves(packages=frozenset({package}))
    assert moves.of(held) == moved
    assert bool(moves.names & held) == bool(moved)
