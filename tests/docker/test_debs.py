"""What the contexts of images have for Debian packages whose scripts run there."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from attrs import evolve

from lockyard.build.built import BuiltLayer
from lockyard.docker.context import archived, context_of
from lockyard.docker.template import epoch, render
from lockyard.errors import SpecError
from lockyard.plan.image import ImagePlan
from lockyard.plan.layer import DebianLayer, FilesLayer, RecipeLayer, layer_key
from lockyard.spec.checks import ImagePath, Owner
from lockyard.store.store import Store
from tests.build.makers import build_layers


@pytest.fixture
def installing(plan: ImagePlan) -> ImagePlan:
    """An image with a folder of its env's own, in which a package is installed by its scripts."""
    (recipe,) = (layer for layer in plan.layers if isinstance(layer, RecipeLayer))
    files = FilesLayer(
        env="trial",
        user=recipe.recipe.user,
        files={},
        directories={ImagePath("/srv/own"): Owner("user")},
        contents={},
    )
    assert isinstance(plan.layers[0], DebianLayer)
    return evolve(plan, layers=(*plan.layers, files), installed=plan.layers[0].debs)


@pytest.fixture
def built(installing: ImagePlan, store: Store) -> Mapping[str, BuiltLayer]:
    layers = archived(installing)
    made = build_layers(layers, store)
    return {layer_key(layer): each for layer, each in zip(layers, made, strict=True)}


def test_a_context_has_the_packages_and_what_installs_them(
    installing: ImagePlan, built: Mapping[str, BuiltLayer]
) -> None:
    paths = [file.path for file in context_of(installing, "", built).files]
    (deb,) = installing.installed
    assert [path for path in paths if path.startswith(("debs/", "layers/"))] == [
        f"debs/{deb.file}",
        "debs/install.sh",
        "layers/base.tar.gz",
        "layers/last-001.tar.gz",
        "layers/top-001.tar.gz",
        "layers/top-002.tar.gz",
    ]
    # Where nothing is installed, the env's own files are with all others.
    others = [file.path for file in context_of(evolve(installing, installed=()), "", built).files]
    assert "layers/top-003.tar.gz" in others
    assert not [path for path in others if path.startswith("debs/")]


def test_the_files_of_the_env_come_after_the_packages(installing: ImagePlan) -> None:
    run, add = render("@{debs}", installing, "Dockerfile").splitlines()
    assert run.startswith("RUN --network=none --mount=type=bind,target=/context [")
    assert f'"SOURCE_DATE_EPOCH={epoch(installing)}"' in run
    assert add == "ADD --link layers/last-*.tar.gz /"
    without = evolve(installing, layers=installing.layers[:-1])
    assert render("@{debs}", without, "Dockerfile") == run


def test_what_is_installed_counts(installing: ImagePlan) -> None:
    assert installing.key != evolve(installing, installed=()).key
    assert installing.installed[0] in installing.artifacts


def test_all_places_that_a_template_lacks_are_told(installing: ImagePlan) -> None:
    with pytest.raises(SpecError) as caught:
        render("FROM scratch", evolve(installing, run=("true",)), "images/own/Dockerfile")
    assert [fault.key for fault in caught.value.faults] == ["@{debs}", "@{steps}"]
