"""`krone-tui scan LOG…`: the findings, printed."""

from typing import TYPE_CHECKING, Annotated

import typer

from krone_tui.commands.options import Paths, investigates
from krone_tui.commands.output import opened, print_lines
from krone_tui.errors import KroneError

if TYPE_CHECKING:
    from krone_tui.settings import Settings


@investigates()
def scan(
    paths: Paths,
    settings: "Settings",
    format_: Annotated[
        str, typer.Option("--format", metavar="text|jsonl", help="How to write the findings.")
    ] = "text",
    all_: Annotated[bool, typer.Option("--all", help="Add the executions that were not flagged.")] = False,
    with_lines: Annotated[
        bool, typer.Option("--with-lines", help="jsonl: add every line number of an execution.")
    ] = False,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit with 1 when something is flagged.")
    ] = False,
) -> None:
    """Print the findings: the flagged executions by failure mode, with the evidence."""
    from krone_tui import report

    if format_ not in set(report.Format):
        raise KroneError(f"--format is one of {', '.join(report.Format)}, not '{format_}'.")
    from krone_tui.store import views

    with opened(paths, settings) as investigation:
        flagged = views.summary(investigation.store).flagged
        chosen = report.Format(format_)
        lines = report.write(investigation.store, chosen, everything=all_, with_lines=with_lines)
        print_lines(lines, always_utf8=chosen is report.Format.JSONL)
    if exit_code and flagged:
        raise typer.Exit(1)
