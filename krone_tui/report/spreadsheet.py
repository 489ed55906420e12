"""Cells of CSV (RFC 4180) that a spreadsheet shows and never calculates."""

import csv
import io
import re
from collections.abc import Sequence

from krone_tui.report.safe import printable

_FORMULA = re.compile(r"(?:^|;)\s*(?=[=+\-@＝＋－＠])")
"""Where a cell begins as a formula (OWASP, CSV injection): at its start, and after the separator that spreadsheets of half
of the world split at."""


def csv_cell(value: object, most: int | None = None) -> str:
    """A value as text, in at most `most` characters before its control characters are spelled out.

    What a spreadsheet would take for a formula gets an apostrophe in front. Numbers stay numbers; None is empty.
    """
    if not isinstance(value, str):
        return "" if value is None else str(value)
    return _FORMULA.sub(lambda found: found.group() + "'", printable(value, most))


def csv_line(values: Sequence[object]) -> str:
    """One row without its line end."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow([csv_cell(value) for value in values])
    return line.getvalue()
