"""What the making of this investigation took, what it saved, and how the log was grouped."""

import resource
import sys
from textwrap import wrap
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType

from krone_tui.store import facts
from krone_tui.store import screen as queries
from krone_tui.tui import keys
from krone_tui.tui.screens.base import KroneScreen
from krone_tui.tui.text import duration, safe
from krone_tui.tui.widgets.bars import KeyBar, PaneTitle
from krone_tui.tui.widgets.line_list import LineList


class WorkScreen(KroneScreen):
    """Stages with their times and counts; grouping candidates; facts; memory."""

    PLACE = "work"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings("work")]

    def compose(self) -> ComposeResult:
        """Title, lines, keys."""
        yield PaneTitle("Work")
        yield LineList()
        yield KeyBar(self.PLACE)

    def on_mount(self) -> None:
        """Fill the lines."""
        self.fill(self._fill())

    async def _fill(self) -> None:
        work = await self.desk.ask(facts.read_work)
        known = await self.desk.ask(facts.read)
        candidates = await self.desk.ask(queries.grouping_candidates)
        lines = [*_stages(work, self.size.width), Text("")]
        lines += [Text("How the log was grouped", "bold underline")]
        lines += [
            Text.assemble(
                ("▶ " if chosen else "  ", "bold"),
                (f"{safe(name):<28.28}", "bold" if chosen else ""),
                f" {score:6.3f}  {safe(reason)}",
            )
            for name, score, chosen, reason in candidates
        ]
        lines += [Text(""), Text("Facts", "bold underline")]
        lines += [
            Text(f"  {safe(name):<14} {safe(value)}")
            for name, value in known.items()
            if value and name != "notes"
        ]
        lines += [Text(f"  note           {safe(note)}") for note in self.desk.investigation.opened.notes]
        lines += [
            Text(
                f"  {'opened from':<14} {'the cache' if self.desk.investigation.opened.from_cache else 'the log'}"
            )
        ]
        # ru_maxrss is in bytes on macOS, in KiB elsewhere.
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        lines += [Text(f"  {'peak memory':<14} {peak / 1e6:,.0f} MB of this process")]
        self.query_one(LineList).show(lines)


def _stages(work: list[tuple[str, float, str, float]], width: int) -> list[Text]:
    seconds = {stage: took for stage, took, _, _ in work}
    lines = [Text(f"Stages, {duration(sum(seconds.values()))} in all", "bold underline")]
    for stage, took in seconds.items():
        counted = [
            _counted(value, counter.replace("_", " "))
            for of, _, counter, value in work
            if of == stage and counter
        ]
        first, *rest = wrap(safe(", ".join(counted)), max(30, width - 26)) or [""]
        lines.append(Text.assemble((f"  {safe(stage):<12}", "bold"), f"{duration(took):>8}  {first}"))
        lines += [Text(f"{'':24}{part}") for part in rest]
    return lines


def _counted(value: float, what: str) -> str:
    return f"{value:,.0f} {what.removesuffix('s') if value == 1 else what}"
