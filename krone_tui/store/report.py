"""Queries of what leaves the tool, in batches of executions."""

from collections.abc import Iterator

from krone_tui.store.connection import Store

BATCH = 2_000
"""Executions handed out at once."""


def line_numbers(store: Store, execution_ids: list[int]) -> dict[int, list[int]]:
    """Every physical line of each execution, in order; of several sources, those of the execution's first one."""
    rows = store.rows(
        """
        SELECT m.execution_id, list(l.line ORDER BY l.line)
        FROM membership AS m JOIN parsed_record AS p USING (record_id) JOIN execution AS e USING (execution_id),
             LATERAL (SELECT unnest(range(p.first_line, p.last_line + 1)) AS line) AS l
        WHERE m.execution_id IN (SELECT unnest($ids)) AND p.source_id = e.source_id GROUP BY m.execution_id
        """,
        {"ids": execution_ids},
    )
    return {int(row[0]): [int(line) for line in row[1]] for row in rows}


def batches(items: list[int]) -> Iterator[list[int]]:
    """Items in batches."""
    for start in range(0, len(items), BATCH):
        yield items[start : start + BATCH]
