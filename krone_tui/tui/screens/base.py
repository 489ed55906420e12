"""What every screen shares: the way to the queries, and layouts for narrow and wide terminals."""

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
