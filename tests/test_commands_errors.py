"""How commands end when something is wrong, with and without `--debug`."""

import sys

import pytest
from conftest import Krone, Ran

BROKEN = """
import sys
from krone_tui import cli

@cli.app.command("break")
def _break() -> None:
    raise ValueError("7 is\\x1b[31m not 8\\nat all")

sys.argv = ["krone-tui", *sys.argv[1:]]
cli.main()
"""


def broken(krone: Krone, *arguments: str) -> Ran:
    """A command with a bug, through the real entry point."""
    return krone.run([sys.executable, "-c", BROKEN, *arguments])


def test_a_bug_is_one_sentence_that_names_it_and_asks_to_report_it(krone: Krone) -> None:
    ran = broken(krone, "break")
    ran.failed_with("bug of krone-tui", r"ValueError: 7 is\x1b[31m not 8 at all", "report", "--debug")


@pytest.mark.parametrize("arguments", [["--debug", "break"], ["break", "--debug"]])
def test_debug_shows_where_a_bug_is(krone: Krone, arguments: list[str]) -> None:
    ran = broken(krone, *arguments)
    assert ran.code == 2
    assert ran.err.startswith("Traceback (most recent call last):\n")
    assert "in _break" in ran.err
    assert ran.err.splitlines()[-1].startswith("krone-tui: This is a bug")
    assert "\x1b" not in ran.err


def test_debug_shows_where_an_error_of_the_user_comes_from(krone: Krone) -> None:
    krone.here("scan", "nowhere.log").failed_with("nowhere.log")
    ran = krone.here("scan", "nowhere.log", "--debug")
    assert ran.code == 2
    assert "resolve_sources" in ran.err
    assert ran.err.splitlines()[-1].startswith("krone-tui: ")


def test_a_file_of_that_name_can_be_read(krone: Krone) -> None:
    krone.log("--debug")
    assert krone.here("scan", "./--debug").worked().out.startswith("197 lines")
    assert krone.here("scan", "--", "--debug").worked().out.startswith("197 lines")


def test_the_help_groups_commands_the_everyday_ones_first(krone: Krone) -> None:
    out = krone.here("--help").worked().out
    assert out == krone.here("-h").worked().out
    places = [out.index(f"─ {panel} ─") for panel in ("Every day", "Look closer", "This installation")]
    assert places == sorted(places)
    assert (
        places[0] < out.index("│ scan ") < places[1] < out.index("│ sql ") < places[2] < out.index("│ cache ")
    )
    assert "─ Commands ─" not in out
    assert "--debug" in out
