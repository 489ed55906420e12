"""From messages to their shapes: every record masked in DuckDB, the distinct results finished in Python."""

from krone_tui.abstraction.masking import FIRST_LINE_LIMIT, RECORD_PATTERN, finish
from krone_tui.progress import Progress, StageProgress
from krone_tui.store import Store
from krone_tui.store import templates as queries
from krone_tui.store.templates import Extent, Masked

CHUNK_RECORDS = 500_000
"""Records masked by one query; fewer where messages are long."""

CHUNK_BYTES = 96 << 20
"""Bytes of messages masked by one query: bounds memory."""

MAX_SHAPES = 100_000
"""Distinct shapes after which the log is masked again, more coarsely: bounds time and memory."""

MAX_SHAPE_BYTES = 64 << 20
"""The same in bytes of text."""


def mask_all(store: Store, extent: Extent, detail: int, progress: Progress) -> Masked | None:
    """Write `record_shape` for all records; None when there are too many shapes to mask in such detail.

    Shapes are numbered from 0 in the order in which their first records come.
    """
    queries.clear(store)
    return _mask(store, extent, detail, progress, Masked(extent.first, (), 0))


def mask_on(store: Store, extent: Extent, masked: Masked, progress: Progress) -> Masked | None:
    """The same in the finest way where the first records are masked already: what masking all of them would give.

    None where that is not sure. The limit of one query could be met where it is not met when all are masked, or the other
    way round, for the queries would cover other records; with fewer distinct texts in all of them, none meets it.
    """
    found = _mask(store, extent, 0, progress, masked)
    return found if found is not None and found.distinct <= MAX_SHAPES else None


def _mask(store: Store, extent: Extent, detail: int, progress: Progress, masked: Masked) -> Masked | None:
    per_record = max(1, extent.bytes // max(1, extent.records))
    step = max(1000, min(CHUNK_RECORDS, CHUNK_BYTES // per_record))
    shape_ids = {text: shape_id for shape_id, text in enumerate(masked.texts)}
    size, distinct = sum(map(len, shape_ids)), masked.distinct
    try:
        for first in range(masked.records, extent.last + 1, step):
            progress(StageProgress("templates", first - extent.first, extent.records, "records"))
            last = min(first + step - 1, extent.last)
            texts = queries.mask_chunk(
                store, first, last, pattern=RECORD_PATTERN, limit=FIRST_LINE_LIMIT, detail=detail
            )
            if detail < queries.LEAST_DETAIL and len(texts) > MAX_SHAPES:
                return None
            ids = []
            for text in texts:
                shape = finish(text)
                if shape not in shape_ids:
                    shape_ids[shape] = len(shape_ids)
                    size += len(shape)
                ids.append(shape_ids[shape])
            if detail < queries.LEAST_DETAIL and (len(shape_ids) > MAX_SHAPES or size > MAX_SHAPE_BYTES):
                return None
            queries.write_chunk(store, texts, ids)
            distinct += len(texts)
    finally:
        queries.finish_chunks(store)
    return Masked(extent.last + 1, tuple(shape_ids), distinct)
