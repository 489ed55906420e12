"""docs/incident.md as a script: its keys, pressed in a real terminal, and what its pictures promise.

`python tests/incident_page.py` plays the page and puts what the screen shows now into its pictures.
"""

import os
import re
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

import test_terminal
from test_terminal import Terminal

TOP = Path(__file__).resolve().parent.parent
PAGE = TOP / "docs" / "incident.md"
KEYS = {"Enter": "\r", "Esc": "\x1b", "→": "\x1b[C"}
"""What a terminal sends for the keys that the page names; all else is typed as it stands."""
LEFT_OUT = "⋮"
SCROLL_BAR = " ▁▂▃▄▅▆▇█"
WIDTH = 80


@dataclass(frozen=True)
class Step:
    """One heading of the page with what stands below it."""

    title: str
    command: tuple[str, ...]
    """What follows `krone-tui` in the last command line above, where this step is the first after it."""
    keys: tuple[str, ...]
    picture: str
    """With its line breaks; empty where there is none."""

    @property
    def parts(self) -> list[list[str]]:
        """Its lines, cut where lines were left out."""
        return [part.splitlines() for part in self.picture.split(f"{LEFT_OUT}\n")] if self.picture else []


def steps(page: str) -> Iterator[Step]:
    """The page's headings with keys or a picture, in order."""
    command: tuple[str, ...] = ()
    for title, below in re.findall(r"^#{2,3} (.+)\n((?:(?!^#{2,3} ).*\n)*)", page, re.MULTILINE):
        picture = re.search(r"```text\n(.*?)```", below, re.DOTALL)
        keys = tuple(re.findall(r"`([^`]+)`", title.split(": ")[0]))
        if picture or keys:
            yield Step(title, command, keys, picture[1] if picture else "")
            command = ()
        if shell := re.search(r"```sh\nkrone-tui (.+)\n```", below):
            command = tuple(shell[1].split())


def lacking(step: Step, shown: list[str]) -> str | None:
    """The first promised line that is not on the screen below the one before it; a line may be cut short."""
    rows = iter(shown)
    lines = (line for part in step.parts for line in part)
    return next((line for line in lines if not any(row.startswith(line) for row in rows)), None)


def shown_now(step: Step, shown: list[str]) -> str:
    """The picture with each part taken from where the screen resembles it most."""
    taken, below = [], 0
    for part in step.parts:
        tops = range(below, len(shown) - len(part) + 1)
        top = max(tops, key=lambda top: sum(map(_alike, part, shown[top : top + len(part)])))
        below = top + len(part)
        taken.append("".join(f"{_without_scroll_bar(row)}\n" for row in shown[top:below]))
    return f"{LEFT_OUT}\n".join(taken)


def _alike(line: str, row: str) -> float:
    return SequenceMatcher(None, line, row.rstrip(), autojunk=False).ratio()


def _without_scroll_bar(row: str) -> str:
    return (row[:-1] if len(row) == WIDTH and row[-1] in SCROLL_BAR else row).rstrip()


def press(terminal: Terminal, key: str) -> None:
    """Press a key, or type a text, and wait for what it draws."""
    before = len(terminal.sent)
    terminal.press(KEYS.get(key, key))
    deadline = time.monotonic() + 10
    while len(terminal.sent) == before and time.monotonic() < deadline:
        terminal.read(0.05)
    terminal.read(0.15)


def play(
    page: str, environment: dict[str, str], *, seconds: float, strict: bool
) -> Iterator[tuple[Step, list[str]]]:
    """Follow the page: each step with the lines of the screen once it shows what was promised, or after that time.

    The working folder must be the project's, or look like it. With `strict`, raises `AssertionError` for what never came.
    """
    test_terminal.PROGRAM = "from krone_tui.cli import main; main()"
    opened: list[Terminal] = []
    try:
        for step in steps(page):
            if step.command:
                opened.append(Terminal(list(step.command), environment))
                opened[-1].until("(line", 600)
            for key in step.keys:
                press(opened[-1], key)
            deadline = time.monotonic() + seconds
            while (line := lacking(step, opened[-1].screen.display)) is not None:
                if time.monotonic() > deadline:
                    assert not strict, f"{step.title}\nnever came: {line}\n\n{opened[-1].text}"
                    break
                opened[-1].read(0.1)
            yield step, list(opened[-1].screen.display)
    finally:
        for terminal in opened:
            terminal.close()


if __name__ == "__main__":
    os.chdir(TOP)
    text = PAGE.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as home:
        surroundings = {
            "HOME": home,
            "PYTHONPATH": str(TOP),
            "TERM": "xterm-256color",
            "PATH": os.environ["PATH"],
            "PYTHONUTF8": "1",
        }
        for found, screen in play(text, surroundings, seconds=20, strict=False):
            text = text.replace(f"```text\n{found.picture}```", f"```text\n{shown_now(found, screen)}```")
    PAGE.write_text(text, encoding="utf-8")
