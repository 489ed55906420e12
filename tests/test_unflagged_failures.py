"""What reads as failure, but is too usual in a log to be flagged, is told apart: in every report, by SQL, on the screen."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from screens import opened, shown, until
from simple_logs import JOB_STEPS, UNSEEN_ERROR, investigated, jobs, render, write

from krone_tui.detection.levels import LEVEL_SEVERITY
from krone_tui.report import Format
from krone_tui.report import write as report
from krone_tui.report.unflagged import TITLE
from krone_tui.settings import load_settings
from krone_tui.store import Store
from krone_tui.store.partial import so_far
from krone_tui.store.unflagged import unflagged_failures
from krone_tui.tui.screens.execution import ExecutionScreen
from krone_tui.tui.screens.raw import RawScreen
from krone_tui.tui.screens.unflagged import UnflaggedScreen
from krone_tui.tui.widgets.bars import KeyBar
from krone_tui.tui.widgets.evidence_panel import EvidencePanel

EVERYDAY = "ERROR jobs.Mirror: Cannot copy {id} to the mirror: connection refused"
ALWAYS = (*JOB_STEPS[:4], EVERYDAY, *JOB_STEPS[4:])


def everyday(number: int) -> dict[int, tuple[str, ...]]:
    return dict.fromkeys(range(number), ALWAYS)


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every job fails in the same way, so that nothing deviates."""
    return write(tmp_path_factory.mktemp("calm") / "calm.log", render(jobs(60, 1, everyday(60))))


@pytest.fixture(scope="module")
def flagged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every job fails in the same way, and one of them in another way too."""
    odd = everyday(200) | {150: (*ALWAYS[:4], UNSEEN_ERROR)}
    return write(tmp_path_factory.mktemp("flagged") / "flagged.log", render(jobs(200, 1, odd)))


@pytest.fixture(scope="module")
def calm_store(calm: Path) -> Iterator[Store]:
    with investigated([calm]) as opened:
        yield opened


def test_a_failure_that_every_execution_has_is_listed_with_its_counts_and_its_first_record(
    calm: Path, calm_store: Store
) -> None:
    assert calm_store.scalar("SELECT count(*) FROM execution_verdict WHERE flagged") == 0
    (one,) = unflagged_failures(calm_store)
    lines = calm.read_text().splitlines()
    assert (one.records, one.executions, one.level) == (60, 60, "ERROR")
    assert "Cannot copy" in lines[one.first_line - 1]
    assert one.example in lines[one.first_line - 1]
    first, last = calm_store.row("SELECT min(time), max(time) FROM record WHERE level = 'ERROR'")
    assert (one.first_seen, one.last_seen) == (first, last)
    assert calm_store.scalar(
        "SELECT first_line FROM record WHERE execution_id = $id AND position = $at",
        {"id": one.execution_id, "at": one.position},
    ) == one.first_line  # fmt: skip


def test_what_only_flagged_executions_have_is_not_told_again(flagged: Path) -> None:
    with investigated([flagged]) as store:
        assert store.scalar("SELECT count(*) FROM execution_verdict WHERE flagged") >= 1
        (one,) = unflagged_failures(store)
        others = store.scalar("SELECT count(*) FROM execution_verdict WHERE NOT flagged")
    assert "Cannot copy" in one.text
    assert one.executions == others


def test_what_a_baseline_log_alone_has_is_not_told_again(calm: Path, tmp_path: Path) -> None:
    log = write(tmp_path / "today.log", render(jobs(60, 2)))
    with investigated([log], baseline=[calm]) as store:
        assert unflagged_failures(store) == []


def test_every_level_that_says_error_reads_as_failure_before_words_are_rated() -> None:
    with Store.create(None, load_settings()) as store:
        for number, (level, severity) in enumerate(LEVEL_SEVERITY.items()):
            store.connection.execute(
                "INSERT INTO template (template_id, text, records, example, level) VALUES (?, 'x', 1, 'x', ?)",
                [number, level],
            )
            wanted = severity >= 0.9
            found = store.scalar(f"SELECT count(*) FROM failing_template WHERE template_id = {number}")
            assert found == wanted, level


def test_every_short_level_of_a_known_logger_is_rated() -> None:
    """Serilog's and zerolog's three letters, logrus's four."""
    for short, whole in {
        "FTL": "FATAL",
        "FATA": "FATAL",
        "PANI": "PANIC",
        "CRT": "CRITICAL",
        "WRN": "WARNING",
    }.items():
        assert LEVEL_SEVERITY[short] == LEVEL_SEVERITY[whole]


@pytest.mark.parametrize(
    ("severity", "outcome", "reads_as_failure"),
    [(0.8, "none", True), (0.7, "none", False), (0.6, "failure", True), (0.1, "failure", False)],
)
def test_likely_words_read_as_failure_where_the_status_bears_them_out(
    severity: float, outcome: str, reads_as_failure: bool
) -> None:
    with Store.create(None, load_settings()) as store:
        store.connection.execute(
            "INSERT INTO template (template_id, text, records, example, level, outcome, severity) "
            "VALUES (1, 'x', 1, 'x', 'INFO', ?, ?)",
            [outcome, severity],
        )
        assert store.scalar("SELECT count(*) FROM failing_template") == reads_as_failure
        # While the log is read, the same measure decides.
        assert bool(so_far(store, {"hierarchy"}).failing) == reads_as_failure


@pytest.mark.parametrize("format_", [Format.TEXT, Format.MARKDOWN, Format.HTML])
def test_reports_for_reading_tell_it_at_the_end(calm_store: Store, format_: Format) -> None:
    text = "\n".join(report(calm_store, format_, everything=False, with_lines=False))
    _, title, after = text.partition(TITLE)
    assert title
    assert "Cannot copy" in after
    assert "60 records in 60 of 60 executions" in after


@pytest.mark.parametrize("format_", [Format.MARKDOWN, Format.HTML])
def test_a_report_without_findings_says_what_was_judged(calm_store: Store, format_: Format) -> None:
    text = "\n".join(report(calm_store, format_, everything=False, with_lines=False))
    assert "each of 60 executions" in text
    assert "this log itself" in text


def test_the_text_stays_short(tmp_path: Path) -> None:
    kinds = [
        f"ERROR jobs.Mirror: {what} {{id}}"
        for what in (
            "Cannot copy to the mirror",
            "Connection refused by index of",
            "Checksum mismatch in first chunk",
            "Timed out waiting on lock that is held by",
            "Disk quota exceeded for volume with",
            "Unexpected end of manifest",
            "Permission denied while pruning snapshots older than",
            "Lost lease",
        )
    ]
    log = write(tmp_path / "many.log", render(jobs(60, 1, dict.fromkeys(range(60), (*JOB_STEPS, *kinds)))))
    with investigated([log]) as store:
        assert len(unflagged_failures(store)) == 8
        lines = list(report(store, Format.TEXT, everything=False, with_lines=False))
    at = next(index for index, line in enumerate(lines) if line.startswith(TITLE))
    assert "(8 kinds" in lines[at]
    assert len(lines[at:]) == 8
    assert lines[-1].startswith("… and 2 more kinds")


def test_json_has_all_of_it(calm_store: Store) -> None:
    document = json.loads("\n".join(report(calm_store, Format.JSON, everything=False, with_lines=False)))
    (one,) = document["unflagged_failures"]
    assert one["records"] == one["executions"] == 60
    assert one["level"] == "ERROR"
    assert "Cannot copy" in one["template"]
    assert "Cannot copy" in one["example"]
    assert one["source"].endswith("calm.log")
    assert one["first_line"] > 0


async def test_where_nothing_is_flagged_triage_says_what_was_judged_and_what_fails_all_the_same(
    calm: Path, tmp_path: Path
) -> None:
    settings = load_settings(cache_dir=tmp_path / "cache", threads=1)
    async with opened(calm, settings) as (app, pilot):
        text = " ".join(app.screen.query_one("#evidence-panel", EvidencePanel).text.split())
        assert "each of 60 executions" in text
        assert "judged against this log itself" in text
        assert TITLE in text
        assert "Cannot copy" in text
        await pilot.press("enter")
        await until(
            lambda: isinstance(app.screen, UnflaggedScreen) and "Cannot copy" in shown(app), "the list"
        )
        await pilot.press("r")
        await until(lambda: isinstance(app.screen, RawScreen) and "Cannot copy" in shown(app), "the raw log")
        await pilot.press("escape", "enter")
        await until(lambda: isinstance(app.screen, ExecutionScreen) and "not flagged" in shown(app), "it")
        await until(lambda: "Cannot copy" in shown(app), "its record")


async def test_keys_that_need_a_finding_are_left_out_where_nothing_is_flagged(
    calm: Path, tmp_path: Path
) -> None:
    settings = load_settings(cache_dir=tmp_path / "cache", threads=1)
    async with opened(calm, settings, size=(160, 45)) as (app, _):
        bar = app.screen.query_one(KeyBar).render().plain
    assert "Enter open" in bar
    assert "q quit" in bar
    for gone in ("d compare", "e explain", "n next", "m normal", "y copy"):
        assert gone not in bar


async def test_a_log_without_any_failure_says_so(tmp_path: Path) -> None:
    log = write(tmp_path / "good.log", render(jobs(60, 1)))
    async with opened(log, load_settings(cache_dir=tmp_path / "cache", threads=1)) as (app, pilot):
        text = " ".join(app.screen.query_one("#evidence-panel", EvidencePanel).text.split())
        assert text.endswith("No record of it reads as failure either.")
        assert "Enter open" not in app.screen.query_one(KeyBar).render().plain
        await pilot.press("enter")
        await pilot.pause()
        assert not isinstance(app.screen, UnflaggedScreen)


async def test_beside_findings_the_header_names_the_key_that_lists_them(
    flagged: Path, tmp_path: Path
) -> None:
    settings = load_settings(cache_dir=tmp_path / "cache", threads=1)
    async with opened(flagged, settings) as (app, pilot):
        await until(lambda: "U: 1 kind of failure not flagged" in shown(app), "the line in the header")
        await pilot.press("U")
        await until(
            lambda: isinstance(app.screen, UnflaggedScreen) and "Cannot copy" in shown(app), "the list"
        )
