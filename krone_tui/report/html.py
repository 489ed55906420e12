"""The findings as one HTML file that needs nothing else: no script, no font, no picture from anywhere."""

from collections.abc import Iterator
from html import escape
from importlib import resources

from krone_tui import __version__
from krone_tui.report import svg
from krone_tui.report.incident import WORDS, AlignedRow, Case, Comparison, Side, cases, timeline
from krone_tui.report.safe import printable
from krone_tui.report.unflagged import TITLE, how_often, judged
from krone_tui.report.words import and_in, at, between, counted, line_range, zone_words
from krone_tui.store import Store, views
from krone_tui.store import report as queries
from krone_tui.store.unflagged import unflagged_failures

MODES = 50
"""Failure modes told in full; the rest are in the table alone."""
LISTED = 500
"""Failure modes in the table."""
UNFLAGGED = 50
"""Templates listed that read as failure and are not flagged."""
TEXT_CHARACTERS = 1_000
"""Of one record or template."""

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""Were markup of a log ever to get through, a browser would still load and run nothing."""


def lines(store: Store, *, everything: bool) -> Iterator[str]:
    """Lines of HTML: summary, timeline, every failure mode with its evidence."""
    found = views.summary(store)
    headline = f"{found.flagged:,} of {counted(found.executions, 'execution')} flagged"
    yield "<!DOCTYPE html>"
    yield '<html lang="en">'
    yield "<head>"
    yield '<meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield '<meta name="color-scheme" content="light dark">'
    yield f"<title>{headline}</title>"
    yield f"<style>\n{_style()}</style>"
    yield "</head>"
    yield "<body>"
    yield "<main>"
    yield f"<h1>{headline}</h1>"
    yield from _summary(found)
    slices = timeline(store)
    if slices.slices:
        yield '<figure class="timeline">'
        yield from svg.timeline(slices)
        yield "</figure>"
    yield from _overview(views.failure_modes(store), found)
    for case in cases(store, MODES):
        yield from _case(case)
    yield from _unflagged(store, found)
    if everything:
        yield from _all_executions(store)
    yield f"<footer>krone-tui {__version__}</footer>"
    yield "</main>"
    yield "</body>"
    yield "</html>"


def _style() -> str:
    return resources.files(__package__).joinpath("report.css").read_text(encoding="utf-8")


def _text(text: str) -> str:
    """Text of a log as text of the page."""
    return escape(printable(text, TEXT_CHARACTERS))


def _code(text: str) -> str:
    return f"<code>{_text(text)}</code>"


def _summary(found: views.Summary) -> Iterator[str]:
    windows = f", {found.windows:,} of them windows" if 0 < found.windows < found.executions else ""
    yield '<dl class="summary">'
    for name, value in (
        (
            "Log",
            f"{found.lines:,} lines, {counted(found.records, 'record')} in {counted(found.sources, 'source')}",
        ),
        (
            "Time",
            f"{between(found.start, found.end)}{zone_words(found.zones)}"
            if found.start
            else "none in this log",
        ),
        ("Executions", f"{found.executions:,}{windows}"),
        ("Grouped by", f"{_code(found.grouped_by)} {_text(found.grouping_reason)}"),
        ("Baseline", _text(found.baseline)),
        ("Verdicts", _text(found.verdicts or "none")),
        ("First flagged", at(found.first_flagged) or "–"),
    ):
        yield f"<div><dt>{name}</dt><dd>{value}</dd></div>"
    yield "</dl>"


def _overview(modes: list[views.FailureModeRow], found: views.Summary) -> Iterator[str]:
    if not modes:
        yield f"<p>{_text(judged(found))}</p>"
        return
    yield f"<h2>{counted(found.failure_modes, 'failure mode')}</h2>"
    yield '<table class="modes">'
    yield "<thead><tr><th>No.</th><th>What deviates</th><th>Score</th><th>Executions</th><th>First</th><th>Last</th></tr></thead>"
    yield "<tbody>"
    for position, mode in enumerate(modes[:LISTED]):
        number = str(mode.failure_mode_id)
        if position < MODES:
            number = f'<a href="#mode-{number}">{number}</a>'
        yield (
            f'<tr><td class="number">{number}</td><td>{_code(mode.title)}<br><small>{_text(mode.path)}</small></td>'
            f'<td class="number">{mode.score:.2f}</td><td class="number">{mode.executions:,}</td>'
            f"<td>{at(mode.first_seen)}</td><td>{at(mode.last_seen)}</td></tr>"
        )
    yield "</tbody>"
    yield "</table>"
    if len(modes) > LISTED:
        yield f"<p>… and {counted(len(modes) - LISTED, 'more failure mode')}.</p>"


def _unflagged(store: Store, found: views.Summary) -> Iterator[str]:
    """What reads as failure and was not flagged; nothing where there is none of it."""
    unflagged = unflagged_failures(store)
    if not unflagged:
        return
    yield '<section id="unflagged">'
    yield f"<h2>{TITLE}</h2>"
    yield '<ul class="evidence">'
    for one in unflagged[:UNFLAGGED]:
        yield f"<li>{_code(one.example)}<br><small>{_text(how_often(one, found))}</small></li>"
    if len(unflagged) > UNFLAGGED:
        yield f"<li>… and {counted(len(unflagged) - UNFLAGGED, 'more kind')}.</li>"
    yield "</ul>"
    yield "</section>"


def _case(case: Case) -> Iterator[str]:
    mode, example = case.mode, case.example
    seen = between(mode.first_seen, mode.last_seen)
    yield f'<section id="mode-{mode.failure_mode_id}">'
    yield f"<h2>{mode.failure_mode_id}. {_code(mode.title)}</h2>"
    yield (
        f'<p class="place">{_text(mode.path)} · {counted(mode.executions, "execution")} · score {mode.score:.2f} · '
        f"{_text(mode.kind)}{f' · {seen}' if seen else ''}</p>"
    )
    yield (
        f"<p>Execution {_code(example.identifier)}, {_code(example.source)} "
        f"{line_range(example.first_line, example.last_line)}{and_in(case.other_files)}:</p>"
    )
    yield '<ul class="evidence">'
    for sentence in case.evidence:
        yield f"<li>{_text(str(sentence))}</li>"
    yield "</ul>"
    if case.records:
        yield '<table class="records">'
        yield "<caption>Records</caption>"
        yield "<thead><tr><th>Line</th><th></th><th>Text</th></tr></thead>"
        yield "<tbody>"
        for record in case.records:
            mark, kind = ("►", "deviates") if record.position in case.deviating else ("", "around")
            yield f'<tr class="{kind}"><td class="number">{_text(record.first_line.place)}</td><td>{mark}</td><td>{_code(record.text)}</td></tr>'
        yield "</tbody>"
        yield "</table>"
    if case.comparison is not None:
        yield from _comparison(case.comparison)
    if case.others:
        names = ", ".join(_code(one.identifier) for one in case.others)
        more = mode.executions - 1 - len(case.others)
        yield f"<p>Also {names}{f' and {more:,} more' if more > 0 else ''}.</p>"
    yield "</section>"


def _comparison(found: Comparison) -> Iterator[str]:
    yield '<table class="aligned">'
    differing = [
        f"{found.total[mark]:,} {WORDS[mark][1]}"
        for mark in ("missing", "extra", "moved", "count")
        if found.total[mark]
    ]
    yield (
        f"<caption>Beside the nearest normal execution {_code(found.identifier)}, {_code(found.source)} "
        f"{line_range(found.first_line, found.last_line)} ({found.executions:,} share its steps)"
        f"{': ' + ', '.join(differing) if differing else ''}</caption>"
    )
    yield "<thead><tr><th>Line</th><th>Here</th><th></th><th>Normal</th><th>Line</th></tr></thead>"
    yield "<tbody>"
    for row in found.rows:
        yield _row(row)
    if not found.rows or found.left_out:
        rest = (
            f"… and {found.left_out:,} more rows"
            if found.rows
            else "Too long to be aligned here; the screen shows both."
        )
        yield f'<tr><td colspan="5">{rest}</td></tr>'
    yield "</tbody>"
    yield "</table>"


def _row(row: AlignedRow) -> str:
    sign, word = WORDS[row.mark]
    return (
        f'<tr class="{row.mark} depth{row.depth}"><td class="number">{_line(row, row.here)}</td><td class="step">{_step(row, row.here)}</td>'
        f'<td class="mark">{sign} {word}</td><td class="step">{_step(row, row.normal)}</td><td class="number">{_line(row, row.normal)}</td></tr>'
    )


def _line(row: AlignedRow, side: Side | None) -> str:
    return str(side.first_line) if side is not None and not row.heading else ""


def _step(row: AlignedRow, side: Side | None) -> str:
    if side is None:
        return ""
    if row.level == "status":
        return _code(side.name) + (f" ×{side.records}" if side.records > 1 else "")
    return f"{_text(side.name)} <small>({counted(side.records, 'record')})</small>"


def _all_executions(store: Store) -> Iterator[str]:
    yield "<h2>All executions</h2>"
    yield '<table class="executions">'
    yield "<thead><tr><th>Execution</th><th>Start</th><th>Line</th><th>Records</th><th>Score</th><th>Failure mode</th></tr></thead>"
    yield "<tbody>"
    for batch in queries.execution_batches(store, flagged=None):
        for one in batch:
            mode = str(one.failure_mode_id) if one.flagged else "normal"
            yield (
                f"<tr><td>{_code(one.identifier)}</td><td>{at(one.start_time)}</td>"
                f'<td class="number">{one.first_line}</td><td class="number">{one.records:,}</td>'
                f'<td class="number">{one.score:.2f}</td><td>{mode}</td></tr>'
            )
    yield "</tbody>"
    yield "</table>"
