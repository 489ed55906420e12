"""The screen in a real terminal: a pseudo-terminal of 80×24, read by a terminal emulator, driven by keys alone."""

import fcntl
import os
import pty
import re
import select
import signal
import statistics
import struct
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pyte
import pytest

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = ROOT / "sample_logs" / "pool-exhaustion.log.gz"
PROGRAM = """
import sys
from krone_tui.settings import load_settings
from krone_tui.tui import run
sys.exit(run([sys.argv[1]], load_settings(threads=1), ascii="--ascii" in sys.argv))
"""


class Terminal:
    """A program on a pseudo-terminal, and what a person would see."""

    def __init__(
        self,
        arguments: list[str],
        environment: dict[str, str],
        size: tuple[int, int] = (80, 24),
        *,
        controlling: bool = True,
    ) -> None:
        columns, lines = size
        self.screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self.screen)
        self.sent = b""
        main, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.before = termios.tcgetattr(terminal)
        self._terminal = terminal
        self._main = main
        self.process = os.fork()
        if self.process == 0:
            os.setsid()
            if controlling:
                fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
            os.close(main)
            for standard in (0, 1, 2):
                os.dup2(terminal, standard)
            os.close(terminal)
            os.execve(sys.executable, [sys.executable, "-c", PROGRAM, *arguments], environment)

    def read(self, quiet: float = 0.2) -> None:
        """Take in what was drawn, until nothing came for a while."""
        while select.select([self._main], [], [], quiet)[0]:
            try:
                drawn = os.read(self._main, 65536)
            except OSError:
                return
            if not drawn:
                return
            self.sent += drawn
            self._stream.feed(drawn)

    def press(self, keys: str) -> None:
        os.write(self._main, keys.encode())

    @property
    def text(self) -> str:
        return "\n".join(self.screen.display)

    def until(self, wanted: str, seconds: float = 90) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.read(0.05)
            if wanted in self.text:
                return
        raise AssertionError(f"'{wanted}' never came:\n{self.text}")

    def exit_code(self, seconds: float = 15) -> int:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.read(0.05)
            ended, status = os.waitpid(self.process, os.WNOHANG)
            if ended:
                self.process = 0
                return os.waitstatus_to_exitcode(status)
        raise AssertionError(f"it did not end:\n{self.text}")

    def restored(self) -> bool:
        """Whether the terminal echoes and reads lines again, on its first screen, with its cursor."""
        after = termios.tcgetattr(self._terminal)
        left = self.sent.rfind(b"\x1b[?1049l") > self.sent.rfind(b"\x1b[?1049h")
        cursor = self.sent.rfind(b"\x1b[?25h") > self.sent.rfind(b"\x1b[?25l")
        return after[:4] == self.before[:4] and left and cursor

    def hang_up(self) -> None:
        for file in (self._main, self._terminal):
            os.close(file)
        self._main = self._terminal = -1

    def close(self) -> None:
        if self.process:
            os.kill(self.process, signal.SIGKILL)
            os.waitpid(self.process, 0)
        if self._main >= 0:
            self.hang_up()


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    home = tmp_path_factory.mktemp("home")
    kept = {
        name: os.environ[name]
        for name in ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "VIRTUAL_ENV")
        if name in os.environ
    }
    return kept | {
        "TERM": "xterm-256color",
        "HOME": str(home),
        "KRONE_TUI_CACHE_DIR": str(home / "cache"),
        "PYTHONUTF8": "1",
    }


@pytest.fixture
def terminals() -> Iterator[list[Terminal]]:
    opened: list[Terminal] = []
    yield opened
    for terminal in opened:
        terminal.close()


def test_five_keys_from_opening_to_the_unfolded_deviation_and_its_evidence(
    environment: dict[str, str], terminals: list[Terminal]
) -> None:
    terminal = Terminal([str(SAMPLE)], environment)
    terminals.append(terminal)
    terminal.until("flagged")
    terminal.until("!! ")
    terminal.press("\r")
    terminal.until("▼ !! ")
    terminal.read()
    tree, _, evidence = terminal.text.partition("── Evidence")
    assert "▼ !! " in tree, "the deviating span is unfolded and marked in text"
    assert "└─" in tree
    assert "normal" in evidence, evidence
    assert "(line" in evidence, evidence
    assert len(terminal.screen.display) == 24
    terminal.press("q")
    assert terminal.exit_code() == 0
    assert terminal.restored()


def test_an_open_screen_that_nobody_touches_sends_nothing(
    environment: dict[str, str], terminals: list[Terminal]
) -> None:
    terminal = Terminal([str(SAMPLE)], environment)
    terminals.append(terminal)
    terminal.until("flagged")
    terminal.until("(line")
    terminal.read(0.5)
    before = len(terminal.sent)
    terminal.read(1.5)
    assert len(terminal.sent) == before
    terminal.press("q")
    assert terminal.exit_code() == 0


def test_no_color_sends_no_colour_and_still_shows_the_cursor(
    environment: dict[str, str], terminals: list[Terminal]
) -> None:
    terminal = Terminal([str(SAMPLE)], environment | {"NO_COLOR": "1"})
    terminals.append(terminal)
    terminal.until("(line")
    terminal.read()
    cells = [cell for line in terminal.screen.buffer.values() for cell in line.values()]
    assert {cell.fg for cell in cells} == {"default"}
    assert {cell.bg for cell in cells} == {"default"}
    assert any(cell.reverse for cell in cells)
    terminal.press("q")
    assert terminal.exit_code() == 0


def test_ascii_sends_ascii_alone(environment: dict[str, str], terminals: list[Terminal]) -> None:
    terminal = Terminal([str(SAMPLE), "--ascii"], environment)
    terminals.append(terminal)
    terminal.until("(line")
    terminal.press("\r")
    terminal.until("v !! ")
    assert terminal.sent.isascii()
    terminal.press("q")
    assert terminal.exit_code() == 0


def test_a_log_that_vanished_ends_with_one_sentence_and_2(
    environment: dict[str, str], terminals: list[Terminal], tmp_path: Path
) -> None:
    terminal = Terminal([str(tmp_path / "nowhere.log")], environment)
    terminals.append(terminal)
    terminal.until("Press q to leave")
    terminal.press("q")
    assert terminal.exit_code() == 2
    assert terminal.restored()
    after = terminal.sent[terminal.sent.rfind(b"\x1b[?1049l") :].decode()
    assert "nowhere.log" in after
    assert "Traceback" not in after


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
@pytest.mark.parametrize("during", ["reading", "(line"])
def test_a_signal_ends_the_screen_as_leaving_does(
    number: signal.Signals,
    during: str,
    environment: dict[str, str],
    terminals: list[Terminal],
    tmp_path: Path,
) -> None:
    own = environment | ({"KRONE_TUI_CACHE_DIR": str(tmp_path / "cache")} if during == "reading" else {})
    terminal = Terminal([str(SAMPLE)], own)
    terminals.append(terminal)
    terminal.until(during)
    process = terminal.process
    os.kill(process, number)
    assert terminal.exit_code() == 128 + number
    assert terminal.restored()
    assert b"Traceback" not in terminal.sent
    # Nothing of its session is left, and nothing half-written.
    with pytest.raises(ProcessLookupError):
        os.killpg(process, 0)
    assert not list(tmp_path.rglob(".*partial*"))


def test_the_screen_ends_where_its_terminal_is_gone_and_no_signal_tells(
    environment: dict[str, str], terminals: list[Terminal]
) -> None:
    terminal = Terminal([str(SAMPLE)], environment, controlling=False)
    terminals.append(terminal)
    terminal.until("(line")
    terminal.hang_up()
    deadline = time.monotonic() + 15
    while not (ended := os.waitpid(terminal.process, os.WNOHANG)[0]) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert ended == terminal.process
    terminal.process = 0


def test_a_whole_incident_by_keys_alone(
    environment: dict[str, str], terminals: list[Terminal], tmp_path: Path
) -> None:
    terminal = Terminal(
        [str(SAMPLE)], environment | {"HOME": str(tmp_path), "KRONE_TUI_DATA_DIR": str(tmp_path / "data")}
    )
    terminals.append(terminal)
    terminal.until("(line")
    (flagged,) = re.findall(r"(\d+ flagged)", terminal.text)
    for keys, wanted in (
        ("j", "starts"),
        ("k", "1 of"),
        ("\r", "▼ !! "),
        ("d", "as normal"),
        ("\x1b", "▼ !! "),
        ("r", "!! deviates"),
        ("\x1b", "▼ !! "),
        ("n", "2 of"),
        ("\x1b", "what deviates"),
        ("/gave up on\r", "hits"),
        ("\x1b", "what deviates"),
        ("fkind:severe\r", "filter kind:severe"),
        ("t02:20..02:40\r", "time 02:20:00..02:40:00"),
        ("x", "baseline:"),
        ("g", "▶ req-*"),
        ("\x1b", "what deviates"),
        ("h", "entities"),
        ("\x1b", "what deviates"),
        (";select count(*) n from execution\r", "1 row"),
        ("\x1b", "what deviates"),
        ("m", "Enter keeps it"),
        ("known since March\r", "1 verdict"),
        ("u", flagged),
        ("?", "Everywhere"),
        ("\x1b", "what deviates"),
    ):
        terminal.press(keys)
        terminal.until(wanted)
    # What the terminal shows after all of it is what it shows when everything is drawn again.
    terminal.read(4.5)
    before = terminal.text
    terminal.press("\x0c")
    terminal.read(0.5)
    assert terminal.text == before
    terminal.press("q")
    assert terminal.exit_code() == 0
    assert terminal.restored()


def test_a_move_of_the_cursor_takes_less_than_a_kilobyte(
    environment: dict[str, str], terminals: list[Terminal]
) -> None:
    terminal = Terminal([str(SAMPLE)], environment)
    terminals.append(terminal)
    terminal.until("(line")
    terminal.read()
    sent = []
    for key in "jjjjjjjjkkkkkkkk":
        before = len(terminal.sent)
        terminal.press(key)
        deadline = time.monotonic() + 10
        while len(terminal.sent) == before and time.monotonic() < deadline:
            terminal.read(0.2)
        terminal.read(0.4)
        sent.append(len(terminal.sent) - before)
    assert statistics.median(sent) < 1000, sent
    assert min(sent) > 0
    terminal.press("q")
    assert terminal.exit_code() == 0
