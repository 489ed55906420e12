"""Queries of the executions stage: candidates measured, records grouped, variants found."""

from dataclasses import dataclass
from datetime import datetime

from krone_tui.store.baseline import Grouping
from krone_tui.store.connection import Store
from krone_tui.store.messages import HEADLINE

_MANY_WITHOUT_TIME = 0.01
"""Share of records: fewer are a banner or the like, and not worth looking for the time before each."""
_ATTRIBUTE = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T _].*)?|[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?"
    r"|[0-9]+[.,][0-9]+ ?[A-Za-zµ%]{0,3}|[0-9]+ ?(?:ns|us|µs|ms|s|%|[kKMGT]i?B)"
    r"|(?:[A-Za-z][A-Za-z0-9+.-]*:/)?/.*"
)


_TELLING = r"[0-9A-Za-z][0-9A-Za-z_:.~/@+#-]*[0-9A-Za-z]"
"""An identifier's value that can be told from the words around it."""
_TEXT = "coalesce(p.raw, coalesce(p.prefix, '') || p.message)"
_SEARCHED = 4_000
"""Characters of a record that are looked through for an identifier's value."""


@dataclass(frozen=True)
class KeySource:
    """Where a record's key is taken from: columns, a pattern over the message, or a JSON field."""

    columns: tuple[str, ...] = ()
    pattern: str | None = None
    whole: bool = False
    """The pattern is looked for in all of the record's text, its header and JSON included."""
    field: str | None = None
    reuse_gap: float | None = None
    """Seconds without a record after which the same key is another execution's; None: keys are used once."""


@dataclass(frozen=True)
class KeyStatistics:
    """How a key divides the records it was measured on."""

    coverage: float
    values: int
    records_per_value: float
    """Median."""
    singles: float
    """Share of values with one record."""
    variety: float
    """Mean number of distinct templates per value."""
    locality: float
    """1 - the median share of the log's length that one value spans."""
    start_concentration: float
    """Chance that two values begin with the same template."""
    numbered: float
    """Share of values that hold a digit."""
    attributes: float
    """Share of values that describe and do not name: a date, a time of day, a decimal, a number with a unit, a path, a URL."""
    mean_records: float
    """Per value."""


@dataclass(frozen=True)
class Beginning:
    """How the executions of a key begin and end that is used again and again."""

    template_id: int
    ends: tuple[int, ...]
    """Templates that executions end with."""


def _expression(key: KeySource) -> str:
    """SQL over parsed_record that yields the key, or NULL. Patterns and names are literals: quotes are doubled."""
    if key.pattern is not None:
        text = f"left({_TEXT}, {_SEARCHED})" if key.whole else "p.message"
        return f"nullif(regexp_extract({text}, {_literal(key.pattern)}, 1), '')"
    if key.field is not None:
        return f"nullif(json_extract_string(p.fields, {_literal('$.' + _json_path(key.field))}), '')"
    if key.columns == ("source_id",):
        return "o.path"
    filled = " AND ".join(f"p.{column} IS NOT NULL" for column in key.columns)
    joined = " || ' ' || ".join(f"CAST(p.{column} AS VARCHAR)" for column in key.columns)
    return f"CASE WHEN {filled} THEN {joined} END"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _json_path(path: str) -> str:
    """JSONPath below the root for keys joined by `NESTED`."""
    return ".".join(f'"{key}"' for key in path.split(NESTED))


_USABLE_KEY = r"[^\"\\*\x00-\x1f]+"
"""Keys that can be written in a JSONPath; others group no records."""
NESTED = "\x1f"
"""Joins a key of the further header fields with a key inside its object."""


def record_count(store: Store) -> int:
    """How many records there are."""
    return int(store.scalar("SELECT count(*) FROM parsed_record"))


def sample_messages(store: Store, records: int, block: int) -> list[str]:
    """What messages say in a line, from three stretches of the log: its beginning, middle and end."""
    starts = [0, max(records // 2 - block // 2, 0), max(records - block, 0)]
    rows = store.arrow(
        f"SELECT {HEADLINE} AS message FROM (SELECT record_id, left(message, 2000) AS message FROM parsed_record) WHERE "
        + " OR ".join(f"record_id BETWEEN {start} AND {start + block - 1}" for start in starts)
        + " ORDER BY record_id"
    )
    messages: list[str] = rows.column("message").to_pylist()
    return messages


def filled_columns(store: Store) -> dict[str, float]:
    """Share of records in which each header column is filled."""
    columns = ("host", "process", "thread", "component", "time", "fields")
    row = store.row(
        "SELECT "
        + ", ".join(f"count({column}) / greatest(count(*), 1)" for column in columns)
        + " FROM parsed_record"
    )
    return dict(zip(columns, (float(value) for value in row), strict=True))


def field_keys(store: Store, limit: int) -> list[str]:
    """Keys of the further header fields, the most frequent first; those inside an object joined to its key by `NESTED`."""
    rows = store.rows(
        """
        WITH sample AS (SELECT fields FROM parsed_record WHERE fields IS NOT NULL LIMIT 20000),
        top AS (
            SELECT fields, key FROM (SELECT fields, unnest(json_keys(fields)) AS key FROM sample)
            WHERE regexp_full_match(key, $usable)
        ), typed AS (SELECT fields, key, json_extract(fields, '$."' || key || '"') AS value FROM top),
        inside AS (
            SELECT key, inner_key, json_extract(value, '$."' || inner_key || '"') AS inner_value
            FROM (SELECT key, value, unnest(json_keys(value)) AS inner_key FROM typed WHERE json_type(value) = 'OBJECT')
            WHERE regexp_full_match(inner_key, $usable)
        )
        SELECT path, count(*) AS uses FROM (
            SELECT key AS path FROM typed WHERE json_type(value) NOT IN ('OBJECT', 'ARRAY')
            UNION ALL
            SELECT key || $nested || inner_key FROM inside WHERE json_type(inner_value) NOT IN ('OBJECT', 'ARRAY')
            UNION ALL
            SELECT key || $nested || inner_key || $nested || unnest(json_keys(inner_value)) FROM inside
            WHERE json_type(inner_value) = 'OBJECT'
        ) WHERE regexp_full_match(path, $nested_usable) GROUP BY path ORDER BY uses DESC, path LIMIT $limit
        """,
        {
            "limit": limit,
            "nested": NESTED,
            "usable": _USABLE_KEY,
            "nested_usable": f"{_USABLE_KEY}({NESTED}{_USABLE_KEY}){{0,2}}",
        },
    )
    return [str(path) for path, _ in rows]


def measure_key(store: Store, key: KeySource, first_record: int, last_record: int) -> KeyStatistics:
    """Statistics of a key over a stretch of records, each use of a key that is used again counted by itself."""
    split = ""
    if key.reuse_gap is not None:
        split = f""", used AS (
            SELECT * REPLACE (key || chr(0) || sum(CASE WHEN pause > {key.reuse_gap} THEN 1 ELSE 0 END)
                   OVER (PARTITION BY key ORDER BY record_id) AS key)
            FROM (SELECT *, epoch(time - lag(time) OVER (PARTITION BY key ORDER BY record_id)) AS pause FROM keyed)
        )"""
    # One row: the whole candidate.
    row = store.row(
        f"""
        WITH keyed AS (
            SELECT p.record_id, p.time, {_expression(key)} AS key, s.template_id
            FROM parsed_record AS p JOIN record_shape USING (record_id) JOIN shape AS s USING (shape_id)
            JOIN source AS o USING (source_id)
            WHERE p.record_id BETWEEN $first AND $last AND NOT o.is_baseline
        ){split}, per_value AS (
            SELECT key, count(*) AS records, count(DISTINCT template_id) AS templates,
                   max(record_id) - min(record_id) AS span, arg_min(template_id, record_id) AS first_template
            FROM {"used" if split else "keyed"} WHERE key IS NOT NULL GROUP BY key
        ), starts AS (SELECT first_template, count(*) AS uses FROM per_value GROUP BY first_template)
        SELECT coalesce(sum(records), 0) / greatest((SELECT count(*) FROM keyed), 1), count(*), coalesce(median(records), 0),
               coalesce(avg(CASE WHEN records = 1 THEN 1 ELSE 0 END), 1), coalesce(avg(templates), 0),
               1 - coalesce(median(span), 0) / greatest($last - $first, 1),
               (SELECT coalesce(sum(uses * uses) / (sum(uses) * sum(uses)), 0) FROM starts),
               coalesce(avg(CASE WHEN regexp_matches(key, '[0-9]') THEN 1 ELSE 0 END), 0),
               coalesce(avg(CASE WHEN regexp_full_match(key, {_literal(_ATTRIBUTE)}) THEN 1 ELSE 0 END), 0),
               coalesce(avg(records), 0)
        FROM per_value
        """,
        {"first": first_record, "last": last_record},
    )
    coverage, values, *rest = row
    return KeyStatistics(float(coverage), int(values), *(float(value) for value in rest))


def key_records(store: Store, key: KeySource | None) -> None:
    """Extract every record's key once, into a temporary table that the queries below read."""
    several = store.scalar("SELECT count(*) > 1 FROM source WHERE NOT is_baseline")
    # In one file the order of lines is the order of events, whatever its clock does; files are merged by their times,
    # a record without one going with the record before it.
    # So does it where another program writes lines without a time amid those with one: it is of their window.
    amid = store.scalar(
        f"SELECT count(time) > 0 AND count(*) - count(time) > {_MANY_WITHOUT_TIME} * count(*) FROM parsed_record"
    )
    before = "coalesce(p.time, last_value(p.time IGNORE NULLS) OVER (PARTITION BY p.source_id ORDER BY p.record_id))"
    known = before if several or amid else "NULL"
    place = (
        "row_number() OVER (ORDER BY is_baseline, known_time NULLS FIRST, record_id)"
        if several
        else "record_id"
    )
    store.connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE keyed AS
        SELECT * EXCLUDE (known_time){" REPLACE (known_time AS time)" if amid else ""}, {place} AS place FROM (
            SELECT {known} AS known_time, p.record_id, p.time, p.source_id, p.host, o.is_baseline, {_expression(key) if key else "NULL"} AS key, s.template_id
            FROM parsed_record AS p JOIN source AS o USING (source_id)
            JOIN record_shape AS r USING (record_id) JOIN shape AS s USING (shape_id)
        )
        """
    )


def follow_values(store: Store, sample: int, least_share: float) -> int:
    """Give records without a key the one whose value stands anywhere in their text; returns how many got one.

    Services name the same request differently (`"traceId":"4f…"`, `[req=4f…]`, a column of its own). Only values that stand
    for nothing else count: of eight characters and more, with a digit, and with a letter or twelve digits. All records are
    looked through only where at least that share of a sample of those without a key has one.
    """
    store.connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE telling_value AS
        SELECT DISTINCT key FROM keyed
        WHERE length(key) BETWEEN 8 AND 128 AND regexp_full_match(key, '{_TELLING}') AND regexp_matches(key, '[0-9]')
              AND regexp_matches(key, '[A-Za-z]|^[0-9]{{12,}}$')
        """
    )
    try:
        shortest, longest, signs = store.row(
            """
            SELECT min(length(key)), max(length(key)),
                   (SELECT coalesce(string_agg(DISTINCT sign, '' ORDER BY sign), '')
                    FROM (SELECT unnest(regexp_extract_all(key, '[^0-9A-Za-z]')) AS sign FROM telling_value))
            FROM telling_value
            """
        )
        without = int(store.scalar("SELECT count(*) FROM keyed WHERE key IS NULL"))
        if shortest is None or not without:
            return 0
        inside = "0-9A-Za-z" + "".join(f"\\{sign}" for sign in signs)
        values: dict[str, object] = {
            "word": f"[0-9A-Za-z][{inside}]*[0-9A-Za-z]",
            "shortest": shortest,
            "longest": longest,
        }

        def found(which: str) -> str:
            return f"""
                SELECT record_id, arg_min(word, instr(text, word)) AS key FROM (
                    SELECT record_id, text, unnest(list_filter(
                        regexp_extract_all(text, $word), lambda one: length(one) BETWEEN $shortest AND $longest)) AS word
                    FROM (SELECT k.record_id, left({_TEXT}, {_SEARCHED}) AS text
                          FROM keyed AS k JOIN parsed_record AS p USING (record_id) WHERE k.key IS NULL AND {which})
                ) JOIN telling_value AS v ON v.key = word GROUP BY record_id
            """

        step = max(1, int(store.scalar("SELECT count(*) FROM keyed")) // sample)
        looked_at, with_one = store.row(
            f"""
            SELECT (SELECT count(*) FROM keyed WHERE key IS NULL AND hash(record_id) % {step} = 0), count(*)
            FROM ({found(f"hash(k.record_id) % {step} = 0")})
            """,
            values,
        )
        if with_one < least_share * max(looked_at, 1):
            return 0
        store.connection.execute(
            f"UPDATE keyed SET key = f.key FROM ({found('true')}) AS f WHERE keyed.record_id = f.record_id",
            values,
        )
        return without - int(store.scalar("SELECT count(*) FROM keyed WHERE key IS NULL"))
    finally:
        store.connection.execute("DROP TABLE telling_value")


def pauses(store: Store, by: tuple[str, ...]) -> tuple[int, int, list[tuple[int, int]]]:
    """Of the records without a key: (how many, distinct `by`, histogram of pauses between neighbours of equal `by`).

    The histogram's rows are (floor of 2·log2 of seconds, count) of the pauses of at least a second.
    """
    columns = ", ".join(by)
    count, groups = store.row(
        f"SELECT count(*), count(DISTINCT ({columns})) FROM keyed WHERE time IS NOT NULL AND key IS NULL"
    )
    rows = store.rows(
        f"""
        WITH pause AS (
            SELECT epoch(time - lag(time) OVER (PARTITION BY {columns} ORDER BY place)) AS seconds
            FROM keyed WHERE time IS NOT NULL AND key IS NULL
        )
        SELECT CAST(floor(2 * log2(seconds)) AS INTEGER) AS bin, count(*) FROM pause WHERE seconds >= 1 GROUP BY bin ORDER BY bin
        """
    )
    return int(count), int(groups), [(int(bin_), int(count_)) for bin_, count_ in rows]


def seconds_covered(store: Store) -> float:
    """Seconds between the first and the last of the records without a key."""
    return float(
        store.scalar("SELECT coalesce(epoch(max(time) - min(time)), 0) FROM keyed WHERE key IS NULL")
    )


def tumbling_windows(store: Store, by: tuple[str, ...], seconds: float) -> int:
    """Windows of so many seconds that hold a record without a key, those of unlike `by` apart."""
    columns = ", ".join(by)
    return int(
        store.scalar(
            f"SELECT count(DISTINCT ({columns}, floor(epoch(time) / $seconds))) FROM keyed WHERE key IS NULL AND time IS NOT NULL",
            {"seconds": seconds},
        )
    )


def beginning(store: Store, least_share: float, least_ends: float) -> Beginning | None:
    """With which template the executions of a key begin that is used again and again; None where they begin with many.

    `least_share`: of the keys, that must begin with it; `least_ends`: of the keys, that end with a template for it to be an end.
    """
    rows = store.rows(
        """
        WITH per_key AS (
            SELECT arg_min(template_id, place) AS first, arg_max(template_id, place) AS last
            FROM keyed WHERE key IS NOT NULL GROUP BY is_baseline, key
        ), firsts AS (SELECT first, count(*) AS uses FROM per_key GROUP BY first ORDER BY uses DESC, first LIMIT 1)
        SELECT f.first, list(l.last) FROM firsts AS f,
             (SELECT last, count(*) AS uses FROM per_key GROUP BY last) AS l
        WHERE f.uses >= $share * (SELECT count(*) FROM per_key) AND l.uses >= $ends * (SELECT count(*) FROM per_key)
              AND l.last <> f.first
        GROUP BY f.first
        """,
        {"share": least_share, "ends": least_ends},
    )
    return Beginning(int(rows[0][0]), tuple(int(last) for last in rows[0][1])) if rows else None


def group_records(
    store: Store,
    grouping: Grouping,
    *,
    reuse_gap: float | None,
    good_before: str | None,
    begins: Beginning | None = None,
) -> None:
    """Fill `membership`, `execution` and `variant` from the keyed records: every one goes to exactly one execution.

    Records with a key make one execution per key (split where the key rests longer than `reuse_gap` seconds, and where
    what `begins` one follows what ends one).
    The others make windows of neighbours with equal `window_by`: ended by a pause of `idle_gap` seconds, or cut
    every `tumbling` seconds, and at `window_records` records in any case. The learnt executions of the temporary table
    `learnt_variant` become variants too.
    """
    window_by, idle_gap, tumbling, window_records = grouping.cut
    window_key = " || ' ' || ".join(f"coalesce(CAST({column} AS VARCHAR), '')" for column in window_by)
    label = "coalesce(host, 'records')" if "host" in window_by else "'records'"
    connection = store.connection
    split = "0"
    if reuse_gap is not None:
        again = f"pause > {reuse_gap}"
        if begins is not None:
            ends = ", ".join(map(str, begins.ends))
            again += f" OR (template_id = {begins.template_id} AND before IN ({ends}))"
        split = f"sum(CASE WHEN {again} THEN 1 ELSE 0 END) OVER key_order"
    cut = "0"
    if tumbling is not None:
        cut = f"coalesce(CAST(floor(epoch(time) / {tumbling}) AS BIGINT), -1)"
    elif idle_gap is not None:
        cut = f"sum(CASE WHEN pause > {idle_gap} THEN 1 ELSE 0 END) OVER window_order"
    # One row: one record with the execution it belongs to, named by its kind, key and part.
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE placed AS
        SELECT record_id, place, template_id, is_baseline, false AS is_window, key, key AS label, {split} AS part, 0 AS slice
        FROM (SELECT *, epoch(time - lag(time) OVER one_key) AS pause, lag(template_id) OVER one_key AS before
              FROM keyed WHERE key IS NOT NULL WINDOW one_key AS (PARTITION BY is_baseline, key ORDER BY place))
        WINDOW key_order AS (PARTITION BY is_baseline, key ORDER BY place)
        UNION ALL
        SELECT record_id, place, template_id, is_baseline, true, window_key, {label}, part,
               (row_number() OVER (PARTITION BY is_baseline, window_key, part ORDER BY place) - 1) // {window_records}
        FROM (SELECT *, {cut} AS part
              FROM (SELECT *, epoch(time - lag(time) OVER (PARTITION BY is_baseline, window_key ORDER BY place)) AS pause
                    FROM (SELECT *, {window_key} AS window_key FROM keyed WHERE key IS NULL))
              WINDOW window_order AS (PARTITION BY is_baseline, window_key ORDER BY place))
        """
        if reuse_gap is not None or _any_without_key(store)
        else """
        CREATE OR REPLACE TEMP TABLE placed AS
        SELECT record_id, place, template_id, is_baseline, false AS is_window, key, key AS label, 0 AS part, 0 AS slice FROM keyed
        """
    )
    connection.execute(
        """
        CREATE OR REPLACE TEMP TABLE numbered AS
        SELECT is_baseline, is_window, key, part, slice, any_value(label) AS label,
               CAST(row_number() OVER (ORDER BY min(place)) - 1 AS INTEGER) AS execution_id
        FROM placed GROUP BY is_baseline, is_window, key, part, slice
        """
    )
    connection.execute(
        """
        INSERT INTO membership
        SELECT n.execution_id, CAST(row_number() OVER (PARTITION BY n.execution_id ORDER BY p.place) - 1 AS INTEGER),
               p.record_id, p.template_id
        FROM placed AS p JOIN numbered AS n USING (is_baseline, is_window, key, part, slice)
        ORDER BY n.execution_id, p.place
        """
    )
    good = "n.is_baseline" + (
        " OR coalesce(e.end_time < CAST($before AS TIMESTAMP), false)" if good_before is not None else ""
    )
    connection.execute(
        """
        CREATE OR REPLACE TEMP TABLE measured AS
        SELECT m.execution_id, first(p.source_id) FILTER (m.position = 0) AS source_id,
               min(p.time) AS start_time, max(p.time) AS end_time,
               first(p.first_line) FILTER (m.position = 0) AS first_line,
               max(p.last_line) FILTER (p.source_id = o.source_id) AS last_line,
               count(*) AS records, sum(p.last_line - p.first_line + 1) AS lines, list(m.template_id ORDER BY m.position) AS template_ids
        FROM membership AS m JOIN parsed_record AS p USING (record_id)
        JOIN (SELECT execution_id, source_id FROM membership JOIN parsed_record USING (record_id) WHERE position = 0) AS o
            USING (execution_id)
        GROUP BY m.execution_id
        """
    )
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE judged AS
        SELECT e.*, n.label, n.is_window, {good} AS is_good FROM measured AS e JOIN numbered AS n USING (execution_id)
        """,
        {"before": good_before} if good_before is not None else None,
    )
    connection.execute(
        """
        INSERT INTO variant
        SELECT CAST(row_number() OVER (ORDER BY sum(own + good) DESC, min(execution_id) NULLS LAST, is_window, template_ids) - 1 AS INTEGER),
               is_window, template_ids, sum(own), sum(good)
        FROM (
            SELECT is_window, template_ids, execution_id, 1 - is_good::BIGINT AS own, is_good::BIGINT AS good FROM judged
            UNION ALL
            SELECT is_window, template_ids, NULL, 0, executions FROM learnt_variant
        ) GROUP BY is_window, template_ids
        """
    )
    connection.execute(
        """
        INSERT INTO execution
        SELECT e.execution_id,
               CASE WHEN e.is_window THEN e.label || ' from '
                    || coalesce(strftime(e.start_time, '%Y-%m-%d %H:%M:%S'), 'line ' || e.first_line) ELSE e.label END,
               CASE WHEN e.is_window THEN 'window' ELSE $name END, e.is_window, e.is_good, e.source_id, e.start_time, e.end_time,
               e.first_line, e.last_line, e.records, e.lines, v.variant_id
        FROM judged AS e JOIN variant AS v ON e.is_window = v.is_window AND e.template_ids = v.template_ids
        ORDER BY e.execution_id
        """,
        {"name": grouping.name},
    )
    for table in ("keyed", "placed", "numbered", "measured", "judged", "learnt_variant"):
        connection.execute(f"DROP TABLE {table}")


def _any_without_key(store: Store) -> bool:
    return bool(store.scalar("SELECT count(*) > 0 FROM keyed WHERE key IS NULL"))


def execution_counts(store: Store) -> tuple[int, int]:
    """How many executions there are, and how many of them are windows."""
    executions, windows = store.row("SELECT count(*), count(*) FILTER (is_window) FROM execution")
    return int(executions), int(windows)


def full_windows(store: Store, records: int) -> int:
    """How many windows hold so many records, or more."""
    return int(
        store.scalar(
            "SELECT count(*) FROM execution WHERE is_window AND records >= $records", {"records": records}
        )
    )


def good_counts(store: Store) -> tuple[int, int, datetime | None, datetime | None]:
    """Of the log under analysis: (executions, those known to be good, its first time, its last time)."""
    executions, good, start, end = store.row(
        """
        SELECT count(*), count(*) FILTER (is_good), min(start_time), max(end_time)
        FROM execution JOIN source USING (source_id) WHERE NOT is_baseline
        """
    )
    return int(executions), int(good), start, end


def keyed_records(store: Store) -> tuple[int, int, int]:
    """Of the log under analysis: (records in executions of the identifier, all records, windows of the others)."""
    carrying, records, windows = store.row(
        """
        SELECT coalesce(sum(records) FILTER (NOT is_window), 0), coalesce(sum(records), 0), count(*) FILTER (is_window)
        FROM execution JOIN source USING (source_id) WHERE NOT is_baseline
        """
    )
    return int(carrying), int(records), int(windows)
