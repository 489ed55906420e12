"""`krone-tui sql`: the documented tables, asked directly, and nothing else reached."""

import csv
import io
import json
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from conftest import Krone, small_log
from in_terminal import sent_to_terminal

from krone_tui.errors import KroneError
from krone_tui.investigation import Investigation
from krone_tui.settings import Settings
from krone_tui.store import Store
from krone_tui.store.schema import documented
from krone_tui.store.sql import ask, first_rows, objection

HOSTILE = r"SELECT '=1+1' AS f, '@x' AS g, -5 AS n, chr(27) || '[31m' || chr(8238) AS e, chr(10) AS l, NULL AS nothing"


def test_a_table_for_a_pipe(krone: Krone) -> None:
    query = "SELECT level, count(*) AS records FROM record GROUP BY level ORDER BY level"
    assert krone("sql", krone.log(), query).worked().out == "level  records\nERROR        3\nINFO       194\n"


def test_csv(krone: Krone) -> None:
    query = "SELECT flagged, count(*) AS n, min(start_time) AS first FROM execution_verdict GROUP BY flagged ORDER BY 1"
    ran = krone.here("sql", krone.log(), query, "--format", "csv").worked()
    assert list(csv.reader(io.StringIO(ran.out))) == [
        ["flagged", "n", "first"],
        ["false", "37", "2026-03-14 00:00:00"],
        ["true", "3", "2026-03-14 00:00:24"],
    ]


def test_json_keeps_types_and_every_column(krone: Krone) -> None:
    query = (
        "SELECT 1 AS a, 2 AS a, 1.5 AS d, sum(1) AS s, [1, NULL] AS l, {'x': TIMESTAMP '2026-03-14 00:00:00'} AS t, "
        "'nan'::DOUBLE AS nan, INTERVAL 90 SECONDS AS i, true AS b, NULL AS n, 'é' AS é, '\\x00'::BLOB AS bytes FROM source"
    )
    (row,) = json.loads(krone.here("sql", krone.log(), query, "--format", "json").worked().out)
    assert row == {
        "a": 1, "a_1": 2, "d": 1.5, "s": 1, "l": [1, None], "t": {"x": "2026-03-14T00:00:00"}, "nan": None,
        "i": "0:01:30", "b": True, "n": None, "é": "é", "bytes": "\x00",
    }  # fmt: skip


def test_no_rows_are_an_empty_result_in_each_format(krone: Krone) -> None:
    log, query = krone.log(), "SELECT title FROM failure_mode WHERE false"
    assert krone.here("sql", log, query).worked().out == "title\n"
    assert krone.here("sql", log, query, "--format", "csv").worked().out == "title\n"
    assert json.loads(krone.here("sql", log, query, "--format", "json").worked().out) == []


def test_cells_are_shown_and_never_obeyed(krone: Krone) -> None:
    log = krone.log()
    header, row = csv.reader(io.StringIO(krone.here("sql", log, HOSTILE, "--format", "csv").worked().out))
    assert dict(zip(header, row, strict=True)) == {
        "f": "'=1+1", "g": "'@x", "n": "-5", "e": r"\x1b[31m\u202e", "l": " ⏎ ", "nothing": "",
    }  # fmt: skip
    out = krone.here("sql", log, HOSTILE).worked().out
    assert r"\x1b[31m\u202e" in out
    assert len(out.splitlines()) == 2
    assert r"\u001b[31m\u202e" in krone.here("sql", log, HOSTILE, "--format", "json").worked().out


def test_a_terminal_gets_a_drawn_table_without_obeying_the_log(krone: Krone) -> None:
    sent = sent_to_terminal(krone, "sql", krone.log(), "SELECT chr(27) || '[31m' AS e, '[bold]x[/bold]' AS m")
    assert "─" in sent
    assert r"\x1b[31m" in sent
    assert "[bold]x[/bold]" in sent
    assert "\x1b[31m" not in sent


def test_a_result_larger_than_a_batch_is_whole(krone: Krone) -> None:
    log, query = krone.log(), "SELECT i, 'row ' || i AS text FROM range(25000) AS t(i)"
    table = krone.here("sql", log, query).worked().out.splitlines()
    assert len(table) == 25_001
    assert table[1].split() == ["0", "row", "0"]
    assert table[-1].split() == ["24999", "row", "24999"]
    assert len(json.loads(krone.here("sql", log, query, "--format", "json").worked().out)) == 25_000


def test_a_row_that_cannot_be_computed_ends_it_with_a_sentence(krone: Krone) -> None:
    query = "SELECT CASE WHEN i > 25000 THEN 'a'::INTEGER ELSE i END AS n FROM range(30000) AS t(i)"
    ran = krone.here("sql", krone.log(), query)
    assert ran.code == 2
    assert (
        ran.err
        == "krone-tui: The query has no answer: Conversion Error: Could not convert string 'a' to INT32.\n"
    )


def test_a_long_query_ends_on_ctrl_c(krone: Krone) -> None:
    log = krone.log()
    krone.here("groups", log).worked()
    process = krone.start(
        "sql", log, "SELECT sum(a.i * b.i) FROM range(10000000) AS a(i), range(1000000) AS b(i)"
    )
    time.sleep(4)
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=20) == (b"", b"")
    assert process.returncode == 130
    assert krone.left_behind() == []


def test_a_reader_that_has_enough_ends_it(krone: Krone) -> None:
    command = (
        f"{' '.join(krone.command)} sql {krone.log()} 'SELECT i FROM range(100000000000) AS t(i)' | head -n 2"
    )
    ran = krone.run(["bash", "-o", "pipefail", "-c", command]).worked()
    assert ran.out.split() == ["i", "0"]
    assert ran.err == ""


def test_the_query_from_a_file_and_from_standard_input(krone: Krone) -> None:
    log = krone.log()
    (krone.work / "q.sql").write_text("-- how many\nSELECT count(*) AS n FROM execution;\n")
    assert krone.here("sql", log, "-f", "q.sql").worked().out.split() == ["n", "40"]
    assert krone("sql", log, "-f", "-", stdin=b"SELECT 1 AS n").worked().out.split() == ["n", "1"]
    ran = krone("sql", "-", "SELECT count(*) AS n FROM execution", stdin=log.read_bytes()).worked()
    assert ran.out.split() == ["n", "40"]


def test_several_logs_come_before_the_query(krone: Krone) -> None:
    krone.log("a.log")
    krone.log("b.log")
    ran = krone.here(
        "sql", "a.log", "b.log", "SELECT path FROM source ORDER BY path", "--format", "csv"
    ).worked()
    assert ran.out.splitlines() == ["path", "a.log", "b.log"]


def test_a_query_that_is_not_answered_is_one_sentence(krone: Krone) -> None:
    log = krone.log()
    krone.here("sql", log, "SELECT * FROM nosuch").failed_with("nosuch", "--schema")
    krone.here("sql", log, "selec 1").failed_with("syntax error")
    krone.here("sql", log, "INSTALL httpfs").failed_with("only read")
    krone.here("sql", log, f"SELECT * FROM read_text('{log}')").failed_with("disabled")
    krone.here("sql", log, "EXPLAIN ANALYZE COPY source TO 'out.csv'").failed_with("disabled")
    assert [path.name for path in krone.work.iterdir()] == ["app.log"]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT nosuch FROM source", "--schema"),
        ("SELECT 'a'::INTEGER", "Could not convert"),
        ("", "empty"),
        ("SELECT 1; SELECT 2", "one query at a time"),
        ("DELETE FROM source", "DELETE"),
        ("DROP VIEW record", "DROP"),
        ("CREATE TABLE t (a INTEGER)", "CREATE"),
        ("LOAD httpfs", "only read"),
        ("SET enable_external_access = true", "SET"),
        ("COPY source TO 'out.csv'", "COPY"),
        ("EXPORT DATABASE 'out'", "EXPORT"),
        ("ATTACH 'other.duckdb' AS other", "ATTACH"),
        ("SELECT * FROM 'app.log'", "app.log"),
        ("SELECT * FROM glob('*')", "disabled"),
        ("SELECT * FROM mine", "mine"),
        ("SELECT ?", "parameters"),
    ],
)
def test_nothing_but_one_query_that_reads_the_tables_is_answered(
    sealed: Store, query: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(str(sealed.path)).parent)
    before = sorted(Path().iterdir())
    mine = pa.table({"a": [1]})
    with pytest.raises((KroneError, Store.QueryError)) as refused, ask(sealed, query) as answer:
        list(answer.batches)
    error = refused.value
    assert said in (str(error) if isinstance(error, KroneError) else objection(error))
    assert "\n" not in objection(error)
    assert sorted(Path().iterdir()) == before
    assert mine.num_rows == 1


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The investigation of the small log, as the command has it."""
    folder = tmp_path_factory.mktemp("sealed")
    (folder / "app.log").write_text("".join(small_log(40)))
    with Investigation.open([str(folder / "app.log")], Settings(cache_dir=folder)) as investigation:
        yield investigation.store


def test_what_the_arguments_lack(krone: Krone) -> None:
    log = krone.log()
    krone.here("sql", log).failed_with("query is missing", "app.log")
    krone.here("sql").failed_with("krone-tui sql LOG")
    krone.here("sql", "SELECT 1").failed_with("A log and a query")
    krone.here("sql", "-f", "q.sql").failed_with("No log is named")
    krone.here("sql", log, "-f", "nowhere.sql").failed_with("nowhere.sql")
    krone.here("sql", "-", "-f", "-").failed_with("Standard input")
    krone.here("sql", log, "SELECT 1", "--format", "xml").failed_with("'xml'", "table, csv, json")
    assert krone.kept() == []


def test_the_schema_lists_the_documented_tables_without_a_log(krone: Krone) -> None:
    out = krone.here("sql", "--schema").worked().out
    tables = re.findall(r"^(\w+): one row is \S", out, re.MULTILINE)
    assert {"source", "record", "execution", "execution_verdict", "finding", "failure_mode", "work"} <= set(
        tables
    )
    assert re.search(r"^  execution_id +INTEGER +\S", out, re.MULTILINE)
    assert krone.kept() == []


def test_every_documented_column_says_what_it_is() -> None:
    with Store.create(None, Settings()) as store:
        tables = documented(store)
        assert [
            (table.name, column.name) for table in tables for column in table.columns if not column.meaning
        ] == []
        for table in tables:
            assert (
                store.rows(f"SELECT {', '.join(column.name for column in table.columns)} FROM {table.name}")
                == []
            )


def test_the_first_rows_of_a_result_come_without_the_others_and_with_its_labels(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_text("".join(small_log(40)))
    with Investigation.open([str(log)], Settings(use_cache=False, data_dir=tmp_path)) as investigation:
        labels, rows = first_rows(
            investigation.store, "SELECT i AS a, i + 1 AS a FROM range(100000000) AS r(i)", 25_000
        )
        assert labels == ("a", "a")
        assert (rows.num_rows, rows.column(1)[24_999].as_py()) == (25_000, 25_000)
        # Nothing is left open: the next query is answered.
        assert first_rows(investigation.store, "SELECT 1 WHERE false", 10)[1].num_rows == 0
