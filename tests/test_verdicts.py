"""A reader's verdicts: what they change in an investigation, that they hold in the next log, and that none is lost."""

import json
from datetime import datetime
from pathlib import Path

import pytest
from conftest import small_log
from simple_logs import JOB_STEPS, jobs, render, settings, write
from verdict_logs import (
    all_of,
    jobs_log,
    mode,
    opened,
    seq_target,
    target,
)

from krone_tui.errors import KroneError
from krone_tui.explanation import evidence
from krone_tui.report import Format
from krone_tui.report import write as report
from krone_tui.settings import Settings
from krone_tui.store import overlay, sql, targets, verdicts, views
from krone_tui.store import screen as queries
from krone_tui.store.knowledge import KnowledgeBase
from krone_tui.store.screen import TimeRange
from krone_tui.store.verdicts import ANOMALOUS, MODEL, NORMAL, PERSON, Verdict


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return jobs_log(tmp_path_factory.mktemp("log") / "jobs.log.1")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def chosen(tmp_path: Path, cache: Path) -> Settings:
    return settings(use_cache=True, cache_dir=cache, data_dir=tmp_path / "data")


def test_a_verdict_on_one_statement_said_under_several_names_holds_whoever_says_it_first(
    tmp_path: Path, chosen: Settings
) -> None:
    def failing(names: str) -> dict[int, tuple[str, ...]]:
        said = "ERROR jobs.Storage: {name} {{id}} gave up: volume lost its last mirror"
        return {
            40 * at + 11: (*JOB_STEPS[:3], said.format(name=name)) for at, name in enumerate(names.split(), 1)
        }

    for day, names in enumerate(("Reader Writer", "Writer Reader Reader")):
        log = write(tmp_path / f"{day}.log", render(jobs(200, day, failing(names))))
        with opened(log, chosen) as one:
            if day == 0:
                assert views.summary(one.store).flagged == 2
                one.judging.give(one.store, target(one.store, "and 1 more: "), NORMAL, "drill")
            assert views.summary(one.store).flagged == 0


def test_a_normal_failure_mode_leaves_every_list_count_and_report(log: Path, chosen: Settings) -> None:
    with opened(log, chosen) as one:
        store = one.store
        other = store.cursor()
        assert views.summary(store).flagged == 6
        cleared = mode(store, "Disk failure")
        change = one.judging.give(store, target(store, "Disk failure"), NORMAL, "maintenance")
        assert (change.cleared, change.flagged) == (4, 0)
        assert str(change) == "4 executions cleared"
        # Another thread's cursor sees the same at once.
        assert views.summary(other).flagged == 2
        assert [m.title for m in views.failure_modes(other)] == [mode(store, "Lost lock").title]
        assert queries.mode_counts(other, TimeRange()) == {mode(store, "Lost lock").failure_mode_id: 2}
        assert queries.worklist(other, TimeRange()).num_rows == 2
        assert sum(flagged for _, _, flagged in views.histogram(other, 10)) == 2
        execution = views.execution(other, cleared.example_execution)
        assert execution is not None
        assert (execution.flagged, execution.score, execution.verdict, execution.verdict_by) == (
            False,
            0.0,
            "normal",
            "person",
        )
        assert "A person said" in str(evidence(other, execution.execution_id)[0])
        _, asked = sql.first_rows(other, "SELECT count(*) FROM execution_verdict WHERE flagged", 10)
        assert asked.column(0).to_pylist() == [2]
        rows = [json.loads(line) for line in report(other, Format.JSONL, everything=True, with_lines=False)]
        assert sum(row["flagged"] for row in rows) == 2
        assert [(row["verdict"], row["verdict_by"]) for row in rows if row["verdict"]] == [
            ("normal", "person")
        ] * 4
        for format_ in (Format.TEXT, Format.JSON, Format.MARKDOWN, Format.HTML):
            text = "\n".join(report(other, format_, everything=False, with_lines=False))
            assert "1 verdict: 4 executions cleared" in text
            assert "Disk failure" not in text
        assert "normal,person" in "\n".join(report(other, Format.CSV, everything=True, with_lines=False))
        other.close()


def test_the_file_of_the_investigation_is_not_touched(log: Path, chosen: Settings) -> None:
    with opened(log, chosen) as one:
        path = one.store.path
        assert path is not None
        before = path.read_bytes()
        one.judging.give(one.store, target(one.store, "Disk failure"), NORMAL, None)
        assert path.read_bytes() == before


def test_undo_restores_exactly_and_the_other_way_round(log: Path, chosen: Settings) -> None:
    with opened(log, chosen) as one:
        store, judging = one.store, one.judging
        states = [all_of(store)]
        for verdict, of in (
            (NORMAL, target(store, "Disk failure")),
            (ANOMALOUS, target(store, "Lost lock")),
            (ANOMALOUS, seq_target(store, "Lost lock")),
            (NORMAL, seq_target(store, "Lost lock")),
        ):
            judging.give(store, of, verdict, None)
            states.append(all_of(store))
        assert len({repr(state) for state in states}) == len(states)
        for state in states[-2::-1]:
            assert judging.undo(store) is not None
            assert all_of(store) == state
        assert judging.undo(store) is None
        assert judging.listed(store) == []


def test_a_confirmed_failure_mode_comes_first_with_score_1_and_says_who_and_why(
    log: Path, chosen: Settings
) -> None:
    with opened(log, chosen) as one:
        store = one.store
        last = views.failure_modes(store)[-1]
        of = targets.mode_target(store, last.failure_mode_id)
        assert of is not None
        change = one.judging.give(store, of, ANOMALOUS, "ticket 7")
        assert (change.cleared, change.flagged) == (0, 0)
        first = views.failure_modes(store)[0]
        assert (first.failure_mode_id, first.score) == (last.failure_mode_id, 1.0)
        assert (first.verdict, first.verdict_by, first.verdict_comment) == ("anomalous", "person", "ticket 7")
        assert (
            queries.worklist(store, TimeRange()).column("failure_mode_id")[0].as_py() == last.failure_mode_id
        )
        said = [str(sentence) for sentence in evidence(store, first.example_execution)]
        assert "A person confirmed that this is anomalous: “ticket 7”." in said


def test_a_normal_seq_clears_the_executions_that_it_decided(log: Path, chosen: Settings) -> None:
    with opened(log, chosen) as one:
        store = one.store
        of = seq_target(store, "Disk failure")
        assert of.scope == "seq"
        change = one.judging.give(store, of, NORMAL, None)
        assert change.cleared == of.executions > 0
        assert views.summary(store).flagged == 6 - of.executions


def test_an_anomalous_seq_flags_every_execution_that_has_it(log: Path, chosen: Settings) -> None:
    with opened(log, chosen) as one:
        store = one.store
        healthy = next(row for row in views.executions(store) if not row.flagged)
        found, meant = targets.targets_at(store, healthy.execution_id, 0, 1, "status")
        of = found[meant]
        before = views.summary(store).flagged
        change = one.judging.give(store, of, ANOMALOUS, "looks wrong")
        assert of.containing > before
        assert change.flagged == of.containing - before
        own = views.failure_modes(store)[0]
        assert (own.kind, own.title, own.path, own.score) == ("verdict", of.title, of.path, 1.0)
        assert own.executions == of.containing
        said = evidence(store, healthy.execution_id)
        assert str(said[0]).startswith("A person said that this Seq is anomalous: “looks wrong” (line")
        # The same key takes it back.
        again = targets.mode_target(store, own.failure_mode_id)
        assert again is not None
        assert (again.scope, again.key) == (of.scope, of.key)
        one.judging.give(store, again, NORMAL, None)
        assert views.summary(store).flagged <= before


def test_a_persons_word_stands_over_a_models_whichever_is_later(log: Path, chosen: Settings) -> None:
    with opened(log, chosen) as one:
        store, of = one.store, target(one.store, "Disk failure")
        one.judging.give(store, of, ANOMALOUS, None)
        assert one.judging.path is not None
        later = Verdict(
            of.scope,
            of.key,
            NORMAL,
            MODEL,
            datetime(2100, 1, 1),  # noqa: DTZ001 - in UTC
            None,
            of.title,
            of.path,
        )
        with KnowledgeBase.writing(one.judging.path) as base:
            verdicts.add(base, [later])
        listed = one.judging.listed(store)
        assert [(row.source, row.in_force) for row in listed] == [(MODEL, False), (PERSON, True)]
        assert mode(store, "Disk failure").verdict_by == "person"
        # Without the person's word the model's counts.
        change = one.judging.forget(store, [listed[1]])
        assert change.cleared == 4
        assert {row.verdict_by for row in views.executions(store) if row.verdict} == {"model"}


def test_forgetting_takes_the_earlier_words_along_and_can_be_undone(log: Path, chosen: Settings) -> None:
    with opened(log, chosen) as one:
        store, of = one.store, target(one.store, "Disk failure")
        one.judging.give(store, of, ANOMALOUS, "first")
        one.judging.give(store, of, NORMAL, "then")
        (row,) = one.judging.listed(store)
        assert row.comment == "then"
        assert one.judging.forget(store, [row]).flagged == 4
        assert one.judging.listed(store) == []
        undone = one.judging.undo(store)
        assert undone is not None
        assert undone[1].cleared == 4


def test_the_verdict_holds_in_the_next_log_of_the_service_and_in_no_other(
    log: Path, chosen: Settings, tmp_path: Path
) -> None:
    with opened(log, chosen) as one:
        one.judging.give(one.store, target(one.store, "Disk failure"), NORMAL, None)
        assert one.judging.name == "jobs"
        assert (chosen.data_dir / "knowledge" / "jobs.duckdb").stat().st_mode & 0o777 == 0o600
    with opened(log, chosen) as again:
        assert again.opened.from_cache
        assert views.summary(again.store).flagged == 2
    following = jobs_log(tmp_path / "other-name.log", count=220, seed=5, first=40_000)
    with opened(following, chosen) as next_one:
        assert next_one.judging.name == "jobs"
        assert views.summary(next_one.store).flagged == 2
        assert "Disk failure" not in "".join(m.title for m in views.failure_modes(next_one.store))
    shop = tmp_path / "shop.log"
    shop.write_text("".join(small_log(60)), encoding="utf-8")
    with opened(shop, chosen) as stranger:
        assert stranger.judging.name == ""
        assert overlay.told(stranger.store) == ""
        stranger.judging.give(
            stranger.store,
            targets.mode_target(stranger.store, views.failure_modes(stranger.store)[0].failure_mode_id)
            or pytest.fail("no failure mode"),
            NORMAL,
            None,
        )
        assert stranger.judging.name == "shop"


def test_a_named_knowledge_base_is_used_and_none_when_switched_off(log: Path, chosen: Settings) -> None:
    named = chosen.model_copy(update={"knowledge": "night-shift"})
    with opened(log, named) as one:
        assert "first verdict makes it" in one.opened.notes[-1]
        one.judging.give(one.store, target(one.store, "Disk failure"), NORMAL, None)
    with opened(log, named) as one:
        assert views.summary(one.store).flagged == 2
    off = chosen.model_copy(update={"use_knowledge": False})
    with opened(log, off) as one:
        assert views.summary(one.store).flagged == 6
        with pytest.raises(KroneError, match="switched off"):
            one.judging.give(one.store, target(one.store, "Disk failure"), NORMAL, None)


def test_a_shipped_sample_is_cleared_by_verdicts_and_whole_again_after_undo(
    sample: Path, chosen: Settings, samples_cache: Path
) -> None:
    with opened(sample, chosen.model_copy(update={"cache_dir": samples_cache})) as one:
        store = one.store
        before, flagged = all_of(store), views.summary(store).flagged
        assert flagged > 0
        given = 0
        while views.failure_modes(store):
            first = targets.mode_target(store, views.failure_modes(store)[0].failure_mode_id)
            assert first is not None
            assert one.judging.give(store, first, NORMAL, None).cleared == first.executions
            given += 1
        assert views.summary(store).flagged == 0
        assert views.summary(store).verdicts.endswith(f"{flagged:,} executions cleared")
        for _ in range(given):
            one.judging.undo(store)
        assert all_of(store) == before


def test_a_readers_query_cannot_change_what_verdicts_say(log: Path, chosen: Settings) -> None:
    with opened(log, chosen) as one:
        for query in (
            "DELETE FROM changed_variant",
            "DROP VIEW execution",
            "INSERT INTO dropped_finding VALUES (1)",
            "EXPLAIN ANALYZE DELETE FROM changed_mode",
            "DETACH log",
            "COMMIT; DROP VIEW execution",
            "DELETE FROM log.finding",
        ):
            with pytest.raises(KroneError, match=r"read-only|only read|one query at a time"):
                sql.first_rows(one.store, query, 10)
        assert views.summary(one.store).flagged == 6
