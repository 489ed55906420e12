"""The findings for an incident channel or a ticket: Markdown in which nothing of the log is markup."""

import re
from collections.abc import Iterator

from krone_tui.report.incident import WORDS, AlignedRow, Case, Comparison, Side, cases, timeline
from krone_tui.report.safe import printable
from krone_tui.report.unflagged import TITLE, how_often, judged
from krone_tui.report.words import and_in, at, between, counted, line_range, zone_words
from krone_tui.store import Store, views
from krone_tui.store import report as queries
from krone_tui.store.unflagged import unflagged_failures

MODES = 20
"""Failure modes written; of more, how many there are."""
UNFLAGGED = 10
"""Templates written that read as failure and are not flagged; of more, how many there are."""
TEXT_CHARACTERS = 300
"""Of one record or template."""

_QUOTED = re.compile(r"(“[^“”]*”)")
_OWN_WORD = re.compile(
    r"[(\[]?(?:[A-Za-z]+(?:[-'’][A-Za-z]+)*|×?\d+(?:[.,:]\d+)*%?|\d{4}-\d\d-\d\d)[)\],;:]*\.?|[,;:.]"
)
"""A word that can be no markup, link, mention or reference to an issue."""


def lines(store: Store, *, everything: bool) -> Iterator[str]:
    """Lines of Markdown. Text of the log stands in code spans and code blocks alone, and cannot end them."""
    found = views.summary(store)
    yield f"# {found.flagged:,} of {counted(found.executions, 'execution')} flagged"
    yield ""
    span = f"{between(found.start, found.end)}{zone_words(found.zones)}" if found.start else ""
    yield f"- {found.lines:,} lines, {found.records:,} records{f', {span}' if span else ''}"
    yield f"- Grouped by {code(found.grouped_by)}: {prose(found.grouping_reason)}"
    yield f"- {counted(found.failure_modes, 'failure mode')}; the baseline is {prose(found.baseline)}"
    if found.verdicts:
        yield f"- {found.verdicts}"
    if not found.flagged:
        yield f"- {prose(judged(found))}"
    onset = timeline(store).onset_time
    if onset is not None:
        yield f"- Flagged executions crowd from {at(onset)} on"
    for case in cases(store, MODES):
        yield from _case(case)
    if found.failure_modes > MODES:
        yield ""
        yield f"… and {counted(found.failure_modes - MODES, 'more failure mode')}."
    yield from _unflagged(store, found)
    if everything:
        yield ""
        yield "## All executions"
        yield ""
        for batch in queries.execution_batches(store, flagged=None):
            for execution in batch:
                mark = f"failure mode {execution.failure_mode_id}" if execution.flagged else "normal"
                yield f"- {code(execution.identifier)}: {counted(execution.records, 'record')}, {execution.score:.2f}, {mark}"


def _unflagged(store: Store, found: views.Summary) -> Iterator[str]:
    """What reads as failure and was not flagged; nothing where there is none of it."""
    unflagged = unflagged_failures(store)
    if not unflagged:
        return
    yield ""
    yield f"## {TITLE}"
    yield ""
    for one in unflagged[:UNFLAGGED]:
        yield f"- {code(one.example)}: {prose(how_often(one, found))}"
    if len(unflagged) > UNFLAGGED:
        yield f"- … and {counted(len(unflagged) - UNFLAGGED, 'more kind')}"


def code(text: str) -> str:
    """Text of the log as a code span: one line, and no backtick that could end it or a block around it."""
    shown = _plain(text)
    return f"`{shown}`" if shown.strip() else "` `"


def prose(text: str) -> str:
    """A sentence of ours that quotes the log: what it quotes, and whatever is no plain word, in code spans."""
    parts = []
    for part in _QUOTED.split(text):
        if _QUOTED.fullmatch(part):
            parts.append(code(part[1:-1]))
            continue
        words = re.split(r"(\s+)", part)
        parts.append(
            "".join(
                word if not word or word.isspace() or _OWN_WORD.fullmatch(word) else code(word)
                for word in words
            )
        )
    # Two spans that touch would read as one with two backticks in it.
    return re.sub(r"``+", "` `", " ".join("".join(parts).split()))


def _plain(text: str) -> str:
    return printable(text, TEXT_CHARACTERS).replace("`", "\\x60")


def _case(case: Case) -> Iterator[str]:
    mode, example = case.mode, case.example
    seen = between(mode.first_seen, mode.last_seen)
    yield ""
    yield f"## {mode.failure_mode_id}. {code(mode.title)}"
    yield ""
    yield f"{code(mode.path)}: {counted(mode.executions, 'execution')}, score {mode.score:.2f}, {mode.kind}{f', {seen}' if seen else ''}"
    yield ""
    yield f"Execution {code(example.identifier)}, {code(example.source)} {line_range(example.first_line, example.last_line)}{and_in(case.other_files)}:"
    yield ""
    for sentence in case.evidence:
        yield f"- {prose(str(sentence))}"
    if case.records:
        yield ""
        yield "```text"
        for record in case.records:
            mark = ">" if record.position in case.deviating else " "
            yield f"{mark} {_plain(record.first_line.place):>8} {_plain(record.text)}"
        yield "```"
    if case.comparison is not None:
        yield from _comparison(case.comparison)
    if case.others:
        names = ", ".join(code(one.identifier) for one in case.others)
        more = mode.executions - 1 - len(case.others)
        yield ""
        yield f"Also {names}{f' and {more:,} more' if more > 0 else ''}."


def _comparison(found: Comparison) -> Iterator[str]:
    yield ""
    yield (
        f"Beside the nearest normal execution {code(found.identifier)}, {code(found.source)} "
        f"{line_range(found.first_line, found.last_line)} ({found.executions:,} share its steps):"
    )
    yield ""
    if not found.rows:
        yield "Too long to be aligned here; the screen shows both."
        return
    yield "```diff"
    for row in found.rows:
        yield _row(row)
    if found.left_out:
        yield f"= … and {found.left_out:,} more rows"
    yield "```"


def _row(row: AlignedRow) -> str:
    """A sign first, so that no text of the log begins a line."""
    sign, word = WORDS[row.mark]
    side = row.here or row.normal
    text = _plain(side.name) if side is not None else ""
    line = f"line {row.here.first_line}" if row.here is not None and not row.heading else ""
    return f"{sign} {word:<14} {line:<13} {'  ' * row.depth}{text}{_times(row)}"


def _times(row: AlignedRow) -> str:
    if row.mark == "count" and row.here is not None and row.normal is not None:
        return f" ×{row.here.records}, normally ×{row.normal.records}"
    side: Side | None = row.here or row.normal
    return f" ×{side.records}" if side is not None and row.level == "status" and side.records > 1 else ""
