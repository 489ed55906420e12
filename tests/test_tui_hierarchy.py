"""The hierarchy can be unfolded and edited, and the log read again with what was edited."""

import csv
from pathlib import Path

import pytest
from screens import opened, shown, until, write_service_log
from textual.pilot import Pilot

from krone_tui.abstraction import own_hierarchy
from krone_tui.errors import KroneError
from krone_tui.investigation import Investigation
from krone_tui.settings import Settings, load_settings
from krone_tui.tui.app import KroneApp
from krone_tui.tui.screens.execution import ExecutionScreen
from krone_tui.tui.screens.hierarchy import HierarchyScreen
from krone_tui.tui.screens.place_form import PlaceForm
from krone_tui.tui.screens.rerun import RerunScreen
from krone_tui.tui.screens.triage import TriageScreen
from krone_tui.tui.widgets.execution_tree import SPANS, ExecutionTree


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("log") / "service.log"
    write_service_log(path)
    return path


async def to_hierarchy(app: KroneApp, pilot: Pilot[None]) -> None:
    await pilot.press("h")
    await until(lambda: isinstance(app.screen, HierarchyScreen) and "▶" in shown(app), "the hierarchy")


async def to_form(app: KroneApp, pilot: Pilot[None]) -> None:
    await pilot.press("e")
    await until(lambda: isinstance(app.screen, PlaceForm), "the form")


async def to_comparison(app: KroneApp, pilot: Pilot[None]) -> None:
    await pilot.press("R")
    await until(lambda: isinstance(app.screen, RerunScreen) and "then" in shown(app), "the comparison")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(cache_dir=tmp_path / "cache", data_dir=tmp_path / "data", threads=1)


async def test_an_edited_template_is_kept_and_the_log_read_again_with_it(
    log: Path, settings: Settings
) -> None:
    async with opened(log, settings) as (app, pilot):
        await to_hierarchy(app, pilot)
        tree = app.screen.query_one(ExecutionTree)
        await pilot.press("enter")
        await until(lambda: tree.root.children[0].is_expanded, "the entity unfolded")
        await pilot.press("down", "enter", "down")
        await until(lambda: tree.cursor_node is not None and not tree.cursor_node.allow_expand, "a template")
        await to_form(app, pilot)
        await pilot.press("ctrl+u", *"Door", "tab", "ctrl+u", *"greet", "tab", "ctrl+u", *"greeted", "enter")
        await until(lambda: "→ Door › greet › greeted" in shown(app), "the edit")
        await to_comparison(app, pilot)
        await pilot.press("enter")
        await until(
            lambda: isinstance(app.screen, TriageScreen) and app.current_execution is not None, "triage"
        )
        await pilot.press("h")
        await until(
            lambda: isinstance(app.screen, HierarchyScreen) and "Door" in shown(app), "the new entity"
        )
        path = own_hierarchy(settings, str(log))
        assert app.settings.hierarchy == str(path)
        with path.open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        assert [row["status"] for row in rows if row["entity"] == "Door"] == ["greeted"]
        assert len(rows) > 4, "the other templates keep their places"
    # The next time, without any option.
    with Investigation.open([str(log)], settings) as again:
        assert again.opened.from_cache
        assert any("as you edited it" in note and str(path) in note for note in again.opened.notes)
        assert ("Door",) in again.store.rows("SELECT entity FROM template")
    with Investigation.open([str(log)], settings.model_copy(update={"hierarchy": "rules"})) as again:
        assert ("Door",) not in again.store.rows("SELECT entity FROM template")
        assert not any("as you edited it" in note for note in again.opened.notes)


async def test_edits_that_were_tried_and_not_taken_do_not_count_the_next_time(
    log: Path, settings: Settings
) -> None:
    async with opened(log, settings) as (app, pilot):
        await to_hierarchy(app, pilot)
        await to_form(app, pilot)
        await pilot.press("ctrl+u", *"Door", "enter")
        await until(lambda: "edited, R reads" in shown(app), "the edit")
        await to_comparison(app, pilot)
        await pilot.press("escape")
        await until(lambda: isinstance(app.screen, HierarchyScreen), "the hierarchy")
    assert list(own_hierarchy(settings, str(log)).parent.iterdir()) == [], "nothing is left of what was tried"
    with Investigation.open([str(log)], settings) as again:
        assert ("Door",) not in again.store.rows("SELECT entity FROM template")


def test_edits_that_cannot_be_read_are_told_with_what_to_do(log: Path, settings: Settings) -> None:
    path = own_hierarchy(settings, str(log))
    path.parent.mkdir(parents=True)
    path.write_text("no,columns\n")
    with pytest.raises(KroneError, match=r"Your edits of the hierarchy cannot be used.*--hierarchy rules"):
        Investigation.open([str(log)], settings)


async def test_a_name_cannot_be_empty_and_escape_leaves_it(log: Path, settings: Settings) -> None:
    async with opened(log, settings) as (app, pilot):
        await to_hierarchy(app, pilot)
        await pilot.press("e", "ctrl+u", "enter")
        await until(lambda: "Every level needs a name" in shown(app), "the sentence")
        await pilot.press("escape")
        await until(lambda: isinstance(app.screen, HierarchyScreen), "the hierarchy")
        assert "edited" not in shown(app)


async def test_a_long_execution_shows_the_page_of_spans_that_deviates(
    tmp_path: Path, settings: Settings
) -> None:
    log = tmp_path / "long.log"
    lines = []
    for number in range(120):
        long, request = number == 110, f"req-{number:05x}"
        steps = ["order stored in database", "session opened for user"] * (900 if long else 4)
        if long:
            steps[-100] = "connection to bank refused"
        lines += [
            f"2026-03-14 01:{number // 60:02}:{number % 60:02}.{at % 1000:03d} {'ERROR' if 'refused' in step else 'INFO'} shop - [{request}] {step}\n"
            for at, step in enumerate(steps)
        ]
    log.write_text("".join(lines))
    async with opened(log, settings) as (app, pilot):
        await pilot.press("enter")
        await until(lambda: isinstance(app.screen, ExecutionScreen) and "!!" in shown(app), "the execution")
        tree = app.screen.query_one(ExecutionTree)
        await until(
            lambda: tree.cursor_node is not None and "refused" in str(tree.cursor_node.label), "the deviation"
        )
        # Both ends of the finding may be on a page of their own.
        before = len(tree.root.children)
        assert before <= 2 * (SPANS + 2) < 1800
        rest = next(node for node in tree.root.children if "more spans" in str(node.label))
        tree.move_cursor(rest)
        await pilot.press("enter")
        await until(lambda: rest not in tree.root.children and len(tree.root.children) > before, "more spans")
