"""`krone-tui scan LOG…`: the findings, printed or written to a file."""

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from krone_tui.commands.options import Paths, investigates
from krone_tui.commands.output import OutputFile, opened, print_lines
from krone_tui.errors import KroneError

if TYPE_CHECKING:
    from krone_tui.report import Format
    from krone_tui.settings import Settings

_SUFFIXES = {
    "json": "json", "jsonl": "jsonl", "ndjson": "jsonl", "csv": "csv", "md": "md", "markdown": "md", "html": "html",
    "htm": "html",
}  # fmt: skip
"""What the end of a file's name says of its format."""


@investigates()
def scan(
    paths: Paths,
    settings: "Settings",
    format_: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="text|json|jsonl|csv|md|html",
            help="How to write the findings; otherwise by the name of FILE, or text.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write to a file instead of standard output."),
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Add the executions that were not flagged.")] = False,
    with_lines: Annotated[
        bool, typer.Option("--with-lines", help="json, jsonl, csv: add every line number of an execution.")
    ] = False,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit with 1 when something is flagged.")
    ] = False,
) -> None:
    """Print the findings: the flagged executions by failure mode, with the evidence; last what reads as failure, but is not flagged.

    text is for reading, json for one document with everything, jsonl and csv for a row an execution and no more, md for a ticket
    or an incident channel, html for one file that a browser opens, with nothing to load.
    """
    from krone_tui import report

    chosen = chosen_format(format_, output)
    if output == Path("-"):
        output = None
    if chosen is report.Format.HTML and output is None and sys.stdout.isatty():
        raise KroneError("HTML is for a browser, not for a terminal; name a file, as in `-o report.html`.")
    if with_lines and not chosen.has_rows:
        raise KroneError(f"--with-lines is for the formats json, jsonl and csv, not for {chosen}.")
    if output is not None:
        _refuse_input(output, paths)
    from krone_tui.store import views

    # What cannot be written is said before the log is read.
    with (
        OutputFile(output) if output else contextlib.nullcontext() as file,
        opened(paths, settings) as investigation,
    ):
        flagged = views.summary(investigation.store).flagged
        lines = report.write(investigation.store, chosen, everything=all_, with_lines=with_lines)
        if file is not None:
            file.write_lines(lines)
        else:
            print_lines(lines, always_utf8=chosen is not report.Format.TEXT)
    if exit_code and flagged:
        raise typer.Exit(1)


def chosen_format(given: str | None, output: Path | None) -> "Format":
    """The format that is asked for, by its name or by the file's."""
    from krone_tui.report import Format

    if given is None:
        suffix = output.suffix.removeprefix(".").lower() if output else ""
        return Format(_SUFFIXES.get(suffix, "text"))
    if given not in set(Format):
        raise KroneError(f"--format is one of {', '.join(Format)}, not '{given}'.")
    return Format(given)


def _refuse_input(output: Path, paths: list[str]) -> None:
    """The log itself is never written over."""
    from krone_tui.ingest import resolve_sources

    for source in resolve_sources(paths):
        if output.exists() and Path(source.path).exists() and output.samefile(source.path):
            raise KroneError(f"{output} is one of the logs; name another file with -o.")
