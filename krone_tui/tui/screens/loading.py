"""What is shown while the log is read: each stage, how far it is, what it counts; or why it cannot be read."""

import time
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Static

from krone_tui.investigation import STAGES
from krone_tui.progress import StageProgress
from krone_tui.store.partial import SoFar
from krone_tui.tui import keys
from krone_tui.tui.screens.base import KroneScreen
from krone_tui.tui.screens.mode_rows import short_title
from krone_tui.tui.text import clock, count, safe
from krone_tui.tui.widgets.bars import KeyBar

_BAR = 24
"""Columns of a progress bar."""


class LoadingScreen(KroneScreen):
    """Progress by stage."""

    PLACE = "loading"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings("loading")]
    DEFAULT_CSS = "LoadingScreen Static { padding: 1 2; background: ansi_default; color: ansi_default; }"

    def __init__(self, paths: tuple[str, ...]) -> None:
        super().__init__()
        self._paths = paths
        self._reports: dict[str, StageProgress] = {}
        self._started = {"": time.monotonic()}
        self._failure = ""
        self._known: SoFar | None = None

    def compose(self) -> ComposeResult:
        """The stages, and the keys."""
        yield Static(self._text(), markup=False)
        yield KeyBar(self.PLACE)

    def report(self, progress: StageProgress) -> None:
        """Show how far a stage is."""
        self._started.setdefault(progress.stage, time.monotonic())
        self._reports[progress.stage] = progress
        self.query_one(Static).update(self._text())

    def tell(self, known: SoFar) -> None:
        """Show what is known of the log already."""
        self._known = known
        self.query_one(Static).update(self._text())

    def on_resize(self) -> None:
        """As much as there is room for."""
        self.query_one(Static).update(self._text())

    def fail(self, sentence: str) -> None:
        """Show why the log cannot be read."""
        self._failure = sentence
        self.query_one(Static).update(self._text())

    def _text(self) -> Text:
        text = Text(no_wrap=not self._failure, overflow="ellipsis").append("krone-tui", "bold")
        text.append(f"  reading {safe(', '.join(self._paths), 300)}\n\n", "")
        current = next(reversed(self._reports), "")
        stages = [*STAGES, *(stage for stage in self._reports if stage not in STAGES)]
        for stage in stages:
            report = self._reports.get(stage)
            sign = "  " if report is None else "▶ " if stage == current else "✓ "
            text.append(f"{sign}{stage:<12}", "bold" if stage == current else "" if report else "dim")
            if report is not None:
                text.append(so_far(report, done=stage != current))
            text.append("\n")
        if self._failure:
            text.append(f"\n{safe(self._failure)}\n", "bold")
            text.append("Press q to leave.")
        elif self._known is not None and self._known.records:
            # Title, keys and the blank lines around.
            room = max(0, self.size.height - len(stages) - 6)
            for line in _known_lines(self._known)[:room]:
                text.append("\n")
                text.append_text(line)
        return text


def _known_lines(known: SoFar) -> list[Text]:
    """What is known of the log, the most telling first."""
    times = (
        f", {clock(known.start, day=True)} to {clock(known.end, day=True)}"
        if known.start and known.end
        else ""
    )
    lines = [Text.assemble(("So far: ", "bold"), f"{count(known.records, 'record')}{times}")]
    if known.levels:
        lines.append(
            Text("Levels: ", "bold").append_text(
                Text(", ".join(f"{safe(level, 20)} {number:,}" for level, number in known.levels))
            )
        )
    for path, formats, number in known.sources[:3]:
        lines.append(Text(f"Read: {safe(path, 200)} ({safe(formats, 60)}), {count(number, 'line')}"))
    if known.grouped_by:
        lines.append(
            Text.assemble(
                ("Grouped by: ", "bold"),
                f"{safe(known.grouped_by, 40)}, {count(known.executions, 'execution')}",
            )
        )
    for title, rows, most in (
        ("Reads as failure", known.failing, 6),
        (f"Most frequent of {count(known.templates, 'template')}", known.frequent, 12),
    ):
        if rows:
            lines.append(Text(title, "bold underline"))
            lines += [Text(f"{number:>9,}  {safe(short_title(text), 300)}") for number, text in rows[:most]]
    return lines


def so_far(report: StageProgress, *, done: bool) -> str:
    """How far a stage is, with a bar while it is under way."""
    if report.unit == "bytes":
        amount = f"{report.done / 1e6:,.1f} MB" + (
            f" of {report.total / 1e6:,.1f} MB" if report.total else ""
        )
    else:
        amount = (
            f"{report.done:,} {report.unit}"
            if not report.total
            else f"{report.done:,} of {report.total:,} {report.unit}"
        )
    if done or not report.total:
        return amount
    filled = min(_BAR, int(report.done / report.total * _BAR))
    return f"[{'█' * filled}{'·' * (_BAR - filled)}] {amount}"
