"""What files of a workspace have in common: TOML in UTF-8, and all faults told at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import tomli

from lockyard.errors import Fault, SpecError
from lockyard.spec.checks import LocalFile
from lockyard.spec.structure import structure

T = TypeVar("T")


def read_model(made: Any, path: Path, model: type[T], file: str) -> T:
    """Return the model of the file at a path, which messages call ``file``.

    Raise SpecError with all its faults.
    """
    return structured(made, parsed(path, file), model, file)


def structured(
    made: Any, data: object, model: type[T], file: str, faults: Sequence[Fault] = ()
) -> T:
    """Return the model of a file; raise all its faults, those known before among them."""
    result = structure(made, data, model, file)
    found = [*faults, *(result if isinstance(result, list) else [])]
    raise_all(found, file)
    assert not isinstance(result, list)  # noqa: S101 - its faults were raised
    return result


def contents_of(folder: Path, files: Mapping[str, LocalFile], file: str) -> dict[str, bytes]:
    """Read the files that keys of a spec name, by their paths below its folder."""
    contents, faults = {}, []
    for key, path in files.items():
        try:
            contents[str(path)] = (folder / path).read_bytes()
        except OSError as error:
            faults.append(Fault(file, key, f"{path}: {error.strerror}"))
    raise_all(faults, file)
    return contents


def parsed(path: Path, file: str) -> dict[str, Any]:
    """Return the tables of a file. Raise SpecError for one that can't be read."""
    try:
        return tomli.loads(path.read_bytes().decode("utf-8"))
    except UnicodeDecodeError as error:
        fault = Fault(file, "", f"byte {error.start} isn't UTF-8")
    except tomli.TOMLDecodeError as error:
        fault = Fault(file, "", f"this isn't TOML: {error}")
    except OSError as error:
        fault = Fault(file, "", f"can't be read: {error.strerror}")
    except (RecursionError, ValueError) as error:
        # Nested without end, or a number of thousands of digits.
        fault = Fault(file, "", f"this is no TOML that anybody writes: {error}")
    raise SpecError("the file can't be read", where=file, faults=(fault,))


def raise_all(faults: list[Fault], file: str) -> None:
    """Raise SpecError with the faults of a file, if it has any."""
    if faults:
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        raise SpecError(f"{count} to mend", where=file, faults=tuple(faults))
