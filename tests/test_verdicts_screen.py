"""Verdicts on the screen, driven by keys in Textual's pilot at 80×24, on a real log that the test writes."""

from pathlib import Path

import pytest
from screens import opened, shown, until
from simple_logs import JOB_STEPS, UNSEEN_ERROR, jobs, render, write

from krone_tui.settings import Settings, load_settings
from krone_tui.store import views
from krone_tui.tui.app import KroneApp
from krone_tui.tui.screens.execution import ExecutionScreen
from krone_tui.tui.screens.knowledge import KnowledgeScreen
from krone_tui.tui.screens.triage import TriageScreen
from krone_tui.tui.screens.verdict_prompt import VerdictPrompt
from krone_tui.tui.widgets.execution_tree import ExecutionTree

LOST = "WARN  jobs.Index: Lost lock of {id}, keys {b} not written"


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Jobs, three of which fail on a disk and two of which lose a lock."""
    odd = dict.fromkeys((11, 47, 90), (*JOB_STEPS[:3], UNSEEN_ERROR))
    odd |= dict.fromkeys((25, 71), (*JOB_STEPS[:4], LOST, JOB_STEPS[6]))
    path = tmp_path_factory.mktemp("log") / "jobs.log"
    return write(path, render(jobs(120, 1, odd, name=lambda index: f"job-{index + 7000:06d}")))


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def settings(tmp_path: Path, cache: Path) -> Settings:
    return load_settings(cache_dir=cache, data_dir=tmp_path / "data", threads=1)


def titles(app: KroneApp) -> list[str]:
    screen = app.screen
    assert isinstance(screen, TriageScreen)
    return [mode.title for mode in screen.modes]


def said(app: KroneApp) -> str:
    """What the screen tells in passing."""
    return " ".join(notification.message for notification in app._notifications)


def flagged(app: KroneApp) -> int:
    assert app.summary is not None
    return app.summary.flagged


async def test_m_clears_the_failure_mode_with_a_comment_and_u_brings_it_back(
    log: Path, settings: Settings
) -> None:
    async with opened(log, settings) as (app, pilot):
        first, *others = titles(app)
        count = app.findings.modes[0].executions
        await pilot.press("m")
        await until(lambda: isinstance(app.screen, VerdictPrompt), "the question")
        await until(lambda: f"clears {count} executions" in shown(app), "what it would change")
        await pilot.press(*"known", "enter")
        await until(lambda: isinstance(app.screen, TriageScreen) and flagged(app) == 5 - count, "the verdict")
        assert titles(app) == others
        await until(lambda: f"1 verdict: {count} executions cleared" in shown(app), "the header")
        assert first not in app.findings.modes
        await pilot.press("u")
        await until(lambda: flagged(app) == 5, "the undo")
        assert titles(app) == [first, *others]
        assert app.desk is not None
        await pilot.press("u")
        await pilot.pause()
        assert flagged(app) == 5


async def test_escape_leaves_all_as_it_is(log: Path, settings: Settings) -> None:
    async with opened(log, settings) as (app, pilot):
        await pilot.press("m")
        await until(lambda: isinstance(app.screen, VerdictPrompt), "the question")
        await pilot.press("escape")
        await until(lambda: isinstance(app.screen, TriageScreen), "triage")
        assert flagged(app) == 5
        assert app.desk is not None
        assert app.desk.investigation.judging.path is None


async def test_a_confirms_the_failure_mode_and_it_comes_first_in_words(log: Path, settings: Settings) -> None:
    async with opened(log, settings) as (app, pilot):
        await pilot.press("G")
        screen = app.screen
        assert isinstance(screen, TriageScreen)
        last = titles(app)[-1]
        await until(
            lambda: screen.selected_mode is not None and screen.selected_mode.title == last, "the last"
        )
        await pilot.press("a")
        await until(lambda: isinstance(app.screen, VerdictPrompt), "the question")
        await pilot.press("enter")
        await until(lambda: isinstance(app.screen, TriageScreen) and titles(app)[0] == last, "it comes first")
        await until(lambda: "confirmed: " in shown(app) and "1.00" in shown(app), "the words")
        assert screen.selected_mode is not None
        assert screen.selected_mode.title == last


async def test_m_and_a_on_a_node_of_the_tree_are_about_its_seq_and_tab_widens_it(
    log: Path, settings: Settings
) -> None:
    async with opened(log, settings) as (app, pilot):
        await pilot.press("enter")
        await until(lambda: isinstance(app.screen, ExecutionScreen), "the execution")
        screen = app.screen
        assert isinstance(screen, ExecutionScreen)
        await until(lambda: screen.query_one(ExecutionTree).cursor_line > 0, "the deviation")
        await pilot.press("m")
        await until(lambda: isinstance(app.screen, VerdictPrompt), "the question")
        prompt = app.screen
        assert isinstance(prompt, VerdictPrompt)
        seen = {prompt.target.scope + prompt.target.key}
        assert prompt.target.scope == "seq"
        while prompt.target.scope != "mode":
            await pilot.press("tab")
            await pilot.pause()
            seen.add(prompt.target.scope + prompt.target.key)
        assert len(seen) > 1
        assert "failure mode" in shown(app)
        await pilot.press("enter")
        await until(
            lambda: isinstance(app.screen, ExecutionScreen) and "not flagged" in shown(app), "cleared"
        )
        await until(lambda: "A person said that what deviates here is normal" in shown(app), "the evidence")
        await pilot.press("a")
        await until(lambda: isinstance(app.screen, VerdictPrompt), "the question")
        assert isinstance(app.screen, VerdictPrompt)
        containing = app.screen.target.containing
        await pilot.press("enter")
        await until(lambda: "!! job-" in shown(app) and flagged(app) >= containing, "flagged")
        assert app.findings.modes[0].kind == "verdict"


async def test_the_knowledge_screen_lists_searches_revises_forgets_exports_and_imports(
    log: Path, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with opened(log, settings) as (app, pilot):
        await pilot.press("K")
        await until(
            lambda: isinstance(app.screen, KnowledgeScreen) and "No verdict yet" in shown(app), "empty"
        )
        assert "none yet" in shown(app)
        await pilot.press("escape", "m")
        await until(lambda: isinstance(app.screen, VerdictPrompt), "the question")
        await pilot.press(*"ours", "enter")
        await until(lambda: flagged(app) < 5, "the verdict")
        cleared = flagged(app)
        await pilot.press("K")
        await until(lambda: isinstance(app.screen, KnowledgeScreen) and "“ours”" in shown(app), "the verdict")
        text = shown(app)
        assert "Knowledge base: jobs" in text
        assert "normal" in text
        assert "person" in text
        assert all(len(line) <= 80 for line in text.splitlines())
        # Search.
        await pilot.press("slash", *"nothing", "enter")
        await until(lambda: "No verdict has “nothing”" in shown(app), "no hit")
        await pilot.press("x")
        await until(lambda: "“ours”" in shown(app), "all again")
        # Revise.
        await pilot.press("a", "enter")
        await until(lambda: flagged(app) == 5 and "anomalous by a person" in shown(app), "revised")
        await pilot.press("u")
        await until(lambda: flagged(app) == cleared, "as before")
        # Export.
        await pilot.press("y", "enter")
        written = tmp_path / "jobs-verdicts.jsonl"
        await until(written.exists, "the file")
        assert written.stat().st_mode & 0o777 == 0o600
        # Forget, import.
        await pilot.press("d")
        await until(lambda: flagged(app) == 5 and "No verdict yet" in shown(app), "forgotten")
        await pilot.press("i", *"jobs", "minus", *"verdicts", "full_stop", *"jsonl", "enter")
        await until(lambda: flagged(app) == cleared, "imported")
        await pilot.press("i", *"nowhere", "enter")
        await until(lambda: "nowhere cannot be read" in said(app), "the sentence")


async def test_verdicts_hold_when_the_log_is_opened_again(log: Path, settings: Settings) -> None:
    async with opened(log, settings) as (app, pilot):
        await pilot.press("m")
        await until(lambda: isinstance(app.screen, VerdictPrompt), "the question")
        await pilot.press("enter")
        await until(lambda: flagged(app) < 5, "the verdict")
        left, shown_then = flagged(app), titles(app)
    async with opened(log, settings) as (app, _):
        assert flagged(app) == left
        assert titles(app) == shown_then
        assert app.desk is not None
        assert views.summary(app.desk.investigation.store).verdicts.startswith("1 verdict")


async def test_a_knowledge_base_that_cannot_be_written_is_said_and_the_screen_goes_on(
    log: Path, settings: Settings
) -> None:
    settings.data_dir.write_text("a file, not a folder", encoding="utf-8")
    async with opened(log, settings) as (app, pilot):
        await pilot.press("m")
        await until(lambda: isinstance(app.screen, VerdictPrompt), "the question")
        await pilot.press("enter")
        await until(lambda: "cannot be made" in said(app), "the sentence")
        assert flagged(app) == 5
        await pilot.press("K")
        await until(lambda: isinstance(app.screen, KnowledgeScreen), "the knowledge screen")
