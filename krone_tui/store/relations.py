"""Queries of how failure modes hang together: found in the same executions, or one starting right after another."""

from dataclasses import dataclass

from krone_tui.store.connection import Store

_ONSET_CHANCE = 0.01
"""A failure mode has an onset when one that is spread evenly over the log would keep quiet so long with a smaller chance."""
_SOON = (0.01, 1.0, 300.0)
"""One starts right after another within this share of the log's time, but at least and at most so many seconds."""


@dataclass(frozen=True)
class Related:
    """What one failure mode has to do with others."""

    shared: tuple[tuple[int, int], ...] = ()
    """(another failure mode found in its executions too, in how many of them), most first."""
    after: tuple[int, float] | None = None
    """(the failure mode that started right before it, seconds before)."""
    before: tuple[int, float] | None = None
    """(the failure mode that starts right after it, seconds after)."""


# One row: one failure mode's executions that hold a finding of another one.
_SHARED = """
WITH held AS (
    SELECT DISTINCT d.failure_mode_id AS mode, f.failure_mode_id AS other, d.variant_id
    FROM variant_verdict AS d JOIN finding AS f USING (variant_id)
    WHERE d.flagged AND f.failure_mode_id <> d.failure_mode_id
)
SELECT h.mode, h.other, CAST(sum(v.executions) AS BIGINT) FROM held AS h JOIN variant AS v USING (variant_id)
WHERE v.executions > 0 GROUP BY ALL ORDER BY 1, 3 DESC, 2
"""

# One row: one failure mode that starts right after another's onset.
_AFTER = """
WITH extent AS (
    SELECT min(start_time) AS first, epoch(max(start_time) - min(start_time)) AS seconds FROM execution_verdict WHERE NOT is_good
),
onset AS (
    SELECT m.failure_mode_id AS mode, m.first_seen AS began, x.seconds FROM failure_mode AS m, extent AS x
    WHERE x.seconds > 0 AND pow(greatest(1 - epoch(m.first_seen - x.first) / x.seconds, 0), m.executions) < $chance
),
pair AS (
    SELECT mode, lag(mode) OVER by_time AS earlier, epoch(began - lag(began) OVER by_time) AS gap, seconds
    FROM onset WINDOW by_time AS (ORDER BY began, mode)
)
SELECT mode, earlier, gap FROM pair WHERE gap <= least(greatest(seconds * $share, $least), $most)
"""


def related_modes(store: Store) -> dict[int, Related]:
    """failure_mode_id → what it has to do with others; without those that stand alone."""
    shared: dict[int, list[tuple[int, int]]] = {}
    for mode, other, count in store.rows(_SHARED):
        shared.setdefault(int(mode), []).append((int(other), int(count)))
    share, least, most = _SOON
    starts = [
        (int(mode), int(earlier), float(gap))
        for mode, earlier, gap in store.rows(
            _AFTER, {"chance": _ONSET_CHANCE, "share": share, "least": least, "most": most}
        )
    ]
    after = {mode: (earlier, gap) for mode, earlier, gap in starts}
    before = {earlier: (mode, gap) for mode, earlier, gap in starts}
    return {
        mode: Related(tuple(shared.get(mode, ())), after.get(mode), before.get(mode))
        for mode in sorted({*shared, *after, *before})
    }
