"""The documented tables, read off schema.sql: what one row is, and what each column says."""

import re
from dataclasses import dataclass
from pathlib import Path

from krone_tui.store.connection import Store

_SCHEMA = Path(__file__).with_name("schema.sql")
_DOCUMENTED = re.compile(
    r"^-- CONTRACT\. One row: (?P<row>[^\n]*(?:\n-- [^\n]*)*)\nCREATE (?P<kind>TABLE|VIEW) (?P<name>\w+)(?P<body>.*?);$",
    re.MULTILINE | re.DOTALL,
)
_ANY = re.compile(r"^CREATE (?:TABLE|VIEW) (\w+)(.*?);$", re.MULTILINE | re.DOTALL)
_COLUMN = re.compile(r"^    (\w+) [^\n]*?--\s*(\S[^\n]*)$", re.MULTILINE)
_VIEW_COLUMN = re.compile(r"(\w+),?\s*--\s*(\S[^\n]*)$", re.MULTILINE)
_READ_FROM = re.compile(r"\b(?:FROM|JOIN) (\w+)")


@dataclass(frozen=True)
class Column:
    """One documented column."""

    name: str
    type: str
    """As DuckDB calls it."""
    meaning: str


@dataclass(frozen=True)
class Table:
    """One documented table or view: a contract, to which columns are only ever added."""

    name: str
    row: str
    """What one row is."""
    columns: tuple[Column, ...]


def documented(store: Store) -> list[Table]:
    """The tables marked CONTRACT in schema.sql, in its order; the types are those of the store.

    A column of a view that says nothing itself means what it means in the table it comes from.
    """
    text = _SCHEMA.read_text(encoding="utf-8")
    bodies = dict(_ANY.findall(text))
    types: dict[str, list[tuple[str, str]]] = {}
    # One row: one column.
    for table, column, type_ in store.rows(
        "SELECT table_name, column_name, data_type FROM information_schema.columns "
        "WHERE table_catalog = current_database() ORDER BY table_name, ordinal_position"
    ):
        types.setdefault(table, []).append((column, type_))
    tables = []
    for found in _DOCUMENTED.finditer(text):
        name = found["name"]
        meanings = _meanings(name, bodies)
        columns = tuple(Column(column, type_, meanings.get(column, "")) for column, type_ in types[name])
        tables.append(Table(name, found["row"].replace("\n-- ", " "), columns))
    return tables


def _meanings(name: str, bodies: dict[str, str]) -> dict[str, str]:
    """Column → what its comment says."""
    body = bodies[name]
    if body.startswith(" ("):
        return dict(_COLUMN.findall(body))
    own = dict(_VIEW_COLUMN.findall(body))
    for table in _READ_FROM.findall(body):
        own = {**(_meanings(table, bodies) if table in bodies else {}), **own}
    return own
