"""One execution a row, as CSV (RFC 4180), for a spreadsheet that must not calculate what a log says."""

from collections.abc import Iterator
from typing import Any

from krone_tui.explanation import cite
from krone_tui.report.rows import rows
from krone_tui.report.spreadsheet import csv_line
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


def lines(store: Store, *, everything: bool, with_lines: bool) -> Iterator[str]:
    """The header, then the flagged executions, or all, in the order of their first records."""
    yield csv_line((*COLUMNS, "line_numbers") if with_lines else COLUMNS)
    for row in rows(store, everything=everything, with_lines=with_lines):
        yield csv_line(list(_values(row)))


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
