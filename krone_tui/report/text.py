"""The findings as plain text: the summary, then each failure mode with the evidence of its first execution."""

from collections.abc import Iterator

from krone_tui.explanation import Evidence
from krone_tui.report.safe import printable
from krone_tui.store import Store, views

MODES = 20
"""Failure modes shown; of more, how many there are."""


def lines(store: Store, *, everything: bool) -> Iterator[str]:
    """Lines of text, without control characters from the log."""
    found = views.summary(store)
    span = (
        f", {found.start:%Y-%m-%d %H:%M:%S} to {found.end:%Y-%m-%d %H:%M:%S}"
        if found.start and found.end
        else ""
    )
    yield f"{found.lines:,} lines, {found.records:,} records{span}"
    windows = (
        f" ({found.windows:,} of them windows)" if found.windows and found.windows < found.executions else ""
    )
    yield f"{found.executions:,} executions{windows}, grouped by {printable(found.grouped_by)}: {printable(found.grouping_reason)}"
    yield f"{found.flagged:,} flagged in {found.failure_modes:,} failure modes; the baseline is {printable(found.baseline)}"
    writer = Evidence(store)
    for mode in views.failure_modes(store)[:MODES]:
        yield ""
        seen = (
            f", {mode.first_seen:%Y-%m-%d %H:%M:%S} to {mode.last_seen:%Y-%m-%d %H:%M:%S}"
            if mode.first_seen and mode.last_seen
            else ""
        )
        count = f"{mode.executions:,} execution{'s' if mode.executions != 1 else ''}"
        yield f"{mode.failure_mode_id}. {printable(mode.title)}  [{mode.score:.2f}, {mode.kind}, {count}{seen}]"
        yield f"   {printable(mode.path)}"
        example = views.execution(store, mode.example_execution)
        if example is not None:
            yield f"   Execution {printable(example.identifier)}, {printable(example.source)} lines {example.first_line} to {example.last_line}:"
            for sentence in writer.of(example):
                yield f"   - {printable(str(sentence))}"
    if found.failure_modes > MODES:
        yield ""
        yield f"… and {found.failure_modes - MODES:,} more failure modes (--format jsonl has all executions)"
    if everything:
        yield ""
        for execution in views.executions(store):
            mark = f"failure mode {execution.failure_mode_id}" if execution.flagged else "normal"
            yield f"{printable(execution.identifier)}  {execution.records} records  {execution.score:.2f}  {mark}"
