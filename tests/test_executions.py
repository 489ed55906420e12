"""How records come together as executions: the identifier that is chosen, and what each execution holds."""

import random
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from simple_logs import JOB_STEPS, START, Event, grouped, jobs, json_lines, render, sessions, syslog, write

from krone_tui.store import Store


def chosen(store: Store) -> str:
    return str(store.scalar("SELECT name FROM grouping_candidate WHERE chosen"))


def lines_of(store: Store, value: str) -> list[int]:
    """The first lines of the records of all executions of an identifier's value."""
    rows = store.rows(
        "SELECT p.first_line FROM execution AS e JOIN membership AS m USING (execution_id) "
        "JOIN parsed_record AS p USING (record_id) WHERE e.identifier = $value ORDER BY 1",
        {"value": value},
    )
    return [row[0] for row in rows]


def assert_nothing_lost(store: Store) -> None:
    """Every record in one execution, positions without gaps and in the order of the log."""
    assert store.scalar("SELECT count(*) FROM parsed_record") == store.scalar(
        "SELECT count(*) FROM membership"
    )
    placed = store.rows("SELECT execution_id, position, record_id FROM membership ORDER BY 1, 2")
    assert len({record for *_, record in placed}) == len(placed)
    by_execution: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    for execution, position, record in placed:
        by_execution[execution].append((position, record))
    for members in by_execution.values():
        assert [position for position, _ in members] == list(range(len(members)))
        assert [record for _, record in members] == sorted(record for _, record in members)
    assert [row[0] for row in store.rows("SELECT execution_id FROM execution ORDER BY 1")] == list(
        range(len(by_execution))
    )
    first = [by_execution[execution][0][1] for execution in range(len(by_execution))]
    assert first == sorted(first)


def hexadecimal(index: int) -> str:
    return f"req-{index % 10}{random.Random(index).getrandbits(28):07x}"


def short_hexadecimal(index: int) -> str:
    """Four characters, of which the first ones are often letters."""
    return f"req-{(index * 7919 + 0xA3F0) % 0x10000:04x}"


def an_uuid(index: int) -> str:
    return str(uuid.UUID(int=random.Random(index).getrandbits(128)))


@pytest.mark.parametrize(
    ("candidate", "name", "value"),
    [
        ("blk_*", lambda i: f"blk_-{900_000 + 7919 * i}", lambda i: f"blk_-{900_000 + 7919 * i}"),
        ("blk_*", lambda i: f"blk_{900_000 + 7919 * i}", lambda i: f"blk_{900_000 + 7919 * i}"),
        ("req-*", hexadecimal, hexadecimal),
        ("req-*", lambda i: f"req-7f{i:02x}", lambda i: f"req-7f{i:02x}"),
        ("req-*", short_hexadecimal, short_hexadecimal),
        ("instance=*", lambda i: f"[instance: {an_uuid(i)}]", an_uuid),
        ("order *", lambda i: f"order {184_421 + i}", lambda i: str(184_421 + i)),
        ("order *", lambda i: f"order #{184_421 + i}", lambda i: str(184_421 + i)),
        ("session_id=*", lambda i: f"session_id=s{1000 + i}x", lambda i: f"s{1000 + i}x"),
        ("uuid", an_uuid, an_uuid),
    ],
    ids=[
        "negative block",
        "block",
        "request",
        "short request",
        "short request of letters",
        "instance",
        "order",
        "order #",
        "key=value",
        "bare uuid",
    ],
)
def test_interleaved_work_is_told_apart_by_the_identifier_in_its_messages(
    tmp_path: Path, candidate: str, name: Callable[[int], str], value: Callable[[int], str]
) -> None:
    work = jobs(40, 1, name=name)
    log = write(tmp_path / "work.log", render(work))
    with grouped([log]) as (store, result):
        assert chosen(store) == result.grouped_by == candidate
        assert (result.executions, result.windows) == (40, 0)
        assert_nothing_lost(store)
        text = log.read_text().splitlines()
        for index in (0, 17, 39):
            wanted = [number for number, line in enumerate(text, 1) if name(index) in line]
            assert lines_of(store, value(index)) == wanted
            assert len(wanted) == len(JOB_STEPS)


def test_a_field_of_json_lines_holds_requests_together(tmp_path: Path) -> None:
    log = write(tmp_path / "service.log", json_lines(jobs(40, 1, name=lambda i: f"@{i:04x}")))
    with grouped([log]) as (store, result):
        assert (result.grouped_by, result.executions) == ("trace_id", 40)
        kind = store.scalar("SELECT kind FROM grouping_candidate WHERE name = 'trace_id'")
        assert kind == "field"
        assert_nothing_lost(store)
        wanted = [number for number, line in enumerate(log.read_text().splitlines(), 1) if '"t0007"' in line]
        assert lines_of(store, "t0007") == wanted


def test_a_field_that_is_the_same_everywhere_is_not_chosen(tmp_path: Path) -> None:
    log = write(tmp_path / "service.log", json_lines(jobs(40, 1, name=lambda i: f"@{i:04x}")))
    with grouped([log]) as (store, _):
        assert store.scalar("SELECT score FROM grouping_candidate WHERE name = 'region'") == 0


def test_sessions_in_syslog_are_told_apart_by_host_and_process_id(tmp_path: Path) -> None:
    work = [*sessions("alpha", 30), *sessions("beta", 30)]
    log = write(tmp_path / "auth.log", render(work, syslog))
    with grouped([log]) as (store, result):
        assert "process" in result.grouped_by
        assert (result.executions, result.windows) == (60, 0)
        assert_nothing_lost(store)
        wanted = [
            number
            for number, line in enumerate(log.read_text().splitlines(), 1)
            if " beta " in line and "sshd[2004]" in line
        ]
        found = store.rows("SELECT identifier FROM execution WHERE identifier LIKE '%beta%2004'")
        assert len(found) == 1
        assert lines_of(store, found[0][0]) == wanted


def test_a_process_id_used_again_after_a_long_pause_is_another_execution(tmp_path: Path) -> None:
    work = sessions("alpha", 40)
    again = [[Event(event.seconds + 7200.0, event.text) for event in work[3]]]
    log = write(tmp_path / "auth.log", render([*work, *again], syslog))
    with grouped([log]) as (store, result):
        assert "process" in result.grouped_by
        twice = store.rows("SELECT records FROM execution WHERE identifier LIKE '%2003'")
        assert [row[0] for row in twice] == [len(work[3])] * 2
        assert result.executions == 41
        assert_nothing_lost(store)


def test_a_process_id_used_on_after_a_short_pause_is_the_same_execution(tmp_path: Path) -> None:
    work = sessions("alpha", 40)
    more = [[Event(event.seconds + 300.0, event.text) for event in work[3]]]
    log = write(tmp_path / "auth.log", render([*work, *more], syslog))
    with grouped([log]) as (store, result):
        assert [
            row[0] for row in store.rows("SELECT records FROM execution WHERE identifier LIKE '%2003'")
        ] == [10]
        assert result.executions == 40


def test_a_port_used_by_the_next_connection_is_another_execution(tmp_path: Path) -> None:
    work = []
    for number in range(120):
        address = f"10.0.0.7:{50_000 + number % 50}"
        ended = "timed out" if number == 77 else "closed by the client"
        said = ("accepted {}", "authenticated {} as app", f"connection of {{}} {ended}")
        work.append([Event(10.0 * number + step, text.format(address)) for step, text in enumerate(said)])
    log = write(tmp_path / "server.log", render(work))
    with grouped([log]) as (store, result):
        assert result.grouped_by == "address:port"
        assert result.executions == 120
        assert store.rows("SELECT DISTINCT records FROM execution") == [(3,)]


def backups() -> list[list[Event]]:
    """Two hosts at work for some seconds every ten minutes, without any identifier."""
    rng = random.Random(5)
    steps = (
        "Backup started on the main volume",
        "Copied the archive",
        "Verified the archive",
        "Backup finished",
    )
    work = []
    for host, offset in (("alpha", 0.0), ("beta", 200.0)):
        for round_ in range(25):
            at = offset + 600.0 * round_ + rng.uniform(0, 60)
            work.append([Event(at + 1.5 * step, f"{host} backup: {text}") for step, text in enumerate(steps)])
    return work


def test_without_an_identifier_pauses_of_each_host_end_windows(tmp_path: Path) -> None:
    work = backups()
    log = write(tmp_path / "backup.log", render(work, syslog))
    with grouped([log]) as (store, result):
        assert result.grouped_by == chosen(store) == "window"
        assert result.executions == result.windows == len(work)
        assert set(store.rows("SELECT records, is_window FROM execution")) == {(4, True)}
        hosts = store.rows(
            "SELECT count(DISTINCT p.host), any_value(p.host), any_value(e.identifier) FROM execution AS e "
            "JOIN membership USING (execution_id) JOIN parsed_record AS p USING (record_id) GROUP BY e.execution_id"
        )
        assert all(count == 1 and identifier.startswith(host) for count, host, identifier in hosts)
        assert "pause" in store.scalar("SELECT reason FROM grouping_candidate WHERE chosen")
        assert_nothing_lost(store)


def poller(count: int = 480) -> list[Event]:
    """One source that writes something every two seconds, and names nothing."""
    rng = random.Random(6)
    texts = (
        "INFO poller: Polled sensor",
        "INFO poller: Stored reading",
        "WARN poller: Skipped sensor",
        "INFO poller: Slept",
    )
    return [Event(2.0 * index + rng.random(), rng.choice(texts)) for index in range(count)]


def test_without_identifier_and_pauses_windows_have_one_length_in_time(tmp_path: Path) -> None:
    log = write(tmp_path / "poller.log", render([poller()]))
    with grouped([log]) as (store, result):
        assert result.executions == result.windows > 5
        spans = store.rows("SELECT epoch(start_time), epoch(end_time) FROM execution ORDER BY execution_id")
        reason = store.scalar("SELECT reason FROM grouping_candidate WHERE chosen")
        length = float(reason.split("windows of ")[1].removesuffix(" s"))
        slots = [int(start // length) for start, _ in spans]
        assert slots == [int(end // length) for _, end in spans]
        assert len(set(slots)) == len(slots)
        assert_nothing_lost(store)


def test_lines_without_a_time_are_of_the_window_of_the_record_before(tmp_path: Path) -> None:
    lines = render([poller()])
    for at in range(470, 0, -8):
        lines.insert(at, 'INFO:     10.8.0.1:30000 - "GET / HTTP/1.1" 200 OK')
    log = write(tmp_path / "poller.log", lines)
    with grouped([log]) as (store, result):
        assert result.executions == result.windows > 5
        assert store.scalar("SELECT count(*) FROM execution WHERE start_time IS NULL") == 0
        assert store.scalar("SELECT max(last_line - first_line + 1 - records) FROM execution") == 0
        assert_nothing_lost(store)


def test_a_log_without_times_is_cut_into_windows_by_count(tmp_path: Path) -> None:
    log = write(tmp_path / "poller.log", render([poller()], None))
    with grouped([log]) as (store, result):
        assert result.executions == result.windows
        sizes = [row[0] for row in store.rows("SELECT records FROM execution ORDER BY execution_id")]
        assert len(set(sizes[:-1])) == 1
        assert 0 < sizes[-1] <= sizes[0] < 480
        assert store.rows("SELECT DISTINCT start_time, end_time FROM execution") == [(None, None)]
        assert "no times part them" in store.scalar("SELECT reason FROM grouping_candidate WHERE chosen")
        assert_nothing_lost(store)


def test_the_pause_that_ends_a_window_can_be_given(tmp_path: Path) -> None:
    events = poller()
    log = write(tmp_path / "poller.log", render([events]))
    times = sorted(round(event.seconds, 3) for event in events)
    pauses = sum(later - earlier > 2.5 for earlier, later in pairwise(times))
    with grouped([log], idle_gap=2.5) as (store, result):
        assert result.executions == pauses + 1
        assert_nothing_lost(store)


def test_a_single_record_is_an_execution(tmp_path: Path) -> None:
    log = write(tmp_path / "one.log", ["2026-03-02 08:00:00,000 INFO a.B: Hello"])
    with grouped([log]) as (store, result):
        assert (result.executions, result.windows) == (1, 1)
        assert_nothing_lost(store)


def test_records_without_the_identifier_form_windows_of_their_own(tmp_path: Path) -> None:
    beats = [[Event(0.9 * index, "INFO  jobs.Monitor: Heartbeat sent to peers") for index in range(40)]]
    log = write(tmp_path / "work.log", render([*jobs(40, 1), *beats]))
    with grouped([log]) as (store, result):
        assert (result.grouped_by, result.executions - result.windows) == ("blk_*", 40)
        assert result.windows >= 1
        assert_nothing_lost(store)
        held = store.rows(
            "SELECT e.is_window, e.grouped_by, contains(p.message, 'Heartbeat'), count(*) FROM execution AS e "
            "JOIN membership USING (execution_id) JOIN parsed_record AS p USING (record_id) GROUP BY ALL"
        )
        assert sorted(held) == [(False, "blk_*", False, 280), (True, "window", True, 40)]


def test_counts_times_and_lines_of_an_execution_are_those_of_its_records(tmp_path: Path) -> None:
    steps = (
        *JOB_STEPS[:3],
        "ERROR jobs.Storage: Failed {id}\n  at Storage.write(Storage.java:1)\n  at Main.main(Main.java:2)",
    )
    log = write(tmp_path / "work.log", render(jobs(30, 1, {5: steps})))
    with grouped([log]) as (store, _):
        wrong = store.rows(
            """
            SELECT e.execution_id FROM execution AS e JOIN membership USING (execution_id) JOIN parsed_record AS p USING (record_id)
            GROUP BY e.execution_id, e.start_time, e.end_time, e.first_line, e.last_line, e.records, e.lines
            HAVING e.start_time <> min(p.time) OR e.end_time <> max(p.time) OR e.first_line <> min(p.first_line)
                OR e.last_line <> max(p.last_line) OR e.records <> count(*) OR e.lines <> sum(p.last_line - p.first_line + 1)
            """
        )
        assert wrong == []
        assert store.row("SELECT records, lines FROM execution WHERE records <> lines") == (4, 6)


def test_equal_executions_share_a_variant(tmp_path: Path) -> None:
    log = write(tmp_path / "work.log", render(jobs(40, 1, {7: JOB_STEPS[:4], 9: JOB_STEPS[:4]})))
    with grouped([log]) as (store, _):
        counts = Counter(dict(store.rows("SELECT variant_id, executions FROM variant")))
        assert sorted(counts.values()) == [2, 38]
        flat = store.rows(
            "SELECT e.variant_id, list(m.template_id ORDER BY m.position) FROM execution AS e "
            "JOIN membership AS m USING (execution_id) GROUP BY e.execution_id, e.variant_id"
        )
        kept = dict(store.rows("SELECT variant_id, template_ids FROM variant"))
        assert all(kept[variant] == templates for variant, templates in flat)


def test_the_same_log_gives_the_same_tables_every_time(tmp_path: Path) -> None:
    log = write(tmp_path / "work.log", render([*jobs(50, 1, {7: JOB_STEPS[:4]}), poller(60)]))
    dumps = []
    for threads in (1, 1, 2):
        with grouped([log], threads=threads) as (store, _):
            tables = ("execution", "membership", "variant", "grouping_candidate", "template")
            dumps.append({table: store.rows(f"SELECT * FROM {table} ORDER BY ALL") for table in tables})
    assert dumps[0] == dumps[1] == dumps[2]


def test_executions_that_ended_before_the_given_time_are_known_good(tmp_path: Path) -> None:
    log = write(tmp_path / "work.log", render(jobs(40, 1)))
    with grouped([log], normal_before="2026-03-02 08:00:15") as (store, _):
        limit = START.replace(second=15)
        ends = store.rows("SELECT end_time, is_good FROM execution")
        assert 5 < sum(good for _, good in ends) < 35
        assert all(good == (end < limit) for end, good in ends)
        assert store.row("SELECT sum(good_executions), sum(executions) FROM variant") == (
            sum(good for _, good in ends),
            sum(not good for _, good in ends),
        )


def test_executions_of_baseline_logs_are_known_good_and_stay_apart(tmp_path: Path) -> None:
    good = write(tmp_path / "good.log", render(jobs(40, 2, name=lambda i: f"blk_-{100_000 + i}")))
    # The last job of the baseline has the name of the first one of the log.
    log = write(tmp_path / "bad.log", render(jobs(40, 1, name=lambda i: f"blk_-{100_039 + i}")))
    with grouped([log], baseline=(good,)) as (store, result):
        assert (result.grouped_by, result.executions) == ("blk_*", 80)
        kinds = store.rows(
            "SELECT o.is_baseline, e.is_good, count(*) FROM execution AS e JOIN source AS o USING (source_id) GROUP BY ALL"
        )
        assert sorted(kinds) == [(False, False, 40), (True, True, 40)]
        assert store.rows(
            "SELECT is_good FROM execution WHERE identifier = 'blk_-100039' ORDER BY is_good"
        ) == [(False,), (True,)]
        assert_nothing_lost(store)


def test_the_runners_up_are_kept_with_what_speaks_for_or_against_them(tmp_path: Path) -> None:
    log = write(tmp_path / "auth.log", render([*sessions("alpha", 30), *sessions("beta", 30)], syslog))
    with grouped([log]) as (store, _):
        rows = store.rows("SELECT name, kind, coverage, score, chosen, reason FROM grouping_candidate")
        assert len(rows) >= 3
        assert sum(row[4] for row in rows) == 1
        assert all(
            0 <= coverage <= 1 and 0 <= score <= 1 and reason for _, _, coverage, score, _, reason in rows
        )
        best = max(row[3] for row in rows)
        assert next(row[3] for row in rows if row[4]) == pytest.approx(best, abs=0.01)
