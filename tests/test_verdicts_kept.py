"""Verdicts in their file: exported and imported, written by two at once, and where it cannot be used."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from simple_logs import settings
from verdict_logs import all_of, jobs_log, opened, seq_target, target

from krone_tui.errors import KroneError
from krone_tui.settings import Settings
from krone_tui.store import verdicts, views
from krone_tui.store.knowledge import KnowledgeBase
from krone_tui.store.verdicts import ANOMALOUS, NORMAL


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return jobs_log(tmp_path_factory.mktemp("log") / "jobs.log.1")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def chosen(tmp_path: Path, cache: Path) -> Settings:
    return settings(use_cache=True, cache_dir=cache, data_dir=tmp_path / "data")


def test_export_and_import_carry_every_verdict_and_know_what_is_there(
    log: Path, chosen: Settings, tmp_path: Path
) -> None:
    with opened(log, chosen) as one:
        store = one.store
        one.judging.give(store, target(store, "Disk failure"), NORMAL, "line\nbreak \x1b[31m")
        one.judging.give(store, seq_target(store, "Lost lock"), ANOMALOUS, None)
        rows = one.judging.listed(store)
        lines = list(verdicts.to_json_lines(rows))
    elsewhere = chosen.model_copy(update={"data_dir": tmp_path / "colleague"})
    with opened(log, elsewhere) as one:
        given = verdicts.from_json_lines(lines)
        new, change = one.judging.bring_in(one.store, given)
        assert (new, change.cleared) == (2, 4)
        assert [(r.key, r.verdict, r.comment, r.given_at) for r in one.judging.listed(one.store)] == [
            (r.key, r.verdict, r.comment, r.given_at) for r in rows
        ]
        assert one.judging.bring_in(one.store, given)[0] == 0


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("nonsense", "not JSON"),
        ("[1]", "no JSON object"),
        ("{}", "'scope'"),
        ('{"scope": "mode", "verdict": "maybe"}', "'verdict'"),
        ('{"scope": "mode", "verdict": "normal", "source": "person", "key": 5}', "'key'"),
        (
            '{"scope": "mode", "verdict": "normal", "source": "person", "key": "k", "title": "", "path": "", "given_at": "noon"}',
            "'given_at'",
        ),
        (
            '{"scope": "seq", "verdict": "normal", "source": "person", "key": "\\ud800", "title": "", "path": ""}',
            "'key'",
        ),
    ],
)
def test_a_line_that_is_no_verdict_is_named(line: str, what: str) -> None:
    with pytest.raises(KroneError, match=f"Line 2 is no verdict.*{what}"):
        verdicts.from_json_lines(["", line])


GIVE = """
import sys
from krone_tui.investigation import Investigation
from krone_tui.settings import Settings
from krone_tui.store.targets import Target
settings = Settings(cache_dir=sys.argv[2], data_dir=sys.argv[3], threads=1)
with Investigation.open([sys.argv[1]], settings) as one:
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(12):
        of = Target("mode", f"{sys.argv[4]}-{number}", f"of {sys.argv[4]}", "a › b", "status", 0, 0)
        one.judging.give(one.store, of, "normal", None)
"""


def test_two_processes_that_give_verdicts_at_once_lose_none(log: Path, chosen: Settings) -> None:
    """Both begin without a knowledge base, so that they also must agree on one."""
    with opened(log, chosen):
        pass
    arguments = [str(log), str(chosen.cache_dir), str(chosen.data_dir)]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", GIVE, *arguments, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in ("left", "right")
    ]
    for process in running:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in running:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    for process in running:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
    assert KnowledgeBase.names(chosen) == ["jobs"]
    with KnowledgeBase.reading(KnowledgeBase.locate("jobs", chosen)) as base:
        assert sorted(row.key for row in verdicts.listed(base)) == sorted(
            f"{name}-{number}" for name in ("left", "right") for number in range(12)
        )
        ids = base.rows("SELECT verdict_id FROM verdict")
        assert len(set(ids)) == 24


def spoil_as_damaged(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:20_000])


def spoil_as_foreign(path: Path) -> None:
    path.write_bytes(b"SQLite format 3\0" + bytes(5000))


def spoil_as_newer(path: Path) -> None:
    with KnowledgeBase.writing(path) as base:
        base.set_about("version", "99")


@pytest.mark.parametrize("spoil", [spoil_as_damaged, spoil_as_foreign, spoil_as_newer])
def test_a_knowledge_base_that_cannot_be_used_is_told_in_a_sentence_and_the_log_opens(
    log: Path, chosen: Settings, spoil: Callable[[Path], None]
) -> None:
    with opened(log, chosen) as one:
        one.judging.give(one.store, target(one.store, "Disk failure"), NORMAL, None)
    spoil(chosen.data_dir / "knowledge" / "jobs.duckdb")
    named = chosen.model_copy(update={"knowledge": "jobs"})
    for way in (chosen, named):
        with opened(log, way) as one:
            assert one.opened.notes[-1].startswith("No verdict counts: ")
            assert one.opened.notes[-1].endswith(".")
            assert views.summary(one.store).flagged == 6
    with opened(log, named) as one:
        before = all_of(one.store)
        with pytest.raises(KroneError):
            one.judging.give(one.store, target(one.store, "Disk failure"), NORMAL, None)
        assert all_of(one.store) == before
