"""What the ingest stage writes: records are taken apart and added to `parsed_record`, sources to `source`."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from datetime import timedelta
from itertools import groupby

import numpy as np
import pyarrow as pa

from krone_tui.store.columns import batched, column, small_integers
from krone_tui.store.connection import Store
from krone_tui.store.questions import OTHER
from krone_tui.store.record_layouts import COLUMNS, Layout, TextLayout, Unwrap, in_english, loose_level
from krone_tui.store.times import Clock, period_of, quoted, time_expression

_LAYOUTS_TOGETHER = 24
"""Layouts that one insert tells apart at most: each is planned for every column, whether records have it or not."""

_LATEST_ELAPSED = "TIMESTAMP '2000-01-01'"
"""Counted from 1970 on: nothing runs for thirty years, and hardly a log is older than that."""
_MAX_DISORDER = timedelta(seconds=10)
"""A time since a start that lies further before the one above it is since another start."""


@dataclass(frozen=True)
class Batch:
    """Records of one source that follow one another, ready to be written."""

    source_id: int
    rows: pa.Table
    """first_line, last_line, layout (a number in `layouts`, or OTHER), text, and of a wrapped source original, wrap_prefix,
    wrap_time, wrap_host, wrap_component, wrap_thread; of OTLP line_number, text."""
    layouts: Sequence[Layout]
    clock: Clock
    otlp: bool = False
    """A row is a line, which may hold many records."""


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


def append(store: Store, batches: Iterable[Batch], first_id: int) -> list[int]:
    """Take records apart and add them to `parsed_record`; returns how many there were in each batch."""
    counts: list[int] = []
    for (otlp, _), alike in groupby(batches, key=lambda batch: (batch.otlp, batch.rows.schema)):
        if otlp:
            for batch in alike:
                counts.append(_append_otlp(store, batch, first_id + sum(counts)))
            continue
        for joined in _joined(alike):
            _append_records(store, joined, first_id + sum(counts))
            counts += [len(batch.rows) for batch, _ in joined.batches]
    return counts


@dataclass
class _Joined:
    """Batches for one insert."""

    batches: list[tuple[Batch, list[int]]]
    """Each with the numbers that its layouts have among those of all."""
    layouts: list[tuple[Layout, Clock]]


def _joined(batches: Iterable[Batch]) -> Iterator[_Joined]:
    joined = _Joined([], [])
    for batch in batches:
        numbers = [_number(joined.layouts, layout, batch.clock) for layout in batch.layouts]
        joined.batches.append((batch, numbers))
        if len(joined.layouts) >= _LAYOUTS_TOGETHER:
            yield joined
            joined = _Joined([], [])
    if joined.batches:
        yield joined


def _number(layouts: list[tuple[Layout, Clock]], layout: Layout, clock: Clock) -> int:
    """The layout's place among those that are read differently; a new one is added."""
    for number, (other, its_clock) in enumerate(layouts):
        if layout == other and read_alike([layout], None, clock, its_clock):
            return number
    layouts.append((layout, clock))
    return len(layouts) - 1


def _append_records(store: Store, joined: _Joined, first_id: int) -> None:
    tables = []
    for batch, numbers in joined.batches:
        codes = small_integers(batch.rows.column("layout"))
        mapped = np.where(
            codes >= 0, np.array([*numbers, OTHER], dtype=np.int8)[np.maximum(codes, OTHER)], codes
        )
        place = batch.rows.column_names.index("layout")
        source_ids = column(np.full(len(codes), batch.source_id, dtype=np.int32))
        tables.append(
            batch.rows.set_column(place, "layout", column(mapped)).append_column("source_id", source_ids)
        )
    records = pa.concat_tables(tables)
    record_ids = column(np.arange(first_id, first_id + len(records)))
    rows = batched({"record_id": record_ids} | {name: records.column(name) for name in records.column_names})
    captures = "".join(
        f", CASE WHEN layout = {number} THEN {layout.capture('text')} END AS h{number}"
        for number, (layout, _) in enumerate(joined.layouts)
    )
    by_layout = [
        layout.columns("text", f"h{number}", clock) for number, (layout, clock) in enumerate(joined.layouts)
    ]
    wrapped = "original" in rows.column_names
    level = in_english("level")
    shown = []
    for name in COLUMNS:
        cases = [(number, columns[name]) for number, columns in enumerate(by_layout) if name in columns]
        otherwise = {"message": "text", "level": loose_level("text")}.get(name, "NULL")
        whens = " ".join(f"WHEN layout = {number} THEN {sql}" for number, sql in cases)
        shown.append(f"{f'CASE {whens} ELSE {otherwise} END' if whens else otherwise} AS {name}")
    parsed = (
        f"SELECT record_id, source_id, first_line, last_line, {', '.join(shown)}"
        f"{', original, wrap_prefix, wrap_time, wrap_host, wrap_component, wrap_thread' if wrapped else ''}"
        f" FROM (SELECT *{captures} FROM rows)"
    )
    if not wrapped:
        parsed = f"SELECT * REPLACE ({level} AS level) FROM ({parsed})"
    else:
        parsed = (
            f"SELECT record_id, source_id, first_line, last_line, coalesce(time, wrap_time), {level},"
            " coalesce(component, wrap_component), coalesce(host, wrap_host), process,"
            # A thread is one of its rank's, or its worker's.
            " nullif(concat_ws(' ', wrap_thread, thread), ''), fields,"
            " nullif(wrap_prefix || coalesce(prefix, ''), ''), message,"
            " CASE WHEN raw IS NOT NULL OR original <> wrap_prefix || coalesce(prefix, '') || message"
            f" THEN original END FROM ({parsed})"
        )
    target = f"record_id, source_id, first_line, last_line, {', '.join(COLUMNS)}"
    _insert(store, rows, f"INSERT INTO parsed_record ({target}) {parsed}")


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


def _append_otlp(store: Store, batch: Batch, first_id: int) -> int:
    """Add the records of OTLP/JSON lines; returns how many there were."""
    query = _OTLP.format(
        columns=", ".join(COLUMNS),
        object_of_resource=_attributes("json_extract(resource, '$.resource.attributes[*]')"),
        object_of_log=_attributes("json_extract(log, '$.attributes[*]')"),
        time=time_expression("nanoseconds", ("epoch",), batch.clock),
        first_id=first_id,
        source_id=batch.source_id,
    )
    return _insert(store, batched({name: batch.rows.column(name) for name in batch.rows.column_names}), query)


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


def settle_elapsed(store: Store, formats: Iterable[str]) -> bool | None:
    """Once all sources are written: whether times that only count from a start are kept; None: there are none.

    formats: the names of formats with such times. They are kept where all is of one start. Beside times of a clock they
    would stretch the log's range to decades, and by those of another start (of a second file, or where they fall back)
    records would be put between others at random: then their records have no time.
    """
    names = ", ".join(map(quoted, formats))
    sources = store.rows(
        f"SELECT source_id FROM source WHERE list_has_any(string_split(format, ', '), [{names}])"
    )
    if not sources:
        return None
    elapsed = f"source_id IN ({', '.join(str(source) for (source,) in sources)}) AND time < {_LATEST_ELAPSED}"
    counted, clocked, back = store.row(
        f"""
        SELECT count(*) FILTER ({elapsed}), count(*) FILTER (NOT ({elapsed})), coalesce(max(before - time) > $back, false)
        FROM (SELECT source_id, time, lag(time) OVER (PARTITION BY source_id ORDER BY record_id) AS before FROM parsed_record)
        WHERE time IS NOT NULL
        """,
        {"back": _MAX_DISORDER},
    )
    several = store.scalar("SELECT count(*) > 1 FROM source WHERE NOT is_baseline")
    if not counted:
        return None
    if clocked or back or several:
        store.connection.execute(f"UPDATE parsed_record SET time = NULL WHERE {elapsed}").fetchall()
        return False
    return True


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


def append_sources(store: Store, sources: Sequence[SourceRow]) -> None:
    """Add rows of `source`."""
    if not sources:
        return
    names = [field.name for field in fields(SourceRow)]
    row = f"({', '.join('?' for _ in names)})"
    query = f"INSERT INTO source ({', '.join(names)}) VALUES {', '.join(row for _ in sources)}"
    values = [value for source in sources for value in astuple(source)]
    store.connection.execute(query, values).fetchall()


def _insert(store: Store, rows: pa.Table, query: str) -> int:
    """Run an INSERT from `rows`, which it names so (see `Question`); returns how many rows it added."""
    inserted = store.connection.execute(query).fetchall()
    return int(inserted[0][0]) if inserted else 0
