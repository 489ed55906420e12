"""A hostile log on a real terminal: what it holds is shown as text on every screen; the bytes that arrive prove it."""

import os
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Krone, small_log
from in_terminal import sent_to_terminal
from test_terminal import Terminal

HOSTILE = (
    "\x1b]0;TITLE\x07",
    "\x1b]52;c;Q0xJUA==\x07",
    "\x1b]8;;http://evil.test\x1b\\LINK\x1b]8;;\x1b\\",
    "\x1b[31337m",
    "\x1b[6n",
    "\x1bPDCS\x1b\\",
    "\x1b_APC\x1b\\",
    "\x9b31338m\x9d0;C1\x9c",
    "\u202eRTL\u2066ISO",
    "zero\u200bwidth\u200d\ufeff",
    "a" + "\u0301" * 60,
    "\U000e0041tag",
    "\x00\x08\x0b\x0c\x0e\x7f",
    "[bold red]RICH[/][@click=app.quit()]CLICK[/]",
    "<script>alert(1)</script>",
    "[md](http://evil.test) `code` | cell",
    "=HYPERLINK(0)",
    "'; DROP TABLE record; --",
)
"""One of each kind of text that something may obey."""

_SEQUENCE = re.compile(
    r"\x1b(?:\[[<=>?]?[\d;:]*[ !$]?[A-Za-z@`{|}~]|[()][0A-Z]|[=>78cDEHMZ]|\](?:11|10|4;\d+);\?(?:\x07|\x1b\\)|\]22;\w+\x07)"
)
"""What the screen itself may send: cursor, colours, modes, the pointer's shape, and questions about colours. No title, clipboard or link."""
_OWN_CONTROLS = frozenset("\r\n\t\b\x0f\x0e")


def hostile_log() -> str:
    """Requests, some of which fail with hostile words in the message, the component and the identifier."""
    lines = []
    for number, line in enumerate(small_log(80)):
        word = HOSTILE[number % len(HOSTILE)]
        said = line.replace("connection refused", f"refused {' '.join(HOSTILE)} PWNED").replace(
            "shipped", f"shipped {word}"
        )
        lines.append(
            said.replace("shop.api", f"shop.api\x1b]0;COMPONENT\x07{number % 3}") if number % 7 == 0 else said
        )
    return "".join(lines)


def assert_harmless(sent: str) -> None:
    """Nothing but text, and what a screen needs to draw it, arrived at the terminal."""
    for word in HOSTILE:
        if any(unicodedata.category(character) in ("Cc", "Cf") for character in word):
            assert word not in sent, ascii(word)
    for forbidden in ("\x1b]0;", "\x1b]2;", "\x1b]52;", "\x1b]8;", "\x1b[31337m", "\x1bP", "\x1b_"):
        assert forbidden not in sent, ascii(forbidden)
    text = _SEQUENCE.sub("", sent)
    left = {
        c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
    } - _OWN_CONTROLS
    assert not left, (left, [ascii(text[max(0, text.find(c) - 40) : text.find(c) + 40]) for c in left])
    assert not re.search("\u0301{6}", text), "a flood of combining marks runs over the lines around it"


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    log = tmp_path / "hostile.log"
    log.write_text(hostile_log(), encoding="utf-8")
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "LANG", "LC_ALL") if name in os.environ}
    folders = {f"KRONE_TUI_{name}_DIR": str(tmp_path / name) for name in ("CACHE", "DATA")}
    opened = Terminal(
        [str(log)],
        kept | folders | {"TERM": "xterm-256color", "HOME": str(tmp_path), "PYTHONUTF8": "1"},
        size=(160, 40),
    )
    yield opened
    opened.close()


def test_no_sequence_of_the_log_reaches_the_terminal_from_any_screen(terminal: Terminal) -> None:
    def goes_to(keys: str, wanted: str) -> None:
        terminal.press(keys)
        terminal.until(wanted, 120)
        assert_harmless(terminal.sent.decode())

    terminal.until("flagged", 120)
    terminal.until("(line", 120)
    goes_to("\r", "▼ !! ")
    # Spelled out, in the tree or in the evidence.
    terminal.until("\\x1b", 120)
    goes_to("r", "\\x1b]0;TITLE\\x07")
    goes_to("\x1b", "▼ !! ")
    goes_to("d", "all/differences")
    goes_to("\x1b", "▼ !! ")
    goes_to("/", "earch")
    goes_to("PWNED\r", "hits")
    goes_to("\x1b", "▼ !! ")
    goes_to("m", "omment")
    goes_to("\x1b[31337m]\r", "normal")
    goes_to("K", "erdict")
    terminal.read(0.5)
    goes_to("\x1b", "── Evidence")
    goes_to(";", "SELECT")
    goes_to("SELECT message FROM record WHERE contains(message, 'PWNED')\r", "TITLE")
    goes_to("\x1b", "── Evidence")
    goes_to("h", "ierarchy")
    goes_to("\x1b", "── Evidence")
    goes_to("w", "Stages")
    terminal.press("q")
    assert terminal.exit_code() == 0
    assert_harmless(terminal.sent.decode())


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Krone:
    """Surroundings with a hostile log that has been investigated."""
    krone = Krone(tmp_path_factory.mktemp("hostile"))
    (krone.work / "hostile.log").write_text(hostile_log(), encoding="utf-8")
    return krone


@pytest.mark.parametrize(
    "arguments",
    [
        ["scan", "hostile.log"],
        ["scan", "hostile.log", "--format", "md"],
        ["sql", "hostile.log", "SELECT message, component FROM record WHERE message LIKE '%PWNED%'"],
        ["groups", "hostile.log"],
        ["hierarchy", "hostile.log"],
    ],
    ids=" ".join,
)
def test_no_sequence_of_the_log_reaches_the_terminal_from_a_command(
    hostile: Krone, arguments: list[str]
) -> None:
    assert_harmless(sent_to_terminal(hostile, *arguments))


@pytest.mark.parametrize("form", ["text", "json", "jsonl", "csv", "md", "html"])
def test_no_control_character_of_the_log_is_written_to_a_report(hostile: Krone, form: str) -> None:
    out = hostile("scan", "hostile.log", "--format", form).worked().out
    controls = {c for c in out if unicodedata.category(c) == "Cc"} - {"\n", "\r", "\t"}
    assert not controls, controls
    assert "TITLE" in out
    if form == "html":
        assert "<script>alert" not in out
        assert "javascript:" not in out
