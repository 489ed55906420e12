"""Queries of identifiers: candidates measured, every record's value extracted, and followed where it stands otherwise."""

from dataclasses import dataclass

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
_RUNAWAY = 0.01
"""Share of a key's values, the largest, that do not tell how long its values live: one request may go on for ever."""
_MANY_VALUES, _OUTSIZED, _WORTH_IT, _THROUGHOUT = 20, 20, 0.005, 0.95
"""A value stands for no piece of work where there are so many values, and it has so many times the median's records, so great a share of
all of them, over so great a share of the log."""
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
    parts: tuple[tuple[str, "KeySource"], ...] = ()
    """Names and sources, of which the first that yields a key counts."""


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
    """1 - the share of the log's length that the value spans which the median record has, the largest values left out."""
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
    if key.parts:
        # A bare number of one kind of work is no number of another's.
        return f"coalesce({', '.join(_named(name, _expression(part)) for name, part in key.parts)})"
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


def _named(name: str, expression: str) -> str:
    said = _literal(name.rstrip("=*_- ") + " ")
    return f"CASE WHEN regexp_full_match({expression}, '[0-9]+') THEN {said} || {expression} ELSE {expression} END"


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


@dataclass(frozen=True)
class Stretch:
    """Part of the log: the records between two moments."""

    clock: str
    """SQL over parsed_record: what tells when a record was written."""
    first: float
    last: float


def middle(store: Store, records: int, most: int) -> Stretch:
    """About the `most` records amid the log, all of a smaller one: of several files those of the same time."""
    several = store.scalar("SELECT count(*) > 1 FROM source WHERE NOT is_baseline")
    timed = several and store.scalar("SELECT count(time) >= 0.9 * count(*) FROM parsed_record")
    if not timed:
        first = max((records - most) // 2, 0)
        return Stretch("p.record_id", first, max(min(first + most, records) - 1, first))
    part = min(most / max(records, 1), 1.0) / 2.0
    first, last = store.row(
        f"SELECT approx_quantile(epoch(time), {0.5 - part}), approx_quantile(epoch(time), {0.5 + part}) FROM parsed_record"
    )
    return Stretch("epoch(p.time)", float(first), float(last))


def measure_key(
    store: Store, key: KeySource, stretch: Stretch, *, without: KeySource | None = None
) -> KeyStatistics:
    """Statistics of a key over a stretch of records, each use of a key that is used again counted by itself.

    without: a key that records must not have to count as having this one.
    """
    expression = _expression(key)
    if without is not None:
        expression = f"CASE WHEN {_expression(without)} IS NULL THEN {expression} END"
    split = ""
    if key.reuse_gap is not None:
        split = f""", used AS (
            SELECT * REPLACE (key || chr(0) || sum(CASE WHEN pause > {key.reuse_gap} THEN 1 ELSE 0 END)
                   OVER (PARTITION BY key ORDER BY clock, record_id) AS key)
            FROM (SELECT *, epoch(time - lag(time) OVER (PARTITION BY key ORDER BY clock, record_id)) AS pause FROM keyed)
        )"""
    # One row: the whole candidate.
    row = store.row(
        f"""
        WITH keyed AS (
            SELECT {stretch.clock} AS clock, p.record_id, p.time, {expression} AS key, s.template_id
            FROM parsed_record AS p JOIN record_shape USING (record_id) JOIN shape AS s USING (shape_id)
            JOIN source AS o USING (source_id)
            WHERE {stretch.clock} BETWEEN $first AND $last AND NOT o.is_baseline
        ){split}, per_value AS (
            SELECT key, count(*) AS records, count(DISTINCT template_id) AS templates,
                   max(clock) - min(clock) AS span, arg_min(template_id, (clock, record_id)) AS first_template
            FROM {"used" if split else "keyed"} WHERE key IS NOT NULL GROUP BY key
        ), spans AS (
            SELECT span, sum(records) OVER (ORDER BY span ROWS UNBOUNDED PRECEDING) AS within, sum(records) OVER () AS total
            FROM (SELECT *, row_number() OVER (ORDER BY records DESC, span DESC) AS place, count(*) OVER () AS count FROM per_value)
            WHERE place > ceil({_RUNAWAY} * count)
        ), starts AS (SELECT first_template, count(*) AS uses FROM per_value GROUP BY first_template)
        SELECT coalesce(sum(records), 0) / greatest((SELECT count(*) FROM keyed), 1), count(*), coalesce(median(records), 0),
               coalesce(avg(CASE WHEN records = 1 THEN 1 ELSE 0 END), 1), coalesce(avg(templates), 0),
               1 - coalesce((SELECT min(span) FROM spans WHERE 2 * within >= total), 0) / greatest($last - $first, 1e-6),
               (SELECT coalesce(sum(uses * uses) / (sum(uses) * sum(uses)), 0) FROM starts),
               coalesce(avg(CASE WHEN regexp_matches(key, '[0-9]') THEN 1 ELSE 0 END), 0),
               coalesce(avg(CASE WHEN regexp_full_match(key, {_literal(_ATTRIBUTE)}) THEN 1 ELSE 0 END), 0),
               coalesce(avg(records), 0)
        FROM per_value
        """,
        {"first": stretch.first, "last": stretch.last},
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


def leave_out_endless(store: Store) -> int:
    """Take their key from the records of values that stand for no piece of work; returns how many values those were.

    They are there from the log's beginning to its end, with far more records than others: a worker among requests, `none` where
    there is no request.
    """
    endless = """
        WITH used AS (
            SELECT is_baseline, key, count(*) AS records, min(place) AS first, max(place) AS last
            FROM keyed WHERE key IS NOT NULL GROUP BY is_baseline, key
        ), usual AS (
            SELECT is_baseline, median(records) AS records, min(first) AS first, max(last) AS last, sum(records) AS total
            FROM used GROUP BY is_baseline HAVING count(*) >= $values
        )
        SELECT is_baseline, key FROM used AS v JOIN usual AS u USING (is_baseline)
        WHERE v.records >= $times * u.records AND v.records >= $part * u.total
              AND v.last - v.first >= $span * (u.last - u.first)
        """
    chosen = {"values": _MANY_VALUES, "times": _OUTSIZED, "part": _WORTH_IT, "span": _THROUGHOUT}
    count = int(store.scalar(f"SELECT count(*) FROM ({endless})", chosen))
    if count:
        store.connection.execute(
            f"UPDATE keyed SET key = NULL FROM ({endless}) AS e WHERE keyed.is_baseline = e.is_baseline AND keyed.key = e.key",
            chosen,
        )
    return count


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
