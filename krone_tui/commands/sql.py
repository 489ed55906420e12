"""`krone-tui sql LOG… QUERY`: the investigation's tables, asked directly."""

import json
import os
import sys
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from krone_tui.commands.options import investigates
from krone_tui.commands.output import opened, print_lines
from krone_tui.commands.tables import plain_table, print_table
from krone_tui.commands.values import as_json, as_text
from krone_tui.errors import KroneError

if TYPE_CHECKING:
    from krone_tui.settings import Settings
    from krone_tui.store.sql import Answer

_FORMATS = ("table", "csv", "json")
_QUERY_BYTES = 1 << 20

Arguments = Annotated[
    list[str] | None,
    typer.Argument(metavar="LOG… QUERY", help="Logs as for the screen, then the query.", show_default=False),
]


@investigates()
def sql(
    settings: "Settings",
    arguments: Arguments = None,
    format_: Annotated[
        str, typer.Option("--format", metavar="table|csv|json", help="How to write the rows.")
    ] = "table",
    file: Annotated[
        str | None,
        typer.Option(
            "--file", "-f", metavar="FILE", help="Read the query from a file, or '-'; all arguments are logs."
        ),
    ] = None,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the documented tables with their columns; no log needed.")
    ] = False,
) -> None:
    """Answer a SQL query over the tables of the investigation (DuckDB's dialect, read-only)."""
    if format_ not in _FORMATS:
        raise KroneError(f"--format is one of {', '.join(_FORMATS)}, not '{format_}'.")
    if schema:
        _print_schema(settings)
        return
    paths, query = _logs_and_query(arguments or [], file)
    from krone_tui.store import sql as queries

    with opened(paths, settings) as investigation:
        try:
            with queries.ask(investigation.store, query) as answer:
                _print(answer, format_)
        except investigation.store.QueryError as error:
            from krone_tui.report import printable

            raise KroneError(printable(queries.objection(error))) from error


def _logs_and_query(arguments: list[str], file: str | None) -> tuple[list[str], str]:
    if file is not None:
        if not arguments:
            raise KroneError("No log is named; write krone-tui sql LOG… -f FILE.")
        if file == "-" and "-" in arguments:
            raise KroneError(
                "Standard input cannot be both the log and the query; name a file for one of them."
            )
        return arguments, _read_query(file)
    # os.path: a query may be too long for a path.
    if arguments and os.path.exists(arguments[-1]):  # noqa: PTH110
        raise KroneError(
            f"The query is missing: {arguments[-1]} is a file, and the last argument is the query; "
            "-f FILE reads it from a file."
        )
    if len(arguments) < 2:
        raise KroneError('A log and a query are needed: krone-tui sql LOG… "SELECT * FROM failure_mode".')
    return arguments[:-1], arguments[-1]


def _read_query(file: str) -> str:
    try:
        if file == "-":
            content = sys.stdin.buffer.read(_QUERY_BYTES + 1)
        else:
            with Path(file).open("rb") as stream:
                content = stream.read(_QUERY_BYTES + 1)
        if len(content) > _QUERY_BYTES:
            raise KroneError(f"The query in {file} is longer than {_QUERY_BYTES >> 20} MiB.")
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise KroneError(f"The query in {file} is not UTF-8 text.") from error
    except OSError as error:
        raise KroneError(f"The query cannot be read from {file}: {error.strerror or error}.") from error


def _print(answer: "Answer", format_: str) -> None:
    if format_ == "json":
        print_lines(_json_lines(answer), always_utf8=True)
    elif format_ == "csv":
        print_lines(_csv_lines(answer), always_utf8=True)
    else:
        _print_table(answer)


def _print_table(answer: "Answer") -> None:
    """A small result as a table; a large one as it comes, in columns as wide as its first rows need."""
    right = [
        label for label, field in zip(answer.labels, answer.schema, strict=True) if _is_number(field.type)
    ]
    first = _texts(next(answer.batches, None))
    second = next(answer.batches, None)
    if second is None:
        print_table(answer.labels, first, right)
    else:
        print_lines(_long_table(answer, first, chain((second,), answer.batches), right), always_utf8=False)


def _long_table(
    answer: "Answer", first: list[tuple[str, ...]], later: Iterable[Any], right: list[str]
) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(answer.labels, *first, strict=True)]
    yield from plain_table(answer.labels, first, right, widths)
    for batch in later:
        lines = plain_table(answer.labels, _texts(batch), right, widths)
        next(lines)
        yield from lines


def _texts(batch: Any) -> list[tuple[str, ...]]:
    """The rows of one batch as text, for people: of a fraction six digits."""
    if batch is None:
        return []
    return list(zip(*(as_text(column, digits=6) for column in batch.columns), strict=True))


def _csv_lines(answer: "Answer") -> Iterator[str]:
    from krone_tui.report.spreadsheet import csv_line

    yield csv_line(answer.labels)
    for batch in answer.batches:
        columns = [
            column.to_pylist() if _is_number(column.type) else as_text(column) for column in batch.columns
        ]
        for row in zip(*columns, strict=True):
            yield csv_line(row)


def _json_lines(answer: "Answer") -> Iterator[str]:
    """An array with one object a line; a label that occurs twice is numbered."""
    labels: list[str] = []
    for label in answer.labels:
        taken = sum(label == other or other.startswith(f"{label}_") for other in labels)
        labels.append(label if label not in labels else f"{label}_{taken}")
    line = ""
    yield "["
    for batch in answer.batches:
        for row in zip(*(as_json(column) for column in batch.columns), strict=True):
            if line:
                yield line + ","
            line = json.dumps(dict(zip(labels, row, strict=True)))
    if line:
        yield line
    yield "]"


def _is_number(type_: Any) -> bool:
    from pyarrow import types

    return bool(types.is_integer(type_) or types.is_floating(type_) or types.is_decimal(type_))


def _print_schema(settings: "Settings") -> None:
    from krone_tui.store import Store
    from krone_tui.store.schema import documented

    with Store.create(None, settings) as store:
        tables = documented(store)
    for table in tables:
        print_lines([f"{table.name}: one row is {table.row}"], always_utf8=False)
        rows = [("", column.name, column.type, column.meaning) for column in table.columns]
        lines = plain_table(("", "", "", ""), rows)
        next(lines)
        print_lines([*lines, ""], always_utf8=False)
