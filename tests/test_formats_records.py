"""What is a record: a line with a header behind blanks, a statement of many lines; and what belongs to the one before."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from krone_tui.ingest import ingest
from krone_tui.settings import Settings
from krone_tui.store.connection import Store

Read = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Columns of the records of a log made of these lines."""

    def run(lines: list[str], columns: str) -> list[tuple[Any, ...]]:
        log = tmp_path / "app.log"
        log.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        with Store.create(None, Settings(threads=1)) as store:
            ingest(store, [str(log)])
            return store.rows(f"SELECT {columns} FROM parsed_record ORDER BY record_id")

    return run


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("  Mar 14 08:00:01.250: INFO: pod 3 is ready", ("INFO", None, "pod 3 is ready")),
        ("\t2026-03-14 08:00:01 ERROR pod 3 is lost", ("ERROR", None, "pod 3 is lost")),
        (
            "    E0314 08:00:01.250000   77 kubelet.go:12] pod 3 is lost",
            ("E", "kubelet.go", "pod 3 is lost"),
        ),
        (
            "    [2026-03-14 08:00:01,250] WARN lag of 7 (kafka.server.ReplicaManager)",
            ("WARN", "kafka.server.ReplicaManager", "lag of 7 (kafka.server.ReplicaManager)"),
        ),
    ],
    ids=["a date without its year", "a tab", "a header of its own", "a header with an end"],
)
def test_an_indented_line_with_a_header_is_a_record(
    read: Read, line: str, expected: tuple[str | None, ...]
) -> None:
    found = read([line] * 12, "level, component, message, prefix || message, time IS NOT NULL")
    assert found == [(*expected, line, True)] * 12


def test_what_a_report_says_around_quoted_records_stays_with_them(read: Read) -> None:
    lines = []
    for n in range(10):
        lines += [
            f"[It] survives a restart {n}",
            f"  Mar 14 08:00:0{n}.1: INFO: waiting",
            "  spec:",
            "    replicas: 3",
            f"  Mar 14 08:00:0{n}.2: FAIL: timed out",
            "    at Suite.run(suite.ts:7)",
        ]
    found = read(lines, "first_line, last_line, message")
    assert found[:4] == [
        (1, 1, "[It] survives a restart 0"),
        (2, 4, "waiting\n  spec:\n    replicas: 3"),
        (5, 6, "FAIL: timed out\n    at Suite.run(suite.ts:7)"),
        (7, 7, "[It] survives a restart 1"),
    ]


def test_records_with_and_without_blanks_before_them_are_told_in_one_log(read: Read) -> None:
    lines = []
    for n in range(10):
        lines += [f"2026-03-14 08:00:0{n} INFO test {n}", f"    2026-03-14 07:59:0{n} ERROR inside {n}"]
    assert read(lines, "level, message")[:2] == [("INFO", "test 0"), ("ERROR", "inside 0")]
    assert len(read(lines, "message")) == 20


@pytest.mark.parametrize(
    "inside",
    [
        ["    at shop.Cart.load(Cart.java:17)"] * 6,
        ["  metadata:", "    creationTimestamp: 2026-03-14T08:00:00Z", "    name: web-1"],
        ["    id | state", "    17 | FAILED"],
        ["    key=value other=7"],
        ["    ERROR: see above"],
    ],
    ids=["frames", "settings", "rows", "pairs", "a level"],
)
def test_an_indented_line_without_a_time_of_its_own_continues_a_record(read: Read, inside: list[str]) -> None:
    lines = [line for n in range(20) for line in (f"2026-03-14 08:00:{n:02} ERROR app failed", *inside)]
    found = read(lines, "message")
    assert found == [("\n".join(["app failed", *inside]),)] * 20


def test_a_rare_indented_time_is_a_part_of_what_a_record_shows(read: Read) -> None:
    lines = [f"2026-03-14 08:00:{n % 60:02} INFO backup of table {n} done" for n in range(60)]
    lines[30:30] = ["  2026-03-13 01:00:00 first row", "  2026-03-14 01:00:00 last row"]
    assert len(read(lines, "message")) == 60


def test_what_containers_put_in_front_is_taken_off_behind_blanks_too(read: Read) -> None:
    lines = [f"    {name:8}| 2026-03-14 08:00:0{n} WARN slow" for n in range(9) for name in ("web-1", "db-1")]
    assert read(lines, "host, level, message")[:2] == [("web-1", "WARN", "slow"), ("db-1", "WARN", "slow")]


def test_rows_of_an_indented_table_are_no_containers_lines(read: Read) -> None:
    assert read(["    id    | state", *["    17    | FAILED"] * 11], "host, component")[0] == (None, None)


def test_blank_lines_above_the_first_record_are_no_record(read: Read) -> None:
    lines = ["", "", "Log started: 2026-03-14  08:00:00", "Unpacking jq", ""] * 3
    found = read(lines, "first_line, last_line, message")
    assert found[0] == (1, 3, "Log started: 2026-03-14  08:00:00")
    assert all(message for _, _, message in found)


def test_marks_of_sessions_have_their_times_however_rare_they_are(read: Read) -> None:
    session = [
        "Log started: 2026-03-14  08:00:00",
        *["Unpacking jq"] * 400,
        "Log ended: 2026-03-14  08:00:09",
    ]
    found = read(session * 2, "CAST(time AS VARCHAR), message")
    assert found[0] == ("2026-03-14 08:00:00", "Log started: 2026-03-14  08:00:00")
    assert found[401] == ("2026-03-14 08:00:09", "Log ended: 2026-03-14  08:00:09")
    assert found[1] == (None, "Unpacking jq")
    assert len(found) == 804


def test_a_statement_of_many_lines_is_told_in_one_and_shown_as_it_was(read: Read) -> None:
    head = [
        "# Time: 2026-03-14T08:00:00.5Z",
        "# User@Host: app[app] @ web1 [10.0.4.9]  Id:   311",
        "# Query_time: 2.5  Lock_time: 0.1 Rows_sent: 1  Rows_examined: 90",
        "SET timestamp=1773475200;",
    ]
    lines = [*head, "SELECT total", "  FROM orders;"]
    columns = "message, thread, coalesce(raw, prefix || message), fields->>'Query_time', fields->>'client'"
    found = read(lines * 5, columns)
    assert found == [("SELECT total FROM orders;", "311", "\n".join(lines), "2.5", "web1")] * 5


def test_statements_of_one_second_are_records_of_their_own(read: Read) -> None:
    def whose(thread: int) -> list[str]:
        return [
            f"# User@Host: app[app] @  [10.0.4.9]  Id: {thread}",
            "# Query_time: 2.5  Lock_time: 0.1  Rows_sent: 1  Rows_examined: 90",
        ]

    second = [
        "# Time: 260314  8:00:02",
        *[*whose(7), "use shop;", "SET timestamp=1773475202;", "SELECT 1;"],
        *[*whose(8), "SET timestamp=1773475202;", "# administrator command: Quit;"],
    ]
    found = read(second * 5, "first_line, CAST(time AS VARCHAR), thread, message, fields->>'database'")
    assert found[:3] == [
        (1, "2026-03-14 08:00:02", "7", "SELECT 1;", "shop"),
        (7, "2026-03-14 08:00:02", "8", "administrator command: Quit;", None),
        (11, "2026-03-14 08:00:02", "7", "SELECT 1;", "shop"),
    ]


def test_a_number_before_a_level_is_a_process_and_one_in_a_sentence_is_not(read: Read) -> None:
    lines = [
        "2026-03-14 08:00:00.120 3391 LOG server up",
        "2026-03-14 08:00:01.120 17 errors found in 3 files",
        "2026-03-14 08:00:02.120 3391 ERROR server login failed",
    ] * 10
    assert read(lines, "process, level, message")[:3] == [
        ("3391", "LOG", "server up"),
        (None, None, "17 errors found in 3 files"),
        ("3391", "ERROR", "server login failed"),
    ]


def test_blocks_below_a_time_in_brackets_have_it_and_what_stands_between_them_is_apart(
    read: Read,
) -> None:
    lines = []
    for n in range(20):
        lines += [
            f"[Sat Mar 14 08:00:{n:02} 2026]",
            "localrule align:",
            f"    output: out/s{n}.bam",
            f"    jobid: {n}",
            "Select jobs to execute...",
            "RuleException:",
            'CalledProcessError in file "Snakefile", line 7:',
            f"[Sat Mar 14 08:00:{n:02} 2026]",
            "Error in rule align:",
            f"    jobid: {n}",
            "",
        ]
    found = read(lines, "CAST(time AS VARCHAR), level, message")
    assert len(found) == 80
    assert found[4:8] == [
        ("2026-03-14 08:00:01", None, "localrule align:\n    output: out/s1.bam\n    jobid: 1"),
        (None, None, "Select jobs to execute..."),
        (None, None, 'RuleException:\nCalledProcessError in file "Snakefile", line 7:'),
        ("2026-03-14 08:00:01", "ERROR", "Error in rule align:\n    jobid: 1"),
    ]
