"""What the executions of a failure mode share: found where it tells something, counted as the log itself says."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pytest
from simple_logs import JOB_STEPS, UNSEEN_ERROR, grouped, jobs, render, write

from krone_tui.explanation import shared
from krone_tui.explanation.evidence import Evidence, evidence
from krone_tui.explanation.sentences import Sentence
from krone_tui.seqs import build_seqs
from krone_tui.store import Store, views
from krone_tui.store import detection as queries

FAILING = (20, 50, 80, 110, 140, 170)


def name(index: int) -> str:
    return f"blk_{300_000 + 7 * index}"


def failing_job(volume: str) -> tuple[str, ...]:
    return (JOB_STEPS[0], JOB_STEPS[1].replace("vol{a}", volume), *JOB_STEPS[2:4], UNSEEN_ERROR)


def work(volumes: Sequence[str], elsewhere: int = 0) -> list[str]:
    """200 jobs; six fail, on these volumes; so many others use the first volume too, and end well."""
    odd = {index: failing_job(volume) for index, volume in zip(FAILING, volumes, strict=True)}
    usual = (JOB_STEPS[0], JOB_STEPS[1].replace("vol{a}", volumes[0]), *JOB_STEPS[2:])
    odd |= dict.fromkeys(range(1, 1 + elsewhere), usual)
    return render(jobs(200, 5, odd, name=name))


@contextmanager
def judged(log: Path) -> Iterator[Store]:
    """A log whose failing executions are flagged, whatever the shipped detectors would do."""
    with grouped([log]) as (store, _):
        build_seqs(store)
        variants = [int(row[0]) for row in store.rows("SELECT variant_id FROM variant ORDER BY ALL")]
        odd = {
            int(row[0])
            for row in store.rows(
                "SELECT DISTINCT variant_id FROM execution WHERE list_contains($names, identifier)",
                {"names": [name(index) for index in FAILING]},
            )
        }
        error = store.scalar("SELECT template_id FROM template WHERE text LIKE '%Disk failure%'")
        findings = [
            {
                "finding_id": number, "variant_id": variant, "level": "status", "kind": "severe", "position": 4, "length": 1,
                "seq_id": store.scalar("SELECT min(seq_id) FROM variant_seq WHERE variant_id = $v", {"v": variant}),
                "template_ids": [error], "score": 0.9, "detector": "test", "failure_mode_id": 1,
            }
            for number, variant in enumerate(sorted(odd))
        ]  # fmt: skip
        verdicts = {
            "variant_id": variants,
            "flagged": [one in odd for one in variants],
            "score": [0.9 if one in odd else 0.1 for one in variants],
            "level": pa.array(["status" if one in odd else None for one in variants], pa.string()),
            "failure_mode_id": pa.array([1 if one in odd else None for one in variants], pa.int32()),
        }
        queries.write_verdicts(store, pa.table(verdicts), pa.Table.from_pylist(findings))
        mode = {
            "failure_mode_id": 1,
            "title": "",
            "level": "status",
            "path": "",
            "kind": "severe",
            "score": 0.9,
        }
        queries.write_failure_modes(store, pa.Table.from_pylist([mode]))
        yield store


def told(store: Store, index: int = FAILING[0]) -> list[Sentence]:
    """What is said of sharing, in the evidence of one failing execution."""
    execution = views.find_execution(store, name(index))
    assert execution is not None
    sentences = evidence(store, execution.execution_id)
    assert "reads as failure" in sentences[0].text or "Disk failure" in sentences[0].text
    return [one for one in sentences[1:] if "that fail this way" in one.text]


def lines_with(log: Path, *words: str) -> tuple[int, ...]:
    lines = enumerate(log.read_text(encoding="utf-8").splitlines(), 1)
    return tuple(number for number, line in lines if all(re.search(rf"\b{word}\b", line) for word in words))


@pytest.mark.parametrize(("elsewhere", "counted"), [(0, "none of 194 normal executions does"), (1, "1 of 194 normal executions does"), (3, "3 of 194 normal executions do")])  # fmt: skip
def test_the_one_volume_that_failing_jobs_use_is_named_with_its_line_and_counts(
    tmp_path: Path, elsewhere: int, counted: str
) -> None:
    log = write(tmp_path / "work.log", work(["vol99"] * 6, elsewhere))
    with judged(log) as store:
        for index in FAILING:
            (only,) = told(store, index)
            assert only.text == f"All 6 executions that fail this way name “data/vol99”; {counted}"
            assert only.lines == lines_with(log, name(index), "vol99")
            assert len(only.lines) == 1


def test_what_many_normal_jobs_use_as_well_tells_nothing(tmp_path: Path) -> None:
    with judged(write(tmp_path / "work.log", work(["vol99"] * 6, elsewhere=15))) as store:
        assert told(store) == []


def test_what_only_some_of_the_failing_jobs_share_tells_nothing(tmp_path: Path) -> None:
    with judged(write(tmp_path / "work.log", work(["vol99"] * 4 + ["vol98"] * 2))) as store:
        assert told(store) == []


def test_one_that_differs_is_counted_and_said_so_in_its_own_evidence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared, "SHARE", 0.8)
    with judged(write(tmp_path / "work.log", work(["vol99"] * 5 + ["vol3"]))) as store:
        said = (
            "5 of the 6 executions that fail this way name “data/vol99”; none of 194 normal executions does"
        )
        assert [one.text for one in told(store)] == [said]
        assert [(one.text, one.lines) for one in told(store, FAILING[-1])] == [
            (f"{said}, this one does not", ())
        ]


def test_a_part_of_a_longer_name_is_not_that_name(tmp_path: Path) -> None:
    """Normal jobs use vol990 and vol99-old: neither is vol99."""
    log = write(tmp_path / "work.log", work(["vol99"] * 6))
    text = log.read_text(encoding="utf-8").replace("vol7\n", "vol990\n").replace("vol8\n", "vol99-old\n")
    assert "vol990" in text
    log.write_text(text, encoding="utf-8")
    with judged(log) as store:
        (only,) = told(store)
        assert only.text.endswith("name “data/vol99”; none of 194 normal executions does")


def test_the_host_that_failing_jobs_ran_on_is_named(tmp_path: Path) -> None:
    """Host and program stand in the header; the failing jobs have one host to themselves but for one other job."""
    lines = []
    of_failing = {name(index) for index in FAILING} | {name(3)}
    for line in work([f"vol{number}" for number in range(1, 7)]):
        job = re.search(r"blk_\d+", line)
        assert job is not None
        host = "node-x" if job[0] in of_failing else f"node-{'abcdefgh'[int(job[0][4:]) % 8]}"
        time, _, message = line.partition("  jobs.") if "  jobs." in line else line.partition(" jobs.")
        lines.append(f"Mar  2 {time[11:19]} {host} jobs: {message}")
    log = write(tmp_path / "work.log", lines)
    with judged(log) as store:
        assert store.scalar("SELECT count(DISTINCT host) FROM parsed_record") == 9
        (only,) = told(store)
        assert only.text == (
            "All 6 executions that fail this way have records of the host “node-x”; 1 of 194 normal executions does"
        )
        assert only.lines == lines_with(log, name(FAILING[0]))


def test_what_is_looked_at_in_part_is_said_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "FAILING", 5)
    monkeypatch.setattr(shared, "NORMAL_RECORDS", 7 * 100)
    with judged(write(tmp_path / "work.log", work(["vol99"] * 6))) as store:
        (only,) = told(store)
        assert only.text == (
            "All 5 looked at of 6 that fail this way name “data/vol99”; none of 100 normal executions looked at does"
        )


def test_two_executions_share_too_much_by_chance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "FAILING", 2)
    with judged(write(tmp_path / "work.log", work(["vol99"] * 6))) as store:
        assert told(store) == []


def test_written_for_many_executions_at_once_it_is_the_same(tmp_path: Path) -> None:
    with judged(write(tmp_path / "work.log", work(["vol99"] * 6, 2))) as store:
        many = Evidence(store)
        for execution in views.executions(store, flagged=True):
            steps = Evidence(store)
            assert many.of(execution) == steps.of(execution) == evidence(store, execution.execution_id)
