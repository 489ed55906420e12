"""The DuckDB connection of one investigation."""

import os
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb
import pyarrow as pa

from krone_tui.settings import Settings
from krone_tui.store.overlay import lay_over

SCHEMA_VERSION = 14
"""Raised with every change of schema.sql: a cache of another version is rebuilt."""

_SCHEMA = Path(__file__).with_name("schema.sql")


class Database:
    """An open DuckDB file, and the ways to ask it."""

    QueryError = duckdb.Error
    """What a query raises, for callers that must not know DuckDB."""
    MACHINE_ERRORS = ("IOException", "OutOfMemoryException", "TransactionException", "FatalException")
    """Names of those that are the machine's: a full disk, too little memory."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, path: Path | None) -> None:
        self.connection = connection
        self.path = path

    def interrupt(self) -> None:
        """Stop the query that runs on this handle; it raises in the thread that waits for it."""
        self.connection.interrupt()

    def append(self, table: str, rows: pa.Table) -> None:
        """Add Arrow rows to a table whose columns they name."""
        columns = ", ".join(f'"{name}"' for name in rows.column_names)
        self.connection.register("rows_to_append", rows)
        self.connection.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM rows_to_append")
        self.connection.unregister("rows_to_append")

    def arrow(self, query: str, parameters: object = None) -> pa.Table:
        """The result of a query as an Arrow table."""
        return self.connection.sql(query, params=parameters).to_arrow_table()

    def rows(self, query: str, parameters: object = None) -> list[tuple[Any, ...]]:
        """All rows of a query whose result is small."""
        return self.connection.execute(query, parameters).fetchall()

    def row(self, query: str, parameters: object = None) -> tuple[Any, ...]:
        """The one row of a query that always has one."""
        # All of it is fetched: DuckDB 2 refuses the next query while a result is left open.
        return self.connection.execute(query, parameters).fetchall()[0]

    def scalar(self, query: str, parameters: object = None) -> Any:
        """The one value of a query that always has one."""
        return self.row(query, parameters)[0]

    def seal(self) -> None:
        """Nothing outside the database can be reached from here on: no files, no extensions, no settings."""
        self.connection.execute("SET enable_external_access = false; SET lock_configuration = true")

    def close(self) -> None:
        """Close the database."""
        self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()


class Store(Database):
    """One investigation's database: a file that is being built, or a finished one opened to be read.

    Stages and the screen reach it through the query modules beside this one. A thread of its own takes a
    `cursor()`; DuckDB then serves both at once.
    """

    @classmethod
    def create(cls, path: Path | None, settings: Settings) -> Self:
        """An empty investigation in a new file readable by its owner alone, or in memory when `path` is None."""
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        old_mask = os.umask(0o077)
        try:
            connection = _connect(str(path) if path else ":memory:", settings)
        finally:
            os.umask(old_mask)
        connection.execute(_SCHEMA.read_text(encoding="utf-8"))
        return cls(connection, path)

    @classmethod
    def reopen(cls, path: Path, settings: Settings) -> Self:
        """The file of an investigation, to be written to again: one that nobody else has open."""
        return cls(_connect(str(path), settings), path)

    @classmethod
    def open(cls, path: Path, settings: Settings) -> Self:
        """A finished investigation, read-only, so that several processes can have it open; verdicts lie over it in memory."""
        connection = _connect(":memory:", settings)
        try:
            lay_over(connection, path)
        except BaseException:
            connection.close()
            raise
        return cls(connection, path)

    def cursor(self) -> "Store":
        """A second handle on the same database, for another thread."""
        return Store(self.connection.cursor(), self.path)


def _connect(database: str, settings: Settings) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(database, config=_config(settings))
    # Under an interactive Python DuckDB draws a bar of its own, over the screen. Cursors take the setting over.
    connection.execute("SET enable_progress_bar = false")
    return connection


def _config(settings: Settings) -> dict[str, str | bool | int | float | list[str]]:
    return {
        "threads": settings.threads or os.cpu_count() or 1,
        "memory_limit": settings.memory_limit,
        "temp_directory": str(Path(tempfile.gettempdir()) / f"krone-tui-{os.getpid()}"),
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "preserve_insertion_order": True,
    }
