"""Reading the log again with other settings: nothing changes until it is taken, and Esc keeps what there is."""

import asyncio
from pathlib import Path

import pytest
from screens import opened, shown, until, write_service_log

from krone_tui.settings import Settings, load_settings
from krone_tui.tui.screens.groups import GroupsScreen
from krone_tui.tui.screens.rerun import RerunScreen
from krone_tui.tui.screens.triage import TriageScreen


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("log") / "service.log"
    write_service_log(path)
    return path


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("rerun")
    return load_settings(cache_dir=folder / "cache", data_dir=folder / "data", threads=1)


async def test_g_lists_the_identifiers_and_shows_what_another_one_changes(
    log: Path, settings: Settings
) -> None:
    async with opened(log, settings) as (app, pilot):
        assert app.summary is not None
        before = app.summary.executions
        await pilot.press("g")
        await until(
            lambda: isinstance(app.screen, GroupsScreen) and "▶ req-*" in shown(app), "the identifiers"
        )
        assert "window" in shown(app)
        await pilot.press("greater_than_sign", "enter")
        await until(lambda: isinstance(app.screen, RerunScreen) and "then" in shown(app), "the comparison")
        text = shown(app)
        assert "executions" in text
        assert "flagged" in text
        assert app.summary.executions == before, "nothing changes before it is taken"
        await pilot.press("enter")
        await until(lambda: isinstance(app.screen, TriageScreen), "triage")
        assert app.summary.grouped_by == "window"
        assert app.summary.executions != before
        assert app.settings.group_by == "window"


async def test_escape_keeps_the_present_grouping_and_leaves_no_half_written_file(
    log: Path, settings: Settings, tmp_path: Path
) -> None:
    own = settings.model_copy(update={"cache_dir": tmp_path})
    async with opened(log, own) as (app, pilot):
        await pilot.press("g")
        await until(lambda: isinstance(app.screen, GroupsScreen) and "▶" in shown(app), "the identifiers")
        await pilot.press("greater_than_sign", "enter")
        await until(lambda: isinstance(app.screen, RerunScreen), "the re-run")
        await pilot.press("escape", "escape")
        await until(lambda: isinstance(app.screen, TriageScreen), "triage")
        assert app.summary is not None
        assert app.summary.grouped_by == "req-*"
        await pilot.press("enter")
        await asyncio.sleep(0.1)
    assert not list(tmp_path.glob(".*partial*"))


async def test_the_identifier_in_force_is_not_read_again(log: Path, settings: Settings) -> None:
    async with opened(log, settings) as (app, pilot):
        await pilot.press("g")
        await until(
            lambda: isinstance(app.screen, GroupsScreen) and "▶ req-*" in shown(app), "the identifiers"
        )
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, GroupsScreen)
