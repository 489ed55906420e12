"""What was judged, and what reads as failure though it was not flagged: the sentences that all reports and the screen share."""

from collections.abc import Sequence

from krone_tui.report.words import between, counted, line_range, zone_words
from krone_tui.store.unflagged import UnflaggedFailure
from krone_tui.store.views import Summary

TITLE = "Reads as failure, but is not flagged"
WORTH_A_WORD = 0.1
"""Share of the executions from which a failure that is not flagged is told in the first lines."""
ITSELF = "this log itself"
"""What the baseline is called where none is named."""


def judged(found: Summary) -> str:
    """A sentence for a log in which nothing is flagged: how many executions were judged, by what they are held together,
    against what. It holds text of the log.
    """
    number = found.executions - found.good
    if not number:
        span = f"{between(found.start, found.end)}{zone_words(found.zones)}"
        return f"Nothing was left to judge: all of it, {span}, is taken for normal ({found.baseline})."
    only_windows = found.windows == found.executions
    unit = counted(number, "window" if only_windows else "execution")
    each = f"the {unit[2:]}" if number == 1 else f"each of {unit}"
    by = found.grouping_reason.rstrip(".") if only_windows else f"grouped by {found.grouped_by}"
    some = f", {found.windows:,} of them windows" if 0 < found.windows < found.executions else ""
    against = (
        f"{found.baseline}, where what most of them do is normal"
        if found.baseline == ITSELF
        else found.baseline
    )
    return f"Nothing deviates from the baseline: {each} ({by}{some}) was judged against {against}."


def in_short(failures: Sequence[UnflaggedFailure], found: Summary) -> str:
    """`2 kinds of failure not flagged, one in 29% of all`; '' for none. A share below `WORTH_A_WORD` is left out."""
    if not failures:
        return ""
    share = max(one.executions for one in failures) / max(found.executions, 1)
    often = f", one in {share:.0%} of all" if share >= WORTH_A_WORD else ""
    return f"{counted(len(failures), 'kind')} of failure not flagged{often}"


def how_often(one: UnflaggedFailure, found: Summary) -> str:
    """`6 records in 3 of 10 executions, 2026-03-14 02:10:00 to 2026-03-14 02:14:09, first at line 51`."""
    unit = "window" if found.windows == found.executions else "execution"
    others = found.executions - found.flagged
    seen = between(one.first_seen, one.last_seen)
    where = f" of {one.source}" if found.sources > 1 else ""
    return (
        f"{counted(one.records, 'record')} in {one.executions:,} of {counted(others, unit)}"
        f"{f', {seen}' if seen else ''}, first at {line_range(one.first_line, one.first_line)}{where}"
    )
