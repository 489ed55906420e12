"""Logs of several kinds of work: what carries one identifier, and what carries another instead of it."""

from krone_tui.executions.identifiers import Kind, together
from krone_tui.executions.scoring import Scored, key_source, score
from krone_tui.store import Store
from krone_tui.store import identifiers as carried

MOST = 4
"""Identifiers that are put together."""
SHARE = 0.08
"""Of the records, that must carry one instead of the others to be put together with them."""
VALUES = 20
"""Of another identifier, below which it is none: a handful of things are parts of the log."""
GOOD = 0.45
"""Score over the share of the records that have it, from which an identifier holds executions together."""
LOOKED_AT = 0.25
"""The same, among all records, from which it may be one among those without the others."""
SCORED = 200_000
"""Records that others are measured on."""


def with_others(store: Store, scored: list[Scored], records: int, filled: dict[str, float]) -> Scored | None:
    """The best identifier; together with others, where many of the records without it carry one of their own.

    A brewery's log is of brews, of orders and of cleanings: none of the three holds most records, each holds its own.
    """
    if not scored:
        return None
    usable = [one for one in scored if one.candidate.kind in (Kind.MESSAGE, Kind.FIELD)]
    good = [one for one in usable if _quality(one) >= GOOD and one.statistics.coverage >= SHARE]
    chosen = [max(good, key=lambda one: one.score)] if good and scored[0] not in good else [scored[0]]
    if chosen[0].candidate not in [one.candidate for one in usable]:
        return scored[0]
    stretch = carried.middle(store, records, SCORED)
    while len(chosen) < MOST and sum(one.statistics.coverage for one in chosen) <= 1.0 - SHARE:
        taken = [one.candidate for one in chosen]
        first = key_source(together(taken), filled)
        others = []
        for one in usable:
            if one.candidate in taken or _quality(one) < LOOKED_AT or one.statistics.coverage < SHARE:
                continue
            found = carried.measure_key(store, key_source(one.candidate, filled), stretch, without=first)
            others.append(Scored(one.candidate, found, score(one.candidate, found)))
        fit = [
            one
            for one in others
            if one.statistics.coverage >= SHARE and one.statistics.values >= VALUES and _quality(one) >= GOOD
        ]
        if not fit:
            break
        chosen.append(max(fit, key=lambda one: one.score))
    if len(chosen) == 1:
        return scored[0]
    candidate = together([one.candidate for one in chosen])
    found = carried.measure_key(store, key_source(candidate, filled), stretch)
    whole = Scored(candidate, found, sum(one.score for one in chosen))
    return max(scored[0], whole, key=lambda one: one.score)


def _quality(one: Scored) -> float:
    """Score of an identifier among the records that have it."""
    return one.score / max(one.statistics.coverage, 1e-9)
