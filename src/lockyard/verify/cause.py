"""The likely cause of a difference, in one sentence."""

from __future__ import annotations

import re

_CAUSES = {
    "missing": "a file was left out: by another version of a package, or of Lockyard",
    "added": "a file that nothing locked has: something was run, or another version was packed",
    "order": "entries in another order: a directory was listed, or paths sorted, another way",
    "type": "another kind of entry: something was replaced, or links were followed",
    "mode": "mode: something depends on the umask, or a file was changed after it was packed",
    "owner": "owner: something depends on who builds",
    "owner's name": "names of owners: another tool wrote the archive, with the builder's accounts",
    "time": "time: something reads the clock, or a file was changed after it was packed",
    "link target": "link target: something depends on the folder that it was built in",
    "pax header": "pax headers: another tool or version wrote the archive",
    "header form": "form of the archive: another tool or version wrote it",
    "header": "form of the archive: another tool or version wrote it",
    "padding": "what follows the last entry: another tool or version wrote the archive",
    "compression": "the archive is the same: gzip of another library, level or division",
    "config": "another lock, recipe or version of Lockyard, or the config was changed by hand",
    "manifest": "another version of Lockyard, or the manifest was changed by hand",
    "index": "other platforms, or the index was written by another tool",
    "platform": "the image was built for other platforms",
    "layers": "another lock, recipe or version of Lockyard",
}
# By the path of a file whose content differs; the first that fits.
_CONTENTS = (
    (r".*\.dist-info/RECORD", "RECORD lists other files, other hashes, or files in another order"),
    (r".*\.dist-info/direct_url\.json", "it names the place that it was installed from"),
    (r"(.*/)?conda-meta/.*\.json", "a record of conda: it names places, times or tools"),
    (r"(.*/)?conda-meta/history", "conda's history has the time of each transaction"),
    (r"var/lib/dpkg/.*", "dpkg's data base: other packages, or their order"),
    (r"(.*/)?bin/[^/]+", "a script: it may name the interpreter's place"),
    (r".*\.(pth|egg-link)", "it names the place that it was installed in"),
    (r"etc/(passwd|group|shadow|gshadow)-?", "accounts: something depends on who builds"),
    (r"etc/(hostname|hosts|resolv\.conf)", "it depends on the machine that built it"),
    (r"var/(log|cache)/.*", "a log or a cache: something was run"),
)
PYC_HEADER = 16  # bytes of header: magic, flags, then time and size or a hash (PEP 552)


def cause_of(what: str) -> str:
    """Return the likely cause of a difference that isn't one of content."""
    return _CAUSES.get(what, "not known")


def cause_of_content(path: str, offset: int) -> str:
    """Return the likely cause of a file's other content from byte ``offset`` on."""
    if path.endswith((".pyc", ".pyo")):
        if offset < PYC_HEADER:
            return "the header of a .pyc: the source's time, or the Python that compiled it"
        return "the code of a .pyc: marshal's references, or a place in its file names"
    for pattern, sentence in _CONTENTS:
        if re.fullmatch(pattern, path):
            return sentence
    return "another version was packed, or the file was changed after it was packed"
