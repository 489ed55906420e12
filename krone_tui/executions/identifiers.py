"""Which identifiers the records carry: found by their shape and their key in a sample of the log."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

MAX_MESSAGE_CANDIDATES = 14
"""Candidates from messages that go on to be scored; the rest covers too little of the sample to win."""
MIN_SAMPLE_COVERAGE = 0.02
"""Share of sampled messages below which a candidate is not scored."""
SCANNED_CHARACTERS = 600
"""Of each sampled message; identifiers stand near its beginning, and a scan must not depend on a 10 MB line."""


class Kind(StrEnum):
    """Where a candidate's value stands."""

    MESSAGE = "message"
    HEADER = "header"
    FIELD = "field"
    SOURCE = "source"
    LINE = "line"
    """Anywhere in the record as it was read: where a regular expression of the user's finds it there alone."""
    SEVERAL = "several"
    """In one of several places: the records of each kind of work carry an identifier of their own."""
    WINDOW = "window"


@dataclass(frozen=True)
class Candidate:
    """One way to tell which execution a record belongs to."""

    name: str
    """What the user sees and may pass to --group-by: `blk_*`, `req-*`, `order *`, `process`, `trace_id`."""
    kind: Kind
    columns: tuple[str, ...] = ()
    """Columns of `parsed_record` whose values together are the identifier (kind header)."""
    pattern: str | None = None
    """RE2 pattern over the message or line whose first group is the value, or the JSON key (kind field)."""
    parts: tuple["Candidate", ...] = ()
    """Of kind several: the identifiers, of which a record's is the first that it carries."""

    @property
    def stored(self) -> str | None:
        """The pattern as a knowledge base keeps it."""
        if not self.parts:
            return self.pattern
        return json.dumps([[part.name, part.kind.value, part.pattern] for part in self.parts])


OR = " or "
"""Joins the names of several identifiers."""


def together(candidates: Sequence[Candidate]) -> Candidate:
    """One candidate of several; of one, itself."""
    if len(candidates) == 1:
        return candidates[0]
    return Candidate(OR.join(one.name for one in candidates), Kind.SEVERAL, parts=tuple(candidates))


def from_stored(name: str, kind: str, columns: tuple[str, ...], stored: str | None) -> Candidate:
    """The candidate that a knowledge base has kept."""
    if kind != Kind.SEVERAL or stored is None:
        return Candidate(name, Kind(kind), columns, stored)
    return together([Candidate(part, Kind(of), pattern=pattern) for part, of, pattern in json.loads(stored)])


_ID = r"[A-Za-z0-9](?:[A-Za-z0-9_.:\-]*[A-Za-z0-9])?"
_NAMED = r"(?:[A-Za-z][A-Za-z0-9_.\-]*/)?" + _ID
"""A value, after the namespace it may stand in: `pod="shop/cart-7d9f"`."""
_UUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
_PREFIXED = re.compile(
    r"(?<![A-Za-z0-9_./\-])([A-Za-z]{2,20}[_\-])(-?[a-fA-F_\-]*[0-9][0-9a-fA-F_\-]*)(?![A-Za-z0-9])"
)
_KEYED = re.compile(
    r"(?<![A-Za-z0-9])([A-Za-z][A-Za-z0-9_.\-]{0,30})[\"']?\s?[=:]\s?[\"'\[{(]?(" + _NAMED + r")"
)
_NUMBER = r"(?:0x[0-9a-fA-F]{4,}|[A-Za-z]{1,4}-?[0-9]{2,}(?:-[0-9]{1,6})*|-?[0-9]{2,})"
"""Of a thing: 4711, -3 as a hash may be, B4711, INC-4711, B4711-02, 0x7f2a01."""
_WORD = re.compile(rf"(?<![A-Za-z0-9_])([A-Za-z]{{3,20}})[ #]{{1,2}}\[?({_NUMBER})(?![0-9.:,]*[0-9A-Za-z%])")
_JOINED = re.compile(r"(?<![A-Za-z0-9_./\-])([A-Z]{2,6})([0-9]{3,12})(?![0-9A-Za-z.])")
"""A prefix with nothing before the number: CIP4405."""
_BARE_UUID = re.compile(r"(?<![0-9a-fA-F\-])(" + _UUID + r")(?![0-9a-fA-F\-])")
_BARE_HEX = re.compile(
    r"(?<![0-9A-Za-z\-])((?:[0-9]+[a-fA-F]|[a-fA-F]+[0-9])[0-9a-fA-F]{6,62})(?![0-9A-Za-z\-])"
)
_INSIDE = re.compile(r"^.{1,120}?\[([A-Za-z0-9_.:@\-]{8,})\]")
_BRACKETED = re.compile(
    r"^\s*[\[(](?:[A-Za-z_]+[=:# -])?([A-Za-z0-9](?:[A-Za-z0-9_.:@/\-]*[A-Za-z0-9])?)[\])]"
)
_LEADING = re.compile(
    r"^\s*([0-9A-F]{6,}|[0-9a-f]{6,}|[0-9A-Za-z]{6}-[0-9A-Za-z]{6,11}-[0-9A-Za-z]{2,4}"
    r"|[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]{10,20}|[A-Za-z0-9]{2,}[0-9][A-Za-z0-9_\-]*):?(?:\s|$)"
)
"""Queue ids and the like: hexadecimal of one case (with or without a letter, with or without a digit), three parts (Exim),
letters without vowels (Postfix's long ids), and what has a digit."""
_ADDRESS = re.compile(r"(?<![0-9.])([0-9]{1,3}(?:\.[0-9]{1,3}){3}:[0-9]{2,5})(?![0-9])")
_ADDRESS_PATTERN = r"\b([0-9]{1,3}(?:\.[0-9]{1,3}){3}:[0-9]{2,5})\b"
_MAC_PATTERN = r"\b((?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2})\b"
_MAC = re.compile(_MAC_PATTERN)
_ANGLED_PATTERN = r"<([A-Za-z0-9][A-Za-z0-9_.\-]{0,60}\|[0-9]+)>"
"""A name and its number, as strongSwan writes connections."""
_UUID_PATTERN = f"\\b({_UUID})\\b"
# Not a part of a UUID, which is an identifier as a whole.
_HEX_PATTERN = r"(?:^|[^0-9A-Za-z\-])((?:[0-9]+[a-fA-F]|[a-fA-F]+[0-9])[0-9a-fA-F]{6,62})(?:$|[^0-9A-Za-z\-])"
_SHAPES = {
    "uuid": _UUID_PATTERN,
    "hex id": _HEX_PATTERN,
    "address:port": _ADDRESS_PATTERN,
    "MAC address": _MAC_PATTERN,
    "<name|number>": _ANGLED_PATTERN,
    "[id] at the start": _BRACKETED.pattern,
    "id at the start": _LEADING.pattern,
    "[id] inside": _INSIDE.pattern,
}
_BARE = {
    "uuid": _BARE_UUID,
    "hex id": _BARE_HEX,
    "address:port": _ADDRESS,
    "MAC address": _MAC,
    "<name|number>": re.compile(_ANGLED_PATTERN),
}
_MAC_PART = re.compile(r"[a-fA-F][0-9A-Fa-f]:[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2})*")
REUSED_ADDRESS = "address:port"
"""A candidate whose values are soon used again: by the next connection."""
UNNAMED = frozenset(_SHAPES)
"""Candidates known by their shape alone."""
_MEASURE = re.compile(
    r"ms|secs?|seconds?|mins?|minutes?|hours?|days?|bytes?|[kmg]b|line|port|size|count|total|code|status|version|len(?:gth)?"
    r"|offset|level|attempts?|retry|retries|took|errno|signal|exit|time(?:stamp)?|ts|date(?:time)?|at|duration|latency"
    r"|elapsed|age|ratio|percent"
)
"""Last words of a key whose values measure or grade something."""
_NUMBERING = re.compile(
    rf"{_MEASURE.pattern}|after|in|of|for|to|and|the|with|from|via|into|onto|using|volume|host|node|pid|uid|gid|last|next|first|slot|generation|term|revision"
    r"|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
)
"""Words before a number that measure or number something rather than name it."""


def message_candidates(messages: Sequence[str]) -> list[Candidate]:
    """Identifiers in sampled messages, the best covered first.

    A candidate needs values that vary: a key that always has the same value tells nothing apart.
    """
    covered: Counter[str] = Counter()
    values: defaultdict[str, set[str]] = defaultdict(set)
    made: dict[str, Candidate] = {}
    for message in messages:
        seen: set[str] = set()
        for candidate, value in _found(message[:SCANNED_CHARACTERS]):
            if candidate.name in seen:
                continue
            seen.add(candidate.name)
            made.setdefault(candidate.name, candidate)
            covered[candidate.name] += 1
            values[candidate.name].add(value)
    needed = max(2, MIN_SAMPLE_COVERAGE * len(messages))
    ranked = sorted(
        (name for name in made if covered[name] >= needed and len(values[name]) >= 3),
        key=lambda name: (-covered[name], name),
    )
    return [made[name] for name in ranked[:MAX_MESSAGE_CANDIDATES]]


def _found(message: str) -> Iterable[tuple[Candidate, str]]:
    for match in _PREFIXED.finditer(message):
        yield _prefixed(match[1]), match[0]
    for match in _JOINED.finditer(message):
        yield _joined(match[1]), match[0]
    for match in _KEYED.finditer(message):
        # The parts of a MAC address are no keys.
        if (
            re.search(r"\d", match[2])
            and not _NUMBERING.fullmatch(match[1].lower())
            and not _measures(match[1])
            and not _MAC_PART.fullmatch(match[0])
        ):
            yield _keyed(match[1]), match[2]
    for match in _WORD.finditer(message):
        if not _NUMBERING.fullmatch(match[1].lower()):
            yield _worded(match[1]), match[2]
    for name, shape in _BARE.items():
        for match in shape.finditer(message):
            yield _shaped(name), match[1]
    bracketed = _BRACKETED.match(message)
    if bracketed and re.search(r"\d", bracketed[1]):
        yield _shaped("[id] at the start"), bracketed[1]
    if leading := _LEADING.match(message):
        yield _shaped("id at the start"), leading[1]
    inside = _INSIDE.match(message)
    if inside and _tells_no_more(inside[1]):
        yield _shaped("[id] inside"), inside[1]


def _measures(key: str) -> bool:
    """Whether a key such as `receiveTimestamp`, `remote_port` or `status` names a measurement."""
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", key)
    return bool(words) and _MEASURE.fullmatch(words[-1].lower()) is not None


def _tells_no_more(value: str) -> bool:
    """A value of letters and digits of which no other shape says more."""
    mixed = re.search(r"\d", value) and re.search(r"[A-Za-z]", value)
    return bool(mixed) and not any(shape.fullmatch(value) for shape in (_PREFIXED, _BARE_UUID, _BARE_HEX))


def named(name: str) -> Candidate | None:
    """The candidate that has this name in every log, also in one whose sample does not show it; else None."""
    if name in _SHAPES:
        return _shaped(name)
    if match := re.fullmatch(r"([A-Za-z]{2,20}[_\-])\*", name):
        return _prefixed(match[1])
    if match := re.fullmatch(r"([A-Z]{2,6})\*", name):
        return _joined(match[1])
    if match := re.fullmatch(r"([A-Za-z][A-Za-z0-9_.\-]{0,30})=\*", name):
        return _keyed(match[1])
    if match := re.fullmatch(r"([A-Za-z]{3,20}) \*", name):
        return _worded(match[1])
    return None


def _shaped(name: str) -> Candidate:
    return Candidate(name, Kind.MESSAGE, pattern=_SHAPES[name])


def _prefixed(prefix: str) -> Candidate:
    # The prefix is part of the value: it is what a reader searches the log for.
    # RE2 finds a literal beginning fastest, so that no boundary stands before it.
    return Candidate(
        f"{prefix}*", Kind.MESSAGE, pattern=f"({re.escape(prefix)}-?[0-9a-fA-F][0-9a-fA-F_\\-]*)\\b"
    )


def _joined(prefix: str) -> Candidate:
    return Candidate(f"{prefix}*", Kind.MESSAGE, pattern=f"\\b({prefix}[0-9]{{3,12}})\\b")


def _keyed(key: str) -> Candidate:
    return Candidate(
        f"{key}=*",
        Kind.MESSAGE,
        pattern=f"(?:^|[^A-Za-z0-9]){re.escape(key)}[\"']?\\s?[=:]\\s?[\"'\\[{{(]?({_NAMED})",
    )


def _worded(word: str) -> Candidate:
    return Candidate(
        f"{word.lower()} *",
        Kind.MESSAGE,
        pattern=f"(?i)(?:^|[^A-Za-z0-9_]){re.escape(word.lower())}[ #]{{1,2}}\\[?({_NUMBER})\\b",
    )


def header_candidates(filled: dict[str, float], sources: int) -> list[Candidate]:
    """Identifiers in the header's columns, given the share of records in which each is filled.

    A process id is unique on its host for its program only; so is a thread in its process.
    """
    has = {column for column, share in filled.items() if share >= MIN_SAMPLE_COVERAGE}
    around = tuple(column for column in ("host",) if column in has)
    candidates = []
    if "process" in has:
        candidates.append(Candidate("process", Kind.HEADER, (*around, "process")))
        if "component" in has:
            candidates.append(
                Candidate("component and process", Kind.HEADER, (*around, "component", "process"))
            )
    if "thread" in has:
        inside = ("process",) if "process" in has else ()
        candidates.append(Candidate("thread", Kind.HEADER, (*around, *inside, "thread")))
    if sources > 1:
        candidates.append(Candidate("source", Kind.SOURCE, ("source_id",)))
    return candidates


def field_candidates(keys: Sequence[str], nested: str) -> list[Candidate]:
    """Identifiers among the header's further fields (JSON, logfmt), given the keys that occur; `nested` joins a key with
    one inside its object, shown as a full stop. Keys that name a measurement are none."""
    return [
        Candidate(key.replace(nested, "."), Kind.FIELD, pattern=key) for key in keys if not _measures(key)
    ]
