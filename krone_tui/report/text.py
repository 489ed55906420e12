"""The findings as plain text: the summary, then each failure mode with the evidence of its first execution."""

from collections.abc import Iterator

from krone_tui.explanation import Evidence
from krone_tui.report.safe import printable
from krone_tui.report.unflagged import TITLE, how_often, in_short, judged
from krone_tui.report.words import and_in, between, counted, zone_words
from krone_tui.store import Store, views
from krone_tui.store import report as queries
from krone_tui.store.unflagged import UnflaggedFailure, unflagged_failures

MODES = 20
"""Failure modes shown; of more, how many there are."""
UNFLAGGED = 6
"""Templates shown that read as failure and are not flagged; of more, how many there are."""
TEXT_CHARACTERS = 120
"""Of the example of such a template."""


def lines(store: Store, *, everything: bool) -> Iterator[str]:
    """Lines of text, without control characters from the log."""
    found = views.summary(store)
    span = between(found.start, found.end)
    span = f"{span}{zone_words(found.zones)}" if span else "no times could be read"
    yield f"{found.lines:,} lines, {found.records:,} records, {span}"
    windows = (
        f" ({found.windows:,} of them windows)" if found.windows and found.windows < found.executions else ""
    )
    yield f"{found.executions:,} executions{windows}, grouped by {printable(found.grouped_by)}: {printable(found.grouping_reason)}"
    unflagged = unflagged_failures(store)
    below = in_short(unflagged, found)
    below = f"; below: {below}" if below and found.flagged else ""
    yield f"{found.flagged:,} flagged in {counted(found.failure_modes, 'failure mode')}; the baseline is {printable(found.baseline)}{below}"
    if found.executions and found.good == found.executions:
        yield judged(found)
    if found.verdicts:
        yield f"{found.verdicts} (--no-knowledge shows what the detectors alone found)"
    writer = Evidence(store)
    for mode in views.failure_modes(store)[:MODES]:
        yield ""
        seen = between(mode.first_seen, mode.last_seen)
        count = counted(mode.executions, "execution")
        yield f"{mode.failure_mode_id}. {printable(mode.title)}  [{mode.score:.2f}, {mode.kind}, {count}{f', {seen}' if seen else ''}]"
        yield f"   {printable(mode.path)}"
        example = views.execution(store, mode.example_execution)
        if example is not None:
            named = "" if example.identifier == example.source else f"{printable(example.identifier)}, "
            yield f"   Execution {named}{printable(example.source)} lines {example.first_line} to {example.last_line}{and_in(views.other_files(store, example.execution_id))}:"
            for sentence in writer.of(example):
                yield f"   - {printable(str(sentence))}"
    if found.failure_modes > MODES:
        yield ""
        yield f"… and {found.failure_modes - MODES:,} more failure modes (--format json has them all)"
    yield from _unflagged(unflagged, found)
    if everything:
        yield ""
        for batch in queries.execution_batches(store, flagged=None):
            for execution in batch:
                mark = f"failure mode {execution.failure_mode_id}" if execution.flagged else "normal"
                if execution.verdict is not None:
                    mark += f", by a {execution.verdict_by}'s verdict"
                yield f"{printable(execution.identifier)}  {execution.records} records  {execution.score:.2f}  {mark}"


def _unflagged(unflagged: list[UnflaggedFailure], found: views.Summary) -> Iterator[str]:
    """What reads as failure and was not flagged; nothing where there is none of it."""
    if not unflagged:
        return
    yield ""
    yield f"{TITLE} ({counted(len(unflagged), 'kind')}, most severe first):"
    for one in unflagged[:UNFLAGGED]:
        yield f"- {printable(one.example, TEXT_CHARACTERS)}: {printable(how_often(one, found))}"
    if len(unflagged) > UNFLAGGED:
        yield f"… and {counted(len(unflagged) - UNFLAGGED, 'more kind')} (--format json has them all)"
