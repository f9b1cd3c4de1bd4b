"""What a lock depends on: a test for each thing that counts, and for each that doesn't."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve

from lockyard.lock.inputs import changed_inputs, inputs
from lockyard.lock.model import Lock
from lockyard.spec.checks import (
    BaseName,
    CondaRequirement,
    CondaSourceName,
    Date,
    DebianRequirement,
    DebianSourceName,
    Fingerprint,
    GlibcVersion,
    ImageDigest,
    ImagePath,
    Platform,
    PypiRequirement,
    PypiSourceName,
    PythonVersion,
    RecipeName,
    RegistrySourceName,
    UserId,
    VariableName,
    VariantName,
)
from lockyard.spec.model import (
    CondaSource,
    DebianBase,
    DebianSource,
    Env,
    ImageBase,
    ImageConfig,
    NameParts,
    PypiSource,
    Recipe,
    RegistrySource,
    Requirements,
    SdistRule,
    User,
    Workspace,
)

Spec = tuple[Workspace, Env, Recipe]
Change = Callable[[Spec], Spec]

ASKED = Requirements(
    pypi=(PypiRequirement("numpy"), PypiRequirement("pandas<3")),
    debian=(DebianRequirement("libgomp1"), DebianRequirement("tzdata")),
)
BASE = DebianBase(
    kind="debian",
    source=DebianSourceName("debian"),
    suite="bookworm",
    components=("main", "contrib"),
    packages=(DebianRequirement("python3.11"), DebianRequirement("netbase")),
    python=PythonVersion("3.11"),
    interpreter=ImagePath("/usr/bin/python3.11"),
    prefix=ImagePath("/opt/venv"),
    pypi=PypiSourceName("pypi"),
)
DEBIAN = DebianSource(kind="debian", keys=(Fingerprint("A" * 40), Fingerprint("B" * 40)))
SPEC: Spec = (
    Workspace(
        format=1,
        names=NameParts(registry="r.example", repository="team", environment_prefix="T-"),
        sources={
            "debian": DEBIAN,
            "pypi": PypiSource(kind="pypi"),
            "other": PypiSource(kind="pypi"),
            "archive": DEBIAN,
        },
        bases={"debian12": BASE, "other": BASE},
    ),
    Env(
        name="trial",
        title="Trial",
        base=BaseName("debian12"),
        requirements=ASKED,
        variants={VariantName("cpu"): Requirements(), VariantName("cuda12"): ASKED},
        platforms=(Platform("linux/amd64"), Platform("linux/arm64")),
    ),
    Recipe(
        name="inference",
        title="Server",
        suffix="inference",
        user=User(name="u", uid=UserId(1000), gid=UserId(1000), home=ImagePath("/home/u")),
        config=ImageConfig(workdir=ImagePath("/home/u"), command=("start",)),
        requirements=ASKED,
    ),
)


def of_base(**changes: Any) -> Change:
    def change(spec: Spec) -> Spec:
        workspace, env, recipe = spec
        base = evolve(workspace.bases["debian12"], **changes)
        return evolve(workspace, bases=dict(workspace.bases) | {"debian12": base}), env, recipe

    return change


def of_source(name: str, **changes: Any) -> Change:
    def change(spec: Spec) -> Spec:
        workspace, env, recipe = spec
        source = evolve(workspace.sources[name], **changes)
        return evolve(workspace, sources=dict(workspace.sources) | {name: source}), env, recipe

    return change


def of_env(**changes: Any) -> Change:
    return lambda spec: (spec[0], evolve(spec[1], **changes), spec[2])


def of_recipe(**changes: Any) -> Change:
    return lambda spec: (spec[0], spec[1], evolve(spec[2], **changes))


def of_workspace(**changes: Any) -> Change:
    return lambda spec: (evolve(spec[0], **changes), spec[1], spec[2])


FEWER = evolve(ASKED, pypi=ASKED.pypi[:1])
OTHER = evolve(ASKED, debian=ASKED.debian[:1])


@pytest.mark.parametrize(
    ("change", "part"),
    [
        pytest.param(of_base(source="archive"), "base", id="source of the base"),
        pytest.param(of_base(suite="trixie"), "base", id="suite"),
        pytest.param(of_base(components=("main",)), "base", id="components"),
        pytest.param(of_base(packages=BASE.packages[:1]), "base", id="packages of the base"),
        pytest.param(of_base(python="3.12"), "base", id="python"),
        pytest.param(of_base(pypi="other"), "base", id="source of wheels"),
        pytest.param(of_source("debian", keys=DEBIAN.keys[:1]), "base", id="keys"),
        pytest.param(of_env(base=BaseName("other")), "base", id="another base"),
        pytest.param(of_env(requirements=FEWER), "env", id="wheels that the env asks for"),
        pytest.param(of_env(requirements=OTHER), "env", id="packages that the env asks for"),
        pytest.param(of_env(platforms=(Platform("linux/amd64"),)), "env", id="platforms"),
        pytest.param(of_env(variants={VariantName("cpu"): Requirements()}), "env", id="variants"),
        pytest.param(
            of_env(variants={VariantName("cpu"): Requirements(), VariantName("cuda12"): FEWER}),
            "env",
            id="what a variant asks for",
        ),
        pytest.param(of_recipe(requirements=FEWER), "recipe", id="wheels of the recipe"),
        pytest.param(of_recipe(requirements=OTHER), "recipe", id="packages of the recipe"),
        pytest.param(of_recipe(name="training"), "recipe", id="another recipe"),
    ],
)
def test_counts(change: Change, part: str) -> None:
    before, after = inputs(*SPEC), inputs(*change(SPEC))
    assert [name for name in before if before[name] != after[name]] == [part]


TURNED = Requirements(pypi=ASKED.pypi[::-1], debian=ASKED.debian[::-1])


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(of_env(title="Another"), id="title"),
        pytest.param(of_env(requirements=TURNED), id="order of requirements"),
        pytest.param(of_env(platforms=SPEC[1].platforms[::-1]), id="order of platforms"),
        pytest.param(of_env(platforms=SPEC[1].platforms * 2), id="a platform twice"),
        pytest.param(of_env(requirements=evolve(ASKED, pypi=ASKED.pypi * 2)), id="asked twice"),
        pytest.param(
            of_env(variants=dict(reversed(list(SPEC[1].variants.items())))), id="order of variants"
        ),
        pytest.param(of_env(environment={VariableName("A"): "b"}), id="variables"),
        pytest.param(of_env(recipe=RecipeName("inference")), id="recipe by default"),
        pytest.param(of_recipe(title="Another", suffix="x", requirements=TURNED), id="recipe"),
        pytest.param(of_source("debian", mirror="https://mirror.example"), id="mirror"),
        pytest.param(of_source("pypi", index="https://index.example"), id="index"),
        pytest.param(of_source("other", index="https://index.example"), id="a source not used"),
        pytest.param(of_source("debian", keys=DEBIAN.keys[::-1]), id="order of keys"),
        pytest.param(of_base(components=BASE.components[::-1]), id="order of components"),
        pytest.param(of_base(prefix=ImagePath("/opt/other")), id="where wheels go"),
        pytest.param(of_workspace(bases={"debian12": BASE}), id="a base not used"),
        pytest.param(
            of_workspace(
                names=NameParts(registry="a.example", repository="b", environment_prefix="C-")
            ),
            id="names",
        ),
    ],
)
def test_does_not_count(change: Change) -> None:
    assert inputs(*change(SPEC)) == inputs(*SPEC)


IMAGE = ImageBase(
    kind="image",
    source=RegistrySourceName("registry"),
    image="library/trial",
    tag="18.04",
    manifests={Platform("linux/amd64"): ImageDigest(f"sha256:{'a' * 64}")},
    glibc=GlibcVersion("2.27"),
    python=PythonVersion("3.7"),
    interpreter=ImagePath("/opt/conda/bin/python3.7"),
    prefix=ImagePath("/opt/conda"),
    conda=CondaSourceName("channel"),
    pypi=PypiSourceName("pypi"),
)
CHANNEL = CondaSource(kind="conda", channel="https://conda.example/channel")
REGISTRY = RegistrySource(kind="registry", registry="registry.example")
ON_IMAGE = of_workspace(
    bases={"debian12": IMAGE},
    sources={
        "pypi": PypiSource(kind="pypi"),
        "other": PypiSource(kind="pypi"),
        "channel": CHANNEL,
        "second": CHANNEL,
        "registry": REGISTRY,
        "elsewhere": REGISTRY,
    },
)(SPEC)
DIGEST = ImageDigest(f"sha256:{'b' * 64}")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(of_base(source="elsewhere"), id="source of the image"),
        pytest.param(of_source("registry", registry="other.example"), id="registry"),
        pytest.param(of_base(image="library/other"), id="image"),
        pytest.param(of_base(tag="20.04"), id="tag"),
        pytest.param(of_base(index=DIGEST), id="index"),
        pytest.param(of_base(manifests={Platform("linux/amd64"): DIGEST}), id="manifest"),
        pytest.param(of_base(glibc="2.31"), id="glibc"),
        pytest.param(of_base(python="3.8"), id="python"),
        pytest.param(of_base(conda="second"), id="source of conda packages"),
        pytest.param(of_source("channel", channel="https://conda.example/other"), id="channel"),
        pytest.param(of_base(pypi="other"), id="source of wheels"),
    ],
)
def test_counts_of_an_image(change: Change) -> None:
    before, after = inputs(*ON_IMAGE), inputs(*change(ON_IMAGE))
    assert [name for name in before if before[name] != after[name]] == ["base"]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(of_source("channel", mirror="https://mirror.example"), id="mirror"),
        pytest.param(of_source("registry", mirror="mirror.example"), id="mirror of the registry"),
        pytest.param(of_base(prefix=ImagePath("/opt/other")), id="where packages go"),
    ],
)
def test_does_not_count_of_an_image(change: Change) -> None:
    assert inputs(*change(ON_IMAGE)) == inputs(*ON_IMAGE)


GAST = {"gast": SdistRule()}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(of_env(), of_env(as_of={"pypi": Date("2023-07-01")}), id="cut-off day"),
        pytest.param(of_env(), of_env(sdists=GAST), id="a package built from source"),
        pytest.param(
            of_env(sdists=GAST),
            of_env(sdists={"gast": SdistRule(environment={VariableName("A"): "b"})}),
            id="variables of a build",
        ),
        pytest.param(
            of_env(),
            of_env(requirements=evolve(ASKED, conda=(CondaRequirement("cudnn"),))),
            id="conda packages",
        ),
    ],
)
def test_counts_once_given(before: Change, after: Change) -> None:
    old, new = inputs(*before(SPEC)), inputs(*after(SPEC))
    assert [name for name in old if old[name] != new[name]] == ["env"]


def test_build_tools_count_where_something_is_built() -> None:
    tools = of_workspace(build_tools=(PypiRequirement("setuptools==68.0.0"),))
    assert inputs(*tools(SPEC)) == inputs(*SPEC)
    built = of_env(sdists=GAST)(SPEC)
    assert inputs(*tools(built))["env"] != inputs(*built)["env"]


def test_no_two_places_share_a_digest() -> None:
    found = inputs(*SPEC)
    assert len(set(found.values())) == len(found) == 3


def test_changed_inputs() -> None:
    lock = Lock(env="trial", inputs={"env": "a", "base": "b", "gone": "c"}, targets=())
    assert changed_inputs(lock, {"env": "a", "base": "b", "gone": "c"}) == ()
    assert changed_inputs(lock, {"env": "x", "base": "b", "new": "y"}) == ("env", "gone", "new")
