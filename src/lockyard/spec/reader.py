"""Read the workspace, its envs and its recipes from their files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from attrs import evolve, frozen
from cattrs import Converter

from lockyard.errors import Fault, UsageError
from lockyard.spec.builder import builder_faults, builder_names
from lockyard.spec.checks import (
    BaseName,
    CondaSourceName,
    DatedSourceName,
    DebianSourceName,
    ImagePath,
    LocalFile,
    PypiName,
    PypiSourceName,
    RecipeName,
    RegistrySourceName,
    one_of,
)
from lockyard.spec.derived import derive, derived_faults, take_parents
from lockyard.spec.file import contents_of, parsed, raise_all, read_model, structured
from lockyard.spec.model import (
    CondaSource,
    DerivedEnv,
    Env,
    LaidFile,
    PypiSource,
    Recipe,
    SdistRule,
    Workspace,
)
from lockyard.spec.names import normalised
from lockyard.spec.structure import converter
from lockyard.spec.trial import TrialSpec
from lockyard.spec.unfit import shown, suggestion

WORKSPACE_FILE = "WORKSPACE.toml"
FORMAT = 1
_STEM = re.compile(rb"\bstem\b")
_ENV_NAME = re.compile(r"(?=.{1,100}$)[a-z0-9]+([.-][a-z0-9]+)*")


@frozen
class Fleet:
    """A workspace's folder, and what is read from it.

    An env or a recipe is read when it is first asked for, so that a fault in one file stops
    only what needs that file. Which envs there are is looked at once.
    """

    root: Path
    workspace: Workspace

    def env_names(self) -> tuple[str, ...]:
        """Return the names of all envs, sorted."""
        return self._env_names

    @cached_property
    def _env_names(self) -> tuple[str, ...]:
        found = (self.root / "envs").glob("*.toml")
        # Editors keep hidden files beside the one that is open.
        return tuple(sorted(path.stem for path in found if not path.name.startswith(".")))

    @cached_property
    def stemmed(self) -> frozenset[str]:
        """Return the envs whose files may set a stem of their own, by a look at their bytes."""
        return frozenset(name for name in self._env_names if self._has_stem(name))

    def _has_stem(self, name: str) -> bool:
        try:
            return bool(_STEM.search((self.root / _env_file(name)).read_bytes()))
        except OSError:
            return False

    def env(self, name: str) -> Env:
        """Read one env, and those that it extends.

        Raise UsageError if there is none, SpecError with all faults of the first file that
        has some.
        """
        return self._with_builder(self._whole(name))

    def _with_builder(self, env: Env) -> Env:
        """Return an env, and those that it extends, with the env that compiles for them."""
        parent = self._with_builder(env.parent) if env.parent else None
        named, file = builder_names(env), _env_file(env.name)
        known = self.env_names()
        faults = [
            Fault(
                file,
                f"sdists.{package}.builder",
                f"there is no env {builder!r}",
                suggestion(builder, known),
            )
            for package, builder in sorted(named.items())
            if builder not in known
        ]
        if len(builders := sorted(set(named.values()))) > 1:
            reason = f"there are several builders: {', '.join(builders)}"
            faults.append(Fault(file, "sdists", reason, "have one env compile them all"))
        raise_all(faults, file)
        builder = self._whole(builders[0]) if builders else None
        raise_all(list(builder_faults(env, builder, file)) if builder else [], file)
        return evolve(env, parent=parent, builder=builder)

    def _whole(self, name: str) -> Env:
        """Read one env, and those that it extends, but no builder of theirs."""
        additions: dict[str, DerivedEnv] = {}
        found = self._described(name)
        while isinstance(found, DerivedEnv):
            additions[name] = found
            name = self._parent(found, additions)
            found = self._described(name)
        env = evolve(found, name=name)
        for name, own in reversed(additions.items()):
            file = _env_file(name)
            raise_all(list(derived_faults(env, own, file)), file)
            contents = contents_of(self.root / "envs", _laid(own.files), file)
            env = derive(env, own, name, contents)
        return env

    def _described(self, name: str) -> Env | DerivedEnv:
        """Read an env's own file."""
        file = _env_file(name)
        if not (_ENV_NAME.fullmatch(name) and (self.root / file).exists()):
            self._explain_missing(name, file)
        dated = tuple(
            source
            for source, each in self.workspace.sources.items()
            if isinstance(each, CondaSource | PypiSource)
        )
        made = _env_converter(tuple(self.workspace.bases), dated, self.recipe_names())
        data = parsed(self.root / file, file)
        env: Env | DerivedEnv
        if "extends" in data:
            faults = take_parents(data, file)
            env = structured(made, data, DerivedEnv, file, faults)
        else:
            env = structured(made, data, Env, file)
        return evolve(env, sdists=_normalised(env.sdists, file))

    def _parent(self, env: DerivedEnv, below: Mapping[str, DerivedEnv]) -> str:
        """Return the name of the env that one extends, unless it is missing or goes round."""
        *_, name = below
        file, parent = _env_file(name), str(env.extends)
        if parent in below:
            round_ = [*below][[*below].index(parent) :]
            way = " -> ".join([*round_, parent])
            fault = Fault(file, "extends", f"it goes round: {way}", "extend another env")
            raise_all([fault], file)
        known = self.env_names()
        if parent not in known:
            fault = Fault(file, "extends", f"there is no env {parent!r}", suggestion(parent, known))
            raise_all([fault], file)
        return parent

    def _explain_missing(self, name: str, file: str) -> None:
        """Raise what is wrong with an env's name, unless it is its file that can't be read."""
        known = self.env_names()
        if name not in known:
            raise UsageError(
                f"there is no env {name!r}",
                where="envs/",
                solution=suggestion(name, known) or "describe it in a file of envs/ first",
            )
        if not _ENV_NAME.fullmatch(name):
            solution = "a-z, 0-9, dots and dashes, at most 100"
            raise_all([Fault(file, "", "images can't have this name", solution)], file)

    def recipe_names(self) -> tuple[str, ...]:
        """Return the names of all recipes, sorted."""
        found = (self.root / "images").glob("*/recipe.toml")
        return tuple(sorted(path.parent.name for path in found))

    def recipe(self, name: str) -> Recipe:
        """Read one recipe and the files that it lays. Raise SpecError with all its faults."""
        folder = self.root / "images" / name
        file = f"images/{name}/recipe.toml"
        recipe = read_model(_converter(), folder / "recipe.toml", Recipe, file)
        return evolve(recipe, name=name, contents=contents_of(folder, _laid(recipe.files), file))

    def trial(self, recipe: str) -> TrialSpec:
        """Read what a recipe's images are asked in a test, which is nothing where it doesn't say.

        Raise SpecError with all faults of its ``test.toml``.
        """
        folder, file = self.root / "images" / recipe, f"images/{recipe}/test.toml"
        if not (folder / "test.toml").exists():
            return TrialSpec()
        trial = read_model(_converter(), folder / "test.toml", TrialSpec, file)
        named = {
            f"samples.{name}.{key}": path
            for name, each in trial.samples.items()
            for key, path in (("train", each.train), ("script", each.script))
        }
        return evolve(trial, contents=contents_of(folder, named, file))


def read_fleet(start: Path) -> Fleet:
    """Read the workspace whose file stands in ``start`` or the nearest folder above it."""
    for folder in (start, *start.parents):
        if (folder / WORKSPACE_FILE).is_file():
            return Fleet(folder, read_workspace(folder / WORKSPACE_FILE))
    raise UsageError(
        f"there is no {WORKSPACE_FILE} here or above",
        where=".",
        solution="run this in the folder of a workspace",
    )


def read_workspace(path: Path) -> Workspace:
    """Read the workspace's file. Raise SpecError with all its faults."""
    data = parsed(path, WORKSPACE_FILE)
    _check_format(data.get("format"))
    made = converter(
        {
            CondaSourceName: one_of("conda source", _sources(data, "conda")),
            RegistrySourceName: one_of("registry source", _sources(data, "registry")),
            DebianSourceName: one_of("debian source", _sources(data, "debian")),
            PypiSourceName: one_of("pypi source", _sources(data, "pypi")),
        }
    )
    return structured(made, data, Workspace, WORKSPACE_FILE)


def _check_format(found: object) -> None:
    """Raise SpecError for another format before its keys are taken for faults."""
    if type(found) is int and found != FORMAT:
        fault = Fault(
            WORKSPACE_FILE, "format", f"this is format {shown(found)}", f"known: {FORMAT}"
        )
        raise_all([fault], WORKSPACE_FILE)


@cache
def _converter() -> Converter:
    return converter({})


@cache
def _env_converter(
    bases: tuple[str, ...], sources: tuple[str, ...], recipes: tuple[str, ...]
) -> Converter:
    """Return what reads envs that may use these names; making it takes as long as ten envs."""
    return converter(
        {
            BaseName: one_of("base", bases),
            DatedSourceName: one_of("source whose packages have dates", sources),
            RecipeName: one_of("recipe", recipes),
        }
    )


def _env_file(name: str) -> str:
    return f"envs/{name}.toml"


def _laid(files: Mapping[ImagePath, LaidFile]) -> dict[str, LocalFile]:
    return {f'files."{path}".from': laid.source for path, laid in files.items()}


def _sources(data: dict[str, Any], kind: str) -> tuple[str, ...]:
    sources = data.get("sources")
    tables = sources.items() if isinstance(sources, dict) else ()
    return tuple(n for n, table in tables if isinstance(table, dict) and table.get("kind") == kind)


def _normalised(rules: Mapping[PypiName, SdistRule], file: str) -> dict[PypiName, SdistRule]:
    """Return rules by normalised names (PEP 503). Raise SpecError where two have the same."""
    made: dict[PypiName, SdistRule] = {}
    faults = []
    for given, rule in rules.items():
        name = PypiName(normalised(given))
        if name in made:
            faults.append(Fault(file, f"sdists.{given}", f"{name} has two rules", "give it one"))
        made[name] = rule
    raise_all(faults, file)
    return made
