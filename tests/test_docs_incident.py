"""The guided incident: its keys, pressed in a real terminal, show what its pictures promise."""

import re

import pytest
from conftest import TOP, Krone
from incident_page import PAGE, Step, lacking, play, steps


def test_the_guided_incident_is_what_the_screen_shows(krone: Krone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("test_terminal.PROGRAM", "")
    monkeypatch.chdir(krone.work)
    (krone.work / "sample_logs").symlink_to(TOP / "sample_logs")
    environment = krone.environment | {"TERM": "xterm-256color", "PYTHONUTF8": "1"}
    del environment["COLUMNS"]
    page = PAGE.read_text(encoding="utf-8")
    played = [step for step, _ in play(page, environment, seconds=60, strict=True)]
    assert len(played) >= 10
    assert {key for step in played for key in step.keys} >= {
        "Enter",
        "Esc",
        "d",
        "f",
        "j",
        "m",
        "r",
        "/",
    }


def test_every_step_of_the_page_promises_something() -> None:
    found = list(steps(PAGE.read_text(encoding="utf-8")))
    assert sum(bool(step.command) for step in found) == 1
    assert all(any(part) for step in found for part in step.parts)
    assert all(step.parts for step in found)


def test_a_line_that_is_not_there_or_in_another_order_is_noticed() -> None:
    step = Step("", (), (), "first\n⋮\nsecond li\n")
    assert lacking(step, ["first", "between", "second line"]) is None
    assert lacking(step, ["second line", "first"]) == "second li"
    assert lacking(step, ["first", "not the second line"]) == "second li"


def test_make_run_opens_the_log_of_the_page() -> None:
    sample = re.search(r"^SAMPLE := (.+)$", (TOP / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert sample is not None
    assert next(steps(PAGE.read_text(encoding="utf-8"))).command == (sample[1],)
    assert (TOP / sample[1]).is_file()
