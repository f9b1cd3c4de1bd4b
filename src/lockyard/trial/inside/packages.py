"""Tell of the packages of this image, as JSON, from what they say of themselves in it."""

from __future__ import annotations

import csv
import json
import os
import platform
import sys
from email.parser import HeaderParser
from typing import Any

_MODULES = (".py", ".so")


def read(*parts: str) -> str:
    """Return a file's text, "" where there is none."""
    try:
        with open(os.path.join(*parts), encoding="utf-8", errors="replace") as stream:
            return stream.read()
    except OSError:
        return ""


def distributions() -> list[dict[str, Any]]:
    """Return what each folder of metadata on the path says (PyPA core metadata, RECORD)."""
    found = []
    for folder in dict.fromkeys(each for each in sys.path if os.path.isdir(each)):
        for name in sorted(os.listdir(folder)):
            if name.endswith((".dist-info", ".egg-info")):
                found.append(distribution(folder, name))
    return found


def distribution(folder: str, name: str) -> dict[str, Any]:
    """Return what one folder, or file, of metadata says."""
    place = os.path.join(folder, name)
    text = read(place) or read(place, "METADATA") or read(place, "PKG-INFO")
    about = HeaderParser().parsestr(text)
    rows = csv.reader(read(place, "RECORD").splitlines())
    top = read(place, "top_level.txt").split()
    return {
        "place": place,
        "name": str(about["Name"] or ""),
        "version": str(about["Version"] or ""),
        "requires": [str(each) for each in about.get_all("Requires-Dist", [])],
        "python": str(about["Requires-Python"] or ""),
        "record": [row[0] for row in rows if row and row[0].endswith(_MODULES)],
        "top": top,
    }


def conda() -> list[dict[str, Any]]:
    """Return what conda has recorded: names, versions, and the files in Python's folders."""
    folder = os.path.join(sys.prefix, "conda-meta")
    found = []
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
        if name.endswith(".json"):
            record = json.loads(read(folder, name))
            paths = [path for path in record["files"] if "site-packages/" in path]
            kept = [path for path in paths if path.endswith((*_MODULES, "/METADATA", "/PKG-INFO"))]
            found.append({"name": record["name"], "version": record["version"], "files": kept})
    return found


def debs() -> list[list[str]]:
    """Return the names and versions of installed Debian packages (dpkg's status file)."""
    found = []
    for text in read("/var/lib/dpkg/status").split("\n\n"):
        about = HeaderParser().parsestr(text)
        if str(about["Status"]).endswith(" installed"):
            found.append([str(about["Package"]), str(about["Version"])])
    return found


def markers() -> dict[str, str]:
    """Return the environment of dependency markers (PEP 508)."""
    return {
        "implementation_name": sys.implementation.name,
        "implementation_version": platform.python_version(),
        "os_name": os.name,
        "platform_machine": platform.machine(),
        "platform_python_implementation": platform.python_implementation(),
        "platform_release": platform.release(),
        "platform_system": platform.system(),
        "platform_version": platform.version(),
        "python_full_version": platform.python_version(),
        "python_version": ".".join(platform.python_version_tuple()[:2]),
        "sys_platform": sys.platform,
    }


if __name__ == "__main__":
    told = {
        "distributions": distributions(),
        "conda": conda(),
        "debs": debs(),
        "markers": markers(),
    }
    sys.stdout.write(json.dumps(told))
