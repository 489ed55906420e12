"""Queries of the log's edges: how far from them executions begin and end, and how long executions pause."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from krone_tui.store.connection import Store

_SAMPLE = 500_000
"""Records about whose pauses are looked at."""


@dataclass(frozen=True)
class Ends:
    """One end, the first or the last, of every execution of the log under analysis that is no window."""

    execution: npt.NDArray[np.int64]
    template: npt.NDArray[np.int64]
    """[executions] of its outermost record."""
    seconds: npt.NDArray[np.float64]
    """[executions] from there to the log's edge; records, in a log without times."""


@dataclass(frozen=True)
class Pauses:
    """The times between neighbours within executions."""

    template: npt.NDArray[np.int64]
    """[pauses] of the record on one side of it."""
    seconds: npt.NDArray[np.float64]
    share: float
    """Of all pauses that these are."""


def edges(store: Store) -> tuple[tuple[Ends, Ends], tuple[Pauses, Pauses]] | None:
    """(ends, pauses) before and after, of what is `measured`; None where nothing can be said: all are windows, or several
    files have no times."""
    timed, whole, sources, records = store.row(
        """
        SELECT count(start_time) > 0, count(*) FILTER (NOT is_window), count(DISTINCT source_id), sum(records)
        FROM measured WHERE NOT is_baseline
        """
    )
    if not whole or (not timed and sources > 1):
        return None
    begin, end = ("epoch(start_time)", "epoch(end_time)") if timed else ("first_line", "last_line")
    clock = "epoch(p.time)" if timed else "p.first_line"
    ends = store.arrow(
        f"""
        WITH edge AS (SELECT min({begin}) AS first, max({end}) AS last FROM measured WHERE NOT is_baseline)
        SELECT CAST(execution_id AS BIGINT) AS execution_id,
               CAST(template_ids[1] AS BIGINT) AS first, CAST(template_ids[-1] AS BIGINT) AS last,
               CAST({begin} - edge.first AS DOUBLE) AS before, CAST(edge.last - {end} AS DOUBLE) AS after
        FROM measured, edge WHERE NOT is_baseline AND NOT is_window AND {begin} IS NOT NULL ORDER BY execution_id
        """
    )
    step = max(1, int(records) // _SAMPLE)
    pauses = store.arrow(
        f"""
        SELECT CAST(before AS BIGINT) AS before, CAST(after AS BIGINT) AS after, CAST(seconds AS DOUBLE) AS seconds FROM (
            SELECT m.template_id AS after, lag(m.template_id) OVER near AS before,
                   {clock} - lag({clock}) OVER near AS seconds
            FROM membership AS m JOIN parsed_record AS p USING (record_id) JOIN measured AS e USING (execution_id)
            WHERE NOT e.is_window AND NOT e.is_baseline AND e.execution_id % {step} = 0
            WINDOW near AS (PARTITION BY m.execution_id ORDER BY m.position)
        ) WHERE before IS NOT NULL AND seconds IS NOT NULL
        """
    )
    execution, seconds, share = ends["execution_id"].to_numpy(), pauses["seconds"].to_numpy(), 1.0 / step
    return (
        (
            Ends(execution, ends["first"].to_numpy(), ends["before"].to_numpy()),
            Ends(execution, ends["last"].to_numpy(), ends["after"].to_numpy()),
        ),
        (
            Pauses(pauses["after"].to_numpy(), seconds, share),
            Pauses(pauses["before"].to_numpy(), seconds, share),
        ),
    )
