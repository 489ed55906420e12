"""The file of a knowledge base: found by its name, opened briefly, whole or not at all."""

import contextlib
import os
import re
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import duckdb

from krone_tui.errors import KroneError
from krone_tui.settings import Settings
from krone_tui.store.connection import Database

KNOWLEDGE_VERSION = 1
"""Raised with every change of knowledge.sql."""

SUFFIX = ".duckdb"
PATIENCE = 5.0
"""Seconds to wait for another process that has the file open; each has it open for moments only."""

_KIND = "krone-tui knowledge base"
_SCHEMA = Path(__file__).with_name("knowledge.sql")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
_MAGIC = (8, b"DUCK")
_RETRY = 0.05
_LOCK = threading.Lock()
"""DuckDB refuses one file opened twice by one process in two ways; threads take turns."""


class KnowledgeBase(Database):
    """One knowledge base, open: query it, and leave the `with` soon. Threads and processes take turns.

    A thread must not open a second one inside the `with` of the first.
    """

    path: Path

    @staticmethod
    def locate(name_or_path: str | Path, settings: Settings) -> Path:
        """The file of a knowledge base, there or not: a path has a '/' or ends in '.duckdb', all else is a name.

        Raises `KroneError` for a name with other characters than letters, digits, '.', '_' and '-'.
        """
        given = str(name_or_path)
        if "/" in given or given.endswith(SUFFIX):
            return Path(given)
        if not _NAME.fullmatch(given):
            raise KroneError(
                f"'{given}' cannot name a knowledge base: use letters, digits, '.', '_' and '-', at most 100."
            )
        named = _folder(settings) / f"{given}{SUFFIX}"
        return Path(given) if not named.exists() and is_database(Path(given)) else named

    @staticmethod
    def names(settings: Settings) -> list[str]:
        """The knowledge bases in the data folder, by name."""
        folder = _folder(settings)
        if not folder.is_dir():
            return []
        found = (path.name.removesuffix(SUFFIX) for path in folder.iterdir() if path.suffix == SUFFIX)
        return sorted(name for name in found if _NAME.fullmatch(name))

    @classmethod
    @contextlib.contextmanager
    def reading(cls, path: Path) -> Iterator[Self]:
        """The knowledge base in this file, not to be changed. Raises `KroneError` when there is none."""
        if not path.exists():
            raise KroneError(f"There is no knowledge base {path}; `krone-tui learn` makes one.")
        with cls._opened(path, read_only=True) as opened:
            yield opened

    @classmethod
    @contextlib.contextmanager
    def writing(cls, path: Path) -> Iterator[Self]:
        """The knowledge base in this file, made where there is none, in a transaction.

        The transaction is committed at the end of the `with`; an exception leaves the file as it was.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise KroneError(f"The folder {path.parent} cannot be made: {error.strerror}.") from error
        with cls._opened(path, read_only=False) as opened:
            opened.connection.execute("BEGIN")
            yield opened
            opened.connection.execute("COMMIT")

    @classmethod
    @contextlib.contextmanager
    def _opened(cls, path: Path, *, read_only: bool) -> Iterator[Self]:
        with contextlib.ExitStack() as held:
            for context in (_turn(path), _private(), _explained(path)):
                held.enter_context(context)
            opened = cls(_connect(path, read_only=read_only), path)
            held.callback(opened.close)
            opened.seal()
            opened._check(read_only=read_only)
            yield opened

    def _check(self, *, read_only: bool) -> None:
        """Make the tables in a new file; refuse a file that is something else, newer or cut short."""
        tables = {str(name) for (name,) in self.rows("SELECT table_name FROM duckdb_tables()")}
        if not tables and not read_only:
            self.connection.execute("BEGIN")
            self.connection.execute(_SCHEMA.read_text(encoding="utf-8"))
            self.connection.execute(
                "INSERT INTO about VALUES ('kind', $kind), ('version', $version)",
                {"kind": _KIND, "version": str(KNOWLEDGE_VERSION)},
            )
            self.connection.execute("COMMIT")
            return
        about = self.about() if "about" in tables else {}
        if about.get("kind") != _KIND:
            raise KroneError(f"{self.path} is a database, but not a knowledge base.")
        # One row: the database that is open. Free blocks at the end are cut off, so that only used ones count.
        block_size, used = self.row("SELECT block_size, used_blocks FROM pragma_database_size()")
        if self.path.stat().st_size < int(block_size) * int(used):
            raise _damaged(self.path)
        version = about.get("version", "")
        if version != str(KNOWLEDGE_VERSION):
            raise KroneError(
                f"The knowledge base {self.path} is of version {version}, and this krone-tui reads version "
                f"{KNOWLEDGE_VERSION}; use the krone-tui that wrote it, or learn it again."
            )

    def about(self) -> dict[str, str]:
        """All facts about the file by name."""
        return {str(name): str(value) for name, value in self.rows("SELECT name, value FROM about")}

    def set_about(self, name: str, value: str) -> None:
        """Keep a fact about the file."""
        self.connection.execute(
            "INSERT OR REPLACE INTO about VALUES ($name, $value)", {"name": name, "value": value}
        )


def is_database(path: Path) -> bool:
    """Whether a file is one of DuckDB's, by its first bytes; False for what cannot be read."""
    offset, magic = _MAGIC
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(len(magic)) == magic
    except OSError:
        return False


def _folder(settings: Settings) -> Path:
    return settings.data_dir / "knowledge"


def _connect(path: Path, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    """Open the file as soon as no other process has it."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": os.cpu_count() or 1,
        "memory_limit": "1GB",
        "temp_directory": str(Path(tempfile.gettempdir()) / f"krone-tui-{os.getpid()}"),
        # Most knowledge bases are small, and each table takes a block at least.
        "default_block_size": "16384",
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    until = time.monotonic() + PATIENCE
    while True:
        try:
            connection = duckdb.connect(str(path), read_only=read_only, config=config)
        except duckdb.IOException as error:
            # A file that is empty is being made by another process just now.
            if "lock" not in str(error) and not _is_empty(path):
                raise
            if time.monotonic() > until:
                if _is_empty(path):
                    raise KroneError(f"{path} is empty, not a knowledge base.") from error
                raise KroneError(
                    f"The knowledge base {path} is in use by another program; try again when that has ended."
                ) from error
            time.sleep(_RETRY)
        else:
            return connection


def _is_empty(path: Path) -> bool:
    try:
        return path.stat().st_size == 0
    except OSError:
        return False


@contextlib.contextmanager
def _turn(path: Path) -> Iterator[None]:
    if not _LOCK.acquire(timeout=2 * PATIENCE):
        raise KroneError(f"The knowledge base {path} is in use; try again.")
    try:
        yield
    finally:
        _LOCK.release()


@contextlib.contextmanager
def _private() -> Iterator[None]:
    """What is written is its owner's alone, the write-ahead log beside the file too."""
    old_mask = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(old_mask)


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    """A file or a disk that fails is the user's to mend; any other error of DuckDB is a bug and stays one."""
    try:
        yield
    except duckdb.Error as error:
        said = str(error).strip().split("\n", 1)[0].rstrip(".")
        if "Corrupt" in said or "not enough bytes" in said or "read enough bytes" in said:
            raise _damaged(path) from error
        if "not a valid DuckDB database" in said:
            raise KroneError(f"{path} is not a knowledge base.") from error
        if isinstance(error, duckdb.IOException | duckdb.FatalException):
            raise KroneError(f"The knowledge base {path} cannot be used: {said}.") from error
        raise


def _damaged(path: Path) -> KroneError:
    return KroneError(
        f"The knowledge base {path} is damaged; it is left as it is: restore it, or name another."
    )
