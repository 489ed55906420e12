"""The line that takes a verdict: on what, what it changes, and an optional comment."""

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.binding import BindingType
from textual.widgets import Input, Static

from krone_tui.store.targets import Target
from krone_tui.store.verdicts import MODE, NORMAL
from krone_tui.tui.screens.prompt import Prompt
from krone_tui.tui.text import count, safe

_TITLE = 200
"""Characters of a title in the question; it wraps."""


class VerdictPrompt(Prompt):
    """Asks for a comment; the answer is about `target`, which Tab changes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("tab", "other_target(1)", "other"),
        ("shift+tab", "other_target(-1)", "other"),
    ]

    def __init__(self, targets: Sequence[Target], meant: int, verdict: str) -> None:
        self._targets, self._at, self._verdict = targets, meant, verdict
        more = f" Tab: what else is here ({len(targets) - 1})." if len(targets) > 1 else ""
        super().__init__("", f"Enter keeps it, with a comment if you write one. Esc: leave it.{more}")
        self._question = self._words()

    @property
    def target(self) -> Target:
        """What the verdict is on."""
        return self._targets[self._at]

    def action_other_target(self, step: int) -> None:
        """Another Seq around the same place, or the whole failure mode."""
        self._at = (self._at + step) % len(self._targets)
        self.query(Static).first().update(Text(self._words(), "bold"))
        self.query_one(Input).focus()

    def _words(self) -> str:
        target = self.target
        what = (
            "failure mode"
            if target.scope == MODE
            else f"{target.level[0].upper()}-Seq of {safe(target.path, 60)}"
        )
        return f"This is {self._verdict}: {what}: {safe(target.title, _TITLE)} ({self._effect()})"

    def _effect(self) -> str:
        target = self.target
        if self._verdict == NORMAL:
            return f"clears {count(target.executions, 'execution')}"
        if target.scope == MODE:
            return f"confirms {count(target.executions, 'execution')}"
        return f"in {count(target.containing, 'execution')}, flagged from now on"
