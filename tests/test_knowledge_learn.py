"""A learnt baseline: put in force it gives what reading the good logs gives, and what cannot be compared is refused."""

import random
from pathlib import Path

import pytest
from simple_logs import (
    JOB_STEPS,
    UNSEEN_ERROR,
    Event,
    investigated,
    jobs,
    render,
    sessions,
    settings,
    syslog,
    write,
)

from krone_tui.errors import KroneError
from krone_tui.investigation import Investigation
from krone_tui.knowledge import learn, merge
from krone_tui.store import Store, facts
from krone_tui.store import baseline as learnt_in
from krone_tui.store.comparison import normal_execution
from krone_tui.store.knowledge import KnowledgeBase

ODD = {
    20: (*JOB_STEPS[:3], UNSEEN_ERROR, *JOB_STEPS[3:]),
    40: JOB_STEPS[:4],
    60: (*JOB_STEPS[:4], *JOB_STEPS[5:]),
    80: (*JOB_STEPS[:4], *[JOB_STEPS[4]] * 10, *JOB_STEPS[5:]),
}


def judged(store: Store) -> list[tuple[object, ...]]:
    """One row for each execution of the log under analysis."""
    return store.rows(
        """
        SELECT e.identifier, e.first_line, e.flagged, round(e.score, 6), e.level, m.title, m.score, m.kind
        FROM execution_verdict AS e JOIN source AS s USING (source_id) LEFT JOIN failure_mode AS m USING (failure_mode_id)
        WHERE NOT s.is_baseline ORDER BY ALL
        """
    )


def templates(store: Store) -> list[tuple[object, ...]]:
    return store.rows(
        "SELECT template_id, text, records, component, level, entity, action, status FROM template ORDER BY 1"
    )


def variants(store: Store) -> list[tuple[object, ...]]:
    return store.rows("SELECT is_window, template_ids, executions, good_executions FROM variant ORDER BY ALL")


def syslog_pair(folder: Path) -> tuple[Path, Path]:
    """Logs of a host without identifiers in most lines: windows."""
    rng = random.Random(5)

    def beat(second: float, odd: bool) -> list[Event]:
        text = "kernel: device sda went offline: I/O error" if odd else "kernel: scrub pass finished"
        steps = ["cron: job run started", f"cron: job run took {rng.randint(10, 99)} s", text]
        return [Event(second + at, f"alpha {step}") for at, step in enumerate(steps)]

    good = [beat(600.0 * at, odd=False) for at in range(120)]
    bad = [beat(600.0 * at, odd=at in (30, 31)) for at in range(100)]
    return write(folder / "good.log", render(good, syslog)), write(folder / "bad.log", render(bad, syslog))


def job_pair(folder: Path) -> tuple[Path, Path]:
    good = render(jobs(200, 2, {7: JOB_STEPS[:3]}, name=lambda index: f"blk_{100_000 + 7 * index}"))
    bad = render(jobs(100, 1, ODD, name=lambda index: f"blk_{300_000 + 7 * index}"))
    # Some messages are in the good log alone, and some of its records have no identifier.
    good.insert(50, "2026-03-02 08:00:20,000 INFO  jobs.Sweeper: nothing to sweep in /data/vol3")
    return write(folder / "good.log", good), write(folder / "bad.log", bad)


def session_pair(folder: Path) -> tuple[Path, Path]:
    good = render([*sessions("alpha", 60), *sessions("beta", 60)], syslog)
    bad = render([*sessions("alpha", 30), [Event(40.0, "alpha sshd[9]: fatal: no kex alg")]], syslog)
    return write(folder / "good.log", good), write(folder / "bad.log", bad)


@pytest.mark.parametrize("pair", [job_pair, syslog_pair, session_pair])
def test_a_learnt_baseline_gives_the_verdicts_that_the_good_log_gives(tmp_path: Path, pair: object) -> None:
    good, bad = pair(tmp_path)  # type: ignore[operator]
    learn([str(good)], tmp_path / "k.duckdb", settings())
    with (
        investigated([bad], baseline=(good,)) as read,
        investigated([bad], baseline=(tmp_path / "k.duckdb",)) as known,
    ):
        assert any(row[2] for row in judged(read))
        assert templates(known) == templates(read)
        assert variants(known) == variants(read)
        assert judged(known) == judged(read)


def test_two_lessons_give_the_verdicts_that_both_good_logs_give(tmp_path: Path) -> None:
    good, bad = job_pair(tmp_path)
    more = write(tmp_path / "more.log", render(jobs(50, 9, name=lambda index: f"blk_{900_000 + index}")))
    into = tmp_path / "k.duckdb"
    learn([str(good)], into, settings())
    assert learn([str(more)], into, settings()).added
    with (
        investigated([bad], baseline=(good, more)) as read,
        investigated([bad], baseline=(into,)) as known,
        investigated([bad], baseline=(into, good)) as mixed,
    ):
        assert judged(known) == judged(read)
        assert facts.read(known)["baseline"] == f"the knowledge base {into} (251 executions of 2 logs)"
        assert facts.read(mixed)["baseline"].endswith(f"(251 executions of 2 logs) and the logs {good}")


def test_the_normal_execution_to_compare_with_is_one_of_this_log(tmp_path: Path) -> None:
    good, bad = job_pair(tmp_path)
    learn([str(good)], tmp_path / "k.duckdb", settings())
    with investigated([bad], baseline=(tmp_path / "k.duckdb",)) as store:
        only_learnt = store.scalar(
            "SELECT min(variant_id) FROM variant ANTI JOIN execution USING (variant_id)"
        )
        flagged = store.scalar("SELECT min(execution_id) FROM execution_verdict WHERE flagged")
        assert normal_execution(store, flagged, only_learnt) is not None


def test_the_cache_is_of_what_was_learnt(tmp_path: Path) -> None:
    good, bad = job_pair(tmp_path)
    into = tmp_path / "k.duckdb"
    learn([str(good)], into, settings())
    chosen = settings(baseline=(into,), use_cache=True, cache_dir=tmp_path / "cache")

    def from_cache() -> bool:
        with Investigation.open([str(bad)], chosen) as investigation:
            return investigation.opened.from_cache

    assert [from_cache(), from_cache()] == [False, True]
    more = write(tmp_path / "more.log", render(jobs(50, 9, name=lambda index: f"blk_{900_000 + index}")))
    learn([str(more)], into, settings())
    assert [from_cache(), from_cache()] == [False, True]


# ---------------------------------------------------------------------------------------------------------
# What cannot be compared


def test_a_log_is_grouped_as_what_was_learnt(tmp_path: Path) -> None:
    good, bad = job_pair(tmp_path)
    learn([str(good)], tmp_path / "k.duckdb", settings(group_by="component"))
    with investigated([bad], baseline=(tmp_path / "k.duckdb",)) as store:
        assert store.scalar("SELECT name FROM grouping_candidate WHERE chosen") == "component"
    with (
        pytest.raises(KroneError, match="grouped by 'component', not by 'blk_\\*'"),
        investigated([bad], baseline=(tmp_path / "k.duckdb",), group_by="blk_*"),
    ):
        pass


def test_a_log_without_the_learnt_identifier_is_refused(tmp_path: Path) -> None:
    good, _ = job_pair(tmp_path)
    learn([str(good)], tmp_path / "k.duckdb", settings())
    other = write(tmp_path / "other.log", render([*sessions("alpha", 30)], syslog))
    with (
        pytest.raises(KroneError, match="grouped by 'blk_\\*', which no record of this log carries"),
        investigated([other], baseline=(tmp_path / "k.duckdb",)),
    ):
        pass


def test_windows_cut_otherwise_take_no_part_and_are_mentioned(tmp_path: Path) -> None:
    good, bad = syslog_pair(tmp_path)
    later = write(
        tmp_path / "later.log", [line.replace("Mar  ", "Apr  ") for line in good.read_text().splitlines()]
    )
    parts = [tmp_path / "a.duckdb", tmp_path / "b.duckdb"]
    learn([str(good)], parts[0], settings())
    learn([str(later)], parts[1], settings(idle_gap=1500))
    merge(parts, tmp_path / "c.duckdb")
    with Investigation.open([str(bad)], settings(baseline=(tmp_path / "c.duckdb",))) as found:
        assert any("cut otherwise" in note for note in found.opened.notes), found.opened.notes
        assert learnt_in.taking_part(found.store).windows == 120


def test_a_knowledge_base_of_another_application_is_mentioned(tmp_path: Path) -> None:
    good, _ = syslog_pair(tmp_path)
    learn([str(good)], tmp_path / "k.duckdb", settings())
    lines = [
        f"Mar  2 08:{at // 60:02}:{at % 60:02} alpha pump: pressure {at} low in line {at}" for at in range(90)
    ]
    other = write(tmp_path / "other.log", lines)
    with Investigation.open([str(other)], settings(baseline=(tmp_path / "k.duckdb",))) as found:
        assert any("may be of another application" in note for note in found.opened.notes), found.opened.notes


def test_shapes_made_by_other_rules_are_refused(tmp_path: Path) -> None:
    good, bad = job_pair(tmp_path)
    for name in ("k", "l"):
        learn([str(good)], tmp_path / f"{name}.duckdb", settings())
    with KnowledgeBase.writing(tmp_path / "k.duckdb") as kb:
        kb.set_about("masks", "of another version")
    with (
        pytest.raises(KroneError, match="another version"),
        investigated([bad], baseline=(tmp_path / "k.duckdb",)),
    ):
        pass
    with pytest.raises(KroneError, match="another version"):
        merge([tmp_path / "k.duckdb", tmp_path / "l.duckdb"], tmp_path / "out.duckdb")


def test_a_log_that_needs_coarser_masks_than_what_was_learnt_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, bad = job_pair(tmp_path)
    learn([str(good)], tmp_path / "k.duckdb", settings())
    monkeypatch.setattr("krone_tui.abstraction.shapes.MAX_SHAPES", 3)
    with (
        pytest.raises(KroneError, match="too many different messages"),
        investigated([bad], baseline=(tmp_path / "k.duckdb",)),
    ):
        pass
    learn([str(good)], tmp_path / "coarse.duckdb", settings())
    with pytest.raises(KroneError, match="more coarsely"):
        merge([tmp_path / "k.duckdb", tmp_path / "coarse.duckdb"], tmp_path / "out.duckdb")
    monkeypatch.undo()
    # Masked as coarsely as what was learnt, the log can be compared.
    with investigated([bad], baseline=(tmp_path / "coarse.duckdb",)) as store:
        assert store.scalar("SELECT sum(good_executions) FROM variant") > 0


def test_endless_executions_are_left_out_and_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good, _ = job_pair(tmp_path)
    monkeypatch.setattr("krone_tui.store.baseline.LONGEST", 6)
    found = learn([str(good)], tmp_path / "k.duckdb", settings())
    # One job of 200 ended early; the rest has seven records. One record is a window of its own.
    assert (found.executions, found.left_out) == (2, 199)
