"""Queries of what reads as failure and was not flagged: nobody reads a log and expects silence on it."""

from dataclasses import dataclass
from datetime import datetime

from krone_tui.store.connection import Store


@dataclass(frozen=True)
class UnflaggedFailure:
    """One template that reads as failure, in executions that were not flagged."""

    template_id: int
    text: str
    level: str | None
    severity: float
    """0…1."""
    records: int
    executions: int
    """Not flagged, that have it."""
    first_seen: datetime | None
    last_seen: datetime | None
    execution_id: int
    """Of the first record; so are position, source, line and example."""
    position: int
    source: str
    first_line: int
    example: str
    """Its message, whole."""


def unflagged_failures(store: Store) -> list[UnflaggedFailure]:
    """All of them, most severe first, then those that most executions have."""
    rows = store.rows(
        """
        SELECT template_id, text, u.level, severity, records, executions, first_seen, last_seen, execution_id, position, path,
               first_line, example
        FROM unflagged_failure AS u JOIN source USING (source_id)
        ORDER BY severity DESC, executions DESC, records DESC, template_id
        """
    )
    return [UnflaggedFailure(*row) for row in rows]
