"""What each rebuild has of its own: a pure function of its number and of the machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeVar

from attrs import field, frozen

T = TypeVar("T")

# Consecutive rebuilds have other values of everything; the lengths have few common factors, so
# that later ones have other combinations. None has one length with all others.
_EPOCHS = (1, 4102444800, 1234567890)
# Every second time: the day of the rebuild is another, too, and the library halves the speed.
_CLOCKS = ("2001-02-03 04:05:06", "2037-12-31 23:59:58", "2016-02-29 12:00:00")
# By POSIX's own form, for which no machine needs a data base (POSIX.1-2017, 8.3).
_ZONES = ("<+14>-14", "NST3:30NDT2:30,M3.2.0,M11.1.0", "UTC0", "<-12>12")
_UMASKS = (0o077, 0o022, 0o002, 0o027, 0)
_HOSTS = ("another-host", "x", "h" * 60)
_FOLDERS = ("a workspace", "w", "Wörkspace-" + "long" * 20)
_HASH_SEEDS = (4711, 0, 4294967295)
_JOBS = (8, 1, 3, 5, 2)
_NICE = (0, 7, 1)
_OPTIMIZE = (1, 0, 2)
_USERS = (12345, 0, 4711)
_WRITTEN_ONCE = 512 << 20  # bytes of artifacts that are copied into memory at most
# A store in memory has the artifacts, layers of as many bytes and what is unpacked meanwhile.
_IN_MEMORY = 8


@frozen(kw_only=True)
class Machine:
    """What a machine allows; what is empty or false is left out of the conditions.

    ``clock`` is the library that fakes the clock, ``users`` how another user is had: root
    becomes one, or a user name space has one. ``hosts`` and ``network`` say whether a process
    can have a host name of its own, and no network; ``memory`` is a folder of a file system
    in memory that programs may run from, ``room`` the bytes that are free there. ``processors``
    are the numbers of those that there are.
    """

    uid: int
    locales: tuple[str, ...] = ("C",)
    clock: str = ""
    users: Literal["", "root", "namespace"] = ""
    hosts: bool = False
    network: bool = False
    memory: str = ""
    room: int = 0
    processors: tuple[int, ...] = (0,)
    pythons: tuple[str, ...]

    @property
    def left_out(self) -> tuple[str, ...]:
        """Return what can't be another in each rebuild, and why."""
        missing = {
            "clock (no libfaketime)": not self.clock,
            "user (no setpriv, no user name spaces)": not self.users,
            "host name (no name spaces)": not self.hosts,
            "absence of a network (no name spaces)": not self.network,
            "file system in memory (no /dev/shm, or it is noexec)": not self.memory,
            "locale (only C is installed)": len(self.locales) < 2,
            "processors (there is one)": len(self.processors) < 2,
            "Python (only one: see --python)": len(self.pythons) < 2,
        }
        return tuple(what for what, is_so in missing.items() if is_so)


@frozen(kw_only=True)
class Conditions:
    """What one rebuild has of its own.

    ``epoch`` is SOURCE_DATE_EPOCH, ``clock`` a time that the clock begins at, ``user`` an id for
    user and group, ``memory`` where the store is in memory; each empty or None where it is the
    machine's. ``order`` seeds the order of directory listings and of layers in their queue.
    ``processors`` are those that may be used, ``network`` says whether there is one.
    """

    number: int
    epoch: int
    clock: str
    zone: str
    locale: str
    umask: int = field(metadata={"base": 8})
    user: int | None
    host: str
    folder: str
    memory: str
    hash_seed: int
    jobs: int
    order: int
    nice: int
    processors: tuple[int, ...]
    optimize: int
    python: str
    network: bool

    def __str__(self) -> str:
        told = {
            "SOURCE_DATE_EPOCH": self.epoch,
            "clock": self.clock,
            "TZ": self.zone,
            "LC_ALL": self.locale,
            "umask": f"{self.umask:03o}",
            "user": "" if self.user is None else self.user,
            "host": self.host,
            "folder": self.folder,
            "store": "in memory" if self.memory else "on disk",
            "PYTHONHASHSEED": self.hash_seed,
            "jobs": self.jobs,
            "order": self.order,
            "nice": self.nice,
            "processors": len(self.processors),
            "PYTHONOPTIMIZE": self.optimize,
            "python": self.python,
            "network": "yes" if self.network else "none",
        }
        return ", ".join(f"{name} {value}" for name, value in told.items() if value != "")


def conditions(number: int, machine: Machine, *, jobs: int = 8, size: int = 0) -> Conditions:
    """Return the conditions of rebuild ``number``, from 1 on.

    At most ``jobs`` layers are built at once. ``size`` is that of the artifacts in bytes: what
    is large, or more than there is room for, isn't copied into memory.
    """
    small = bool(machine.memory) and size <= min(_WRITTEN_ONCE, machine.room // _IN_MEMORY)
    return Conditions(
        number=number,
        epoch=_pick(_EPOCHS, number),
        clock=_pick(_CLOCKS, number // 2) if machine.clock and number % 2 == 0 else "",
        zone=_pick(_ZONES, number),
        locale=_pick(machine.locales, number),
        umask=_pick(_UMASKS, number),
        user=_pick(_users(machine), number),
        host=_pick(_HOSTS, number) if machine.hosts else "",
        folder=_pick(_FOLDERS, number),
        memory=machine.memory if small and number % 2 == 0 else "",
        hash_seed=_pick(_HASH_SEEDS, number),
        jobs=min(_pick(_JOBS, number), jobs),
        order=number,
        nice=_pick(_NICE, number),
        processors=machine.processors[:1] if number % 2 == 0 else machine.processors,
        optimize=_pick(_OPTIMIZE, number),
        python=_pick(machine.pythons, number - 1),
        network=not (machine.network and number % 2),
    )


def _users(machine: Machine) -> Sequence[int | None]:
    if not machine.users:
        return (None,)
    return tuple(dict.fromkeys((machine.uid, *_USERS)))


def _pick(values: Sequence[T], number: int) -> T:
    return values[number % len(values)]


def chosen_locales(installed: Sequence[str]) -> tuple[str, ...]:
    """Return which of a machine's locales to use: C, and those that sort or fold most oddly.

    A dotless i, letters that sort as two, other digits, another encoding than UTF-8.
    """
    wanted = ("tr_TR", "cs_CZ", "de_DE", "fa_IR", "ja_JP.euc", "et_EE", "en_US")
    odd = [next((name for name in installed if name.startswith(each)), "") for each in wanted]
    utf8 = [name for name in installed if name.lower() in {"c.utf8", "c.utf-8"}]
    return ("C", *utf8[:1], *(name for name in odd if name))
