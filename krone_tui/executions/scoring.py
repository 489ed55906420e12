"""How well a candidate's values hold executions together."""

import math
from dataclasses import dataclass

from krone_tui.executions.identifiers import REUSED_ADDRESS, Candidate, Kind
from krone_tui.store import identifiers as carried

MOSTLY = 0.5
"""Share of a candidate's values that describe (times, measurements, paths) from which it is no identifier."""
FEW_VALUES, LONG, PARTS = 8, 50, 0.25
"""An identifier with fewer values than the first, of more records each than the second, counts by the third."""
PROCESS_REUSE_GAP = 1_800.0
"""Seconds after which the same process or thread id is taken for another execution: ids are reused."""


@dataclass(frozen=True)
class Scored:
    """One candidate with its statistics and its score."""

    candidate: Candidate
    statistics: carried.KeyStatistics
    score: float


def score(candidate: Candidate, found: carried.KeyStatistics, *, confirmed: bool = False) -> float:
    """0…1: how well a candidate's values hold executions together.

    `confirmed`: most messages name an identifier with about as many values, so that a header's thread or process is no
    pool's: it holds the same executions, and the records without the identifier too.

    An execution has several records of several kinds, lives for a small part of the log, and begins alike. A host or
    a user lives as long as the log; a session's counter is used once; a pooled thread begins with anything.
    """
    if found.values < 3 or (candidate.kind is not Kind.SOURCE and found.attributes >= MOSTLY):
        return 0.0
    several = min(1.0, math.log2(max(found.records_per_value, 1.0)) / 2.0) * (1.0 - 0.8 * found.singles)
    kinds = min(1.0, max(found.variety - 1.0, 0.0) / 1.5)
    lifetime = max(found.locality, 0.0) ** 2
    begins_alike = 0.4 + 0.6 * math.sqrt(found.start_concentration)
    not_endless = 1.0 / (1.0 + found.records_per_value / 3_000.0)
    if found.values < FEW_VALUES and found.mean_records >= LONG:
        # Servers, sites, browsers: parts of the log, none of which can be told from the others.
        begins_alike *= PARTS
    if candidate.kind is Kind.FIELD and found.numbered < 0.5:
        # A word, such as a state or a version's name: no identifier.
        return 0.0
    header = 1.0 if confirmed else 0.7
    trust = {
        Kind.MESSAGE: 1.0,
        Kind.FIELD: 1.0,
        Kind.SOURCE: 1.0,
        Kind.LINE: 1.0,
        Kind.SEVERAL: 1.0,
        Kind.HEADER: header,
        Kind.WINDOW: 0.0,
    }[candidate.kind]
    return trust * found.coverage * several * kinds * lifetime * begins_alike * not_endless


def key_source(candidate: Candidate, filled: dict[str, float]) -> carried.KeySource:
    """Where the records' keys are taken from."""
    if candidate.parts:
        return carried.KeySource(
            parts=tuple((part.name, key_source(part, filled)) for part in candidate.parts)
        )
    if candidate.kind is Kind.FIELD:
        return carried.KeySource(field=candidate.pattern)
    reused = (candidate.kind is Kind.HEADER or candidate.name == REUSED_ADDRESS) and filled["time"] > 0
    return carried.KeySource(
        columns=candidate.columns,
        pattern=candidate.pattern,
        whole=candidate.kind is Kind.LINE,
        reuse_gap=PROCESS_REUSE_GAP if reused else None,
    )


def explain(one: Scored) -> str:
    """One sentence on what speaks for or against a candidate."""
    found = one.statistics
    if found.values < 3:
        return "Too few values to tell executions apart."
    if one.candidate.kind is not Kind.SOURCE and found.attributes >= MOSTLY:
        return "Its values are times, measurements or paths."
    parts = [
        f"{found.coverage:.0%} of the records carry it",
        f"{found.records_per_value:g} records to a value in the median",
        f"{found.variety:.1f} templates",
    ]
    if found.locality < 0.5:
        parts.append("a value lives through most of the log")
    if found.singles > 0.5:
        parts.append("most values occur once")
    return ", ".join(parts) + "."
