"""A finished investigation as verdicts would have it: its file read-only below, what they change in memory above."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

if TYPE_CHECKING:
    from krone_tui.store.connection import Store

LOG = "log"
"""The name that the investigation's file is attached by."""
_OVERLAY = Path(__file__).with_name("overlay.sql")
_APPLIED = Path(__file__).with_name("verdicts_applied.sql")
_COLUMNS = ("scope", "key", "verdict", "source", "given_at", "comment", "title", "path")
_LEADS_OUT = {
    duckdb.StatementType.TRANSACTION,
    duckdb.StatementType.ATTACH,
    duckdb.StatementType.DETACH,
}
_SCHEMA = pa.schema([(name, pa.timestamp("us") if name == "given_at" else pa.string()) for name in _COLUMNS])


def lay_over(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Attach an investigation's file read-only and show its tables, changed by nothing yet, under their own names."""
    quoted = str(path).replace("'", "''")
    connection.execute(f"ATTACH '{quoted}' AS {LOG} (READ_ONLY)").fetchall()
    connection.execute("BEGIN").fetchall()
    connection.execute(_OVERLAY.read_text(encoding="utf-8")).fetchall()
    # One row: one table of the file that verdicts do not change.
    tables = connection.execute(
        "SELECT table_name FROM duckdb_tables() WHERE database_name = $log AND table_name NOT IN "
        "(SELECT view_name FROM duckdb_views() WHERE database_name = current_database())",
        {"log": LOG},
    ).fetchall()
    # Views of the file are made anew, so that they see the tables as changed.
    views = connection.execute(
        "SELECT sql FROM duckdb_views() WHERE database_name = $log AND NOT internal ORDER BY view_oid",
        {"log": LOG},
    ).fetchall()
    connection.execute(
        ";".join(
            [f'CREATE VIEW "{name}" AS FROM {LOG}."{name}"' for (name,) in tables] + [sql for (sql,) in views]
        )
    ).fetchall()
    connection.execute("COMMIT").fetchall()


@contextlib.contextmanager
def only_reading(connection: duckdb.DuckDBPyConnection, query: str) -> Iterator[None]:
    """Around a reader's own query: nothing is written, not even to what lies in memory above the read-only file.

    Raises `duckdb.Error` for a query that would get out of it.
    """
    if any(statement.type in _LEADS_OUT for statement in connection.extract_statements(query)):
        raise duckdb.InvalidInputException("The investigation is read-only: it can be asked, not changed.")
    connection.execute("BEGIN TRANSACTION READ ONLY").fetchall()
    try:
        yield
    finally:
        # EXPLAIN ANALYZE COMMIT has ended it already.
        with contextlib.suppress(duckdb.TransactionException):
            connection.execute("ROLLBACK").fetchall()


@dataclass(frozen=True)
class Word:
    """The verdict that stands on one failure mode or one Seq."""

    scope: str
    """'mode' or 'seq'."""
    key: str
    """The same in every log."""
    verdict: str
    """'normal' or 'anomalous'."""
    source: str
    """'person' or 'model'."""
    given_at: object
    """A time in UTC without a zone."""
    comment: str | None
    title: str
    path: str


@dataclass(frozen=True)
class Change:
    """Executions of the log under analysis that are flagged now or no more."""

    cleared: int
    flagged: int

    def __str__(self) -> str:
        parts = [
            f"{number:,} execution{'' if number == 1 else 's'} {what}"
            for number, what in ((self.cleared, "cleared"), (self.flagged, "flagged"))
            if number
        ]
        return " and ".join(parts) or "what is flagged stays the same"


def apply(store: "Store", words: list[Word]) -> Change:
    """Let these verdicts, and no others, count. Every cursor of the store sees it at once.

    Returns what is different from what counted before.
    """
    rows = pa.Table.from_pylist([{name: getattr(word, name) for name in _COLUMNS} for word in words], _SCHEMA)
    connection = store.connection
    connection.register("words", rows)
    try:
        connection.execute("BEGIN").fetchall()
        connection.execute("CREATE OR REPLACE TEMP TABLE before AS FROM changed_variant").fetchall()
        connection.execute("DELETE FROM verdict_in_force; INSERT INTO verdict_in_force FROM words").fetchall()
        connection.execute(_APPLIED.read_text(encoding="utf-8")).fetchall()
        change = _difference(store)
        connection.execute("COMMIT").fetchall()
    except BaseException:
        connection.execute("ROLLBACK").fetchall()
        raise
    finally:
        connection.unregister("words")
    return change


def told(store: "Store") -> str:
    """How many verdicts count and what they change in what the detectors found, in words; '' without any.

    An investigation that is still being made has none.
    """
    if not store.rows("SELECT 1 FROM duckdb_tables() WHERE table_name = 'verdict_in_force'"):
        return ""
    number = int(store.scalar("SELECT count(*) FROM verdict_in_force"))
    if not number:
        return ""
    store.connection.execute("CREATE OR REPLACE TEMP TABLE before AS FROM changed_variant LIMIT 0").fetchall()
    return f"{number:,} verdict{'' if number == 1 else 's'}: {_difference(store)}"


def _difference(store: "Store") -> Change:
    # One row: executions of variants that are no longer flagged, and of those that are only now; `before` holds the
    # changed variants of then.
    cleared, flagged = store.row(
        """
        WITH touched AS (SELECT variant_id FROM before UNION SELECT variant_id FROM changed_variant)
        SELECT coalesce(sum(v.executions) FILTER (old AND NOT new), 0), coalesce(sum(v.executions) FILTER (new AND NOT old), 0)
        FROM (
            SELECT t.variant_id, coalesce(b.flagged, l.flagged, false) AS old, coalesce(n.flagged, l.flagged, false) AS new
            FROM touched AS t LEFT JOIN log.variant_verdict AS l USING (variant_id)
            LEFT JOIN before AS b USING (variant_id) LEFT JOIN changed_variant AS n USING (variant_id)
        ) JOIN variant AS v USING (variant_id)
        """
    )
    return Change(int(cleared), int(flagged))
