"""How a long step reports on itself, and how it is asked to stop."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class StageProgress:
    """One report of one stage."""

    stage: str
    """The stage's name as the screen shows it: `ingest`, `templates`, `hierarchy`, …"""
    done: int
    """How much is done, in `unit`."""
    total: int | None
    """How much there is, in `unit`; None when that is not known (a pipe, say)."""
    unit: str
    """What is counted: `bytes`, `records`, `templates`, `executions`, …"""


Progress = Callable[[StageProgress], None]
"""Called from the thread that runs the stage, often; it may raise `Cancelled` to stop the stage."""


def silent(_: StageProgress) -> None:
    """The progress callback of a caller who does not listen."""
