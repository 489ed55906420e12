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

_SIGNS = {
    "!!": "A step, or a span with a step, that deviates from the baseline.",
    "??": "A step that is missing here; in the raw log, a record without what comes with it elsewhere.",
    "▌": "In the raw log: a record of this execution.",
}


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
            lines += _entry(key.shown, key.help, width)
    lines += [Text(""), Text("Signs", "bold underline")]
    for sign, meaning in _SIGNS.items():
        lines += _entry(sign, meaning, width)
    return lines


def _entry(sign: str, meaning: str, width: int) -> list[Text]:
    first, *rest = wrap(meaning, max(30, width - 16))
    return [
        Text.assemble((f"  {sign:<12}", "bold"), first, no_wrap=True),
        *[Text(f"{'':14}{part}") for part in rest],
    ]
