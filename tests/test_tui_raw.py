"""The raw log on a narrow terminal: what is cut, how the rest is reached, what is marked."""

import re
from pathlib import Path

import pytest
from screens import opened, shown, until, write_service_log
from simple_logs import JOB_STEPS, UNSEEN_ERROR, investigated, jobs, json_lines, write
from textual.pilot import Pilot

from krone_tui.settings import Settings, load_settings
from krone_tui.store import views
from krone_tui.tui.app import KroneApp
from krone_tui.tui.screens.execution import ExecutionScreen
from krone_tui.tui.screens.raw import RawScreen, _pieces
from krone_tui.tui.widgets.execution_tree import ExecutionTree
from krone_tui.tui.widgets.line_list import LineList


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("log") / "service.log"
    write_service_log(path)
    return path


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return load_settings(cache_dir=tmp_path_factory.mktemp("cache"), threads=1)


async def _open_raw(app: KroneApp, pilot: Pilot[int]) -> None:
    await pilot.press("r")
    await until(lambda: isinstance(app.screen, RawScreen) and "ERROR" in shown(app), "the raw log")
    await pilot.pause()


def _marked(app: KroneApp, sign: str) -> list[str]:
    return [line for line in shown(app).splitlines()[1:-1] if line.startswith(sign)]


async def test_only_the_record_that_deviates_is_marked_so_among_those_of_its_execution(
    log: Path, settings: Settings
) -> None:
    async with opened(log, settings) as (app, pilot):
        await _open_raw(app, pilot)
        (deviating,) = _marked(app, "!!")
        assert "ERROR" in deviating
        assert len(_marked(app, "▌")) == 4
        assert "!! deviates" in shown(app).splitlines()[0]


async def test_a_line_that_is_cut_says_so_and_arrows_show_the_rest_beside_its_number(
    log: Path, settings: Settings
) -> None:
    async with opened(log, settings) as (app, pilot):
        await _open_raw(app, pilot)
        (cut,) = _marked(app, "!!")
        number = re.findall(r"\d+", cut)[0]
        assert cut.rstrip(" ▁▂▃▄▅▆▇█").endswith("…")
        assert "gnp.exe" not in cut
        assert "→" in shown(app).splitlines()[-1]
        await pilot.press("right", "right")
        await pilot.pause()
        (moved,) = _marked(app, "!!")
        assert re.match(rf"!!\s*{number} …", moved)
        assert "gnp.exe" in moved
        # No further than the longest line in sight.
        await pilot.press(*["right"] * 20)
        await pilot.pause()
        assert "gnp.exe" in _marked(app, "!!")[0]
        await pilot.press(*["left"] * 10)
        await pilot.pause()
        assert _marked(app, "!!") == [cut]


async def test_w_breaks_long_shown_linesand_stays_so_in_the_next_raw_log(
    log: Path, settings: Settings
) -> None:
    async with opened(log, settings) as (app, pilot):
        await _open_raw(app, pilot)
        await pilot.press("w")
        await until(lambda: "gnp.exe" in shown(app), "the whole line")
        assert "…" not in "".join(_marked(app, "!!") + _marked(app, "▌"))
        lines = app.screen.query_one(LineList)
        assert "ERROR" in lines._lines[lines.cursor].plain
        await pilot.press("escape", "r")
        await until(lambda: isinstance(app.screen, RawScreen) and "gnp.exe" in shown(app), "wrapped again")
        lines = app.screen.query_one(LineList)
        await pilot.resize_terminal(60, 24)
        await until(lambda: all(line.cell_len < 60 for line in lines._lines), "wrapped to the width")


async def test_n_goes_to_the_record_that_deviates_from_wherever_the_cursor_is(
    log: Path, settings: Settings
) -> None:
    async with opened(log, settings) as (app, pilot):
        await _open_raw(app, pilot)
        lines = app.screen.query_one(LineList)
        there = lines._lines[lines.cursor].plain
        # Far enough that other records were fetched.
        for _ in range(2):
            before = lines._lines
            await pilot.press("home")
            await until(lambda before=before: lines._lines is not before, "earlier records")
            await pilot.pause()
        assert there not in [line.plain for line in lines._lines]
        await pilot.press("n")
        await until(lambda: lines._lines[lines.cursor].plain == there, "the deviating record")
        await pilot.press("n", "k", "k", "n")
        await pilot.pause()
        assert lines._lines[lines.cursor].plain == there


async def test_raw_opens_at_the_record_under_the_cursor_also_where_equal_ones_are_folded_together(
    tmp_path: Path, settings: Settings
) -> None:
    path = tmp_path / "twice.log"
    write_service_log(path)
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r"(.* refused: .*\n)", r"\1\1", text), encoding="utf-8")
    async with opened(path, settings) as (app, pilot):
        await pilot.press("enter")
        await until(lambda: isinstance(app.screen, ExecutionScreen) and "×2" in shown(app), "the execution")
        tree = app.screen.query_one(ExecutionTree)
        await until(
            lambda: tree.cursor_node is not None and "refused" in str(tree.cursor_node.label), "the record"
        )
        await _open_raw(app, pilot)
        assert len(_marked(app, "!!")) == 2
        lines = app.screen.query_one(LineList)
        assert "refused" in lines._lines[lines.cursor].plain


async def test_raw_opens_where_the_end_is_missing_and_marks_the_last_step(
    tmp_path: Path, settings: Settings
) -> None:
    path = tmp_path / "lost.log"
    write_service_log(path)
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    failed = {line.partition("[")[2].partition("]")[0] for line in lines if "refused" in line}
    kept = [
        line
        for line in lines
        if not any(request in line for request in failed) or "accepted" in line or "opened" in line
    ]
    path.write_text("".join(kept), encoding="utf-8")
    async with opened(path, settings) as (app, pilot):
        await pilot.press("r")
        await until(lambda: isinstance(app.screen, RawScreen) and "??" in shown(app), "the raw log")
        await pilot.pause()
        assert len(_marked(app, "??")) == 1
        shown_lines = app.screen.query_one(LineList)
        assert shown_lines._lines[shown_lines.cursor].plain.startswith("??")
        assert "?? lacks what comes with it" in shown(app).splitlines()[0]


@pytest.mark.parametrize("line", ["", "a" * 45, "word " * 30, "grüße und " * 12, "漢字" * 40, "x" * 50_000])
def test_pieces_of_a_line_fit_and_hold_all_of_it_but_of_a_monstrous_one(line: str) -> None:
    pieces = _pieces(line, 20)
    joined = "".join(pieces)
    assert joined == line if len(line) < 1000 else joined.endswith("…")
    assert all(len(piece) <= 20 for piece in pieces)
    assert pieces


async def test_what_a_line_of_json_says_stands_in_front_of_it(tmp_path: Path) -> None:
    log = write(
        tmp_path / "service.json",
        json_lines(jobs(60, 1, {30: (*JOB_STEPS[:3], UNSEEN_ERROR)}, "@{:04d}".format)),
    )
    async with opened(log, load_settings(cache_dir=tmp_path / "cache", threads=1), size=(140, 24)) as (
        app,
        pilot,
    ):
        await pilot.press("r")
        await until(lambda: isinstance(app.screen, RawScreen) and "Disk failure" in shown(app), "it")
        line = next(line for line in shown(app).splitlines()[1:] if "Disk failure" in line)
        assert re.search(r"\d\d:\d\d:\d\d\.\d{3} ERROR Disk failure while writing", line)
        assert '{"time": "2026-03-02T08:' in line
        assert line.index("Disk failure") < line.index('{"time"')


def test_lines_that_are_no_json_stand_as_they_are(log: Path) -> None:
    lines = log.read_text(encoding="utf-8").split("\n")
    with investigated([log]) as store:
        rows = views.raw_around(store, 0, 0, 5)
    assert [row[4] for row in rows] == lines[:6]
    assert {row[5] for row in rows} == {""}
