"""Lines of a chunk, and where its records begin."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from krone_tui.store.questions import BLANK, CONTINUED, EXCEPTION, OTHER

MAX_RECORD_LINES = 10_000
"""A longer record is cut: it is no record, and must not grow with the log."""
MAX_LOOSE_RUN = 1_000
"""Lines in a row without a header that do not look like a continuation: more are records of their own."""
LOOSE_SHARE = 0.3
"""Share of such lines in a source from which on each is a record of its own."""

_NEWLINE = 10


@dataclass(frozen=True)
class Lines:
    """Consecutive lines in one buffer, each with its newline."""

    data: npt.NDArray[np.uint8]
    offsets: npt.NDArray[np.int64]
    """Where each line starts, and at the end where the last one ends."""

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @classmethod
    def of_bytes(cls, data: bytes) -> "Lines":
        """The lines of text that ends with a newline."""
        array = np.frombuffer(data, dtype=np.uint8)
        return cls(array, np.concatenate(([0], np.flatnonzero(array == _NEWLINE) + 1)))

    @classmethod
    def of_arrow(cls, column: pa.ChunkedArray) -> "Lines":
        """One line of each string; a string may hold newlines inside."""
        array = column.cast(pa.large_string()).combine_chunks()
        array = pa.concat_arrays(array.chunks) if isinstance(array, pa.ChunkedArray) else array
        _, offsets, data = array.buffers()
        at = np.frombuffer(offsets, dtype=np.int64, count=len(array) + 1 + array.offset)[array.offset :]
        return cls(np.frombuffer(data, dtype=np.uint8)[at[0] : at[-1]], at - at[0])

    def without_newlines(self) -> pa.Array:
        """The lines as Arrow strings without the newline at their ends."""
        return self.records(np.arange(len(self)))

    def head(self, count: int) -> "Lines":
        """The first lines."""
        return (
            self if count == len(self) else Lines(self.data[: self.offsets[count]], self.offsets[: count + 1])
        )

    def bytes_from(self, line: int) -> bytes:
        """The text from one line on."""
        return self.data[self.offsets[line] :].tobytes()

    def records(self, starts: npt.NDArray[np.int64]) -> pa.Array:
        """The text of the records that start at these lines (the first is 0), without newlines at ends."""
        ends = np.append(starts[1:], len(self))
        # Blank lines at a record's end belong to it, but not to its text.
        filled = np.diff(self.offsets) > 1
        last_filled = np.maximum.accumulate(np.where(filled, np.arange(len(self)), -1))[ends - 1]
        last = np.maximum(last_filled, starts)
        dropped_lines = np.ones(len(self), dtype=bool)
        inner = np.repeat(last, ends - starts)
        dropped_lines &= np.arange(len(self)) >= inner
        keep = np.ones(len(self.data), dtype=bool)
        keep[self.offsets[1:][dropped_lines] - 1] = False
        dropped_before = np.concatenate(([0], np.cumsum(dropped_lines)))
        at = np.append(self.offsets[starts], self.offsets[-1])
        at -= dropped_before[np.append(starts, len(self))]
        return _strings(self.data[keep], at)


def record_starts(
    codes: npt.NDArray[np.int8],
    *,
    headed: bool,
    loose: bool,
    single: npt.NDArray[np.bool_],
    broken: npt.NDArray[np.bool_],
) -> npt.NDArray[np.int64]:
    """The lines that start a record; the first line always does.

    codes: as `classify` gives them. headed: the source has headers. loose: lines without a header are
    records of their own. single: by layout, whether its records are one line each (JSON, logfmt). broken:
    lines that cannot belong to the record before (another container's).
    """
    starts = (codes >= 0) | broken
    unknown = codes == OTHER
    exception = codes == EXCEPTION
    if loose or not headed or single.all():
        starts |= unknown
        # An exception's name continues a record that has just begun, or the frames of its traceback.
        starts |= exception & ~np.concatenate(([False], (codes[:-1] == CONTINUED) | (codes[:-1] >= 0)))
    else:
        starts |= unknown & (_run_lengths(unknown | exception) > MAX_LOOSE_RUN)
    index = np.arange(len(codes))
    if single.any():
        # Blank lines between them join nothing to such a record.
        before = codes[np.maximum.accumulate(np.where(codes != BLANK, index, 0))][:-1]
        after_single = np.concatenate(([False], (before >= 0) & single[np.maximum(before, 0)]))
        starts |= after_single & (codes < 0) & (codes != BLANK)
    starts[0] = True
    first = np.maximum.accumulate(np.where(starts, index, 0))
    starts |= (index - first) % MAX_RECORD_LINES == 0
    return np.flatnonzero(starts)


def loose_lines(codes: npt.NDArray[np.int8]) -> int:
    """How many lines neither start a record nor are plainly part of a stack trace or an indented block."""
    unknown = codes == OTHER
    heads_block = np.append(codes[1:] == CONTINUED, False)
    return int((unknown & ~heads_block).sum())


def _run_lengths(flags: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """For each element the length of the run of equal flags it lies in."""
    edges = np.flatnonzero(np.diff(flags)) + 1
    bounds = np.concatenate(([0], edges, [len(flags)]))
    return np.repeat(np.diff(bounds), np.diff(bounds))


def _strings(data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64]) -> pa.Array:
    return pa.LargeStringArray.from_buffers(
        len(offsets) - 1,
        pa.py_buffer(np.ascontiguousarray(offsets)),
        pa.py_buffer(np.ascontiguousarray(data)),
    )
