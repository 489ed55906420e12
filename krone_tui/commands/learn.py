"""`krone-tui learn LOG… --name NAME`: what good logs teach, kept for later."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from krone_tui.commands.options import Paths, investigates
from krone_tui.commands.output import ProgressBars, print_lines
from krone_tui.commands.signals import Signals

if TYPE_CHECKING:
    from krone_tui.settings import Settings


@investigates(only=("group_by", "idle_gap", "threads"))
def learn(
    paths: Paths,
    settings: "Settings",
    name: Annotated[str, typer.Option(metavar="NAME|FILE", help="The knowledge base to make, or to add to.")],
) -> None:
    """Learn what is normal from logs known to be good, for `--baseline NAME`."""
    Signals.watch()
    from krone_tui.knowledge import learn as learn_logs
    from krone_tui.report import printable
    from krone_tui.store.baseline import LONGEST
    from krone_tui.store.knowledge import KnowledgeBase

    into = KnowledgeBase.locate(name, settings)
    with ProgressBars() as progress:
        found = learn_logs(paths, into, settings, progress)
    for note in found.notes:
        sys.stderr.write(printable(note) + "\n")
    logs = "1 log" if found.logs == 1 else f"{found.logs:,} logs"
    learnt = (
        f"{'Added to' if found.added else 'Learnt'} {name}: {found.executions:,} executions ({found.sequences:,} distinct) "
        f"of {logs}, grouped by {found.grouped_by}, with {found.shapes:,} distinct messages in {found.records:,} records."
    )
    lines = [learnt]
    if found.left_out:
        lines.append(f"{found.left_out:,} executions of more than {LONGEST:,} records are left out.")
    if found.added:
        lines.append(
            f"It now knows {found.total.executions:,} executions ({found.total.sequences:,} distinct) of "
            f"{found.total.logs:,} logs."
        )
    print_lines([printable(line) for line in lines], always_utf8=False)
