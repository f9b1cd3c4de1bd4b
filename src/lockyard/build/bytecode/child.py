"""The process that compiles, run by an image's own Python: it parses modules and runs none.

With no argument it serves requests on standard input: a line with the lengths of a path and of
a source, then both. The answer is a line with a length, then the bytes of the .pyc: none where
the source can't be compiled. With arguments, folders of modules, it compiles there what the
wheels have brought that pip has installed.

It runs under any Python from 3.7 on, and needs nothing beside what is built in.
"""

# mypy: ignore-errors

import marshal
import os
import sys
from importlib.util import MAGIC_NUMBER, source_hash

# All strings of one character are one object each, which any module may have had interned.
_CHARACTERS = [sys.intern(""), *(sys.intern(chr(number)) for number in range(256))]

# PEP 552: the source's hash is checked, so what somebody changes in a derived image counts.
_HEADER = MAGIC_NUMBER + (3).to_bytes(4, "little")


# A package's own tests, which no image runs: a third of what science packages are made of.
_TESTS = {"test", "tests"}

# Encodings that every Python has built in; whether it has others, its packages decide (PEP 263).
_ENCODINGS = (b"utf-8", b"utf8", b"ascii", b"us-ascii", b"latin-1", b"iso-8859-1")


def is_wanted(path: str) -> bool:
    """Tell whether a module is compiled, by its path in its folder of modules."""
    return path.endswith(".py") and not _TESTS.intersection(path.split("/")[:-1])


def _is_readable(source):
    """Tell whether every Python reads a source, whatever else is installed."""
    for line in source.split(b"\n", 2)[:2]:
        _, found, named = line.partition(b"coding")
        if line.lstrip(b" \t\f").startswith(b"#") and found and named[:1] in (b":", b"="):
            name = named[1:].strip().lower().replace(b"_", b"-")
            if not name.startswith(_ENCODINGS):
                return False
    return True


def compiled(path, source):
    """Return the .pyc of a module, or b"" where the source can't be compiled.

    It depends on nothing but the path, the source and this Python: neither on what was compiled
    before nor on addresses.
    """
    held = []
    if not _is_readable(source):
        return b""
    try:
        code = compile(source, path, "exec", dont_inherit=True, optimize=0)
        if not _hold(code, held):
            return b""
        if _has_uncertain_sets(held):
            code = compile(source, path, "exec", dont_inherit=True, optimize=0)
            _hold(code, held)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
        return b""
    return _HEADER + source_hash(source) + marshal.dumps(code)


def _hold(value, held):
    """Hold on to a code object's strings and sets; tell whether its bytes can be always the same.

    marshal marks what is referred to from elsewhere as well, which an interned string may be
    because of another module. What is held here always is. Before 3.11, the order of a set that
    has None or an ellipsis in it depends on their addresses.
    """
    if isinstance(value, str):
        held.append(value)
    elif isinstance(value, tuple):
        return all(_hold(each, held) for each in value)
    elif isinstance(value, frozenset):
        if sys.version_info < (3, 11) and not all(_is_plain(each) for each in value):
            return False
        held.append(value)
        return all(_hold(each, held) for each in value)
    elif isinstance(value, type(_hold.__code__)):
        held += [value.co_name, value.co_filename, getattr(value, "co_qualname", "")]
        names = value.co_names + value.co_varnames + value.co_freevars + value.co_cellvars
        return all(_hold(each, held) for each in names + value.co_consts)
    return True


def _has_uncertain_sets(held):
    """Tell whether sets may come out otherwise once all of their strings are interned.

    Whether equal sets are one object depends on that, and before 3.11, where marshal doesn't
    sort, their order does as well.
    """
    sets = [each for each in held if isinstance(each, frozenset)]
    return bool(sets) and (sys.version_info < (3, 11) or len({*sets}) < len(sets))


def _is_plain(value):
    if isinstance(value, tuple):
        return all(_is_plain(each) for each in value)
    return isinstance(value, (str, bytes, bool, int, float, complex))


def serve(requests, answers):
    """Answer requests until there are no more."""
    for line in iter(requests.readline, b""):
        path, source = (requests.read(int(length)) for length in line.split())
        answer = compiled(os.fsdecode(path), source)
        answers.write(b"%d\n" % len(answer) + answer)
        answers.flush()


def compile_installed(folder):
    """Compile what pip has installed into a folder of modules."""
    for name in sorted(os.listdir(folder)):
        info = os.path.join(folder, name)
        if not name.endswith(".dist-info") or _text(os.path.join(info, "INSTALLER")) != "pip\n":
            continue
        for line in _text(os.path.join(info, "RECORD")).splitlines():
            path = line[1:].partition('"')[0] if line[:1] == '"' else line.partition(",")[0]
            if is_wanted(path) and not path.startswith((".", "/")):
                _compile_file(os.path.join(folder, path))


def _compile_file(path):
    with open(path, "rb") as file:
        made = compiled(path, file.read())
    head, name = os.path.split(path)
    cache = os.path.join(head, "__pycache__")
    target = os.path.join(cache, f"{name[:-3]}.{sys.implementation.cache_tag}.pyc")
    if made and not os.path.exists(target):
        os.makedirs(cache, exist_ok=True)
        with open(target, "wb") as file:
            file.write(made)


def _text(path):
    try:
        with open(path, encoding="utf-8", newline="") as file:
            return file.read()
    except FileNotFoundError:
        return ""


if __name__ == "__main__":
    import warnings

    warnings.simplefilter("ignore")
    if sys.argv[1:]:
        for each in sys.argv[1:]:
            compile_installed(each)
    else:
        serve(sys.stdin.buffer, sys.stdout.buffer)
