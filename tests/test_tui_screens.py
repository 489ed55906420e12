"""The screens, driven by keys in Textual's pilot, on a real log that the test writes."""

import threading
from pathlib import Path

import pytest
from screens import opened, shown, until, write_service_log

from krone_tui.settings import Settings, load_settings
from krone_tui.store import schema
from krone_tui.store.connection import Store
from krone_tui.tui.app import CANCELLED, KroneApp
from krone_tui.tui.screens.compare import CompareScreen
from krone_tui.tui.screens.execution import ExecutionScreen
from krone_tui.tui.screens.hierarchy import HierarchyScreen
from krone_tui.tui.screens.prompt import Prompt
from krone_tui.tui.screens.raw import RawScreen
from krone_tui.tui.screens.search import SearchScreen
from krone_tui.tui.screens.sql import SqlScreen
from krone_tui.tui.screens.triage import TriageScreen
from krone_tui.tui.screens.work import WorkScreen
from krone_tui.tui.widgets.arrow_table import ArrowTable
from krone_tui.tui.widgets.execution_tree import ExecutionTree
from krone_tui.tui.widgets.line_list import LineList
from krone_tui.tui.widgets.text_panel import TextPanel


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("log") / "service.log"
    write_service_log(path)
    return path


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return load_settings(cache_dir=tmp_path_factory.mktemp("cache"), threads=1)


async def test_triage_shows_failure_modes_and_the_evidence_of_the_worst_at_80x24(
    log: Path, settings: Settings
) -> None:
    async with opened(log, settings) as (app, _):
        text = shown(app)
        assert "12 flagged" in text
        assert "300 executions" in text
        assert "what deviates" in text
        assert "!!" in text
        assert "normal executions" in text
        assert len(text.splitlines()) == 24
        assert all(len(line) <= 80 for line in text.splitlines())


async def test_enter_opens_the_tree_with_the_cursor_on_the_deviating_record(
    log: Path, settings: Settings
) -> None:
    async with opened(log, settings) as (app, pilot):
        await pilot.press("enter")
        await until(lambda: isinstance(app.screen, ExecutionScreen), "the execution")
        tree = app.screen.query_one(ExecutionTree)
        await until(
            lambda: (
                tree.cursor_node is not None
                and tree.cursor_node.data is not None
                and tree.cursor_node.data.record is not None
            ),
            "the record",
        )
        await pilot.pause()
        node = tree.cursor_node
        assert node is not None and node.data is not None and node.data.record is not None
        assert "refused" in node.data.record.message
        assert str(node.label).startswith("!! ")
        assert "!!" in shown(app)


async def test_the_header_tells_the_place_in_the_failure_mode_and_among_all(
    log: Path, settings: Settings
) -> None:
    async with opened(log, settings) as (app, pilot):
        await pilot.press("enter")
        await until(lambda: "mode 1 (1 of 12), score" in shown(app), "the place")
        await pilot.press("n", "n")
        await until(lambda: "mode 1 (3 of 12), score" in shown(app), "the third place")
        assert "  3 of 12 flagged" in shown(app).splitlines()[0]


async def test_the_evidence_takes_the_rows_that_a_short_tree_leaves(log: Path, settings: Settings) -> None:
    async with opened(log, settings) as (app, pilot):
        await pilot.press("enter")
        await until(lambda: isinstance(app.screen, ExecutionScreen) and "!!" in shown(app), "the execution")
        await pilot.pause(0.2)
        tree, evidence = app.screen.query_one(ExecutionTree), app.screen.query_one("#evidence")
        panes = app.screen.query_one("#panes").size.height
        assert tree.size.height == tree.last_line + 1 < panes // 2
        assert evidence.size.height == panes - tree.size.height
        # However much is unfolded, the evidence keeps its share.
        await pilot.resize_terminal(80, 10)
        await pilot.pause(0.2)
        assert tree.size.height < tree.last_line + 1
        assert evidence.size.height >= 3
        await pilot.resize_terminal(160, 24)
        await pilot.pause(0.2)
        assert tree.size.height == evidence.size.height


async def test_hostile_text_reaches_the_screen_as_text(log: Path, settings: Settings) -> None:
    async with opened(log, settings, size=(160, 45)) as (app, pilot):
        await pilot.press("r")
        await until(lambda: isinstance(app.screen, RawScreen) and "refused" in shown(app), "the raw log")
        text = shown(app)
        assert "[bold red]x[/] \\x1b]0;owned\\x07 \\u202egnp.exe" in text
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert "▌" in text


async def test_n_walks_through_every_flagged_execution_and_stops_at_the_last(
    log: Path, settings: Settings
) -> None:
    async with opened(log, settings) as (app, pilot):
        await pilot.press("enter")
        await until(lambda: isinstance(app.screen, ExecutionScreen), "the execution")
        seen = {app.current_execution}
        for _ in range(20):
            before = app.current_execution
            await pilot.press("n")
            await until(
                lambda before=before: app.current_execution != before or len(seen) == 12, "the next execution"
            )
            await pilot.pause()
            seen.add(app.current_execution)
        assert len(seen) == 12
        last = app.current_execution
        await pilot.press("escape")
        await until(
            lambda: isinstance(app.screen, TriageScreen) and app.screen.selected_execution == last,
            "triage at that execution",
        )


async def test_few_failure_modes_leave_their_rows_to_the_evidence(log: Path, settings: Settings) -> None:
    async with opened(log, settings) as (app, pilot):
        modes, evidence = app.screen.query_one("#modes"), app.screen.query_one("#evidence")
        panes = app.screen.query_one("#panes").size.height
        assert modes.size.height == len(app.findings.modes) + 1
        assert evidence.size.height == panes - modes.size.height
        await pilot.resize_terminal(160, 45)
        await pilot.pause(0.2)
        assert modes.size.height == len(app.findings.modes) + 1
        await pilot.resize_terminal(40, 10)
        await pilot.pause(0.2)
        assert modes.size.height == evidence.size.height == 2


async def test_the_tree_leaves_out_the_identifier_that_every_message_begins_with(
    log: Path, settings: Settings
) -> None:
    async with opened(log, settings) as (app, pilot):
        await pilot.press("enter")
        await until(lambda: "ERROR connection to database" in shown(app), "the record")
        assert "n next" in shown(app).splitlines()[-1]


async def test_the_comparison_tells_the_step_under_the_cursor_in_full(log: Path, settings: Settings) -> None:
    async with opened(log, settings) as (app, pilot):
        await pilot.press("d")
        await until(lambda: isinstance(app.screen, CompareScreen) and "extra" in shown(app), "the comparison")
        told = app.screen.query_one("#whole", TextPanel)
        seen = {told.text}
        for _ in range(12):
            await pilot.press("j")
            await pilot.pause()
            seen.add(told.text)
        assert "missing: [req-<*>] order stored in database" in seen
        assert any(text.startswith("extra: [req-<*>] connection to database refused") for text in seen)


async def test_the_comparison_names_what_is_missing_and_what_is_extra(log: Path, settings: Settings) -> None:
    async with opened(log, settings) as (app, pilot):
        await pilot.press("d")
        await until(lambda: isinstance(app.screen, CompareScreen) and "extra" in shown(app), "the comparison")
        text = shown(app)
        assert "missing" in text
        assert "4 of 5 records as normal" in text


async def test_search_finds_literals_and_expressions_and_opens_the_hit(log: Path, settings: Settings) -> None:
    async with opened(log, settings) as (app, pilot):
        await pilot.press("slash", *"re", "colon", *"REFUSED|refused", "enter")
        await until(lambda: isinstance(app.screen, SearchScreen) and "12 hits" in shown(app), "the hits")
        await pilot.press("enter")
        await until(lambda: isinstance(app.screen, ExecutionScreen), "the execution")


async def test_a_bad_expression_is_told_in_a_sentence(log: Path, settings: Settings) -> None:
    async with opened(log, settings) as (app, pilot):
        await pilot.press("slash", *"re", "colon", "left_parenthesis", "enter")
        await until(lambda: isinstance(app.screen, SearchScreen) and "missing" in shown(app), "the error")


async def test_filters_and_ranges_combine_and_clear_with_one_key(log: Path, settings: Settings) -> None:
    async with opened(log, settings) as (app, pilot):
        every = len(app.findings.modes)
        await pilot.press("f", *"nosuchthing", "enter")
        await until(lambda: "No failure mode passes" in shown(app), "the empty list")
        assert "filter nosuchthing" in shown(app)
        await pilot.press("t", *"01", "colon", *"00..01", "colon", "0", "1", "enter")
        await until(lambda: "time 01:00:00..01:01:00" in shown(app), "both filters")
        await pilot.press("x")
        await until(lambda: "Shown:" not in shown(app), "no filter")
        screen = app.screen
        assert isinstance(screen, TriageScreen)
        assert len(screen.modes) == every


async def test_sql_answers_and_explains_its_errors_and_changes_nothing(log: Path, settings: Settings) -> None:
    async with opened(log, settings) as (app, pilot):
        await pilot.press("semicolon")
        await until(
            lambda: isinstance(app.screen, SqlScreen) and "execution_verdict" in shown(app), "the tables"
        )
        await pilot.press(
            *"select count", "left_parenthesis", "asterisk", "right_parenthesis", *" n from record", "enter"
        )
        await until(lambda: "1500" in shown(app), "the answer")
        await pilot.press("ctrl+u", *"drop table work", "enter")
        await until(lambda: "only read" in shown(app), "the refusal")
        await pilot.press("ctrl+u", "enter")
        await until(lambda: "execution_verdict" in shown(app), "the tables again")
        await pilot.press("escape")
        await until(lambda: isinstance(app.screen, TriageScreen), "triage")


async def test_an_answer_is_not_covered_by_the_tables_that_come_later(
    log: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    documented = schema.documented
    told = threading.Event()

    def late(store: Store) -> object:
        told.wait(30)
        return documented(store)

    async with opened(log, settings) as (app, pilot):
        monkeypatch.setattr(schema, "documented", late)
        await pilot.press("semicolon", *"select 41 n", "enter")
        await until(lambda: "1 row" in shown(app), "the answer")
        told.set()
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert "1 row" in shown(app)


async def test_hierarchy_and_work_open_and_close(log: Path, settings: Settings) -> None:
    async with opened(log, settings) as (app, pilot):
        await pilot.press("h")
        await until(
            lambda: isinstance(app.screen, HierarchyScreen) and "entit" in shown(app), "the hierarchy"
        )
        await pilot.press("escape", "w")
        await until(lambda: isinstance(app.screen, WorkScreen) and "ingest" in shown(app), "the work")
        assert "peak memory" in "\n".join(line.plain for line in app.screen.query_one(LineList)._lines)


async def test_export_copies_and_writes_a_summary_readable_by_its_owner_alone(
    log: Path, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with opened(log, settings) as (app, pilot):
        await pilot.press("y")
        await until(lambda: any(tmp_path.glob("krone-tui-*.txt")), "the file")
        (written,) = tmp_path.glob("krone-tui-*.txt")
        assert written.stat().st_mode & 0o777 == 0o600
        text = written.read_text(encoding="utf-8")
        assert "12 of 300 executions flagged" in text
        assert "\x1b" not in text
        assert app.clipboard == text


async def test_ascii_draws_nothing_else(log: Path, settings: Settings) -> None:
    async with opened(log, settings, ascii=True) as (app, pilot):
        await pilot.press("enter")
        await until(lambda: isinstance(app.screen, ExecutionScreen), "the execution")
        await pilot.pause()
        tree = app.screen.query_one(ExecutionTree)
        assert all(
            strip.text.isascii()
            for strip in tree.render_lines(tree.size.region)
            for strip in [strip.apply_filter(app._filters[-1], tree.background_colors[1])]
        )


async def test_a_wide_terminal_has_the_executions_beside_the_evidence(log: Path, settings: Settings) -> None:
    async with opened(log, settings, size=(160, 45)) as (app, _):
        assert app.screen.query_one("#executions-table", ArrowTable).region.width > 0
        assert "where" in shown(app)


async def test_tab_shows_the_executions_on_a_narrow_terminal(log: Path, settings: Settings) -> None:
    async with opened(log, settings) as (app, pilot):
        table = app.screen.query_one("#executions-table", ArrowTable)
        assert table.region.width == 0
        await pilot.press("tab")
        await pilot.pause()
        assert table.has_focus
        assert table.region.width > 0


async def test_a_log_that_cannot_be_read_is_told_and_ends_with_2(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    app = KroneApp(["nowhere.log"], settings)
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            await until(lambda: app.failure is not None, "the failure")
            await until(lambda: "nowhere.log" in shown(app), "the sentence")
            await pilot.press("q")
        assert app.return_value == 2
    finally:
        app.close()


async def test_escape_while_reading_stops_it_and_leaves_nothing_behind(tmp_path: Path) -> None:
    big = tmp_path / "big.log"
    big.write_text(
        "".join(
            f"2026-03-14 01:00:00.{at % 1000:03d} INFO shop - [req-{at:07x}] step {at} done\n"
            for at in range(200_000)
        )
    )
    cache = tmp_path / "cache"
    app = KroneApp([str(big)], load_settings(cache_dir=cache, threads=1))
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            await until(lambda: "reading" in shown(app), "the progress")
            await pilot.press("escape")
        assert app.return_value == CANCELLED
    finally:
        app.close()
    assert not list(cache.glob("*.duckdb"))
    assert not list(cache.glob(".*partial*"))


async def test_enter_pressed_twice_in_a_prompt_closes_the_prompt_alone(log: Path, settings: Settings) -> None:
    async with opened(log, settings) as (app, pilot):
        await pilot.press("f")
        for key in ("enter", "enter", "enter"):
            app.simulate_key(key)
        await until(lambda: not isinstance(app.screen, Prompt), "the prompt gone")
        await pilot.pause()
        assert any(isinstance(screen, TriageScreen) for screen in app.screen_stack)
