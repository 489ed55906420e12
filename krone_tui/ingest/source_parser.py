"""From the lines of one source to its records."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from krone_tui.ingest.bookmark import MAX_REST, ParserState
from krone_tui.ingest.cutting import LOOSE_SHARE, Lines, loose_lines, record_starts
from krone_tui.ingest.detection import SAMPLE_LINES, Shape, further_layouts
from krone_tui.store.columns import column, small_integers
from krone_tui.store.questions import CONTINUED, OTHER, Asking, classify, unwrap
from krone_tui.store.record_layouts import JsonLayout, Layout, LogfmtLayout, TableLayout, Unwrap
from krone_tui.store.records import Batch
from krone_tui.store.times import Clock

_BATCH_BYTES = 48 << 20
"""Text that is written at once: enough rows for DuckDB's threads to write in parallel."""
_WRITTEN_TOGETHER = 122_880
"""Rows of a DuckDB row group: written whole, none is put together again when the file is finished."""
_FIRST_BATCH_BYTES = 8 << 20
"""The same for the first time: the screen shows what is known while the rest is read."""
_MAX_DETECTIONS = 4
"""Per source: how often a chunk full of unknown lines makes the parser look for more formats."""
_MIN_REDETECTED_LINES = 1_000
"""A smaller chunk is no ground for looking for more formats."""
_WRAP_COLUMNS = ("prefix", "time", "host", "component", "thread")


class SourceParser:
    """Parses one source chunk by chunk; holds no more than a batch of it.

    It asks of the lines and never writes, so that it may run in a thread beside the one that writes.
    """

    def __init__(self, source_id: int, clock: Clock, state: ParserState | None = None) -> None:
        """state: to go on from; without one the shape is given before the first chunk."""
        self.lines = 0
        self.shape: Shape | None = None
        self.source_id = source_id
        self.clock = clock
        self._records = 0
        self._detections = 0
        self._rest = b""
        self._pending: list[pa.Table] = []
        self._pending_bytes = 0
        self._handed_on = False
        self._by_layout: Counter[str] = Counter()
        self._unknown = self._headed = 0
        if state is not None:
            self.lines, self._records, self._rest = state.lines, state.records, state.rest.encode()
            self.shape, self._detections = state.shape, state.detections
            self._unknown, self._headed = state.unknown, state.headed
            self._by_layout.update(dict(state.by_layout))

    def parse(self, chunk: bytes) -> Asking[list[Batch]]:
        """The records of whole lines. The last one of a chunk is kept back: the next lines may continue it."""
        if not self.lines and not self._rest:
            chunk = self._after_blank_lines(chunk)
        return self._parse(self._rest + chunk, final=False)

    def end(self) -> Asking[list[Batch]]:
        """The records that were kept back, once there is no more chunk."""
        batches = []
        if self._rest:
            batches = yield from self._parse(self._rest, final=True)
        while self._pending:
            batches.append(self._batch())
        return batches

    def whole(self, text: bytes) -> Asking[list[Batch]]:
        """The records of a source that is one chunk."""
        batches = yield from self.parse(text)
        return [*batches, *(yield from self.end())]

    def state(self) -> ParserState | None:
        """What another parser needs to go on after the chunks so far; None where it cannot."""
        if self.shape is None or self.shape.otlp or len(self._rest) > MAX_REST:
            return None
        return ParserState(
            self.lines,
            self._records,
            self._rest.decode(),
            self.shape,
            self._detections,
            self._unknown,
            self._headed,
            tuple(self._by_layout.items()),
        )

    @property
    def layouts(self) -> Sequence[Layout]:
        """What the source's lines were found to be; none before the first batch."""
        return self.shape.layouts if self.shape is not None else ()

    @property
    def wrapper(self) -> Unwrap | None:
        """What was found to stand around the source's lines."""
        return self.shape.wrapper if self.shape is not None else None

    def format_names(self) -> list[str]:
        """What the source is written in: its wrapper, then its header formats, most frequent first."""
        wrapper = self.wrapper.name if self.wrapper is not None else ""
        return [name for name in (wrapper, *(name for name, _ in self._by_layout.most_common())) if name]

    def _after_blank_lines(self, chunk: bytes) -> bytes:
        """A source's first chunk from its first line with text on; what is above belongs to that line's record."""
        text = chunk.lstrip(b"\n")
        if text:
            self.lines = len(chunk) - len(text)
        return text or chunk

    def _parse(self, data: bytes, *, final: bool) -> Asking[list[Batch]]:
        assert self.shape is not None
        original = Lines.of_bytes(data)
        if self.shape.otlp:
            return [self._otlp_batch(original)]
        inside, wrapped = original, None
        if self.shape.wrapper is not None:
            wrapped = yield from unwrap(original.without_newlines(), self.shape.wrapper, self.clock)
            inside = Lines.of_arrow(wrapped.column("body"))
        bare = inside.without_newlines()
        codes = yield from self._classify(bare, count=not final or not self.lines)
        starts = record_starts(
            codes,
            headed=bool(self.shape.layouts),
            loose=self._unknown > LOOSE_SHARE * (self._unknown + self._headed),
            single=np.array(
                [
                    isinstance(layout, JsonLayout | LogfmtLayout | TableLayout)
                    for layout in self.shape.layouts
                ],
                dtype=bool,
            ),
            broken=_other_stream(wrapped, codes),
        )
        keep = len(inside) if final else int(starts[-1])
        self._rest = b"" if final else original.bytes_from(keep)
        if not final:
            starts = starts[:-1]
        if not len(starts):
            return []
        whole = len(starts) == keep == len(inside)
        text = bare if whole else inside.head(keep).records(starts)
        ends = np.append(starts[1:], keep)
        self._collect(
            text, starts, ends, layouts=codes[starts], wrapped=wrapped, original=original.head(keep)
        )
        # The first records soon, for who watches.
        if self._pending_bytes >= (_BATCH_BYTES if self._handed_on else _FIRST_BATCH_BYTES):
            return [self._batch()]
        return []

    def _classify(self, lines: pa.Array, *, count: bool) -> Asking[npt.NDArray[np.int8]]:
        assert self.shape is not None
        codes = yield from classify(lines, self.shape.layouts)
        unknown = codes == OTHER
        many = bool(self._detections and unknown.mean() > LOOSE_SHARE)
        if (
            len(codes) >= _MIN_REDETECTED_LINES
            and self._detections < _MAX_DETECTIONS
            and (many or (unknown.any() and self.shape.layouts))
        ):
            more = yield from further_layouts(
                _sample_lines(lines.filter(column(unknown))), self.shape, self.clock, many=many
            )
            if more is not self.shape:
                # What is pending was numbered by the layouts so far; theirs stay first.
                self.shape = more
                codes = yield from classify(lines, self.shape.layouts)
                unknown = codes == OTHER
        self._detections += 1
        _join_below(codes, self.shape.layouts)
        multiline = np.array(
            [getattr(layout, "multiline", False) for layout in self.shape.layouts], dtype=bool
        )
        if multiline.any():
            header = np.maximum.accumulate(np.where(codes >= 0, np.arange(len(codes)), 0))
            codes[unknown & (codes[header] >= 0) & multiline[np.maximum(codes[header], 0)]] = CONTINUED
        if count:
            self._unknown += loose_lines(codes)
            self._headed += int((codes >= 0).sum())
        return codes

    def _collect(
        self,
        text: pa.Array,
        starts: npt.NDArray[np.int64],
        ends: npt.NDArray[np.int64],
        *,
        layouts: npt.NDArray[np.int8],
        wrapped: pa.Table | None,
        original: Lines,
    ) -> None:
        assert self.shape is not None
        first_lines = self.lines + starts + 1
        if not self._records:
            first_lines[0] = 1
        columns = {
            "first_line": column(first_lines),
            "last_line": column(self.lines + ends),
            "layout": column(layouts),
            "text": text,
        }
        if wrapped is not None:
            columns["original"] = original.records(starts)
            at = column(starts)
            columns |= {f"wrap_{name}": wrapped.column(name).take(at) for name in _WRAP_COLUMNS}
        self._pending.append(pa.table(columns))
        self._pending_bytes += len(original.data)
        self.lines += int(ends[-1])
        self._records += len(starts)
        counts = np.bincount(layouts[layouts >= 0], minlength=len(self.shape.layouts))
        self._by_layout.update({name: int(n) for name, n in zip(self.shape.names, counts, strict=True) if n})

    def _batch(self) -> Batch:
        """What is pending; of many rows only whole row groups."""
        table = pa.concat_tables(self._pending)
        count = len(table) - (len(table) % _WRITTEN_TOGETHER if self._handed_on else 0)
        count = count or len(table)
        self._pending = [table.slice(count)] if count < len(table) else []
        self._pending_bytes, self._handed_on = self._pending_bytes * (len(table) - count) // len(table), True
        return Batch(self.source_id, table.slice(0, count), self.layouts, self.clock)

    def _otlp_batch(self, lines: Lines) -> Batch:
        numbers = column(np.arange(self.lines + 1, self.lines + 1 + len(lines)))
        self.lines += len(lines)
        self._by_layout["otlp"] += len(lines)
        self._rest = b""
        rows = pa.table({"line_number": numbers, "text": lines.without_newlines()})
        return Batch(self.source_id, rows, (), self.clock, otlp=True)


def sample(text: bytes) -> pa.Array:
    """Lines of a source's first chunk by which its shape is found."""
    return _sample_lines(Lines.of_bytes(text).without_newlines())


def _sample_lines(lines: pa.Array) -> pa.Array:
    """The first lines, and as many spread over the rest."""
    half = SAMPLE_LINES // 2
    if len(lines) <= SAMPLE_LINES:
        return lines
    spread = np.linspace(half, len(lines) - 1, half).astype(np.int64)
    return lines.take(column(np.concatenate((np.arange(half), spread))))


def _join_below(codes: npt.NDArray[np.int8], layouts: Sequence[Layout]) -> None:
    """Let headers that go on with the one straight above them start nothing."""
    places = {layout.name: number for number, layout in enumerate(layouts)}
    for number, layout in enumerate(layouts):
        above = places.get(getattr(layout, "below", ""))
        if above is not None:
            codes[1:][(codes[1:] == number) & (codes[:-1] == above)] = CONTINUED


def _other_stream(wrapped: pa.Table | None, codes: npt.NDArray[np.int8]) -> npt.NDArray[np.bool_]:
    """Lines that another container or program wrote than the line before; a part of a line goes on in the next one."""
    broken = np.zeros(len(codes), dtype=bool)
    if wrapped is None or len(codes) < 2:
        return broken
    for name in ("host", "component", "thread"):
        values = wrapped.column(name).combine_chunks().dictionary_encode()
        keys = (
            (values.chunk(0) if isinstance(values, pa.ChunkedArray) else values)
            .indices.fill_null(-1)
            .to_numpy()
        )
        broken[1:] |= keys[1:] != keys[:-1]
    partial = small_integers(wrapped.column("partial"))
    # The next part of a line that was cut starts nothing, whatever it looks like.
    codes[1:][partial[:-1].astype(bool) & ~broken[1:]] = CONTINUED
    return broken
