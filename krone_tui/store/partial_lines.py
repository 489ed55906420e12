"""Lines that a container runtime cut into pieces are put together again."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

_NEWLINE = 10


def join_pieces(lines: pa.Table, partial: npt.NDArray[np.bool_]) -> pa.Table:
    """Unwrapped lines with each line's pieces joined in its first one.

    lines: as `unwrap` gives them, a row a piece; partial: which of them go on in the next one. Rows stay as many: the
    further pieces of a line become empty. A piece whose next one is not here, or has no prefix, stays as it is.
    """
    body = lines.column("body").cast(pa.large_string()).combine_chunks()
    body = pa.concat_arrays(body.chunks) if isinstance(body, pa.ChunkedArray) else body
    continues = np.concatenate(([False], partial[:-1]))
    prefixed = _filled(lines.column("prefix"))
    if prefixed.any():
        continues &= prefixed
    _, offsets, text = body.buffers()
    at = np.frombuffer(offsets, dtype=np.int64)[body.offset : body.offset + len(body) + 1]
    data = np.frombuffer(text, dtype=np.uint8)[at[0] : at[-1]]
    ends = at[1:] - at[0]
    # The newlines between pieces move behind the whole line, one for each row that becomes empty.
    cut = np.flatnonzero(continues[1:])
    keep = np.ones(len(data), dtype=bool)
    keep[ends[cut] - 1] = False
    first = np.flatnonzero(~continues)
    last = np.append(first[1:], len(body)) - 1
    pieces = last - first
    removed_before = np.cumsum(np.bincount(cut, minlength=len(body)))
    joined = np.insert(data[keep], np.repeat(ends[last] - removed_before[last], pieces), _NEWLINE)
    lengths = np.ones(len(body), dtype=np.int64)
    lengths[first] = np.diff(np.concatenate(([0], ends[last]))) - pieces
    places = np.concatenate(([0], np.cumsum(lengths)))
    column = pa.LargeStringArray.from_buffers(len(body), pa.py_buffer(places), pa.py_buffer(joined))
    left = partial & ~np.append(continues[1:], False)
    flags = pa.Array.from_buffers(pa.int8(), len(left), [None, pa.py_buffer(left.astype(np.int8))])
    lines = lines.set_column(lines.column_names.index("body"), "body", pa.chunked_array([column]))
    return lines.set_column(lines.column_names.index("partial"), "partial", pa.chunked_array([flags]))


def _filled(column: pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    """Which strings are not empty."""
    array = column.cast(pa.large_string()).combine_chunks()
    array = pa.concat_arrays(array.chunks) if isinstance(array, pa.ChunkedArray) else array
    at = np.frombuffer(array.buffers()[1], dtype=np.int64)[array.offset : array.offset + len(array) + 1]
    filled: npt.NDArray[np.bool_] = np.diff(at) > 0
    return filled
