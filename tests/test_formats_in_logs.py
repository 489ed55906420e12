"""What the formats make of whole logs: pieces joined, halves of a time put together, nothing taken for what it is not."""

import json
import os
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from krone_tui.ingest import ingest
from krone_tui.settings import Settings
from krone_tui.store.connection import Store

Read = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Columns of the records of a log made of these lines, written at a time in seconds since 1970."""

    def run(lines: list[str], columns: str, written: float | None = None) -> list[tuple[Any, ...]]:
        log = tmp_path / "app.log"
        log.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        if written is not None:
            os.utime(log, (written, written))
        with Store.create(None, Settings(threads=1)) as store:
            ingest(store, [str(log)])
            return store.rows(f"SELECT {columns} FROM parsed_record ORDER BY record_id")

    return run


def cri(second: int, part: str, text: str) -> str:
    return f"2026-03-14T08:00:{second:02}.123456789Z stdout {part} {text}"


def test_pieces_of_two_streams_at_once_are_not_joined_with_each_other(read: Read) -> None:
    lines = []
    for number in range(20):
        lines += [
            cri(number, "P", f"payment {number} be"),
            cri(number, "F", f"other {number} whole").replace("stdout", "stderr"),
            cri(number, "F", "gan late"),
            cri(number, "P", f"order {number} "),
            cri(number, "F", "done"),
        ]
    said = [message for (message,) in read(lines, "message")]
    assert said[:4] == ["payment 0 be", "other 0 whole", "gan late", "order 0 done"]
    assert len(said) == 80


def test_the_year_turns_in_the_times_of_a_server_around_programs_with_headers(read: Read) -> None:
    begin = datetime(2025, 12, 31, 23)  # noqa: DTZ001 (as logs write it)
    lines = []
    for number in range(240):
        now = begin + timedelta(seconds=30 * number)
        said = (
            f"kubelet[21]: E{now:%m%d %H:%M:%S}.995434 21 dns.go:153] Limits exceeded {number}",
            f'containerd[31]: time="{now:%Y-%m-%dT%H:%M:%S}.123Z" level=info msg="created container {number}"',
            f"systemd[1]: Started session {number} of user root.",
        )[number % 3]
        lines.append(f"{now:%b %e %H:%M:%S} worker-3 {said}")
    written = (begin + timedelta(hours=2)).timestamp()
    times = [time.replace(microsecond=0) for (time,) in read(lines, "time", written)]
    assert times == [begin + timedelta(seconds=30 * number) for number in range(240)]


def test_json_that_the_runtime_cut_into_pieces_is_one_record(read: Read) -> None:
    lines = []
    for number in range(20):
        whole = json.dumps({"level": "error", "msg": f"order {number} failed", "blob": "x" * 90})
        cuts = [] if number % 4 else [11, 60]
        pieces = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, None], strict=True)]
        lines += [cri(number, "P", piece) for piece in pieces[:-1]] + [cri(number, "F", pieces[-1])]
    found = read(lines, "level, message, last_line - first_line, json_extract_string(fields, '$.blob')")
    assert found == [
        ("ERROR", f"order {number} failed", 0 if number % 4 else 2, "x" * 90) for number in range(20)
    ]


def test_pieces_of_plain_text_are_joined_without_a_newline(read: Read) -> None:
    lines = [
        cri(1, "F", "2026-03-14 08:00:01 INFO up"),
        cri(2, "P", "2026-03-14 08:00:02 WARN half "),
        cri(3, "F", "of it"),
    ]
    assert read(lines, "message, first_line, last_line") == [("up", 1, 1), ("half of it", 2, 3)]


def test_what_was_cut_reads_the_same_as_it_was_written(read: Read) -> None:
    lines = [cri(1, "P", "2026-03-14 08:00:02 WARN half "), cri(1, "F", "of it")] * 6
    assert {raw for (raw,) in read(lines, "raw")} == {"\n".join(lines[:2])}


def test_a_level_is_no_host(read: Read) -> None:
    lines = [f"2026-03-14T08:00:{n:02}Z {'INFO' if n % 2 else 'ERROR'} server: listening" for n in range(12)]
    found = read(lines, "level, host, component, message")
    assert found[:2] == [("ERROR", None, "server", "listening"), ("INFO", None, "server", "listening")]


def test_programs_with_and_without_a_process_id_are_told_from_their_host(read: Read) -> None:
    lines = [
        "2026-03-14T08:00:00+00:00 web1 kernel: link down",
        "2026-03-14T08:00:01+00:00 web1 sshd[7]: accepted",
    ] * 6
    assert read(lines, "host, component, process, message")[:2] == [
        ("web1", "kernel", None, "link down"),
        ("web1", "sshd", "7", "accepted"),
    ]


def test_a_log_whose_lines_are_all_indented_has_a_record_for_each(read: Read) -> None:
    lines = [f"    2026/03/14 08:00:{n:02} [ERR] raft: lost leader" for n in range(12)]
    assert len(read(lines, "message")) == 12


def test_a_time_alone_on_its_line_is_that_of_what_follows(read: Read) -> None:
    entry = [
        "Errors in file /u01/orcl_ora_1.trc:",
        "ORA-00600: internal error code",
        "Incident details in: x",
    ]
    lines = [line for n in range(6) for line in (f"Sat Mar 14 08:00:0{n} 2026", *entry)]
    found = read(lines, "CAST(time AS VARCHAR), message, last_line - first_line")
    assert found == [(f"2026-03-14 08:00:0{n}", "\n".join(entry), 3) for n in range(6)]


def test_a_date_and_a_time_of_day_in_two_keys_are_one_time(read: Read) -> None:
    lines = [
        f'date=2026-03-14 time=08:00:{n:02} level="warning" action="deny" srcip=10.0.0.{n}' for n in range(12)
    ]
    found = read(lines, "CAST(time AS VARCHAR), level, message")
    assert found[3] == ("2026-03-14 08:00:03", "WARNING", 'action="deny" srcip=10.0.0.3')


@pytest.mark.parametrize(
    ("key", "levels", "read_as"),
    [
        ("level", [0, 1, 2, 3], ["0", "1", "2", "3"]),
        ("level", [3, 4, 6], ["ERR", "WARNING", "INFO"]),
        ("priority", [3, 4], ["ERR", "WARNING"]),
        ("level", [30, 50], ["INFO", "ERROR"]),
    ],
    ids=["counted upwards", "syslog", "a syslog priority", "tens"],
)
def test_a_number_for_a_level_is_named_only_where_its_scheme_is_known(
    read: Read, key: str, levels: list[int], read_as: list[str]
) -> None:
    lines = [json.dumps({"time": "2026-03-14T08:00:00Z", key: level, "msg": "x"}) for level in levels * 4]
    assert [level for (level,) in read(lines, "level")][: len(levels)] == read_as


@pytest.mark.parametrize(
    ("line", "field", "value"),
    [
        ("2026-03-14 08:00:00,123 INFO  com.example.Cart [r-17] - loaded", "context", "r-17"),
        ("2026-03-14 08:00:00,123 [pool-1] INFO com.example.Cart [r-17] - loaded", "context", "r-17"),
        (
            "2026-03-14T08:00:00.1Z  INFO request{id=7}:query{n=1}: shop::db: loaded",
            "span",
            "request{id=7}",
        ),
    ],
    ids=["log4j", "logback", "tracing"],
)
def test_the_context_before_a_message_is_kept(read: Read, line: str, field: str, value: str) -> None:
    assert read([line] * 12, f"message, json_extract_string(fields, '$.{field}')")[0] == ("loaded", value)


@pytest.mark.parametrize(
    "other",
    [
        'INFO:     10.8.0.1:30000 - "POST /v1/orders HTTP/1.1" 500 Internal Server Error',
        "GET /orders/17 500 12.021 ms - 1043",
        '[11/Mar/2026 02:00:00] "GET /orders HTTP/1.1" 200 12',
        '10.0.0.9 - - [11/Mar/2026 02:00:00] "GET /orders HTTP/1.1" 500 -',
        "[E0311 02:22:10.484903000 watchdog.cpp:607] [Rank 0] caught timeout",
        "WARNING:shop.pool:retrying",
    ],
    ids=["uvicorn", "morgan", "runserver", "werkzeug", "glog", "python's root"],
)
def test_what_another_program_writes_amid_lines_with_a_time_is_a_record(read: Read, other: str) -> None:
    lines = [f"2026-03-11 02:00:{n:02},200 INFO engine finished {n}" for n in range(60)]
    for at in (50, 33, 12):
        lines.insert(at, other)
    found = read(lines, "first_line, last_line, message")
    assert [(first, last) for first, last, _ in found] == [(n, n) for n in range(1, 64)]
    assert other.endswith(found[12][2])


def test_what_continues_a_record_belongs_to_it_beside_another_program_s_lines(read: Read) -> None:
    inside = [
        "SELECT id, state",
        "FROM orders",
        "Error: see below",
        "INFO is 7",
        "level | count",
        "ERROR | 5",
        "id | state",
        "17 | FAILED",
        "Traceback (most recent call last):",
        '  File "x.py", line 3',
        "ValueError: no",
    ]
    lines = []
    for n in range(40):
        lines.append(f"2026-03-11 02:00:{n:02},200 ERROR engine query failed")
        lines += inside if n % 20 == 0 else []
        lines += ['INFO:     10.8.0.1:30000 - "GET / HTTP/1.1" 200 OK'] if n % 3 == 0 else []
    found = read(lines, "message, last_line - first_line")
    assert found[0] == ("\n".join(["engine query failed", *inside]), len(inside))
    assert len(found) == 40 + 14


def test_a_rare_second_header_is_found_late_in_a_long_log(read: Read) -> None:
    lines = [f"2026-03-11 02:{n // 60 % 60:02}:{n % 60:02},200 INFO engine finished {n}" for n in range(3000)]
    lines[2900:2900] = [
        f"E0311 02:48:{n:02}.000001    7 dns.go:153] limits exceeded\ndetails of it" for n in range(4)
    ]
    found = read(lines, "level, component, message")
    assert len(found) == 3004
    assert found[2900] == ("E", "dns.go", "limits exceeded\ndetails of it")


def test_a_dotted_name_before_the_message_is_a_logger_only_where_it_recurs(read: Read) -> None:
    def said(names: list[str]) -> list[tuple[Any, ...]]:
        lines = [f"2026-03-11 02:00:{n:02},200 INFO {names[n % len(names)]} is done {n}" for n in range(60)]
        return read(lines, "component, message")[:1]

    assert said(["shop.cart", "django.request", "shop.pay"]) == [("shop.cart", "is done 0")]
    assert said(["pay.yaml", "shop.conf"]) == [(None, "pay.yaml is done 0")]
    assert said([f"order.x{n}y" for n in range(60)]) == [(None, "order.x0y is done 0")]


@pytest.mark.parametrize(
    ("stamp", "when"),
    [
        ("03/11 02:00:27.963:", "2024-03-11 02:00:27.963"),
        ("03-11 02:00:27", "2024-03-11 02:00:27"),
        ("31/12 02:00:27,5", "2023-12-31 02:00:27.5"),
        ("11-Mar 02:00", "2024-03-11 02:00:00"),
        ("11.03. 02:00:27,123", "2024-03-11 02:00:27.123"),
        ("[11 Mar 02:00:27]", "2024-03-11 02:00:27"),
    ],
)
def test_a_date_without_its_year_is_read(read: Read, stamp: str, when: str) -> None:
    written = datetime(2024, 3, 11, 12).timestamp()  # noqa: DTZ001 (as logs write it)
    found = read([f"{stamp} the queue is full"] * 12, "CAST(time AS VARCHAR)", written)
    assert found == [(when,)] * 12


@pytest.mark.parametrize(
    ("tag", "thread"),
    [
        ("[rank{}]: ", "rank{}"),
        ("worker-{} ", "worker-{}"),
        ("(node {}) ", "node {}"),
        ("(Trainer pid=40{}, ip=10.0.0.1) ", "Trainer pid=40{}, ip=10.0.0.1"),
        ("relay {}: ", "relay {}"),
        ("{}|shop  | ", "{}|shop"),
        ("{}: ", "{}"),
    ],
)
def test_which_of_several_wrote_a_line_is_its_thread(read: Read, tag: str, thread: str) -> None:
    lines = [f"{tag.format(n % 4)}2026-03-11 02:00:{n:02},160 - trainer - INFO - step {n}" for n in range(60)]
    lines[8:8] = [f"{tag.format(0)}Traceback (most recent call last):", f"{tag.format(0)}  File x"]
    lines += [f"{tag.format(n)}[E0311 02:22:10.484903000 dog.cpp:6] caught timeout" for n in range(2)]
    found = read(lines, "thread, level, component, message, first_line, last_line")
    assert found[1] == (thread.format(1), "INFO", "trainer", "step 1", 2, 2)
    assert found[8][4:] == (9, 10)
    assert found[-1] == (thread.format(1), "E", "dog.cpp", "caught timeout", 64, 64)


def test_the_words_before_a_time_are_no_thread_where_each_has_its_own(read: Read) -> None:
    lines = [f"job{n} 2026-03-11 02:00:{n:02} started" for n in range(60)]
    assert read(lines, "thread, message")[7] == (None, "started")


def test_a_thread_of_one_of_several_is_told_with_it(read: Read) -> None:
    lines = [
        f"[rank{n % 4}]: 2026-03-11 02:00:{n:02},160 [main] INFO a.b.Trainer - step {n}" for n in range(60)
    ]
    assert read(lines, "thread, component, message, prefix || message")[5] == (
        "rank1 main",
        "a.b.Trainer",
        "step 5",
        lines[5],
    )


def test_a_log_that_names_its_columns_is_read_by_them(read: Read) -> None:
    head = [
        "#Software: Microsoft Internet Information Services 10.0",
        "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query c-ip cs(User-Agent) sc-status sc-win32-status",
    ]
    lines = [
        f"2026-03-11 02:00:{n:02} 10.1.0.5 GET /report.aspx - 10.2.4.{n} Mozilla/5.0+(X) {500 if n == 7 else 200} 0"
        for n in range(30)
    ]
    found = read([*head, *lines], "CAST(time AS VARCHAR), message, raw")
    assert found[:3] == [
        (None, head[0], None),
        (None, head[1], None),
        ("2026-03-11 02:00:00", "GET /report.aspx", lines[0]),
    ]
    assert found[9][1] == "GET /report.aspx status=500"
    (fields,) = read([*head, *lines], "fields")[9]
    assert json.loads(fields) == {
        "s-ip": "10.1.0.5", "cs-method": "GET", "cs-uri-stem": "/report.aspx", "c-ip": "10.2.4.7",
        "cs(User-Agent)": "Mozilla/5.0+(X)", "sc-status": "500", "sc-win32-status": "0",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "line", "expected"),
    [
        (
            "#Fields: date-time,event-id,sender-address,message-subject",
            '2026-03-11T02:00:00.123Z,FAIL,a@b.cz,"Hello, ""you"""',
            ("2026-03-11 02:00:00.123", "event-id=FAIL sender-address=a@b.cz message-subject=Hello, \\you\\"),
        ),
        (
            "#fields\tts\tuid\tmethod\turi\tstatus_code",
            "1773194400.5\tCx7\tGET\t/a b\t502",
            ("2026-03-11 02:00:00.5", "GET /a b status=502"),
        ),
        (
            "#Fields: date time x-edge-location cs-method cs-uri-stem sc-status",
            "2026-03-11\t02:00:00\tLAX1\tGET\t/index.html\t404",
            ("2026-03-11 02:00:00", "GET /index.html status=404"),
        ),
    ],
    ids=["commas", "Zeek", "names and values parted differently"],
)
def test_columns_may_be_parted_by_other_signs(
    read: Read, fields: str, line: str, expected: tuple[str, str]
) -> None:
    assert read([fields, *[line] * 12], "CAST(time AS VARCHAR), message")[1] == expected


@pytest.mark.parametrize("key", ["DownstreamStatus", "response_code", "http_status", "responseCode"])
def test_a_failing_status_is_told_without_a_message(read: Read, key: str) -> None:
    lines = [
        json.dumps({"time": "2026-03-14T08:00:00Z", "level": "info", "path": "/a", key: status})
        for status in (200, 502) * 6
    ]
    assert [message for (message,) in read(lines, "message")][:2] == [
        f"path=/a {key}=200",
        f"path=/a {key}=502 status=502",
    ]
