"""`krone-tui merge A B… -o C`: several knowledge bases in one."""

from typing import Annotated

import typer

from krone_tui.commands.output import print_lines
from krone_tui.commands.signals import Signals
from krone_tui.errors import KroneError


def merge(
    parts: Annotated[
        list[str],
        typer.Argument(metavar="NAME|FILE…", help="The knowledge bases to put together.", show_default=False),
    ],
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="NAME|FILE", help="The knowledge base to write.")
    ],
    force: Annotated[
        bool, typer.Option("--force", help="Replace the output where it is a knowledge base.")
    ] = False,
) -> None:
    """Put knowledge bases together, in any order: what they learnt, and every verdict."""
    Signals.watch()
    from krone_tui.knowledge import merge as merge_files
    from krone_tui.report import printable
    from krone_tui.settings import load_settings
    from krone_tui.store.knowledge import KnowledgeBase

    if len(parts) < 2:
        raise KroneError("Name at least two knowledge bases to merge.")
    settings = load_settings()
    total = merge_files(
        [KnowledgeBase.locate(part, settings) for part in parts],
        KnowledgeBase.locate(output, settings),
        force=force,
    )
    print_lines(
        [
            printable(
                f"{output} knows {total.executions:,} executions ({total.sequences:,} distinct) of {total.logs:,} "
                f"{'log' if total.logs == 1 else 'logs'}, with {total.shapes:,} distinct messages."
            )
        ],
        always_utf8=False,
    )
