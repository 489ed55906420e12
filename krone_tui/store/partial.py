"""Queries of what is known while a log is still being read; on the connection that the stages write with, between two steps."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from krone_tui.store.connection import Store

_MOST = 12
"""Templates of a kind that are shown at most."""


@dataclass(frozen=True)
class SoFar:
    """What can be told already; nothing where it cannot."""

    records: int = 0
    start: datetime | None = None
    end: datetime | None = None
    levels: tuple[tuple[str, int], ...] = ()
    """(level, records), most frequent first."""
    sources: tuple[tuple[str, str, int], ...] = ()
    """(path, header formats, lines) of those that were read to their end."""
    templates: int = 0
    frequent: tuple[tuple[int, str], ...] = ()
    """(records, text) of templates, most frequent first."""
    failing: tuple[tuple[int, str], ...] = ()
    """The same of those that read as failure, most severe first: by their levels until the detectors have rated their words."""
    grouped_by: str = ""
    executions: int = 0


def so_far(store: Store, ended: Collection[str]) -> SoFar:
    """What the tables hold; `ended` names the stages that have written theirs."""
    records, start, end = store.row("SELECT count(*), min(time), max(time) FROM parsed_record")
    levels = store.rows(
        "SELECT level, count(*) FROM parsed_record WHERE level IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 6"
    )
    sources = store.rows("SELECT path, format, lines FROM source ORDER BY source_id LIMIT 20")
    templates, frequent, failing = 0, [], []
    if "templates" in ended:
        templates = int(store.scalar("SELECT count(*) FROM template"))
        frequent = store.rows(f"SELECT records, text FROM template ORDER BY 1 DESC, 2 LIMIT {_MOST}")
    if "hierarchy" in ended:
        failing = store.rows(
            f"SELECT records, text FROM failing_template ORDER BY severity DESC, records DESC, text LIMIT {_MOST}"
        )
    grouped_by, executions = "", 0
    if "executions" in ended:
        grouped_by = str(store.scalar("SELECT name FROM grouping_candidate WHERE chosen"))
        executions = int(store.scalar("SELECT count(*) FROM execution"))
    return SoFar(
        int(records), start, end, tuple(levels), tuple(sources), templates, tuple(frequent), tuple(failing), grouped_by, executions
    )  # fmt: skip
