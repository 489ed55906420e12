"""What leaves the tool: JSON lines whose fields are a contract, and text that a terminal can be trusted with."""

import json
import random
import re
import unicodedata
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from simple_logs import JOB_STEPS, UNSEEN_ERROR, Event, investigated, jobs, render, sessions, syslog, write

from krone_tui.report import Format, printable
from krone_tui.report import write as report
from krone_tui.store import Store, views

TRACE = "\n    at jobs.Storage.write(Storage.java:41)\n    at jobs.Main.run(Main.java:7)\n\nCaused by: java.io.IOException: full"
ODD = {
    20: (*JOB_STEPS[:3], UNSEEN_ERROR + TRACE),
    40: JOB_STEPS[:4],
    60: (*JOB_STEPS[:4], *[JOB_STEPS[4]] * 12, *JOB_STEPS[5:]),
}


def name(index: int) -> str:
    return f"blk_{300_000 + 7 * index}"


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    beats = [[Event(1.1 * index, "INFO  jobs.Monitor: Heartbeat sent to peers") for index in range(120)]]
    return write(tmp_path_factory.mktemp("log") / "work.log", render([*jobs(200, 1, ODD, name=name), *beats]))


@pytest.fixture(scope="module")
def store(log: Path) -> Iterator[Store]:
    with investigated([log]) as opened:
        yield opened


def json_rows(store: Store, *, everything: bool = True, with_lines: bool = True) -> list[dict[str, Any]]:
    lines = list(report(store, Format.JSONL, everything=everything, with_lines=with_lines))
    assert not any("\n" in line for line in lines)
    return [json.loads(line) for line in lines]


TEXT_OR_NULL = (str, type(None))
CONTRACT: dict[str, type | tuple[type, ...]] = {
    "execution": str,
    "grouped_by": str,
    "source": str,
    "start": TEXT_OR_NULL,
    "end": TEXT_OR_NULL,
    "lines": int,
    "first_line": int,
    "last_line": int,
    "flagged": bool,
    "score": float,
    "level": TEXT_OR_NULL,
    "failure_mode": (int, type(None)),
    "finding": (dict, type(None)),
}


def test_every_field_of_the_contract_is_there_with_its_type(store: Store) -> None:
    rows = json_rows(store, with_lines=False)
    assert len(rows) == store.scalar("SELECT count(*) FROM execution")
    for row in rows:
        assert set(CONTRACT) <= set(row)
        for field, type_ in CONTRACT.items():
            assert isinstance(row[field], type_), field
        assert type(row["lines"]) is type(row["first_line"]) is int
        assert 0 <= row["score"] <= 1
        assert row["level"] in ("entity", "action", "status", None)
        assert (
            (row["level"] is None)
            == (row["failure_mode"] is None)
            == (row["finding"] is None)
            == (not row["flagged"])
        )
        assert "line_numbers" not in row


def test_a_finding_has_its_path_its_seq_its_spans_and_its_evidence(store: Store) -> None:
    flagged = json_rows(store, everything=False)
    assert {name(index) for index in ODD} <= {row["execution"] for row in flagged}
    for row in flagged:
        found = row["finding"]
        assert found["parent_path"]
        assert found["seq"]
        assert all(isinstance(step, str) for step in found["seq"])
        assert found["spans"]
        own = set(row["line_numbers"])
        assert all(set(range(first, last + 1)) <= own for first, last in found["spans"])
        assert found["evidence"]
        for sentence in found["evidence"]:
            assert sentence["text"]
            assert set(sentence["lines"]) <= own


def test_without_everything_only_flagged_executions_are_written(store: Store) -> None:
    flagged = json_rows(store, everything=False)
    assert all(row["flagged"] for row in flagged)
    everything = json_rows(store)
    assert flagged == [row for row in everything if row["flagged"]]
    assert [row["first_line"] for row in everything] == sorted(row["first_line"] for row in everything)


def test_line_numbers_of_all_executions_are_all_lines_of_the_file_once(store: Store, log: Path) -> None:
    rows = json_rows(store)
    numbers = [number for row in rows for number in row["line_numbers"]]
    assert sorted(numbers) == list(range(1, len(log.read_text().splitlines()) + 1))


def test_line_numbers_agree_with_first_last_and_number_of_lines(store: Store) -> None:
    for row in json_rows(store):
        numbers = row["line_numbers"]
        assert numbers == sorted(numbers)
        assert (numbers[0], numbers[-1], len(numbers)) == (row["first_line"], row["last_line"], row["lines"])


def test_line_numbers_lead_to_the_lines_of_the_execution(store: Store, log: Path) -> None:
    text = log.read_text().splitlines()
    row = next(row for row in json_rows(store) if row["execution"] == name(20))
    own = [text[number - 1] for number in row["line_numbers"]]
    assert sum(name(20) in line for line in own) == 4
    assert sum("Storage.java:41" in line or "Caused by" in line for line in own) == 2
    assert not any(re.search(r"blk_\d+", line) and name(20) not in line for line in own)


def test_times_are_iso_8601_and_those_of_the_records(store: Store, log: Path) -> None:
    text = log.read_text().splitlines()
    for row in json_rows(store)[:50]:
        start, end = (datetime.fromisoformat(row[field]) for field in ("start", "end"))
        assert start <= end
        assert start == datetime.fromisoformat(text[row["first_line"] - 1][:23].replace(",", "."))


def test_a_log_without_times_has_null_for_its_times(tmp_path: Path) -> None:
    log = write(tmp_path / "plain.log", render(jobs(30, 1, name=name), None))
    with investigated([log]) as store:
        rows = json_rows(store)
        assert {(row["start"], row["end"]) for row in rows} == {(None, None)}
        assert len(rows) == 30


def test_sources_are_named_as_the_user_named_them(tmp_path: Path) -> None:
    paths = [
        write(tmp_path / f"{host}.log", render(sessions(host, 20), syslog)) for host in ("alpha", "beta")
    ]
    with investigated(paths) as store:
        rows = json_rows(store)
        assert {row["source"] for row in rows} == {str(path) for path in paths}
        for path in paths:
            numbers = sorted(
                number for row in rows if row["source"] == str(path) for number in row["line_numbers"]
            )
            assert numbers == list(range(1, 101))


def test_logs_of_the_baseline_are_not_reported(tmp_path: Path, log: Path) -> None:
    good = write(tmp_path / "good.log", render(jobs(50, 2, name=lambda index: f"blk_{100_000 + index}")))
    with investigated([log], baseline=(good,)) as store:
        assert {row["source"] for row in json_rows(store)} == {str(log)}
        assert not any(
            "good.log" in line
            for line in report(store, Format.TEXT, everything=True, with_lines=False)
            if "baseline" not in line
        )


def test_the_text_has_the_summary_every_failure_mode_and_its_evidence(store: Store, log: Path) -> None:
    lines = list(report(store, Format.TEXT, everything=False, with_lines=False))
    summary = views.summary(store)
    assert lines[0].startswith(f"{len(log.read_text().splitlines()):,} lines, {summary.records:,} records")
    assert "blk_*" in lines[1]
    assert lines[2].startswith(f"{summary.flagged:,} flagged in {summary.failure_modes:,} failure mode")
    for mode in views.failure_modes(store):
        at = next(index for index, line in enumerate(lines) if line.startswith(f"{mode.failure_mode_id}. "))
        assert mode.title in lines[at]
        assert f"{mode.executions:,} execution" in lines[at]
        assert mode.path in lines[at + 1]
        assert lines[at + 2].lstrip().startswith("Execution ")
        assert lines[at + 3].startswith("   - ")


def test_the_text_of_everything_has_a_line_for_every_execution(store: Store) -> None:
    lines = list(report(store, Format.TEXT, everything=True, with_lines=False))
    for execution in views.executions(store):
        mark = f"failure mode {execution.failure_mode_id}" if execution.flagged else "normal"
        assert any(
            line.startswith(f"{execution.identifier}  {execution.records} records") and line.endswith(mark)
            for line in lines
        )


HOSTILE = (
    "\x1b[2J\x1b[31mwiped\x1b[0m",
    "\x1b]0;title\x07 \x1b]8;;http://evil\x1b\\link",
    "\u202egnitsalb\u202c \u2066isolated\u2069 zero\u200bwidth",
    "\u009b31m C1 control \x7f delete \x08\x08 back",
    "[bold red]markup[/] <script>alert(1)</script> [link=http://evil]here[/link]",
    "\u2028line\u2029paragraph \ufeffmark",
)


def hostile_log(path: Path) -> Path:
    """Jobs of which some log what would steer a terminal, at every place a report quotes."""
    rng = random.Random(4)
    odd: dict[int, tuple[str, ...]] = {
        30 + 20 * at: (
            *JOB_STEPS[:3],
            f"ERROR jobs.Disk: Failure {text.replace('{', '')} while writing {{id}}",
            *JOB_STEPS[5:],
        )
        for at, text in enumerate(HOSTILE)
    }
    odd[5] = (*JOB_STEPS[:2], f"ERROR jobs.{rng.choice('AB')}\x1b[7m: Crash of {{id}}\x1b[0m", *JOB_STEPS[3:])
    lines = render(jobs(160, 1, odd, name=name))
    path.write_bytes("".join(f"{line}\n" for line in lines).encode("utf-8"))
    return path


def steering(line: str) -> set[str]:
    """Characters that a terminal obeys instead of showing them."""
    return {
        character for character in line if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")
    }


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    log = hostile_log(tmp_path_factory.mktemp("log") / "evil\x1b[31m\u202e.log")
    with investigated([log]) as opened:
        yield opened


def test_text_from_a_hostile_log_cannot_steer_the_terminal(hostile: Store) -> None:
    assert views.summary(hostile).flagged > 0
    lines = list(report(hostile, Format.TEXT, everything=True, with_lines=False))
    assert [steering(line) for line in lines] == [set()] * len(lines)
    text = "\n".join(lines)
    assert "\\x1b[31m" in text
    assert "\\u202e" in text


def test_markup_in_a_log_is_written_as_it_stands(hostile: Store) -> None:
    text = "\n".join(report(hostile, Format.TEXT, everything=False, with_lines=False))
    for markup in ("[bold red]markup[/]", "<script>"):
        assert any(markup in mode.title for mode in views.failure_modes(hostile))
        assert markup in text


def test_json_lines_of_a_hostile_log_stay_one_object_a_line(hostile: Store) -> None:
    rows = json_rows(hostile)
    assert len(rows) == hostile.scalar("SELECT count(*) FROM execution")
    assert any("wiped" in json.dumps(row["finding"]) for row in rows)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("größer › als", "größer › als"),
        ("日本語 ✓", "日本語 ✓"),
        ("\x1b[31m", "\\x1b[31m"),
        ("a\tb\nc", "a    b ⏎ c"),
        ("\u202eabc", "\\u202eabc"),
        ("\x9b1m\x7f", "\\x9b1m\\x7f"),
        ("\U000e0041", "\\U000e0041"),
        ("\ud800", "\\ud800"),
        ("\u2028", "\\u2028"),
    ],
)
def test_what_steers_a_terminal_is_spelled_out_and_the_rest_is_left(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_long_text_is_shortened_to_the_length_that_is_asked_for() -> None:
    assert printable("abcdef", 4) == "abc…"
    assert printable("abcd", 4) == "abcd"
