"""What is flagged, why, and what stays in peace: whole investigations of simple systems."""

import random
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from simple_logs import JOB_STEPS, UNSEEN_ERROR, grouped, investigated, jobs, render, settings, write

from krone_tui.detection import detect
from krone_tui.detection.bursts import BINS
from krone_tui.detection.deviation import Deviation
from krone_tui.detection.failure_modes import ModeNames, order_modes
from krone_tui.seqs import build_seqs
from krone_tui.store import Store, views

ODD = {
    20: (*JOB_STEPS[:3], UNSEEN_ERROR, *JOB_STEPS[3:]),
    40: JOB_STEPS[:4],
    60: (*JOB_STEPS[:4], *JOB_STEPS[5:]),
    80: (*JOB_STEPS[:4], *[JOB_STEPS[4]] * 10, *JOB_STEPS[5:]),
}
"""An error never seen, an early end, a missing step, a step ten times over."""


def name(index: int) -> str:
    return f"blk_{300_000 + 7 * index}"


def good_name(index: int) -> str:
    return f"blk_{100_000 + 7 * index}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("logs")
    write(folder / "good.log", render(jobs(200, 2, name=good_name)))
    write(folder / "odd.log", render(jobs(100, 1, ODD, name=name)))
    six = (*JOB_STEPS[:3], UNSEEN_ERROR, JOB_STEPS[6])
    write(folder / "six.log", render(jobs(400, 1, dict.fromkeys(range(50, 350, 50), six), name=name)))
    return folder


@pytest.fixture(scope="module")
def odd(folder: Path) -> Iterator[Store]:
    with investigated([folder / "odd.log"], baseline=(folder / "good.log",)) as store:
        yield store


@pytest.fixture(scope="module")
def six(folder: Path) -> Iterator[Store]:
    with investigated([folder / "six.log"]) as store:
        yield store


def flagged(store: Store) -> set[str]:
    return {one.identifier for one in views.executions(store, flagged=True)}


def mode_of(store: Store, index: int) -> views.FailureModeRow:
    execution = views.find_execution(store, name(index))
    assert execution is not None
    assert execution.flagged, f"{name(index)} has a score of {execution.score}"
    return next(
        mode for mode in views.failure_modes(store) if mode.failure_mode_id == execution.failure_mode_id
    )


def counters(store: Store) -> dict[str, float]:
    return dict(store.rows("SELECT counter, value FROM work WHERE stage = 'detection'"))


def test_with_a_baseline_every_odd_execution_is_flagged_and_no_other(odd: Store) -> None:
    assert flagged(odd) == {name(index) for index in ODD}


def test_an_error_never_seen_makes_a_severe_failure_mode_named_after_it(odd: Store) -> None:
    mode = mode_of(odd, 20)
    assert (mode.kind, mode.executions) == ("severe", 1)
    assert "Disk failure" in mode.title


def test_an_execution_that_ends_early_is_one_with_steps_missing(odd: Store) -> None:
    mode = mode_of(odd, 40)
    assert mode.kind == "missing"
    assert mode.title.startswith("ends after: Wrote chunk") or "missing: " in mode.title


def test_a_missing_step_is_named(odd: Store) -> None:
    mode = mode_of(odd, 60)
    assert mode.kind == "missing"
    assert mode.title.startswith("missing: Updated index")


def test_a_step_repeated_too_often_is_a_matter_of_count(odd: Store) -> None:
    mode = mode_of(odd, 80)
    assert mode.kind == "count"
    assert "Updated index" in mode.title


@pytest.mark.parametrize("part", [slice(0, -12), slice(12, None)], ids=["the end", "the beginning"])
def test_what_the_log_s_edge_cut_off_is_not_flagged_and_what_lacks_the_same_amid_it_is(
    folder: Path, tmp_path: Path, part: slice
) -> None:
    lines = render(jobs(200, 3, {90: JOB_STEPS[:4], 110: JOB_STEPS[3:]}, name=name))
    log = write(tmp_path / "excerpt.log", lines[part])
    with investigated([log], baseline=(folder / "good.log",)) as store:
        records = dict(store.rows("SELECT identifier, records FROM execution WHERE NOT is_good"))
        cut = {one for one, count in records.items() if count < len(JOB_STEPS)} - {name(90), name(110)}
        assert len(cut) >= 3
        assert flagged(store) == {name(90), name(110)}


def test_executions_of_the_baseline_are_never_flagged(odd: Store) -> None:
    good = odd.rows("SELECT count(*), count(*) FILTER (flagged) FROM execution_verdict WHERE is_good")
    assert good == [(200, 0)]


def test_a_log_like_its_baseline_is_known_throughout(folder: Path, tmp_path: Path) -> None:
    again = write(tmp_path / "again.log", render(jobs(150, 9, name=name)))
    with investigated([again], baseline=(folder / "good.log",)) as store:
        assert flagged(store) == set()
        assert views.failure_modes(store) == []
        counted = counters(store)
        assert counted["variants known"] == 1
        assert counted["executions judged once for all equal ones"] == 149


def test_equal_failures_among_the_log_s_own_executions_are_one_mode_and_the_first(six: Store) -> None:
    modes = [mode for mode in views.failure_modes(six) if "Disk failure" in mode.title]
    assert len(modes) == 1
    assert (modes[0].failure_mode_id, modes[0].executions, modes[0].kind) == (1, 6, "severe")
    assert flagged(six) == {name(index) for index in range(50, 350, 50)}
    members = views.executions(six, failure_mode_id=1)
    assert {one.identifier for one in members} == flagged(six)
    assert modes[0].example_execution in {one.execution_id for one in members}
    assert modes[0].first_seen == min(one.start_time for one in members if one.start_time)
    assert modes[0].last_seen == max(one.end_time for one in members if one.end_time)


def test_a_log_of_equal_executions_has_nothing_to_flag(tmp_path: Path) -> None:
    log = write(tmp_path / "calm.log", render(jobs(60, 4, name=name)))
    with investigated([log]) as store:
        assert flagged(store) == set()
        assert store.scalar("SELECT count(*) FROM finding") == 0


def test_a_single_record_is_judged_without_complaint(tmp_path: Path) -> None:
    log = write(tmp_path / "one.log", ["2026-03-02 08:00:00,000 INFO a.B: Hello"])
    with investigated([log]) as store:
        assert store.scalar("SELECT count(*) FROM variant_verdict") == 1


def test_what_happened_before_the_time_given_as_normal_is_not_flagged_later(tmp_path: Path) -> None:
    strange = (*JOB_STEPS[:3], UNSEEN_ERROR, *JOB_STEPS[3:])
    known_and_late = write(
        tmp_path / "work.log", render(jobs(200, 3, dict.fromkeys((5, 15, 25, 35, 150), strange), name=name))
    )
    with investigated([known_and_late], normal_before="2026-03-02 08:01:20") as store:
        assert flagged(store) == set()
    late = write(tmp_path / "late.log", render(jobs(200, 3, {150: strange}, name=name)))
    with investigated([late], normal_before="2026-03-02 08:01:20") as store:
        assert flagged(store) == {name(150)}


def busy_log(path: Path) -> Path:
    """Executions of many kinds, some rare and harmless, some broken: something for every threshold."""
    rng = random.Random(11)
    odd = {}
    for index in range(300):
        steps = list(JOB_STEPS)
        if rng.random() < 0.3:
            steps[2:3] = [JOB_STEPS[2]] * rng.randint(1, 4)
        if rng.random() < 0.05:
            steps.insert(
                rng.randint(1, 6), f"INFO  jobs.Cache: Refreshed entry of {{id}} by {rng.choice('abcdef')}"
            )
        if rng.random() < 0.03:
            steps.insert(rng.randint(1, 6), UNSEEN_ERROR)
        if rng.random() < 0.03:
            del steps[rng.randint(1, len(steps) - 1)]
        odd[index] = steps
    return write(path, render(jobs(300, 5, odd, name=name)))


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Store]]:
    """The same busy log at every sensitivity, and without early exit."""
    log = busy_log(tmp_path_factory.mktemp("busy") / "busy.log")
    with ExitStack() as stack:
        stores = {
            level: stack.enter_context(investigated([log], sensitivity=level))
            for level in ("low", "normal", "high")
        }
        yield {**stores, "exhaustive": stack.enter_context(investigated([log], exhaustive=True))}


def test_a_higher_sensitivity_never_flags_less(busy: dict[str, Store]) -> None:
    assert flagged(busy["low"]) <= flagged(busy["normal"]) <= flagged(busy["high"])
    assert flagged(busy["normal"])


def test_without_early_exit_the_rest_is_judged_too_and_nothing_is_lost(busy: dict[str, Store]) -> None:
    hasty, thorough = busy["normal"], busy["exhaustive"]
    assert flagged(hasty) <= flagged(thorough)
    before, after = counters(hasty), counters(thorough)
    stopped = before["variants stopped at status level"] + before["variants stopped at action level"]
    judged = "executions judged by Nested-Aware"
    assert after[judged] == before[judged] + stopped
    scores = [
        dict(store.rows("SELECT variant_id, score FROM variant_verdict")) for store in (hasty, thorough)
    ]
    assert all(scores[1][variant] >= score - 1e-9 for variant, score in scores[0].items())


@pytest.mark.parametrize("sensitivity", ["low", "normal", "high"])
def test_every_variant_is_cleared_stopped_or_judged(busy: dict[str, Store], sensitivity: str) -> None:
    store = busy[sensitivity]
    counted = counters(store)
    parts = (
        "variants known",
        "variants cleared by Local-Context",
        "variants stopped at status level",
        "variants stopped at action level",
        "executions judged by Nested-Aware",
    )
    assert sum(counted[part] for part in parts) == store.scalar("SELECT count(*) FROM variant")
    assert counted["flagged_executions"] == len(flagged(store))
    assert counted["failure_modes"] == len(views.failure_modes(store))


@pytest.mark.parametrize("which", ["odd", "six"])
def test_verdicts_findings_and_failure_modes_agree(which: str, request: pytest.FixtureRequest) -> None:
    store: Store = request.getfixturevalue(which)
    assert store.scalar("SELECT count(*) FROM variant_verdict") == store.scalar(
        "SELECT count(*) FROM variant"
    )
    verdicts = store.rows("SELECT flagged, score, level, failure_mode_id FROM variant_verdict")
    assert all(0 <= score <= 1 and is_flagged == (score >= 0.5) for is_flagged, score, *_ in verdicts)
    assert all(
        (level is None) == (mode is None) == (not is_flagged) for is_flagged, _, level, mode in verdicts
    )
    assert store.scalar("SELECT count(*) FROM finding") == sum(row[0] for row in verdicts)
    straying = store.rows(
        """
        SELECT finding_id FROM finding AS f JOIN variant AS v USING (variant_id) JOIN seq AS s USING (seq_id)
        WHERE f.position < 0 OR f.length < 1 OR f.position + f.length > len(v.template_ids) OR s.level <> f.level
           OR NOT EXISTS (SELECT 1 FROM variant_seq AS p WHERE p.variant_id = f.variant_id AND p.seq_id = f.seq_id
                          AND p.position <= f.position AND f.position < p.position + p.length)
           OR (f.kind <> 'missing' AND NOT list_has_all(v.template_ids, f.template_ids))
           OR (f.kind = 'missing' AND len(f.template_ids) = 2 AND list_contains(v.template_ids, f.template_ids[1]))
        """
    )
    assert straying == []
    nearest = store.rows(
        "SELECT f.nearest_variant, v.flagged FROM finding AS f LEFT JOIN variant_verdict AS v ON v.variant_id = f.nearest_variant"
    )
    assert nearest
    assert all(variant is not None and not is_flagged for variant, is_flagged in nearest)
    modes = views.failure_modes(store)
    assert [mode.failure_mode_id for mode in modes] == list(range(1, len(modes) + 1))
    assert all(
        mode.executions == len(views.executions(store, failure_mode_id=mode.failure_mode_id))
        for mode in modes
    )


def test_every_template_has_a_severity_and_that_of_an_error_is_high(odd: Store) -> None:
    severities = dict(odd.rows("SELECT text, severity FROM template"))
    assert all(0 <= severity <= 1 for severity in severities.values())
    worst = max(severities, key=lambda text: severities[text])
    assert "Disk failure" in worst
    assert severities[worst] >= 0.9
    assert max(value for text, value in severities.items() if text != worst) < 0.5


@pytest.mark.parametrize(("louder", "said"), [(False, 0.8), (True, 0.65)])
def test_words_at_a_warning_say_less_where_the_log_has_errors(
    tmp_path: Path, louder: bool, said: float
) -> None:
    lines = []
    for index in range(60):
        at = f"2026-03-14 02:{index:02d}"
        lines.append(f"{at}:01 INFO req-{index:05d} charge of the order requested")
        if index % 20 == 7:
            lines.append(f"{at}:02 WARN req-{index:05d} connection to the bank failed: connection refused")
        lines.append(f"{at}:03 INFO req-{index:05d} charge of the order answered")
    if louder:
        lines.append("2026-03-14 03:02:00 ERROR req-00059 could not write the receipt: disk full")
    with investigated([write(tmp_path / "shop.log", lines)]) as store:
        severity = store.scalar("SELECT severity FROM template WHERE text LIKE '%connection refused'")
        assert said <= severity <= said + 0.15


def test_judging_twice_gives_the_same(folder: Path) -> None:
    dumps = []
    for _ in range(2):
        with grouped([folder / "odd.log"]) as (store, _result):
            build_seqs(store)
            detect(store, settings())
            tables = ("variant_verdict", "finding", "failure_mode")
            dumps.append([store.rows(f"SELECT * FROM {table} ORDER BY ALL") for table in tables])
    assert dumps[0] == dumps[1]


def deviation(kind: str, *templates: int) -> Deviation:
    return Deviation(kind, "status", templates, 0, 1, 1.0)


def no_times(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Parts of the log's time for so many deviations, in a log that keeps none."""
    return np.zeros((count, BINS)), np.zeros(BINS)


def test_of_two_failure_modes_alike_the_one_with_a_time_of_its_own_comes_first() -> None:
    names = ModeNames([("entity", "action", "status", text) for text in ("all day", "at once")])
    bins = np.array([np.full(BINS, 1.0), np.eye(BINS)[5] * BINS])
    _, modes = order_modes(
        [deviation("severe", 0), deviation("severe", 1)],
        [0.9, 0.9],
        [BINS, BINS],
        np.array([0.9, 0.9]),
        names,
        bins,
        np.full(BINS, 100.0),
    )
    assert [mode["title"] for mode in modes] == ["at once", "all day"]


def test_failure_modes_join_equal_deviations_and_come_by_suspicion_then_severity_then_number() -> None:
    names = ModeNames([("entity", "action", "status", text) for text in ("calm", "broken", "other")])
    found = [
        deviation("count", 0),
        deviation("severe", 1),
        deviation("missing", 2, 0),
        deviation("severe", 1),
        deviation("new", 0),
    ]
    score = [0.9, 0.9, 0.6, 0.9, 0.9]
    weight = [1.0, 1.0, 50.0, 1.0, 5.0]
    number, modes = order_modes(found, score, weight, np.array([0.0, 0.9, 0.0]), names, *no_times(len(found)))
    assert [mode["title"] for mode in modes] == ["broken", "calm", "missing: other", "unusual count: calm"]
    assert number == [4, 1, 3, 1, 2]


def test_one_statement_said_under_several_names_is_one_failure_mode() -> None:
    texts = (
        "PostReceive: job <*> failed: no such project",
        "EmailWorker: job <*> failed: no such project",
        "EmailWorker: job <*> failed: disk full",
        "database: no connection left",
        "cache: no connection left",
    )
    names = ModeNames([("entity", "action", "status", text) for text in texts])
    found = [deviation("severe", at) for at in range(len(texts))]
    number, modes = order_modes(
        found, [0.9] * 5, [1.0, 2.0, 1.0, 1.0, 1.0], np.full(5, 0.9), names, *no_times(5)
    )
    assert [mode["title"] for mode in modes] == [
        "EmailWorker and 1 more: job <*> failed: no such project",
        texts[2],
        texts[4],
        texts[3],
    ]
    assert number == [1, 1, 2, 4, 3]


def test_the_score_of_a_failure_mode_is_the_mean_over_its_executions() -> None:
    names = ModeNames([("entity", "action", "status", "broken")])
    _, modes = order_modes(
        [deviation("severe", 0)] * 2, [0.9, 0.6], [1.0, 2.0], np.array([0.9]), names, *no_times(2)
    )
    assert modes[0]["score"] == pytest.approx(0.7)
