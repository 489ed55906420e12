"""From the lines of one source to its records."""

from collections import Counter

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from krone_tui.ingest.cutting import LOOSE_SHARE, Lines, loose_lines, record_starts
from krone_tui.ingest.detection import SAMPLE_LINES, Shape, detect, fits, further_layouts
from krone_tui.store import records
from krone_tui.store.connection import Store
from krone_tui.store.record_layouts import Clock, JsonLayout, LogfmtLayout

_FLUSH_BYTES = 48 << 20
"""Text held before it is handed to DuckDB: enough rows for its threads to write in parallel."""
_FIRST_FLUSH_BYTES = 8 << 20
"""The same for the first time: the screen shows what is known while the rest is read."""
_MAX_DETECTIONS = 4
"""Per source: how often a chunk full of unknown lines makes the parser look for more formats."""
_KEPT_SHAPES = 4
"""Shapes of earlier sources that are tried before all formats are: a folder's logs are mostly alike."""
_MIN_REDETECTED_LINES = 1_000
"""A smaller chunk is no ground for looking for more formats."""
_WRAP_COLUMNS = ("prefix", "time", "host", "component")


class SourceParser:
    """Parses one source chunk by chunk; holds no more than a flush's worth of it."""

    def __init__(
        self, store: Store, source_id: int, first_record: int, clock: Clock, shapes: list[Shape]
    ) -> None:
        """shapes: those of the sources before, most recent first; this source's is added."""
        self.lines = 0
        self.records = 0
        self._store = store
        self._source_id = source_id
        self._first_record = first_record
        self._clock = clock
        self._shapes = shapes
        self._shape: Shape | None = None
        self._detections = 0
        self._rest = b""
        self._pending: list[pa.Table] = []
        self._pending_bytes = 0
        self._flushed = False
        self._by_layout: Counter[str] = Counter()
        self._unknown = self._headed = 0

    def add(self, data: bytes) -> None:
        """Parse whole lines. The last record is kept back: the next lines may continue it."""
        if data:
            self._parse(self._rest + data, final=False)

    def finish(self) -> None:
        """Parse what was kept back and write everything that is pending."""
        if self._rest:
            self._parse(self._rest, final=True)
        self._flush()
        if self._shape is not None:
            records.settle_clock(self._store, self._source_id, self._shape.layouts, self._clock)

    def format_names(self) -> list[str]:
        """What the source is written in: its wrapper, then its header formats, most frequent first."""
        wrapper = self._shape.wrapper.name if self._shape and self._shape.wrapper else ""
        return [name for name in (wrapper, *(name for name, _ in self._by_layout.most_common())) if name]

    def _parse(self, data: bytes, *, final: bool) -> None:
        original = Lines.of_bytes(data)
        if self._shape is None:
            self._shape = self._detect(_sample(original.without_newlines()))
        if self._shape.otlp:
            self._parse_otlp(original)
            return
        inside, wrapped = original, None
        if self._shape.wrapper is not None:
            wrapped = records.unwrap(
                self._store, original.without_newlines(), self._shape.wrapper, self._clock
            )
            inside = Lines.of_arrow(wrapped.column("body"))
        bare = inside.without_newlines()
        codes = self._classify(bare, count=not final or not self.lines)
        starts = record_starts(
            codes,
            headed=bool(self._shape.layouts),
            loose=self._unknown > LOOSE_SHARE * (self._unknown + self._headed),
            single=np.array(
                [isinstance(layout, JsonLayout | LogfmtLayout) for layout in self._shape.layouts], dtype=bool
            ),
            broken=_other_stream(wrapped, codes),
        )
        keep = len(inside) if final else int(starts[-1])
        self._rest = b"" if final else original.bytes_from(keep)
        if not final:
            starts = starts[:-1]
        if not len(starts):
            return
        whole = len(starts) == keep == len(inside)
        text = bare if whole else inside.head(keep).records(starts)
        ends = np.append(starts[1:], keep)
        self._collect(
            text, starts, ends, layouts=codes[starts], wrapped=wrapped, original=original.head(keep)
        )

    def _detect(self, sample: pa.Array) -> Shape:
        for shape in self._shapes:
            if fits(self._store, sample, shape):
                return shape
        found = detect(self._store, sample, self._clock)
        self._shapes[:] = [found, *self._shapes[: _KEPT_SHAPES - 1]]
        return found

    def _classify(self, lines: pa.Array, *, count: bool) -> npt.NDArray[np.int8]:
        assert self._shape is not None
        codes = records.classify(self._store, lines, self._shape.layouts)
        unknown = codes == records.OTHER
        if (
            len(codes) >= _MIN_REDETECTED_LINES
            and unknown.mean() > LOOSE_SHARE
            and 0 < self._detections < _MAX_DETECTIONS
        ):
            more = further_layouts(
                self._store, _sample(lines.filter(records.column(unknown))), self._shape, self._clock
            )
            if more is not self._shape:
                # What is pending was numbered by the layouts so far; theirs stay first.
                self._shape = more
                codes = records.classify(self._store, lines, self._shape.layouts)
                unknown = codes == records.OTHER
        self._detections += 1
        multiline = np.array(
            [getattr(layout, "multiline", False) for layout in self._shape.layouts], dtype=bool
        )
        if multiline.any():
            header = np.maximum.accumulate(np.where(codes >= 0, np.arange(len(codes)), 0))
            codes[unknown & (codes[header] >= 0) & multiline[np.maximum(codes[header], 0)]] = (
                records.CONTINUED
            )
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
        assert self._shape is not None
        first = self._first_record + self.records
        columns = {
            "record_id": records.column(np.arange(first, first + len(starts))),
            "source_id": records.column(np.full(len(starts), self._source_id, dtype=np.int32)),
            "first_line": records.column(self.lines + starts + 1),
            "last_line": records.column(self.lines + ends),
            "layout": records.column(layouts),
            "text": text,
        }
        if wrapped is not None:
            columns["original"] = original.records(starts)
            at = records.column(starts)
            columns |= {f"wrap_{name}": wrapped.column(name).take(at) for name in _WRAP_COLUMNS}
        self._pending.append(pa.table(columns))
        self._pending_bytes += len(original.data)
        self.lines += int(ends[-1])
        self.records += len(starts)
        counts = np.bincount(layouts[layouts >= 0], minlength=len(self._shape.layouts))
        self._by_layout.update({name: int(n) for name, n in zip(self._shape.names, counts, strict=True) if n})
        # The first records soon, for who watches.
        if self._pending_bytes >= (_FLUSH_BYTES if self._flushed else _FIRST_FLUSH_BYTES):
            self._flush()

    def _flush(self) -> None:
        if self._pending and self._shape is not None:
            table = pa.concat_tables(self._pending)
            rows = records.batched({name: table.column(name) for name in table.column_names})
            records.append_records(self._store, rows, self._shape.layouts, self._clock)
        self._pending, self._pending_bytes, self._flushed = [], 0, True

    def _parse_otlp(self, lines: Lines) -> None:
        numbers = records.column(np.arange(self.lines + 1, self.lines + 1 + len(lines)))
        rows = records.batched({"line_number": numbers, "text": lines.without_newlines()})
        added = records.append_otlp(
            self._store, rows, self._source_id, self._first_record + self.records, self._clock
        )
        self.lines += len(lines)
        self.records += added
        self._by_layout["otlp"] += added
        self._rest = b""


def _sample(lines: pa.Array) -> pa.Array:
    """The first lines, and as many spread over the rest."""
    half = SAMPLE_LINES // 2
    if len(lines) <= SAMPLE_LINES:
        return lines
    spread = np.linspace(half, len(lines) - 1, half).astype(np.int64)
    return lines.take(records.column(np.concatenate((np.arange(half), spread))))


def _other_stream(wrapped: pa.Table | None, codes: npt.NDArray[np.int8]) -> npt.NDArray[np.bool_]:
    """Lines that another container wrote than the line before; a part of a line goes on in the next one."""
    broken = np.zeros(len(codes), dtype=bool)
    if wrapped is None or len(codes) < 2:
        return broken
    hosts = wrapped.column("host").combine_chunks().dictionary_encode()
    keys = (hosts.chunk(0) if isinstance(hosts, pa.ChunkedArray) else hosts).indices.fill_null(-1).to_numpy()
    broken[1:] = keys[1:] != keys[:-1]
    partial = records.small_integers(wrapped.column("partial"))
    # The next part of a line that was cut starts nothing, whatever it looks like.
    codes[1:][partial[:-1].astype(bool) & ~broken[1:]] = records.CONTINUED
    return broken
