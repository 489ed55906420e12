"""Executions over several files, with and without times, with nested identifiers; HTTP answers kept apart."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from krone_tui.investigation import Investigation
from krone_tui.settings import load_settings

Rows = list[tuple[object, ...]]


def ask(tmp_path: Path, paths: Sequence[Path], query: str, **settings: object) -> Rows:
    """The answer to a query over an investigation of some logs."""
    chosen = load_settings(cache_dir=tmp_path / "cache", use_cache=False, threads=1, **settings)
    with Investigation.open([str(path) for path in paths], chosen) as found:
        return found.store.rows(query)


def write(path: Path, lines: Sequence[str]) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


@pytest.fixture
def halves(tmp_path: Path) -> list[Path]:
    """Forty requests whose first half one file holds and whose second half another one, which is named first."""
    first, second = [], []
    for number in range(40):
        at = f"2026-03-01 10:{number:02d}"
        first += [
            f"{at}:00.000 INFO gate: req-{number:04x}a accepted",
            f"{at}:01.000 INFO gate: req-{number:04x}a routed",
        ]
        second += [
            f"{at}:02.000 INFO work: req-{number:04x}a stored",
            f"{at}:03.000 INFO work: req-{number:04x}a closed",
        ]
    return [write(tmp_path / "b.log", second), write(tmp_path / "a.log", first)]


def test_an_execution_over_two_files_has_its_records_in_the_order_of_their_times(
    tmp_path: Path, halves: list[Path]
) -> None:
    texts = ask(
        tmp_path,
        halves,
        """SELECT string_agg(split_part(message, ' ', 2), ' ' ORDER BY position)
           FROM record WHERE execution_id IS NOT NULL GROUP BY execution_id""",
    )
    assert texts == [("accepted routed stored closed",)] * 40


def test_lines_of_an_execution_over_two_files_are_those_of_the_file_it_begins_in(
    tmp_path: Path, halves: list[Path]
) -> None:
    rows = ask(
        tmp_path,
        halves,
        "SELECT right(path, 5), first_line, last_line, e.lines FROM execution AS e JOIN source USING (source_id) ORDER BY execution_id LIMIT 2",
    )
    assert rows == [("a.log", 1, 2, 4), ("a.log", 3, 4, 4)]


def test_records_without_a_time_are_in_windows_too(tmp_path: Path) -> None:
    timed = write(
        tmp_path / "timed.log",
        [f"2026-03-01 10:{n // 60:02d}:{n % 60:02d}.000 INFO poll: asked" for n in range(600)],
    )
    untimed = write(tmp_path / "untimed.log", [f"greetings number {n} to all" for n in range(300)])
    rows = ask(tmp_path, [timed, untimed], "SELECT count(*), count(DISTINCT record_id) FROM membership")
    assert rows == [(900, 900)]


def test_a_time_given_as_normal_says_nothing_of_executions_without_times(tmp_path: Path) -> None:
    log = write(tmp_path / "untimed.log", [f"greetings number {n} to all" for n in range(300)])
    rows = ask(tmp_path, [log], "SELECT DISTINCT is_good FROM execution", normal_before="2026-03-02")
    assert rows == [(False,)]


def test_grouping_by_source_names_executions_by_their_files(tmp_path: Path, halves: list[Path]) -> None:
    rows = ask(tmp_path, halves, "SELECT right(identifier, 5) FROM execution ORDER BY 1", group_by="source")
    assert rows == [("a.log",), ("b.log",)]


def test_an_identifier_inside_an_object_is_found(tmp_path: Path) -> None:
    lines = [
        json.dumps(
            {
                "ts": f"2026-03-01T10:{n // 60:02d}:{n % 60:02d}.{step}00Z",
                "level": "info",
                "msg": f"request {word}",
                "context": {"trace_id": f"t{n:05d}a", "region": "north"},
            }
        )
        for n in range(120)
        for step, word in enumerate(("accepted", "checked", "stored", "answered"))
    ]
    log = write(tmp_path / "nested.log", lines)
    rows = ask(tmp_path, [log], "SELECT DISTINCT grouped_by, count(*) OVER () FROM execution LIMIT 1")
    assert rows == [("context.trace_id", 120)]


def test_an_empty_identifier_is_none(tmp_path: Path) -> None:
    lines = [
        json.dumps(
            {
                "ts": f"2026-03-01T10:00:{n % 60:02d}Z",
                "msg": f"step {k}",
                "trace_id": f"t{n:04d}x" if k < 3 else "",
            }
        )
        for n in range(60)
        for k in range(4)
    ]
    log = write(tmp_path / "empty.log", lines)
    rows = ask(tmp_path, [log], "SELECT count(*) FROM execution WHERE identifier = ''")
    assert rows == [(0,)]


@pytest.mark.parametrize(
    "line",
    [
        '"GET /cart HTTP/1.1" {code} 512',
        "GET /cart answered {code} in 12 ms",
        "call ended status={code} after 3 ms",
    ],
)
def test_http_errors_are_templates_of_their_own(tmp_path: Path, line: str) -> None:
    codes = [200] * 40 + [201] * 3 + [404] * 3 + [500] * 2 + [503] * 2
    log = write(
        tmp_path / "http.log",
        [f"2026-03-01 10:00:{n:02d}.000 INFO web: " + line.format(code=code) for n, code in enumerate(codes)],
    )
    rows = ask(tmp_path, [log], "SELECT text, records FROM template ORDER BY records DESC")
    assert [records for _, records in rows] == [43, 4, 3]
    assert "5xx" in str(rows[1][0])
    assert "4xx" in str(rows[2][0])
