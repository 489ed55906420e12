"""The queries of the ingest stage: lines are classified, records taken apart and added to `parsed_record`."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from krone_tui.store.connection import Store
from krone_tui.store.partial_lines import join_pieces
from krone_tui.store.record_layouts import (
    COLUMNS,
    Clock,
    Layout,
    TextLayout,
    Unwrap,
    loose_level,
    period_of,
    quoted,
    time_expression,
)

OTHER, CONTINUED, EXCEPTION, BLANK = -1, -2, -3, -4
"""Codes of `classify` for lines that start no record: unknown, continued, an exception's name, empty."""

# What only ever continues a record: an indented line, a frame, a cause; 'at ' needs a call, or it is prose.
_CONTINUED = (
    r"^(?:\s|at [\w.$/<>@-]+\s?\(|Caused by: |Suppressed: |Traceback \(|\.\.\. \d+ (?:more|common)"
    r"|\}|\)|--- End of |goroutine \d+ \[|During handling of the above|The above exception was)"
)
_EXCEPTION = r"^[A-Za-z_][\w.$]*(?:Error|Exception|Warning|Interrupt|Exit)(?:: |$)"
_COLOURS = r"\x1b\[[0-9;?]*[A-Za-z]"

_BATCH_ROWS = 20_480
"""Rows of one Arrow batch: small enough that every thread of DuckDB gets its share of a chunk. Six are a row group of
DuckDB: row groups that are not full would be put together again when the file is finished."""


def prepare(store: Store) -> None:
    """Times with a zone are converted to UTC whatever the machine's zone is."""
    store.connection.execute("SET TimeZone = 'UTC'")


def begin(store: Store) -> None:
    """One transaction for the whole stage: its rows are written to the file once, as they come."""
    store.connection.execute("BEGIN TRANSACTION")


def commit(store: Store) -> None:
    """Keep what the stage wrote."""
    store.connection.execute("COMMIT")


def rollback(store: Store) -> None:
    """Forget what the stage wrote."""
    store.connection.execute("ROLLBACK")


def classify(store: Store, lines: pa.Array, layouts: Sequence[Layout]) -> npt.NDArray[np.int8]:
    """For each line the number of the layout that it starts a record of, or one of the codes above."""
    whens = [f"WHEN {layout.match('line')} THEN {number}" for number, layout in enumerate(layouts)]
    whens.append(f"WHEN line = '' THEN {BLANK}")
    whens.append(f"WHEN regexp_matches(line, {quoted(_CONTINUED)}) THEN {CONTINUED}")
    whens.append(f"WHEN regexp_matches(line, {quoted(_EXCEPTION)}) THEN {EXCEPTION}")
    query = f"SELECT CAST(CASE {' '.join(whens)} ELSE {OTHER} END AS TINYINT) AS code FROM rows"
    codes = _query(store, batched({"line": lines}), query)
    return small_integers(codes.column(0))


def matches(store: Store, lines: pa.Array, layouts: Sequence[Layout]) -> npt.NDArray[np.bool_]:
    """Which line each layout matches, whether or not another does: lines × layouts."""
    columns = ", ".join(
        f"CAST({layout.match('line')} AS TINYINT) AS m{number}" for number, layout in enumerate(layouts)
    )
    found = _query(store, batched({"line": lines}), f"SELECT {columns} FROM rows")
    return np.column_stack([small_integers(column) for column in found.columns]).astype(np.bool_)


def parsed_times(store: Store, lines: pa.Array, layout: TextLayout, clock: Clock) -> npt.NDArray[np.bool_]:
    """Which line's time each of the layout's time formats can read: lines × formats."""
    columns = ", ".join(
        f"CAST({time_expression('h.time', (kind,), clock)} IS NOT NULL AS TINYINT) AS t{number}"
        for number, kind in enumerate(layout.times)
    )
    query = f"SELECT {columns} FROM (SELECT {layout.capture('line')} AS h FROM rows)"
    found = _query(store, batched({"line": lines}), query)
    return np.column_stack([small_integers(column) for column in found.columns]).astype(np.bool_)


def unwrap(store: Store, lines: pa.Array, wrapper: Unwrap, clock: Clock) -> pa.Table:
    """The lines inside a wrapper: body (with newline), prefix, time, host, component, partial, stderr; a row a line.

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
        columns |= {name: f"nullif(h.{name}, '')" for name in ("host", "component") if name in layout.groups}
        columns["time"] = (
            time_expression("h.time", wrapper.times, clock) if "time" in layout.groups else "NULL"
        )
        columns["partial"] = "h.partial = 'P'" if "partial" in layout.groups else "false"
        columns["stderr"] = "h.stream = 'stderr'" if "stream" in layout.groups else "false"
    else:
        capture, columns = "NULL", {"body": "plain", "partial": "false", "stderr": "false"}
    defaults = {"prefix": "''", "time": "NULL", "host": "NULL", "component": "NULL"}
    types = {"time": "TIMESTAMP", "partial": "TINYINT", "stderr": "TINYINT"}
    shown = ", ".join(
        f"CAST({sql} AS {types.get(name, 'VARCHAR')}){' || chr(10)' if name == 'body' else ''} AS {name}"
        for name, sql in (defaults | columns).items()
    )
    source = f"(SELECT plain, {capture} AS h FROM (SELECT {plain} AS plain FROM rows))"
    query = f"SELECT {shown} FROM {source}"
    inside = _query(store, batched({"line": lines}), query)
    partial = small_integers(inside.column("partial")).astype(np.bool_)
    if not partial.any():
        return inside
    # A container writes to two streams at once; what one of them goes on with is no piece of the other's line.
    stderr = small_integers(inside.column("stderr"))
    partial[:-1] &= stderr[1:] == stderr[:-1]
    return join_pieces(inside, partial)


def append_records(
    store: Store, records: pa.Table, layouts: Sequence[Layout], source_id: int, first_id: int, clock: Clock
) -> int:
    """Take records apart and add them to `parsed_record`; returns how many there were.

    `records` has first_line, last_line, layout (a number in `layouts`, or OTHER) and text; of a wrapped source also
    original, wrap_prefix, wrap_time, wrap_host, wrap_component.
    """
    record_ids = column(np.arange(first_id, first_id + len(records)))
    rows = batched({"record_id": record_ids} | {name: records.column(name) for name in records.column_names})
    captures = "".join(
        f", CASE WHEN layout = {number} THEN {layout.capture('text')} END AS h{number}"
        for number, layout in enumerate(layouts)
    )
    by_layout = [layout.columns("text", f"h{number}", clock) for number, layout in enumerate(layouts)]
    wrapped = "original" in rows.column_names
    shown = []
    for name in COLUMNS:
        cases = [(number, columns[name]) for number, columns in enumerate(by_layout) if name in columns]
        otherwise = {"message": "text", "level": loose_level("text")}.get(name, "NULL")
        whens = " ".join(f"WHEN layout = {number} THEN {sql}" for number, sql in cases)
        shown.append(f"{f'CASE {whens} ELSE {otherwise} END' if whens else otherwise} AS {name}")
    parsed = (
        f"SELECT record_id, {source_id} AS source_id, first_line, last_line, {', '.join(shown)}"
        f"{', original, wrap_prefix, wrap_time, wrap_host, wrap_component' if wrapped else ''}"
        f" FROM (SELECT *{captures} FROM rows)"
    )
    if wrapped:
        parsed = (
            "SELECT record_id, source_id, first_line, last_line, coalesce(time, wrap_time), level,"
            " coalesce(component, wrap_component), coalesce(host, wrap_host), process, thread, fields,"
            " nullif(wrap_prefix || coalesce(prefix, ''), ''), message,"
            " CASE WHEN raw IS NOT NULL OR original <> wrap_prefix || coalesce(prefix, '') || message"
            f" THEN original END FROM ({parsed})"
        )
    target = f"record_id, source_id, first_line, last_line, {', '.join(COLUMNS)}"
    return _insert(store, rows, f"INSERT INTO parsed_record ({target}) {parsed}")


# One row: one record of an OTLP/JSON export, where a physical line holds a whole batch of them
# (opentelemetry-proto, logs/v1; attributes are lists of {key, value}). A line without records is one itself.
_OTLP = r"""
INSERT INTO parsed_record (record_id, source_id, first_line, last_line, {columns})
WITH line_doc AS (
    SELECT line_number, text, CASE WHEN json_valid(text) THEN CAST(text AS JSON) END AS doc FROM rows
), resource_logs AS (
    SELECT line_number, generate_subscripts(list, 1) AS r, unnest(list) AS resource
    FROM (SELECT line_number, json_extract(doc, '$.resourceLogs[*]') AS list FROM line_doc)
), scope_logs AS (
    SELECT line_number, r, resource, generate_subscripts(list, 1) AS s, unnest(list) AS scope
    FROM (SELECT *, json_extract(resource, '$.scopeLogs[*]') AS list FROM resource_logs)
), log_records AS (
    SELECT line_number, r, s, resource, scope, generate_subscripts(list, 1) AS l, unnest(list) AS log
    FROM (SELECT *, json_extract(scope, '$.logRecords[*]') AS list FROM scope_logs)
), flat AS (
    SELECT line_number, r, s, l, log,
           {object_of_resource} AS resource_fields, {object_of_log} AS log_fields,
           json_extract_string(scope, '$.scope.name') AS scope_name,
           coalesce(nullif(json_extract_string(log, '$.timeUnixNano'), '0'),
                    nullif(json_extract_string(log, '$.observedTimeUnixNano'), '0')) AS nanoseconds,
           TRY_CAST(json_extract_string(log, '$.severityNumber') AS INTEGER) AS severity
    FROM log_records
), shown AS (
    SELECT line_number, r, s, l,
           {time} AS time,
           coalesce(nullif(upper(json_extract_string(log, '$.severityText')), ''),
                    ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'][(severity + 3) // 4]) AS level,
           coalesce(nullif(scope_name, ''),
                    json_extract_string(resource_fields, '$."service.name"')) AS component,
           coalesce(json_extract_string(resource_fields, '$."host.name"'),
                    json_extract_string(resource_fields, '$."k8s.pod.name"')) AS host,
           json_extract_string(resource_fields, '$."process.pid"') AS process,
           coalesce(json_extract_string(log_fields, '$."thread.name"'),
                    json_extract_string(log_fields, '$."thread.id"')) AS thread,
           nullif(CAST(json_merge_patch(resource_fields, log_fields, json_merge_patch('{{}}', json_object(
               'trace_id', nullif(json_extract_string(log, '$.traceId'), ''),
               'span_id', nullif(json_extract_string(log, '$.spanId'), '')))) AS VARCHAR), '{{}}') AS fields,
           NULL AS prefix,
           coalesce(json_extract_string(log, '$.body.stringValue'),
                    CAST(json_extract(log, '$.body') AS VARCHAR), '') AS message,
           CAST(log AS VARCHAR) AS raw
    FROM flat
    UNION ALL
    SELECT line_number, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, text, NULL
    FROM line_doc WHERE line_number NOT IN (SELECT line_number FROM log_records)
)
SELECT {first_id} + row_number() OVER (ORDER BY line_number, r, s, l) - 1, {source_id},
       line_number, line_number, {columns}
FROM shown ORDER BY line_number, r, s, l
"""


def append_otlp(
    store: Store, lines: pa.Table, _layouts: Sequence[Layout], source_id: int, first_id: int, clock: Clock
) -> int:
    """Add the records of OTLP/JSON lines (line_number, text), which have no layout; returns how many there were."""
    query = _OTLP.format(
        columns=", ".join(COLUMNS),
        object_of_resource=_attributes("json_extract(resource, '$.resource.attributes[*]')"),
        object_of_log=_attributes("json_extract(log, '$.attributes[*]')"),
        time=time_expression("nanoseconds", ("epoch",), clock),
        first_id=first_id,
        source_id=source_id,
    )
    return _insert(store, batched({name: lines.column(name) for name in lines.column_names}), query)


def _attributes(items: str) -> str:
    value = "coalesce(CAST(json_extract(a, '$.value.*')[1] AS VARCHAR), 'null')"
    pairs = f"list_transform({items}, lambda a: to_json(json_extract_string(a, '$.key')) || ':' || {value})"
    return f"CAST('{{' || coalesce(array_to_string({pairs}, ','), '') || '}}' AS JSON)"


def read_alike(layouts: Sequence[Layout], wrapper: Unwrap | None, one: Clock, other: Clock) -> bool:
    """Whether two clocks give such records the same columns on insertion."""
    return one == other or _as_read(layouts, wrapper, one) == _as_read(layouts, wrapper, other)


def _as_read(layouts: Sequence[Layout], wrapper: Unwrap | None, clock: Clock) -> list[object]:
    kinds = wrapper.times if wrapper is not None else ()
    return [
        *(layout.columns("text", "header", clock) for layout in layouts),
        *(time_expression("time", (kind,), clock) for kind in kinds),
    ]


def settle_clock(
    store: Store, source_id: int, layouts: Sequence[Layout], wrapper: Unwrap | None, clock: Clock
) -> bool:
    """Give times that lack their year (or date) the one that keeps them in order and none in the future.

    On insertion they got the year (date) of `clock.latest`. Where a record is more than half a period earlier
    than the one before, a new year (day) began. Returns whether any was changed.
    """
    changed = False
    for period, unit in (("year", timedelta(days=365)), ("day", timedelta(days=1))):
        lacking = _lacking(period, layouts, wrapper, clock)
        if not lacking:
            continue
        mine = f"source_id = {source_id} AND time IS NOT NULL AND ({' OR '.join(lacking)})"
        # A machine's clock or zone may differ a little from the log's.
        latest = clock.latest + (timedelta(days=1) if period == "year" else timedelta(hours=1))
        half, near = unit / 2, unit * 0.97
        limits = {"latest": latest, "half": half, "near": near}
        plain = store.connection.execute(
            "SELECT coalesce(max(time) <= $latest AND max(time) - min(time) < $half, true)"
            f" FROM parsed_record WHERE {mine}",
            {"latest": latest, "half": half},
        ).fetchall()
        if plain[0][0]:
            continue
        changed = True
        store.connection.execute(
            f"""
            UPDATE parsed_record SET time = time - to_{period}s(turn.back)
            FROM (
                SELECT record_id, CAST(max(turns) OVER () - turns + newest.future AS INTEGER) AS back
                FROM (
                    SELECT record_id, sum(
                        CASE WHEN before - time > $half THEN 1 WHEN time - before > $near THEN -1 ELSE 0 END
                    ) OVER (ORDER BY record_id) AS turns
                    FROM (
                        SELECT record_id, time, lag(time) OVER (ORDER BY record_id) AS before
                        FROM parsed_record WHERE {mine}
                    )
                ), (
                    SELECT CASE WHEN arg_max(time, record_id) > $latest THEN 1 ELSE 0 END AS future
                    FROM parsed_record WHERE {mine}
                ) AS newest
            ) AS turn
            WHERE parsed_record.record_id = turn.record_id AND turn.back <> 0
            """,
            limits,
        ).fetchall()
    return changed


def _lacking(period: str, layouts: Sequence[Layout], wrapper: Unwrap | None, clock: Clock) -> list[str]:
    """SQL: which records of a source have a time that lacks its year (or day), any of these; none where none has."""
    incomplete = [
        layout
        for layout in layouts
        if isinstance(layout, TextLayout) and any(period_of(kind) == period for kind in layout.times)
    ]
    if wrapper is None or wrapper.kind != "text":
        return (
            ["true"]
            if incomplete and len(layouts) == 1
            else [layout.match("prefix") for layout in incomplete]
        )
    inside = f"regexp_replace(prefix, {quoted(f'^(?:{wrapper.pattern})')}, '')"
    lacking = [layout.match(inside) for layout in incomplete]
    if any(period_of(kind) == period for kind in wrapper.times):
        # A record without a time of its own has the wrapper's.
        around = TextLayout(wrapper.name, wrapper.pattern, wrapper.times)
        lacking.append(f"time = {around.columns('prefix', around.capture('prefix'), clock)['time']}")
    return lacking


@dataclass(frozen=True)
class SourceRow:
    """One row of `source`."""

    source_id: int
    path: str
    format: str
    compression: str
    is_baseline: bool
    bytes: int
    lines: int
    undecodable_lines: int
    note: str | None


def append_source(store: Store, row: SourceRow) -> None:
    """Add one row of `source`."""
    columns = [column.name for column in fields(row)]
    values = ", ".join(f"${name}" for name in columns)
    query = f"INSERT INTO source ({', '.join(columns)}) VALUES ({values})"
    store.connection.execute(query, asdict(row)).fetchall()


def column(values: npt.NDArray[np.generic]) -> pa.Array:
    """A NumPy column as Arrow, without a copy where it can be (`pa.array` would import pandas)."""
    if values.dtype == np.bool_:
        bits = np.packbits(values.astype(np.uint8), bitorder="little")
        return pa.Array.from_buffers(pa.bool_(), len(values), [None, pa.py_buffer(bits)])
    plain = pa.py_buffer(np.ascontiguousarray(values))
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), [None, plain])


def small_integers(values: pa.ChunkedArray) -> npt.NDArray[np.int8]:
    """A TINYINT column without NULLs as NumPy (`to_numpy` would import pandas)."""
    parts = [
        np.frombuffer(part.buffers()[1], dtype=np.int8, count=len(part), offset=part.offset)
        for part in values.chunks
        if len(part)
    ]
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int8)


def batched(columns: dict[str, object]) -> pa.Table:
    """An Arrow table in batches of a size that keeps every thread busy."""
    table = pa.table(columns).combine_chunks()
    return pa.Table.from_batches(table.to_batches(max_chunksize=_BATCH_ROWS), schema=table.schema)


def _query(store: Store, rows: pa.Table, query: str) -> pa.Table:
    """Run a query over `rows`, which it names so.

    DuckDB finds the local variable. A registered view would be kept, with its rows, until the transaction is
    over: the whole log would stay in memory.
    """
    return store.connection.sql(query).to_arrow_table()


def _insert(store: Store, rows: pa.Table, query: str) -> int:
    """Run an INSERT from `rows`, which it names so (see `_query`); returns how many rows it added."""
    inserted = store.connection.execute(query).fetchall()
    return int(inserted[0][0]) if inserted else 0
