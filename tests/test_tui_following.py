"""What follows the cursor of triage: soon, with few questions, and of the last thing looked at."""

# ruff: noqa: DTZ001 - times in a log have no zone

from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from screens import opened, shown, until
from textual.pilot import Pilot

from krone_tui.settings import Settings, load_settings
from krone_tui.tui.app import KroneApp
from krone_tui.tui.desk import Lane
from krone_tui.tui.screens import triage
from krone_tui.tui.screens.execution import ExecutionScreen
from krone_tui.tui.screens.triage import TriageScreen
from krone_tui.tui.widgets.arrow_table import ArrowTable
from krone_tui.tui.widgets.evidence_panel import EvidencePanel

FAULTS = ("bank refused the card", "stock is out of space", "mail timed out")


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """300 requests; from the 150th on every fifth fails, in one of three ways."""
    path = tmp_path_factory.mktemp("log") / "orders.log"
    start = datetime(2026, 3, 14, 1, 0)
    with path.open("w", encoding="utf-8") as file:
        for number in range(300):
            fault = FAULTS[number // 5 % 3] if number >= 150 and number % 5 == 0 else None
            for step, said in enumerate(("request accepted", "session opened", fault or "order stored")):
                at = start + timedelta(seconds=number, milliseconds=step)
                level = "ERROR" if said == fault else "INFO"
                file.write(f"{at:%Y-%m-%d %H:%M:%S.%f} {level} shop.Orders - [req-{number:06x}] {said}\n")
    return path


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return load_settings(cache_dir=tmp_path_factory.mktemp("cache"), threads=1)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often the screen has asked which question, and, as `_answered`, how many of all were answered."""
    questions: Counter[str] = Counter()
    ask = Lane.ask

    async def counted(lane: Lane, question: Any, *args: Any, **kwargs: Any) -> Any:
        questions[question.__name__] += 1
        answer = await ask(lane, question, *args, **kwargs)
        questions["_answered"] += 1
        return answer

    monkeypatch.setattr(Lane, "ask", counted)
    return questions


def triage_of(app: KroneApp) -> TriageScreen:
    assert isinstance(app.screen, TriageScreen)
    return app.screen


def evidence_of(app: KroneApp) -> str:
    return app.screen.query_one(EvidencePanel).text


async def rested(pilot: Pilot[int]) -> None:
    """So long that the next key is not one of a held key."""
    await pilot.pause(0.3)


async def test_while_the_evidence_is_read_that_of_the_next_failure_mode_is_made_ready(
    log: Path, settings: Settings, asked: Counter[str]
) -> None:
    async with opened(log, settings) as (app, pilot):
        # The first evidence, what it looks ahead for, that of the second, what it looks ahead for.
        for searches, key in ((1, ""), (2, "j")):
            if key:
                await pilot.press(key)
            await until(
                lambda searches=searches: (
                    asked["_search_for"] >= searches
                    and asked["_answered"] == asked.total() - asked["_answered"]
                ),
                "the search ahead",
            )
            await rested(pilot)
        before = evidence_of(app)
        asked.clear()
        await pilot.press("j")
        await until(lambda: evidence_of(app) != before, "the third evidence")
        await rested(pilot)
        assert asked == {"_write": 1, "_answered": 1}


async def test_a_held_key_asks_only_where_it_began_and_where_it_ended(
    log: Path, settings: Settings, asked: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # On a busy machine keys come late.
    monkeypatch.setattr(triage, "_HELD", 5.0)
    monkeypatch.setattr(triage, "_PAUSE", 1.0)
    async with opened(log, settings) as (app, pilot):
        screen = triage_of(app)
        screen._moved_at = 0.0
        asked.clear()
        await pilot.press(*"jkjkjkjj")
        last = screen.modes[2].title.partition("] ")[2]
        await until(lambda: last in evidence_of(app), "the evidence of the last one")
        assert asked["_write"] == 2


async def test_the_executions_are_fetched_when_their_list_comes_in_sight(
    log: Path, settings: Settings, asked: Counter[str]
) -> None:
    async with opened(log, settings) as (app, pilot):
        await pilot.press("j")
        await rested(pilot)
        assert asked["executions_of_mode"] == 0
        table = app.screen.query_one("#executions-table", ArrowTable)
        await pilot.press("tab")
        await until(lambda: table.row_count == 10, "the executions")
        assert "10 executions" in shown(app)
        await pilot.press("j", "j")
        third = int(triage_of(app)._executions[2])
        await until(lambda: app.current_execution == third, "the third one")
        assert asked["executions_of_mode"] == 1
        await pilot.resize_terminal(160, 45)
        await rested(pilot)
        assert asked["executions_of_mode"] == 1


async def test_n_walks_past_the_executions_that_are_listed(
    log: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(triage, "_LISTED", 4)
    async with opened(log, settings, size=(160, 45)) as (app, pilot):
        await until(lambda: "4 executions (first ones)" in shown(app), "the first executions")
        for place in range(2, 8):
            await pilot.press("n")
            await until(lambda place=place: f"{place} of 10" in shown(app), f"execution {place}")
        await pilot.press("N")
        await until(lambda: "6 of 10" in shown(app), "the one before")


async def test_the_panes_follow_a_range_of_time_that_leaves_the_failure_mode_where_it_is(
    log: Path, settings: Settings
) -> None:
    async with opened(log, settings, size=(160, 45)) as (app, pilot):
        await until(lambda: "1 of 10" in shown(app), "the first execution")
        await pilot.press("t", *"01:03:45..", "enter")
        await until(lambda: "1 of 5" in shown(app) and "5 executions" in shown(app), "those in the range")
        assert app.current_execution == triage_of(app).selected_execution
        await pilot.press("x")
        await until(lambda: " of 10" in shown(app) and "10 executions" in shown(app), "all of them")


async def test_back_from_an_execution_the_cursor_stands_on_the_one_walked_to(
    log: Path, settings: Settings
) -> None:
    async with opened(log, settings) as (app, pilot):
        await pilot.press("enter")
        await until(lambda: isinstance(app.screen, ExecutionScreen), "the execution")
        for _ in range(12):
            before = app.current_execution
            await pilot.press("n")
            await until(lambda before=before: app.current_execution != before, "the next execution")
        walked_to = app.current_execution
        await pilot.press("escape")
        await until(
            lambda: isinstance(app.screen, TriageScreen) and "3 of 10" in shown(app), "the third of the next"
        )
        assert triage_of(app).selected_execution == walked_to
        assert triage_of(app).query_one("#modes", ArrowTable).cursor_row == 1
