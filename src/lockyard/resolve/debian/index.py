"""A suite's Packages indexes, searched without parsing what nobody asks for."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping

from debian.debian_support import NativeVersion

from lockyard.resolve.debian.record import Record, read_record
from lockyard.resolve.debian.relation import Clause, Relation

# A suite has some 63,000 paragraphs, and a parse of them all takes seconds: only these three
# fields are looked for ahead, with their folded lines. The newline before them is what makes
# the search fast: it can look for those bytes instead of trying each line.
AHEAD = re.compile(rb"\n(Package|Provides|Essential):[ \t]*(.*(?:\n[ \t].*)*)")
PROVIDED = re.compile(rb"(?:^|,)\s*([^\s,:(]+)")


class Scan:
    """Where the paragraphs of Packages indexes are; it never changes, so that threads share it."""

    def __init__(self, texts: Mapping[str, bytes]) -> None:
        """Look through ``texts``: uncompressed indexes by a name that errors call them."""
        self.texts = {source: b"\n" + text for source, text in sorted(texts.items())}
        self.named: dict[str, list[tuple[str, int]]] = {}
        self.provided: dict[str, list[tuple[str, int]]] = {}
        self.essential: list[tuple[str, int]] = []
        for source, text in self.texts.items():
            self._scan(source, text)

    def _scan(self, source: str, text: bytes) -> None:
        for match in AHEAD.finditer(text):
            key, place = match[1], (source, match.start() + 1)
            if key == b"Package":
                self.named.setdefault(_text(match[2].strip()), []).append(place)
            elif key == b"Provides":
                for provided in PROVIDED.findall(match[2]):
                    self.provided.setdefault(_text(provided), []).append(place)
            elif match[2].strip() == b"yes":
                self.essential.append(place)


class Index:
    """Find records by name, by what they provide, and by relation: one resolution's own.

    It parses what is asked for, and two records are equal only where they are the same object.
    """

    def __init__(self, scan: Scan, architecture: str) -> None:
        self.architecture = architecture
        self._scan = scan
        self._records: dict[tuple[str, int], Record] = {}
        self._by_name: dict[str, tuple[Record, ...]] = {}
        self._meeting: dict[Relation, tuple[Record, ...]] = {}

    def records(self, name: str) -> tuple[Record, ...]:
        """List the versions of a package, the highest first."""
        if name not in self._by_name:
            found = _distinct(self._record(place) for place in self._scan.named.get(name, ()))
            found.sort(key=lambda record: NativeVersion(record.version), reverse=True)
            self._by_name[name] = tuple(found)
        return self._by_name[name]

    def essential(self) -> tuple[Record, ...]:
        """List the newest version of each ``Essential: yes`` package, by name."""
        names = sorted({self._record(place).name for place in self._scan.essential})
        return tuple(self.records(name)[0] for name in names)

    def meeting(self, relation: Relation) -> tuple[Record, ...]:
        """List the records that meet a relation, in the order in which to try them.

        The package of that very name comes before those that provide it, of which the one of
        the higher Priority comes first, then the one whose name does.
        """
        if relation not in self._meeting:
            candidates = [*self.records(relation.name), *self._providers(relation.name)]
            self._meeting[relation] = tuple(
                record
                for record in _distinct(candidates)
                if record.meets(relation, self.architecture)
            )
        return self._meeting[relation]

    def _providers(self, name: str) -> list[Record]:
        names = {self._record(place).name for place in self._scan.provided.get(name, ())}
        providers = [record for provider in names for record in self.records(provider)]
        providers.sort(key=lambda record: NativeVersion(record.version), reverse=True)
        providers.sort(key=lambda record: (record.rank, record.name))
        return providers

    def options(self, clause: Clause) -> tuple[Record, ...]:
        """List the records that meet a clause, those of its first alternative first."""
        return tuple(
            _distinct(record for relation in clause.relations for record in self.meeting(relation))
        )

    def near(self, name: str) -> tuple[str, ...]:
        """List names of packages that look like a name, the nearest first."""
        head = [known for known in self._scan.named if known[:1] == name[:1]]
        return tuple(difflib.get_close_matches(name, sorted(head), n=3, cutoff=0.75))

    def _record(self, place: tuple[str, int]) -> Record:
        """Parse the paragraph around a place, once; two fields of one give one record."""
        source, position = place
        text = self._scan.texts[source]
        blank = text.rfind(b"\n\n", 0, position)
        start = blank + 2 if blank >= 0 else 0
        if (source, start) not in self._records:
            end = text.find(b"\n\n", position)
            paragraph = text[start : end if end >= 0 else len(text)]
            self._records[source, start] = read_record(paragraph, self.architecture, source)
        return self._records[source, start]


def _distinct(records: Iterable[Record]) -> list[Record]:
    """Keep the first of each package and version."""
    distinct: dict[tuple[str, str, str], Record] = {}
    for record in records:
        distinct.setdefault((record.name, record.version, record.architecture), record)
    return list(distinct.values())


def _text(name: bytes) -> str:
    return name.decode("utf-8", "replace")
