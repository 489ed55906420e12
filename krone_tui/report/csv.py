"""One execution a row, as CSV (RFC 4180), for a spreadsheet that must not calculate what a log says."""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from typing import Any

from krone_tui.explanation import cite
from krone_tui.report.rows import rows
from krone_tui.report.safe import printable
from krone_tui.store import Store

COLUMNS = (
    "execution",
    "grouped_by",
    "source",
    "start",
    "end",
    "lines",
    "first_line",
    "last_line",
    "flagged",
    "score",
    "level",
    "failure_mode",
    "kind",
    "parent_path",
    "seq",
    "spans",
    "detector",
    "evidence",
    "verdict",
    "verdict_by",
)
CELL_CHARACTERS = 8_000
"""Of a text: spreadsheets refuse cells of more than 32,767, and a control character takes up to ten."""

_FORMULA = re.compile(r"(?:^|;)\s*(?=[=+\-@＝＋－＠])")
"""Where a cell begins as a formula (OWASP, CSV injection): at its start, and after the separator that spreadsheets of half
of the world split at."""


def lines(store: Store, *, everything: bool, with_lines: bool) -> Iterator[str]:
    """The header, then the flagged executions, or all, in the order of their first records."""
    yield csv_line((*COLUMNS, "line_numbers") if with_lines else COLUMNS)
    for row in rows(store, everything=everything, with_lines=with_lines):
        yield csv_line(_values(row))


def csv_line(values: Iterable[Any]) -> str:
    """One row without its line end: numbers as they are, None as nothing, text harmless and no formula."""
    written = io.StringIO()
    csv.writer(written, lineterminator="").writerow([_cell(value) for value in values])
    return written.getvalue()


def _values(row: dict[str, Any]) -> Iterator[Any]:
    finding = row["finding"] or {}
    values = row | {
        "flagged": "yes" if row["flagged"] else "no",
        "kind": finding.get("kind"),
        "parent_path": finding.get("parent_path"),
        "seq": " → ".join(finding.get("seq", ())),
        "spans": " ".join(f"{first}..{last}" for first, last in finding.get("spans", ())),
        "detector": finding.get("detector"),
        "evidence": " ".join(
            f"{sentence['text']}{cite(sentence['lines'])}." for sentence in finding.get("evidence", ())
        ),
    }
    for column in COLUMNS:
        value = values[column]
        yield value[:CELL_CHARACTERS] if isinstance(value, str) else value
    if "line_numbers" in row:
        yield " ".join(map(str, row["line_numbers"]))


def _cell(value: Any) -> str | int | float:
    """What a spreadsheet would take for a formula gets an apostrophe in front."""
    if value is None:
        return ""
    if isinstance(value, int | float):
        return value
    return _FORMULA.sub(lambda found: found.group() + "'", printable(str(value)))
