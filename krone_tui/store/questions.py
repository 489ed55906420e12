"""What the ingest stage asks of lines: which headers they have, whether their times can be read, what is inside a wrapper.

A query costs some milliseconds before it looks at its first line: it is planned, its patterns are compiled. So whoever
asks hands out a question and goes on with its answer (`Asking`), and what many small sources ask is asked at once.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from krone_tui.store.columns import batched, column, small_integers
from krone_tui.store.connection import Store
from krone_tui.store.partial_lines import join_pieces
from krone_tui.store.record_layouts import Layout, TextLayout, Unwrap
from krone_tui.store.times import Clock, quoted, time_expression

OTHER, CONTINUED, EXCEPTION, BLANK = -1, -2, -3, -4
"""Codes of `classify` for lines that start no record: unknown, continued, an exception's name, empty."""

# What only ever continues a record: an indented line, a frame, a cause; 'at ' needs a call, or it is prose.
_CONTINUED = (
    r"^(?:\s|at [\w.$/<>@-]+\s?\(|Caused by: |Suppressed: |Traceback \(|\.\.\. \d+ (?:more|common)"
    r"|\}|\)|--- End of |goroutine \d+ \[|During handling of the above|The above exception was)"
)
_EXCEPTION = r"^[A-Za-z_][\w.$]*(?:Error|Exception|Warning|Interrupt|Exit)(?:: |$)"
_COLOURS = r"\x1b\[[0-9;?]*[A-Za-z]"

T = TypeVar("T")


@dataclass(frozen=True)
class Question:
    """A query whose answer to one line depends on nothing but that line; a row a line, in their order."""

    lines: pa.Array
    """Large strings; the query finds them in the column `line` of `rows`."""
    query: str
    flags: tuple[str, ...] = ()
    """SQL that is true or false: such a query selects `{flags}`, and is one with those that are like it but for them."""


Asking = Generator[Question, pa.Table, T]
"""Asks one question after the other and comes to a result."""


def nothing() -> None:
    """Nothing is done between two queries."""


def ask(store: Store, asking: Sequence[Asking[T]], between: Callable[[], None] = nothing) -> list[T]:
    """Their results. They go side by side: what several of them ask alike is one query over all their lines.

    `between` is called between two queries, and may raise to give up.
    """
    results: dict[int, T] = {}
    answers: dict[int, pa.Table | None] = dict.fromkeys(range(len(asking)))
    while answers:
        asked: dict[str, dict[int, Question]] = {}
        for number, answer in answers.items():
            try:
                question = asking[number].send(answer)  # None begins it
            except StopIteration as end:
                results[number] = end.value
            else:
                asked.setdefault(question.query, {})[number] = question
        answers = {}
        for questions in asked.values():
            between()
            table, at = _answer(store, list(questions.values())), 0
            for number, question in questions.items():
                own = table.slice(at, len(question.lines))
                answers[number] = own.select(question.flags) if question.flags else own
                at += len(question.lines)
    return [results[number] for number in range(len(asking))]


def _answer(store: Store, questions: Sequence[Question]) -> pa.Table:
    """The answers to questions of one query, which names their lines `rows`; flags are called what they are.

    DuckDB finds the local variable. A registered view would be kept, with its rows, until the transaction is
    over: the whole log would stay in memory.
    """
    lines, query = [question.lines for question in questions], questions[0].query
    rows = batched({"line": pa.concat_arrays(lines) if len(lines) > 1 else lines[0]})  # noqa: F841
    flags = list(dict.fromkeys(flag for question in questions for flag in question.flags))
    if not flags:
        return store.connection.sql(query).to_arrow_table()
    shown = ", ".join(f"CAST({flag} AS TINYINT) AS f{number}" for number, flag in enumerate(flags))
    # A relation is planned once to be described and once more to be run, and its patterns compiled each time.
    found = store.connection.execute(query.format(flags=shown)).fetchnumpy()
    return pa.table([column(found[f"f{number}"]) for number in range(len(flags))], names=flags)


def classify(lines: pa.Array, layouts: Sequence[Layout]) -> Asking[npt.NDArray[np.int8]]:
    """For each line the number of the layout that it starts a record of, or one of the codes above."""
    whens = [f"WHEN {layout.match('line')} THEN {number}" for number, layout in enumerate(layouts)]
    whens.append(f"WHEN line = '' THEN {BLANK}")
    whens.append(f"WHEN regexp_matches(line, {quoted(_CONTINUED)}) THEN {CONTINUED}")
    whens.append(f"WHEN regexp_matches(line, {quoted(_EXCEPTION)}) THEN {EXCEPTION}")
    query = f"SELECT CAST(CASE {' '.join(whens)} ELSE {OTHER} END AS TINYINT) AS code FROM rows"
    codes = yield Question(lines, query)
    return small_integers(codes.column(0))


def matches(lines: pa.Array, layouts: Sequence[Layout]) -> Asking[npt.NDArray[np.bool_]]:
    """Which line each layout matches, whether or not another does: lines × layouts."""
    flags = tuple(layout.match("line") for layout in layouts)
    found = yield Question(lines, "SELECT {flags} FROM rows", flags)
    return np.column_stack([small_integers(values) for values in found.columns]).astype(np.bool_)


def captured(lines: pa.Array, layout: Layout, group: str) -> Asking[pa.ChunkedArray]:
    """What one group of the layout's pattern holds in each line, which it matches."""
    query = f"SELECT h.{group} AS text FROM (SELECT {layout.capture('line')} AS h FROM rows)"
    return (yield Question(lines, query)).column(0)


def parsed_times(lines: pa.Array, layout: TextLayout, clock: Clock) -> Asking[npt.NDArray[np.bool_]]:
    """Which line's time each of the layout's time formats can read: lines × formats."""
    columns = ", ".join(
        f"CAST({time_expression('h.time', (kind,), clock)} IS NOT NULL AS TINYINT) AS t{number}"
        for number, kind in enumerate(layout.times)
    )
    query = f"SELECT {columns} FROM (SELECT {layout.capture('line')} AS h FROM rows)"
    found = yield Question(lines, query)
    return np.column_stack([small_integers(values) for values in found.columns]).astype(np.bool_)


def unwrap(lines: pa.Array, wrapper: Unwrap, clock: Clock) -> Asking[pa.Table]:
    """The lines inside a wrapper: body (with newline), prefix, time, host, component, thread, partial, stderr; a row
    a line.

    A line without the wrapper is its own body, with an empty prefix.
    """
    plain = f"regexp_replace(line, {quoted(_COLOURS)}, '', 'g')" if wrapper.colours else "line"
    if wrapper.kind == "json":
        capture = (
            f"CASE WHEN regexp_matches(plain, {quoted('^' + wrapper.pattern)}) AND json_valid(plain)"
            " THEN json_extract_string(plain, ['$.log', '$.time', '$.stream']) END"
        )
        columns = {
            "body": "coalesce(rtrim(h[1], chr(13) || chr(10)), plain)",
            "time": time_expression("h[2]", ("iso",), clock),
            "partial": "coalesce(NOT ends_with(h[1], chr(10)), false)",
            "stderr": "coalesce(h[3] = 'stderr', false)",
        }
    elif wrapper.kind == "text":
        layout = TextLayout(wrapper.name, wrapper.pattern, wrapper.times)
        capture = layout.capture("plain")
        columns = {"body": "substr(plain, length(h.prefix) + 1)", "prefix": "h.prefix"}
        for name in ("host", "component", "thread"):
            if groups := [group for group in layout.groups if group.rstrip("2345") == name]:
                columns[name] = f"nullif({' || '.join(f'h.{group}' for group in groups)}, '')"
        columns["time"] = (
            time_expression("h.time", wrapper.times, clock) if "time" in layout.groups else "NULL"
        )
        columns["partial"] = "h.partial = 'P'" if "partial" in layout.groups else "false"
        columns["stderr"] = "h.stream = 'stderr'" if "stream" in layout.groups else "false"
    else:
        capture, columns = "NULL", {"body": "plain", "partial": "false", "stderr": "false"}
    defaults = {"prefix": "''", "time": "NULL", "host": "NULL", "component": "NULL", "thread": "NULL"}
    types = {"time": "TIMESTAMP", "partial": "TINYINT", "stderr": "TINYINT"}
    shown = ", ".join(
        f"CAST({sql} AS {types.get(name, 'VARCHAR')}){' || chr(10)' if name == 'body' else ''} AS {name}"
        for name, sql in (defaults | columns).items()
    )
    source = f"(SELECT plain, {capture} AS h FROM (SELECT {plain} AS plain FROM rows))"
    query = f"SELECT {shown} FROM {source}"
    inside = yield Question(lines, query)
    partial = small_integers(inside.column("partial")).astype(np.bool_)
    if not partial.any():
        return inside
    # A container writes to two streams at once; what one of them goes on with is no piece of the other's line.
    stderr = small_integers(inside.column("stderr"))
    partial[:-1] &= stderr[1:] == stderr[:-1]
    return join_pieces(inside, partial)
