"""Where the reading of a log can go on when it has grown, and all that decides how its next lines are read.

A bookmark lies between two chunks of a plain file. Chunks are cut by size alone, so a log that begins with the same bytes
has the same ones up to there, and what the parser knew by then is what it would know again: reading on gives what
reading all of it would give.
"""

import functools
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import PlainSerializer, PlainValidator, TypeAdapter

from krone_tui.ingest.detection import Shape
from krone_tui.ingest.reading import Mark
from krone_tui.ingest.sources import SourceFile
from krone_tui.store.record_layouts import (
    JournalLayout,
    JsonLayout,
    LogfmtLayout,
    TableLayout,
    TextLayout,
    Unwrap,
)

MAX_REST = 1 << 20
"""Characters of an unfinished record that are kept; the place before a longer one is no place to go on at."""

_LAYOUTS = {
    kind.__name__: kind for kind in (TextLayout, JsonLayout, LogfmtLayout, TableLayout, JournalLayout)
}


class OutdatedBookmarkError(Exception):
    """The log is not what it was: reading it on from the bookmark would not give what reading all of it gives."""


@functools.cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    """Made when it is first used: what opens a finished investigation does without."""
    return TypeAdapter(kind)


def _pack(shape: Shape) -> dict[str, Any]:
    layouts = [(type(layout).__name__, asdict(layout)) for layout in shape.layouts]  # type: ignore[call-overload]
    return {"layouts": layouts, "wrapper": shape.wrapper and asdict(shape.wrapper), "otlp": shape.otlp}


def _unpack(value: Any) -> Shape:
    if isinstance(value, Shape):
        return value
    layouts = tuple(_adapter(_LAYOUTS[kind]).validate_python(fields) for kind, fields in value["layouts"])
    return Shape(layouts, _adapter(Unwrap | None).validate_python(value["wrapper"]), value["otlp"])


_KeptShape = Annotated[Shape, PlainValidator(_unpack), PlainSerializer(_pack)]


@dataclass(frozen=True)
class ParserState:
    """What a parser knows between two chunks."""

    lines: int
    """Of the records so far."""
    records: int
    rest: str
    """The last record so far, which the next lines may continue."""
    shape: _KeptShape
    detections: int
    unknown: int
    headed: int
    by_layout: tuple[tuple[str, int], ...]
    """Records by format, in the order in which the formats were met."""


@dataclass(frozen=True)
class Bookmark:
    """Where one run can go on that read what an earlier one read and more: in a file, or before one that it would read."""

    before: tuple[SourceFile, ...]
    """The files that were read wholly, or left out."""
    path: str
    """The file it lies in, as the user named it."""
    latest: datetime
    """The `Clock` by which that file's times were completed."""
    sources: int
    """Of the files before, those that were logs."""
    lines: int
    """In them."""
    first_record: int
    """Of the file it lies in."""
    notes: tuple[str, ...]
    """What was to be said of the files before."""
    shapes: tuple[_KeptShape, ...]
    """Of the sources so far, most recent first."""
    mark: Mark | None = None
    """How far the file was read; None: it comes before its first line."""
    parser: ParserState | None = None
    undecodable: int = 0
    """Lines of the file with bytes that are not UTF-8."""
    turned: bool = False
    """Times of the file were moved to another year or day by what came after."""

    @property
    def records(self) -> int:
        """How many records come before it."""
        return self.first_record + (self.parser.records if self.parser is not None else 0)

    @property
    def next_line(self) -> int:
        """The line of the file that is read next, from 1."""
        return self.parser.lines + 1 if self.parser is not None else 1


def packed(bookmark: Bookmark | None) -> str | None:
    """The bookmark as JSON, or None for one that could not be had back just as it is."""
    if bookmark is None:
        return None
    try:
        text = _adapter(Bookmark).dump_json(bookmark).decode()
        return text if unpacked(text) == bookmark else None
    except ValueError:
        return None


def unpacked(text: str) -> Bookmark | None:
    """What `packed` made the text of; None where it is something else."""
    try:
        bookmark: Bookmark = _adapter(Bookmark).validate_json(text)
    except (ValueError, KeyError, TypeError):
        return None
    return bookmark
