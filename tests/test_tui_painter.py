"""What is sent to the terminal makes it show what is wanted, whatever it showed before, in few bytes."""

import random

import pyte
import pytest
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip

from krone_tui.tui.painter import Painter

WIDTH, HEIGHT = 40, 12
PLAIN, BOLD, REVERSE = Style.null(), Style(bold=True), Style(reverse=True, color="default", bgcolor="default")
CONSOLE = Console(force_terminal=True, color_system="256", width=WIDTH)


class Terminal:
    """A painter and a terminal that obeys it."""

    def __init__(self) -> None:
        self.painter = Painter()
        self.screen = pyte.Screen(WIDTH, HEIGHT)
        self.stream = pyte.Stream(self.screen)

    def show(self, lines: list[list[Segment]]) -> str:
        """Show these lines; what was sent."""
        strips = [[Strip(line).adjust_cell_length(WIDTH)] for line in lines]
        assert self.painter.take(LayoutUpdate(strips, Region(0, 0, WIDTH, HEIGHT)), CONSOLE)  # type: ignore[arg-type]
        sent = self.painter.difference()
        self.stream.feed(sent)
        return sent

    def cells(self) -> list[list[tuple[str, bool, bool]]]:
        return [
            [
                (cell.data, cell.bold, cell.reverse)
                for cell in (self.screen.buffer[y][x] for x in range(WIDTH))
            ]
            for y in range(HEIGHT)
        ]


def _picture(chance: random.Random, letters: str) -> list[list[Segment]]:
    return [
        [
            Segment(
                "".join(chance.choices(letters, k=chance.randrange(12))),
                chance.choice([PLAIN, BOLD, REVERSE]),
            )
            for _ in range(chance.randrange(4))
        ]
        for _ in range(HEIGHT)
    ]


@pytest.mark.parametrize("letters", ["ab ", "a ─▌é", "a 漢b "], ids=["ascii", "one column", "wide"])
def test_any_picture_after_any_other_is_shown_as_if_the_terminal_had_been_empty(letters: str) -> None:
    chance = random.Random(7)
    worn, previous = Terminal(), _picture(chance, letters)
    for _ in range(150):
        lines = _picture(chance, letters)
        if chance.random() < 0.5:
            # The same lines further up or down, as in a list that is scrolled.
            shift = chance.randrange(-4, 5)
            lines = [
                previous[(at + shift) % HEIGHT] if chance.random() < 0.9 else line
                for at, line in enumerate(lines)
            ]
        worn.show(lines)
        new = Terminal()
        new.show(lines)
        assert worn.cells() == new.cells()
        previous = lines


def test_a_cursor_that_moves_sends_two_lines_not_the_screen() -> None:
    terminal = Terminal()
    names = [f"line {at} of the list" for at in range(HEIGHT)]
    terminal.show([[Segment(name, REVERSE if at == 3 else PLAIN)] for at, name in enumerate(names)])
    sent = terminal.show([[Segment(name, REVERSE if at == 4 else PLAIN)] for at, name in enumerate(names)])
    assert len(sent) < 2 * WIDTH


def test_a_list_that_scrolls_sends_the_line_that_came_into_sight() -> None:
    terminal = Terminal()
    names = [f"{at * 7919 % 1000:03d} something that happened {at}" for at in range(HEIGHT + 1)]
    terminal.show([[Segment(name)] for name in names[:-1]])
    sent = terminal.show([[Segment(name)] for name in names[1:]])
    assert len(sent) < 1.5 * WIDTH
    assert terminal.screen.display[-1].strip() == names[-1]


def test_the_same_picture_sends_nothing_and_a_forgotten_one_everything() -> None:
    terminal = Terminal()
    lines = [[Segment(f"line {at}")] for at in range(HEIGHT)]
    terminal.show(lines)
    assert terminal.show(lines) == ""
    terminal.screen.reset()
    terminal.painter.forget()
    terminal.show(lines)
    assert [line.strip() for line in terminal.screen.display] == [f"line {at}" for at in range(HEIGHT)]


def test_a_part_that_changed_leaves_the_rest_of_its_line() -> None:
    terminal = Terminal()
    terminal.show([[Segment("left side   right side")]] * HEIGHT)
    chops = [{0: None, 12: Strip([Segment("other")])} for _ in range(HEIGHT)]
    update = ChopsUpdate(chops, [(2, 12, 17)], [[12, 17]] * HEIGHT)  # type: ignore[arg-type]
    assert terminal.painter.take(update, CONSOLE)
    terminal.stream.feed(terminal.painter.difference())
    assert terminal.screen.display[2].strip() == "left side   other side"
    assert terminal.screen.display[3].strip() == "left side   right side"
