"""What every screen shares: the way to the queries, and layouts for narrow and wide terminals."""

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, cast

from textual.screen import Screen

from krone_tui.tui.desk import Desk

if TYPE_CHECKING:
    from krone_tui.tui.app import KroneApp

WIDE = 120
"""Columns from which panes stand side by side."""


class KroneScreen(Screen[Any]):
    """A screen over the open investigation."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]  # noqa: RUF012
    DEFAULT_CSS = "KroneScreen { background: ansi_default; color: ansi_default; overflow: hidden; }"
    AUTO_FOCUS = "*"
    PLACE = ""
    """Its name in the key table."""

    def fill(
        self, work: Coroutine[Any, Any, object], *, group: str = "fill", exclusive: bool = False
    ) -> None:
        """Run what asks for data and shows it; `exclusive`: in place of what still runs in the same group."""
        self.run_worker(self._while_open(work), group=group, exclusive=exclusive)

    async def _while_open(self, work: Coroutine[Any, Any, object]) -> None:
        try:
            await work
        except Exception:
            # The reader may have left while the answer was on its way: there is nothing left to show it on.
            if self.app.is_running and self in self.app.screen_stack:
                raise

    @property
    def krone(self) -> "KroneApp":
        """The application, with its own methods."""
        return cast("KroneApp", self.app)

    @property
    def desk(self) -> Desk:
        """Where questions are asked."""
        desk = self.krone.desk
        assert desk is not None, "this screen opens after loading"
        return desk
