"""From TOML tables to models, with every fault of a file found in one go."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeVar, get_args, get_origin

from attrs import fields, has
from cattrs import ClassValidationError, Converter, ForbiddenExtraKeysError, IterableValidationError
from cattrs.gen import make_dict_structure_fn, override

from lockyard.errors import Fault
from lockyard.spec.checks import NUMBER_CHECKS, SOME, TEXT_CHECKS
from lockyard.spec.model import (
    Base,
    CondaSource,
    DebianBase,
    DebianSource,
    ImageBase,
    PypiSource,
    RegistrySource,
    Source,
)
from lockyard.spec.unfit import LARGEST, Unfit, shown, suggestion

T = TypeVar("T")

# What a model holds beside the keys of its file, and keys that aren't a field's name.
_OMITTED = {
    "Env": {"name", "parent", "builder", "run_scripts", "files", "directories", "contents"},
    "Recipe": {"name", "contents"},
    "TrialSpec": {"contents"},
}
_RENAMED = {("LaidFile", "source"): "from"}


def key_of(model: type, name: str) -> str:
    """Return the TOML key of a model's field."""
    return _RENAMED.get((model.__name__, name), name.replace("_", "-"))


def converter(checks: Mapping[Any, Callable[[str], None]]) -> Converter:
    """Return a converter that takes no value for what it isn't.

    ``checks`` adds to, or overrides, the checks on texts: names that only the caller knows.
    """
    made = Converter(forbid_extra_keys=True, detailed_validation=True)
    made.register_structure_hook(str, _exactly(str, "a text"))
    made.register_structure_hook(int, _exactly(int, "a whole number"))
    made.register_structure_hook(bool, _exactly(bool, "true or false"))
    made.register_structure_hook(Source, lambda value, _: _by_kind(made, "source", _SOURCES, value))
    made.register_structure_hook(
        Base, lambda value, _: _by_kind(made, "base", _BASES, value, "debian")
    )
    for kind, check in {**TEXT_CHECKS, **checks}.items():
        _register(made, kind, _checked(str, "a text", check))
    for kind, number_check in NUMBER_CHECKS.items():
        made.register_structure_hook(kind, _checked(int, "a whole number", number_check))
    made.register_structure_hook_factory(has, lambda model: _class_hook(made, model))
    made.register_structure_hook_factory(_is_tuple, lambda kind: _list_hook(made, kind))
    made.register_structure_hook_factory(_is_mapping, lambda kind: _table_hook(made, kind))
    made.register_structure_hook_factory(_is_some, lambda kind: _some_hook(made, kind))
    return made


def structure(made: Converter, data: object, model: type[T], file: str) -> T | list[Fault]:
    """Return the model of a parsed file, or all of its faults."""
    try:
        return made.structure(data, model)
    except (ClassValidationError, IterableValidationError, Unfit) as error:
        return list(_faults(error, file, ""))


def _register(made: Converter, kind: Any, hook: Callable[[Any, Any], Any]) -> None:
    if get_origin(kind) is Annotated:
        made.register_structure_hook_func(lambda each: each == kind, hook)
    else:
        made.register_structure_hook(kind, hook)


def _exactly(kind: type, what: str) -> Callable[[Any, Any], Any]:
    def hook(value: Any, _: Any) -> Any:
        if type(value) is not kind or (isinstance(value, int) and abs(value) > LARGEST):
            raise Unfit(f"{shown(value)} isn't {what}")
        return value

    return hook


def _checked(kind: type, what: str, check: Callable[[Any], None]) -> Callable[[Any, Any], Any]:
    exact = _exactly(kind, what)

    def hook(value: Any, _: Any) -> Any:
        check(exact(value, _))
        return value

    return hook


_SOURCES = {
    "conda": CondaSource,
    "debian": DebianSource,
    "pypi": PypiSource,
    "registry": RegistrySource,
}
_BASES = {"debian": DebianBase, "image": ImageBase}


def _by_kind(
    made: Converter, what: str, kinds: Mapping[str, Any], value: Any, default: str = ""
) -> Any:
    """Structure a table as the model that its ``kind`` names."""
    kind = value.get("kind", default) if isinstance(value, dict) else None
    if not isinstance(kind, str) or kind not in kinds:
        known = " or ".join(f'kind = "{each}"' for each in kinds)
        raise Unfit(
            f"there is no {what} of kind {shown(kind)}" if kind else f"a {what} has a kind",
            f"set {known}",
        )
    return made.structure(value, kinds[kind])


def _class_hook(made: Converter, model: type) -> Callable[[Any, Any], Any]:
    omitted = _OMITTED.get(model.__name__, set())
    overrides: dict[str, Any] = {
        each.name: override(omit=True)
        if each.name in omitted
        else override(rename=key_of(model, each.name))
        for each in fields(model)
    }
    structure_fields: Callable[[Any, Any], Any] = make_dict_structure_fn(
        model, made, _cattrs_forbid_extra_keys=True, **overrides
    )

    def hook(value: Any, kind: Any) -> Any:
        if not isinstance(value, dict):
            raise Unfit(f"{shown(value)} isn't a table")
        return structure_fields(value, kind)

    return hook


def _is_tuple(kind: Any) -> bool:
    return getattr(kind, "__origin__", None) is tuple


def _list_hook(made: Converter, kind: Any) -> Callable[[Any, Any], Any]:
    plain: Any = list.__class_getitem__(get_args(kind)[0])
    as_list = made.get_structure_hook(plain)

    def hook(value: Any, _: Any) -> Any:
        if not isinstance(value, list):
            raise Unfit(f"{shown(value)} isn't a list", f"write it as [{shown(value)}]")
        return tuple(as_list(value, plain))

    return hook


def _is_mapping(kind: Any) -> bool:
    return getattr(kind, "__origin__", None) is Mapping


def _table_hook(made: Converter, kind: Any) -> Callable[[Any, Any], Any]:
    plain: Any = dict.__class_getitem__(get_args(kind))
    as_dict = made.get_structure_hook(plain)

    def hook(value: Any, _: Any) -> Any:
        if not isinstance(value, dict):
            raise Unfit(f"{shown(value)} isn't a table")
        return as_dict(value, plain)

    return hook


def _is_some(kind: Any) -> bool:
    return get_origin(kind) is Annotated and SOME in kind.__metadata__


def _some_hook(made: Converter, kind: Any) -> Callable[[Any, Any], Any]:
    plain: Any = kind.__origin__
    structure_plain = made.get_structure_hook(plain)

    def hook(value: Any, _: Any) -> Any:
        held = structure_plain(value, plain)
        if not held:
            raise Unfit("there is nothing in it", "name at least one")
        return held

    return hook


def _faults(error: BaseException, file: str, path: str) -> list[Fault]:
    """Walk a grouped validation error; each leaf is a fault with its key."""
    if isinstance(error, ClassValidationError):
        model = error.cl
        named, others = error.group_exceptions()
        found = [
            fault
            for inner, note in named
            for fault in _faults(inner, file, _join(path, key_of(model, note.name)))
        ]
        for other in others:
            found += _leaf(other, file, path, model)
        return found
    if isinstance(error, IterableValidationError):
        indexed, others = error.group_exceptions()
        found = [
            fault
            for inner, place in indexed
            for fault in _faults(
                inner,
                file,
                f"{path}[{place.index}]"
                if isinstance(place.index, int)
                else _join(path, place.index),
            )
        ]
        return found + [fault for other in others for fault in _faults(other, file, path)]
    return _leaf(error, file, path, None)


def _leaf(error: BaseException, file: str, path: str, model: type | None) -> list[Fault]:
    match error:
        case Unfit():
            return [Fault(file, path, error.reason, error.solution)]
        case ForbiddenExtraKeysError():
            omitted = _OMITTED.get(error.cl.__name__, set())
            known = tuple(
                key_of(error.cl, each.name) for each in fields(error.cl) if each.name not in omitted
            )
            return [
                Fault(file, _join(path, key), "there is no such key", suggestion(key, known))
                for key in sorted(error.extra_fields)
            ]
        case KeyError() if model is None:
            return [Fault(file, path, "this key is missing")]
        case KeyError():
            return [Fault(file, _join(path, str(error.args[0])), "this key is missing")]
    return [Fault(file, path, str(error))]


def _join(path: str, key: str) -> str:
    quoted = key if key.replace("-", "").replace("_", "").isalnum() else f'"{key}"'
    return f"{path}.{quoted}" if path else quoted
