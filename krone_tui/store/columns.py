"""Columns between NumPy, Arrow and DuckDB."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

_BATCH_ROWS = 20_480
"""Rows of one Arrow batch: small enough that every thread of DuckDB gets its share of a chunk. Six are a row group of
DuckDB: row groups that are not full would be put together again when the file is finished."""


def column(values: npt.NDArray[np.generic]) -> pa.Array:
    """A NumPy column as Arrow, without a copy where it can be (`pa.array` would import pandas)."""
    if values.dtype == np.bool_:
        bits = np.packbits(values.astype(np.uint8), bitorder="little")
        return pa.Array.from_buffers(pa.bool_(), len(values), [None, pa.py_buffer(bits)])
    plain = pa.py_buffer(np.ascontiguousarray(values))
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), [None, plain])


def small_integers(values: pa.ChunkedArray) -> npt.NDArray[np.int8]:
    """A TINYINT column without NULLs as NumPy (`to_numpy` would import pandas)."""
    parts = [
        np.frombuffer(part.buffers()[1], dtype=np.int8, count=len(part), offset=part.offset)
        for part in values.chunks
        if len(part)
    ]
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int8)


def batched(columns: dict[str, object]) -> pa.Table:
    """An Arrow table in batches of a size that keeps every thread busy."""
    table = pa.table(columns).combine_chunks()
    return pa.Table.from_batches(table.to_batches(max_chunksize=_BATCH_ROWS), schema=table.schema)
