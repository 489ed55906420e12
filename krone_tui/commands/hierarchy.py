"""`krone-tui hierarchy LOG…`: the Log Abstraction Model as a file to read, edit and give back."""

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from krone_tui.commands.options import Paths, investigates
from krone_tui.commands.output import OutputFile, opened, print_lines

if TYPE_CHECKING:
    from krone_tui.settings import Settings


@investigates()
def hierarchy(
    paths: Paths,
    settings: "Settings",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write it there, not to standard output."),
    ] = None,
) -> None:
    """Write the hierarchy (template, entity, action, status) as CSV; edited, --hierarchy reads it back."""
    # That it cannot be written is said before the log is read.
    with OutputFile(output) if output and str(output) != "-" else contextlib.nullcontext() as file:
        from krone_tui.abstraction import hierarchy_lines

        with opened(paths, settings) as investigation:
            lines = hierarchy_lines(investigation.store)
            if file is None:
                print_lines(lines, always_utf8=True)
            else:
                file.write_lines(lines)
