"""`krone-tui LOG…`: the screen."""

from typing import TYPE_CHECKING, Annotated

import typer

from krone_tui.commands.options import Paths, investigates

if TYPE_CHECKING:
    from krone_tui.settings import Settings


@investigates()
def open_(
    paths: Paths,
    settings: "Settings",
    ascii_: Annotated[bool, typer.Option("--ascii", help="Draw with plain ASCII characters.")] = False,
) -> None:
    """Open the screen on logs. This is what `krone-tui LOG…` does."""
    from krone_tui.ingest import resolve_sources

    # What cannot be read is said before the screen opens.
    resolve_sources(paths)
    from krone_tui.tui import run

    raise typer.Exit(run(paths, settings, ascii=ascii_))
