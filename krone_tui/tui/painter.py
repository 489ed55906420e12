"""What the terminal shows, cell by cell, and the fewest bytes that make it show something else.

Textual sends whole lines of whatever was touched, and as many repaints as there were. Over a slow link both are felt: here only
cells that differ are sent, lines that moved are moved by the terminal, and a repaint waits until the one before it has left.
"""

from collections.abc import Iterable, Sequence

from rich.cells import cell_len
from rich.console import Console
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.strip import Strip

Cell = tuple[str, str]
"""(what it shows; '' in the second half of a wide character, style as SGR codes without the default colours)."""
Line = list[Cell]

LINK = 50_000
"""Bytes a second that a slow link carries: the next repaint waits until so slow a one could have sent the last."""
_BLANK: Cell = (" ", "")
_UNKNOWN: Cell = ("\0", "")
"""What nobody knows to be there: differs from everything."""
_NOWHERE = (-9, -9)
_GAP = 5
"""Unchanged cells between two changed ones that are cheaper to send again than to jump over."""
_FARTHEST = 12
"""Lines by which a list is looked for to have moved."""
_LEAST_MOVED = 3
"""Lines that must have moved to be worth asking the terminal to move them."""


class Painter:
    """The picture that is wanted and the one that was sent, as grids of cells."""

    def __init__(self) -> None:
        self._wanted: list[Line] = []
        self._shown: list[Line] = []
        self._touched: set[int] = set()
        self._codes: dict[str, str] = {}

    def forget(self) -> None:
        """Whatever the terminal shows, it is no longer what was sent: the next repaint sends everything."""
        self._shown = [[_UNKNOWN] * len(line) for line in self._wanted]
        self._touched = set(range(len(self._wanted)))

    def take(self, update: CompositorUpdate, console: Console) -> bool:
        """Take what Textual would send now; False for an update of a kind that cannot be taken apart."""
        if isinstance(update, LayoutUpdate):
            width, height = update.region.size
            if (height, width) != (len(self._wanted), len(self._wanted[0]) if self._wanted else 0):
                self._wanted = [[_BLANK] * width for _ in range(height)]
                self.forget()
            for y, strips in enumerate(update.strips, update.region.y):
                self._place(y, update.region.x, width, self._cells(strips, console))
            return True
        if isinstance(update, ChopsUpdate):
            for y, x1, x2 in update.spans:
                if y >= len(self._wanted):
                    continue
                for end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
                    if strip is not None and x < x2 and end > x1:
                        cells = self._cells([strip], console)
                        first, last = max(x, x1), min(end, x2)
                        self._place(y, first, last - first, cells[first - x :])
            return True
        return False

    def _place(self, y: int, x: int, width: int, cells: Line) -> None:
        if y >= len(self._wanted):
            return
        line = self._wanted[y]
        width = min(width, len(cells), len(line) - x)
        line[x : x + width] = cells[:width]
        self._touched.add(y)

    def _cells(self, strips: Iterable[Strip | None], console: Console) -> Line:
        cells: Line = []
        for strip in strips:
            if strip is None:
                continue
            for text, style, control in strip:
                if control:
                    continue
                code = (
                    self._sgr(style._make_ansi_codes(console._color_system))
                    if style and console._color_system
                    else ""
                )
                if text.isascii():
                    cells.extend([(character, code) for character in text])
                else:
                    cells.extend(_wide_cells(text, code))
        return cells

    def _sgr(self, codes: str) -> str:
        """The codes without the default colours, which every change of style begins with."""
        known = self._codes.get(codes)
        if known is None:
            kept, parts = [], codes.split(";")
            while parts:
                part = parts.pop(0)
                if part in ("38", "48"):
                    number = 4 if parts[:1] == ["2"] else 2
                    kept += [part, *parts[:number]]
                    del parts[:number]
                elif part not in ("39", "49", ""):
                    kept.append(part)
            known = self._codes[codes] = ";".join(kept)
        return known

    def difference(self) -> str:
        """What to send so that the terminal shows what is wanted; '' when it does."""
        touched = sorted(y for y in self._touched if self._wanted[y] != self._shown[y])
        self._touched.clear()
        if not touched:
            return ""
        out: list[str] = []
        moved = self._move(touched)
        if moved:
            out.append(moved)
            touched = [y for y in range(len(self._wanted)) if self._wanted[y] != self._shown[y]]
        pen = _Pen(out)
        for y in touched:
            _send_line(pen, y, self._shown[y], self._wanted[y])
            self._shown[y] = self._wanted[y].copy()
        pen.style("")
        return "".join(out)

    def _move(self, touched: Sequence[int]) -> str:
        """Have the terminal move lines that are elsewhere already, where a list was scrolled; '' where none was."""
        if len(touched) < _LEAST_MOVED:
            return ""
        best: tuple[int, int, int] = (_LEAST_MOVED - 1, 0, 0)
        last = touched[-1]
        for by in (step * sign for step in range(1, _FARTHEST + 1) for sign in (1, -1)):
            run = 0
            for y in range(touched[0], last + 2):
                if y <= last and self._came(y, by):
                    run += 1
                    continue
                best = max(best, (run, by, y - run), key=lambda one: one[0])
                run = 0
        run, by, first = best
        if not by:
            return ""
        last = first + run - 1
        top, bottom = min(first, first + by), max(last, last + by)
        block = self._shown[top : bottom + 1]
        blank = [[_BLANK] * len(block[0]) for _ in range(abs(by))]
        self._shown[top : bottom + 1] = [*block[by:], *blank] if by > 0 else [*blank, *block[:by]]
        # Insert and delete line within margins: what even the Linux console knows.
        return f"\x1b[{top + 1};{bottom + 1}r\x1b[{top + 1}H\x1b[{abs(by)}{'M' if by > 0 else 'L'}\x1b[r"

    def _came(self, y: int, by: int) -> bool:
        """Whether a line is wanted that now stands `by` lines further down."""
        wanted = self._wanted[y]
        return (
            0 <= y + by < len(self._shown)
            and _alike(wanted, self._shown[y + by])
            and not _alike(wanted, self._shown[y])
        )


class _Pen:
    """Where the terminal's cursor is and how it writes."""

    def __init__(self, out: list[str]) -> None:
        self._write = out.append
        self._style = ""
        self._at = _NOWHERE

    def style(self, style: str) -> None:
        if style != self._style:
            self._write(
                "\x1b[m" if not style else f"\x1b[{style}m" if not self._style else f"\x1b[0;{style}m"
            )
            self._style = style

    def go(self, x: int, y: int) -> None:
        at_x, at_y = self._at
        if (x, y) == self._at:
            return
        if y == at_y and x > at_x:
            self._write(f"\x1b[{x - at_x}C" if x - at_x > 1 else "\x1b[C")
        elif x == 0 and y == at_y + 1:
            self._write("\r\n")
        else:
            self._write(f"\x1b[{y + 1};{x + 1}H" if x else f"\x1b[{y + 1}H")
        self._at = (x, y)

    def write(self, cells: Line) -> None:
        for text, style in cells:
            self.style(style)
            self._write(text)
        self._at = (self._at[0] + len(cells), self._at[1])

    def clear_rest(self) -> None:
        self.style("")
        self._write("\x1b[K")

    def lose(self) -> None:
        """Where the cursor is nobody knows: after the last column, or a character whose width terminals disagree on."""
        self._at = _NOWHERE


def _send_line(pen: _Pen, y: int, shown: Line, wanted: Line) -> None:
    """Send the cells of a line that differ; a blank end as one command."""
    width = len(wanted)
    end = next((x for x in range(width, 0, -1) if wanted[x - 1] != _BLANK), 0)
    # Terminals disagree on how wide an odd character is: with one in a line, all from there on is sent again.
    odd = next((x for x in range(end) if _odd(wanted[x]) or _odd(shown[x])), end)
    while 0 < odd < end and "" in (wanted[odd][0], shown[odd][0]):
        odd -= 1
    changed = [x for x in range(odd) if wanted[x] != shown[x]]
    if odd < end:
        changed += range(odd, end)
    index = 0
    while index < len(changed):
        first = last = changed[index]
        while index + 1 < len(changed) and changed[index + 1] - last <= _GAP:
            index += 1
            last = changed[index]
        index += 1
        pen.go(first, y)
        pen.write(wanted[first : last + 1])
        if last >= odd or last + 1 == width:
            pen.lose()
    if any(cell != _BLANK for cell in shown[end:]):
        pen.go(end, y)
        pen.clear_rest()


def _odd(cell: Cell) -> bool:
    """Whether a character is not simply one column wide."""
    return len(cell[0]) != 1


def _alike(one: Line, other: Line) -> bool:
    """Whether lines are the same but for the scroll bar in the last column."""
    return one[:-1] == other[:-1]


def _wide_cells(text: str, code: str) -> Line:
    cells: Line = []
    for character in text:
        width = 1 if character.isascii() else cell_len(character)
        if width == 0 and cells:
            at = next((index for index in range(len(cells) - 1, -1, -1) if cells[index][0]), 0)
            cells[at] = (cells[at][0] + character, code)
        elif width == 1:
            cells.append((character, code))
        elif width == 2:
            cells += [(character, code), ("", code)]
    if len(cells) != cell_len(text):
        # A cluster that is narrower than its parts.
        return [(text, code), *[("", code)] * (cell_len(text) - 1)]
    return cells
