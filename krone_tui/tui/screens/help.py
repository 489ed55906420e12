"""All keys, from the key table."""

from textwrap import wrap
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType

from krone_tui.tui import keys
from krone_tui.tui.screens.base import KroneScreen
from krone_tui.tui.widgets.bars import KeyBar, PaneTitle
from krone_tui.tui.widgets.line_list import LineList


class HelpScreen(KroneScreen):
    """The keys of the screen it was called from first, then those of the others."""

    PLACE = "help"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings("help")]

    def __init__(self, called_from: str) -> None:
        super().__init__()
        self._called_from = called_from

    def compose(self) -> ComposeResult:
        """One list."""
        yield PaneTitle("Keys")
        yield LineList()
        yield KeyBar(self.PLACE)

    def on_resize(self) -> None:
        """Fill the list, wrapped to the width."""
        lines = self.query_one(LineList)
        lines.show(help_lines(self._called_from, self.size.width), cursor=lines.cursor)


def help_lines(called_from: str, width: int) -> list[Text]:
    """Every key once, under the screen it belongs to; sentences wrapped to so many columns."""
    lines: list[Text] = []
    others = [place for place in keys.SCREENS if place not in (called_from, "loading", "help")]
    sections = [
        (called_from, keys.SCREENS.get(called_from, "")),
        ("", "Everywhere"),
        ("list", "In every list and tree"),
    ]
    sections += [(place, keys.SCREENS[place]) for place in others]
    for place, title in sections:
        entries = [key for key in keys.KEYS if (place in key.places if place else not key.places)]
        if not entries or not title:
            continue
        lines += [*([Text("")] if lines else []), Text(title, "bold underline")]
        for key in entries:
            first, *rest = wrap(key.help, max(30, width - 16))
            lines.append(Text.assemble((f"  {key.shown:<12}", "bold"), first, no_wrap=True))
            lines += [Text(f"{'':14}{part}") for part in rest]
    lines += [
        Text(""),
        Text("Signs", "bold underline"),
        Text("  !!           A step, or a span with a step, that deviates from the baseline."),
        Text("  ??           A step that is missing here."),
        Text("  ▌            In the raw log: a record of this execution."),
    ]
    return lines
