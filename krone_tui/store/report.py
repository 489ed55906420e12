"""Queries of what leaves the tool, in batches of executions."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from krone_tui.store import views
from krone_tui.store.connection import Store
from krone_tui.store.lines import Files, Line

BATCH = 2_000
"""Executions handed out at once."""
SAMPLE_CHARACTERS = 2_000
"""Of one sample record: a record may have megabytes."""


@dataclass(frozen=True)
class SampleRecord:
    """One record as it was read."""

    position: int
    source: str
    first_line: Line
    last_line: int
    time: datetime | None
    level: str | None
    component: str | None
    text: str
    """Cut to `SAMPLE_CHARACTERS`."""


def execution_batches(store: Store, *, flagged: bool | None) -> Iterator[list[views.ExecutionRow]]:
    """Executions of the log under analysis in the order of their first records; `flagged` None: all of them."""
    # One row: one execution. Only the ids of all are held at once, as a column.
    ids = store.arrow(
        """
        SELECT execution_id FROM execution_verdict JOIN source USING (source_id)
        WHERE NOT is_baseline AND ($flagged IS NULL OR flagged = $flagged) ORDER BY execution_id
        """,
        {"flagged": flagged},
    ).column(0)
    for start in range(0, len(ids), BATCH):
        last = min(start + BATCH, len(ids)) - 1
        yield views.executions(store, flagged=flagged, within=(ids[start].as_py(), ids[last].as_py()))


def line_numbers(store: Store, execution_ids: list[int]) -> dict[int, list[int]]:
    """Every physical line of each execution, in order; of several sources, those of the execution's first one."""
    rows = store.rows(
        """
        SELECT m.execution_id, flatten(list(range(p.first_line, p.last_line + 1) ORDER BY p.first_line))
        FROM membership AS m JOIN parsed_record AS p USING (record_id) JOIN execution AS e USING (execution_id)
        WHERE m.execution_id IN (SELECT unnest($ids)) AND m.execution_id BETWEEN $first AND $last
          AND p.source_id = e.source_id GROUP BY m.execution_id
        """,
        # The bounds let DuckDB pass over all other executions, which lie elsewhere in the table.
        {"ids": execution_ids, "first": min(execution_ids), "last": max(execution_ids)},
    )
    return {int(row[0]): row[1] for row in rows}


def sample_records(store: Store, execution_id: int, positions: list[int]) -> list[SampleRecord]:
    """The records of an execution at some positions, in order."""
    rows = store.rows(
        f"""
        SELECT p.source_id, m.position, o.path, p.first_line, p.last_line, p.time, p.level, p.component,
               left(coalesce(p.raw, coalesce(p.prefix, '') || p.message), {SAMPLE_CHARACTERS})
        FROM membership AS m JOIN parsed_record AS p USING (record_id) JOIN source AS o USING (source_id)
        WHERE m.execution_id = $id AND m.position IN (SELECT unnest($positions)) ORDER BY m.position
        """,
        {"id": execution_id, "positions": positions},
    )
    files, own = Files(store), views.source_of(store, execution_id)
    return [
        SampleRecord(position, path, files.line(first_line, source_id, own), *rest)
        for source_id, position, path, first_line, *rest in rows
    ]
