"""A reader's own queries over a finished investigation."""

import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TypeVar

import duckdb
import pyarrow as pa

from krone_tui.errors import KroneError
from krone_tui.store.connection import Store
from krone_tui.store.overlay import only_reading

BATCH = 10_000
"""Rows fetched at a time, so that a result of any size fits the memory."""
_QUERIES = (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN, duckdb.StatementType.MULTI)
"""What only reads: SELECT also is FROM, WITH, VALUES, SHOW, DESCRIBE and SUMMARIZE; MULTI is a PIVOT without IN."""
_STOPPED = "INTERRUPT Error"
"""What DuckDB says through Arrow where it was interrupted."""
_MISNAMED = (duckdb.CatalogException, duckdb.BinderException)


_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Answer:
    """The result of one query."""

    labels: tuple[str, ...]
    """Names of the columns as DuckDB gives them; two may be the same."""
    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]
    """The rows, `BATCH` at a time, as they are computed; may raise `Store.QueryError`."""


@contextlib.contextmanager
def ask(store: Store, query: str) -> Iterator[Answer]:
    """Run a reader's own query over a sealed investigation: nothing outside it is reached, nothing in it changed.

    Raises `KroneError` when it is not one query that only reads, and `Store.QueryError` with DuckDB's message.
    """
    statements = store.connection.extract_statements(query)
    if not statements:
        raise KroneError("The query is empty; write one like SELECT * FROM failure_mode.")
    if len(statements) > 1:
        raise KroneError("These are several statements; give one query at a time.")
    if statements[0].type not in _QUERIES:
        kind = statements[0].type.name.replace("_", " ")
        raise KroneError(f"This is a {kind} statement, and an investigation is only read; write a SELECT.")
    with only_reading(store.connection, query), ThreadPoolExecutor(1) as thread:

        def run(step: Callable[[], _Result]) -> _Result:
            """In a thread, as DuckDB does not look at signals while it computes rows for Arrow: we do."""
            running = thread.submit(step)
            try:
                return running.result()
            except BaseException:
                # One that comes before the query has begun is forgotten: it is repeated until it is heard.
                while not running.done():
                    store.interrupt()
                    wait([running], timeout=0.05)
                raise

        result = run(lambda: store.connection.sql(query))
        if result is None:
            raise KroneError("The query yields nothing to show; write a SELECT.")
        with run(lambda: result.to_arrow_reader(BATCH)) as reader:

            def following() -> pa.RecordBatch | None:
                try:
                    return run(lambda: next(reader, None))
                except (pa.ArrowException, OSError) as error:
                    # What DuckDB comes upon in a later row reaches us through Arrow.
                    raise KroneError(objection(error)) from error

            yield Answer(tuple(result.columns), reader.schema, iter(following, None))


def first_rows(store: Store, query: str, most: int) -> tuple[tuple[str, ...], pa.Table]:
    """(labels, at most so many rows) of a reader's own query; the columns of the table are named by their number.

    Raises `KroneError` with one sentence, also of what DuckDB says to the query, and when `Store.interrupt` stopped it.
    """
    try:
        with ask(store, query) as answer:
            batches, number = [], 0
            for batch in answer.batches:
                batches.append(batch)
                number += batch.num_rows
                if number >= most:
                    break
            rows = pa.Table.from_batches(batches, answer.schema).slice(0, most)
            return answer.labels, rows.rename_columns([str(at) for at in range(rows.num_columns)])
    except Store.QueryError as error:
        raise KroneError(objection(error)) from error


def objection(error: Exception) -> str:
    """What is wrong with a query, as one sentence made of DuckDB's message."""
    if isinstance(error, duckdb.InterruptException) or _STOPPED in str(error):
        return "The query was stopped."
    said = " ".join(str(error).partition("\n\nLINE ")[0].split()).rstrip(".")
    end = "" if said.endswith(("!", "?")) else "."
    if isinstance(error, _MISNAMED):
        return (
            f"The query has no answer: {said}{end or ''} `krone-tui sql --schema` lists tables and columns."
        )
    return f"The query has no answer: {said.rstrip('!')}."
