"""Tables on standard output: drawn for a terminal, plain and stable for a pipe."""

import sys
from collections.abc import Iterator, Sequence

from krone_tui.commands.output import print_lines

_DRAWN = 1_000
"""Rows up to which a terminal gets a drawn table; more take too long to lay out."""


def print_table(labels: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str] = ()) -> None:
    """Print rows of text below their labels; the columns named in `right` are aligned to the right.

    Cells that come from a log are made harmless here.
    """
    if sys.stdout.isatty() and len(rows) <= _DRAWN:
        print_lines(_drawn(labels, rows, right), always_utf8=False)
    else:
        print_lines(plain_table(labels, rows, right), always_utf8=False)


def plain_table(
    labels: Sequence[str],
    rows: Sequence[Sequence[str]],
    right: Sequence[str] = (),
    widths: Sequence[int] | None = None,
) -> Iterator[str]:
    """Lines with columns two spaces apart, without colour, frame or line breaks, whatever the terminal's width.

    widths: of the columns, at least; what is wider pushes the rest of its line to the right.
    """
    cells = [[harmless(cell) for cell in row] for row in (labels, *rows)]
    least = widths or [0] * len(labels)
    columns = [
        max(wide, *map(len, column)) for wide, column in zip(least, zip(*cells, strict=True), strict=True)
    ]
    to_right = {index for index, label in enumerate(labels) if label in right}
    for row in cells:
        yield "  ".join(
            cell.rjust(width) if index in to_right else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, columns, strict=True))
        ).rstrip()


def harmless(cell: str) -> str:
    """Text on one line, its control characters shown as text."""
    if cell.isprintable():
        # Nearly always; a report's modules are loaded when there is something to spell out.
        return cell
    from krone_tui.report import printable

    return printable(cell)


def _drawn(labels: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str]) -> Iterator[str]:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    for label in labels:
        number = label in right
        table.add_column(Text(label), justify="right" if number else "left", no_wrap=number, overflow="fold")
    for row in rows:
        # Text, not markup: a log may hold what reads as markup.
        table.add_row(*(Text(harmless(cell)) for cell in row))
    console = Console(file=sys.stdout)
    with console.capture() as captured:
        console.print(table)
    yield from captured.get().splitlines()


def size(number: int) -> str:
    """Bytes as a person reads them: `812 B`, `4.2 MB`."""
    amount = float(number)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


def age(seconds: float) -> str:
    """How long ago, in its largest unit: `just now`, `5 min`, `3 h`, `12 d`."""
    if seconds < 60:
        return "just now"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds < 48 * 3600 else f"{seconds / 86400:.0f} d"
