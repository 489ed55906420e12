"""Header formats as data: every .toml beside this file, read once.

A format carries sample lines with what must be read from them; the tests parse each.
"""

import functools
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from krone_tui.store.record_layouts import JournalLayout, Layout, TextLayout, Unwrap
from krone_tui.store.times import ELAPSED

FILES = (
    "system.toml",
    "devices.toml",
    "servers.toml",
    "middleware.toml",
    "applications.toml",
    "layouts.toml",
    "generic.toml",
)
"""In the order of trial: on one line the first format that matches is taken."""


@dataclass(frozen=True)
class Sample:
    """One line of a format, and the columns it must yield."""

    line: str
    expected: Mapping[str, str]
    """Column → value; a time without year is written `--MM-DD …`, one without date `T…`."""


@dataclass(frozen=True)
class HeaderFormat:
    """One way to write a header."""

    name: str
    layout: Layout
    min_share: float
    """Taken only when this share of a source's lines has it: formats that say little are easily mistaken."""
    time_optional: bool
    beside: bool
    """Without a time, and yet taken beside headers with one: its lines continue no record."""
    rare: bool
    """Nothing else looks like it: taken however small its share is."""
    recurs: str
    """A group whose texts must be few, as names are, and no files' or hosts'; empty: none."""
    drops: bool
    """What stands before the time is in no column."""
    samples: tuple[Sample, ...]

    @property
    def generic(self) -> bool:
        """Says no more than where a time stands."""
        return isinstance(self.layout, TextLayout) and self.layout.generic

    @property
    def needs_time(self) -> bool:
        """A line counts as matched only when its time can be read."""
        return isinstance(self.layout, TextLayout) and bool(self.layout.times) and not self.time_optional


@dataclass(frozen=True)
class Wrapper:
    """What a container tool puts before each line."""

    unwrap: Unwrap
    soft: bool
    """Taken only when the lines inside have a header of their own."""
    for_level: bool
    """Taken only when that header states a level too: the outer one is a header already, and lacks it."""
    varies: bool
    """Tried only where else what stands before the time would be lost, and taken only where it is of several."""
    sample: str

    @property
    def name(self) -> str:
        """What it is called."""
        return self.unwrap.name


@dataclass(frozen=True)
class KeyNames:
    """What structured logs call their columns."""

    roles: Mapping[str, tuple[str, ...]]
    request: Mapping[str, tuple[str, ...]]
    """What a request asks for, method before path."""
    containers: frozenset[str]


@functools.cache
def header_formats() -> tuple[HeaderFormat, ...]:
    """All formats, most telling first."""
    parts = _read("parts.toml")["parts"]
    return tuple(_format(entry, parts) for name in FILES for entry in _read(name)["format"])


@functools.cache
def formats_from_a_start() -> tuple[str, ...]:
    """The names of those whose times only say what has passed since a start."""
    return tuple(
        item.name
        for item in header_formats()
        if isinstance(item.layout, TextLayout) and ELAPSED in item.layout.times
    )


@functools.cache
def wrappers() -> tuple[Wrapper, ...]:
    """All wrappers, most telling first."""
    return tuple(
        Wrapper(
            Unwrap(
                entry["name"],
                entry.get("kind", "text"),
                entry["pattern"],
                times=tuple(entry.get("times", ("iso",))),
            ),
            entry.get("soft", False),
            entry.get("for_level", False),
            entry.get("varies", False),
            entry["sample"],
        )
        for entry in _read("wrappers.toml")["wrapper"]
    )


def lines_with(pattern: str, lines: pa.Array) -> int:
    """How many of the lines (Arrow strings, without NULLs) begin with an RE2 pattern.

    Arrow has the RE2 that DuckDB has, and compiles a pattern once, in a tenth of a millisecond. DuckDB does so several
    times a query: to check it, to find its range, and in each thread.
    """
    return int(pc.match_substring_regex(lines, f"^(?:{pattern})").true_count)


@functools.cache
def key_names() -> KeyNames:
    """The key names of JSON and logfmt logs, normalised by `plain_key`."""
    data = _read("keys.toml")
    roles, request = (
        {role: tuple(dict.fromkeys(plain_key(name) for name in names)) for role, names in data[table].items()}
        for table in ("roles", "request")
    )
    return KeyNames(
        roles,
        request,
        frozenset(plain_key(name) for name in data["containers"]["names"]),
    )


def plain_key(name: str) -> str:
    """A key without case and without the signs that only style it."""
    return re.sub(r"[_@-]", "", name).lower()


def _format(entry: Mapping[str, Any], parts: Mapping[str, str]) -> HeaderFormat:
    data = dict(entry)
    name, pattern = str(data["name"]), re.sub(r"%\{(\w+)\}", lambda m: parts[m[1]], str(data["pattern"]))
    times = data["times"]
    layout: Layout = (
        JournalLayout(name)
        if data.get("kind") == "journal"
        else TextLayout(
            name,
            pattern,
            tuple(times),
            str(data.get("levels", "")),
            generic=bool(data.get("generic", False)),
            multiline=bool(data.get("multiline", False)),
            one_line=bool(data.get("one_line", False)),
            below=str(data.get("below", "")),
        )
    )
    samples = data["sample"]
    return HeaderFormat(
        name,
        layout,
        float(str(data.get("min_share", 0.0))),
        bool(data.get("time_optional", False)),
        bool(data.get("beside", False)),
        bool(data.get("rare", False)),
        str(data.get("recurs", "")),
        bool(data.get("drops", False)),
        tuple(Sample(s["line"], {key: value for key, value in s.items() if key != "line"}) for s in samples),
    )


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((resources.files(__package__) / name).read_text(encoding="utf-8"))
