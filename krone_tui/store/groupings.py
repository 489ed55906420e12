"""Queries of what records could be grouped by."""

from dataclasses import dataclass

from krone_tui.store.connection import Store


@dataclass(frozen=True)
class CandidateRow:
    """One candidate identifier; the measures are those of the table `grouping_candidate`."""

    name: str
    kind: str
    pattern: str | None
    coverage: float
    executions: int
    records_per_execution: float
    variety: float
    start_concentration: float
    locality: float
    score: float
    chosen: bool
    reason: str


# One row: one candidate, the chosen one first, then the best.
_CANDIDATES = """
SELECT name, kind, pattern, coverage, executions, records_per_execution, variety, start_concentration, locality, score,
       chosen, reason
FROM grouping_candidate ORDER BY chosen DESC, kind = 'window', score DESC, name
"""


def candidates(store: Store) -> list[CandidateRow]:
    """All candidates, the chosen one first, windows last."""
    return [CandidateRow(*row) for row in store.rows(_CANDIDATES)]
