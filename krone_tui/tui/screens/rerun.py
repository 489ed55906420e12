"""The same log with other settings, read in the background, and what that changes; nothing does until it is taken."""

import asyncio
from collections.abc import Callable
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType

from krone_tui.errors import Cancelled, KroneError
from krone_tui.settings import Settings
from krone_tui.store import views
from krone_tui.tui import keys
from krone_tui.tui.desk import Desk
from krone_tui.tui.loader import Loader
from krone_tui.tui.messages import Loaded, LoadFailed, PartlyRead, StageReported
from krone_tui.tui.screens.base import KroneScreen
from krone_tui.tui.screens.loading import so_far
from krone_tui.tui.screens.mode_rows import short_title
from krone_tui.tui.text import safe
from krone_tui.tui.widgets.bars import KeyBar, PaneTitle
from krone_tui.tui.widgets.line_list import LineList

_MODES = 30
"""Failure modes of the new investigation that are listed."""


class RerunScreen(KroneScreen):
    """Progress, then the present investigation and the new one side by side."""

    PLACE = "rerun"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings("rerun")]

    def __init__(
        self,
        settings: Settings,
        what: str,
        loader: Loader,
        keep: Callable[[], Settings] | None = None,
        drop: Callable[[], None] | None = None,
    ) -> None:
        """`what` the new settings change, in words; `keep` is called when they are taken, and says which ones stay; `drop`
        when they are not."""
        super().__init__()
        self._keep, self._drop = keep, drop
        self._settings, self._what, self._loader = settings, what, loader
        self._new: Desk | None = None
        self._taken = False

    def compose(self) -> ComposeResult:
        """Title, lines, keys."""
        yield PaneTitle(f"Log {safe(self._what, 40)}: reading … (Esc keeps the present one)")
        yield LineList()
        yield KeyBar(self.PLACE)

    def on_mount(self) -> None:
        """Begin."""
        self._loader.start(self)

    def on_stage_reported(self, message: StageReported) -> None:
        """Show how far it is."""
        message.stop()
        progress = message.progress
        self.query_one(LineList).show([Text(f"  {progress.stage:<12}{so_far(progress, done=False)}")])

    def on_partly_read(self, message: PartlyRead) -> None:
        """The reader has the present investigation to look at."""
        message.stop()

    def on_load_failed(self, message: LoadFailed) -> None:
        """Say why; the present investigation stays."""
        message.stop()
        if not isinstance(message.error, Cancelled):
            self.query_one(PaneTitle).title = f"The log cannot be {safe(self._what, 40)}"
            self.query_one(LineList).show([Text(safe(str(message.error)), "bold")])

    def on_loaded(self, message: Loaded) -> None:
        """Compare."""
        message.stop()
        self._new = Desk(message.investigation)
        self.fill(self._compare(self._new))

    async def _compare(self, desk: Desk) -> None:
        now, then = self.krone.summary, await desk.ask(views.summary)
        modes = await desk.ask(views.failure_modes)
        self.query_one(
            PaneTitle
        ).title = f"Log {safe(self._what, 40)}: Enter takes it, Esc keeps the present one"
        assert now is not None
        self.query_one(LineList).show([*_compared(now, then), Text(""), *_listed(modes)])

    def action_take(self) -> None:
        """From here on, this one."""
        if self._new is not None and not self._taken:
            try:
                self._settings = self._keep() if self._keep is not None else self._settings
            except KroneError as error:
                self.krone.say(str(error))
                return
            self._taken = True
            self.krone.run_worker(self.krone.adopt(self._new, self._settings), group="adopt")

    def on_unmount(self) -> None:
        """Stop reading; close what was not taken."""
        self._loader.cancel()
        if self._drop is not None and not self._taken:
            self._drop()
        if self._new is not None and not self._taken:
            asyncio.get_running_loop().run_in_executor(None, self._new.close)


def _compared(now: views.Summary, then: views.Summary) -> list[Text]:
    rows = [
        ("", "now", "then"),
        ("grouped by", now.grouped_by, then.grouped_by),
        ("executions", f"{now.executions:,}", f"{then.executions:,}"),
        ("of them windows", f"{now.windows:,}", f"{then.windows:,}"),
        ("flagged", f"{now.flagged:,}{_share(now)}", f"{then.flagged:,}{_share(then)}"),
        ("failure modes", f"{now.failure_modes:,}", f"{then.failure_modes:,}"),
        ("templates", f"{now.templates:,}", f"{then.templates:,}"),
    ]
    return [
        Text.assemble(
            f"  {name:<16}",
            f"{safe(before, 24):<26}",
            (safe(after, 30), "bold" if before != after else ""),
            style="bold underline" if not name else "",
        )
        for name, before, after in rows
    ]


def _share(found: views.Summary) -> str:
    return f" ({found.flagged / found.executions:.1%})" if found.executions else ""


def _listed(modes: list[views.FailureModeRow]) -> list[Text]:
    if not modes:
        return [Text("  Nothing deviates then.")]
    return [
        Text("  Its failure modes, most suspicious first", "bold underline"),
        *(
            Text(
                f"  {mode.score:.2f} {mode.executions:>7,}  {safe(short_title(mode.title), 200)}",
                no_wrap=True,
            )
            for mode in modes[:_MODES]
        ),
    ]
