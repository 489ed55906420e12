"""`--ascii`: everything that leaves for the terminal is plain ASCII, one column for one column."""

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

_PLAIN = str.maketrans(
    {plain: sign for sign, many in {
        "|": "│┃║▌▐▎▏▊▋", "-": "─━═–—▔", "`": "└", "+": "├┌┐┘┤┬┴┼", ">": "▶›→", "<": "←", "^": "↑", "v": "▼↓✓", "/": "⏎",
        ".": "…·▁▂", ":": "▃▄", "=": "▅▆", "#": "▇█", "x": "×", "!": "≠", '"': "“”", "'": "‘’", "*": "•▪◆",
    }.items() for plain in many}
)  # fmt: skip
"""Drawing characters and typographic signs by the ASCII character that stands for them."""


class AsciiFilter(LineFilter):
    """Replaces what is not ASCII by the nearest sign, or by `?` for every column that it takes."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The same segments in ASCII."""
        return [
            segment
            if segment.text.isascii()
            else Segment(_plain(segment.text), segment.style, segment.control)
            for segment in segments
        ]


def _plain(text: str) -> str:
    return "".join(
        character if character.isascii() else "?" * cell_len(character)
        for character in text.translate(_PLAIN)
    )
