"""The lines that frame a screen: the keys at the bottom, the titles of panes."""

from rich.text import Text
from textual.reactive import reactive
from textual.widget import Widget

from krone_tui.tui import keys


class KeyBar(Widget):
    """What can be done here, as much of it as fits on one line."""

    DEFAULT_CSS = "KeyBar { height: 1; dock: bottom; text-wrap: nowrap; background: ansi_default; color: ansi_default; }"

    idle: reactive[frozenset[str]] = reactive(frozenset[str]())
    """Actions that would do nothing now: their keys are left out."""

    def __init__(self, place: str) -> None:
        super().__init__()
        self._place = place

    def render(self) -> Text:
        """Keys in bold, what they do behind them."""
        line = Text(no_wrap=True, end="")
        shown = [key for key in keys.bar(self._place) if key.action not in self.idle]
        # Back, help and quit always have their place at the end.
        tail = [key for key in shown if key.action in ("app.help", "app.leave", "app.go_back", "app.stop")]
        # The blanks behind the last one need no room.
        room = self.size.width + 2 - sum(len(key.shown) + len(key.label) + 3 for key in tail)
        for key in [key for key in shown if key not in tail]:
            width = len(key.shown) + len(key.label) + 3
            if width > room:
                break
            room -= width
            _append(line, key)
        for key in tail:
            _append(line, key)
        return line


def _append(line: Text, key: keys.Key) -> None:
    line.append(key.shown, "bold")
    line.append(f" {key.label}  ")


class PaneTitle(Widget):
    """A ruled line with the pane's title; bold, with a sign in front, while the pane has the focus."""

    DEFAULT_CSS = "PaneTitle { height: 1; text-wrap: nowrap; text-overflow: ellipsis; background: ansi_default; color: ansi_default; }"

    title: reactive[str] = reactive("")
    active: reactive[bool] = reactive(False)

    def __init__(self, title: str = "", *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.set_reactive(PaneTitle.title, title)

    def render(self) -> Text:
        """`── title ─────`"""
        line = Text(no_wrap=True, end="", overflow="ellipsis")
        line.append("─▶ " if self.active else "── ", "bold" if self.active else "dim")
        line.append(self.title, "bold" if self.active else "")
        line.append(" " + "─" * max(0, self.size.width - line.cell_len - 1), "dim")
        return line
