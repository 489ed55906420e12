"""Queries of the values that the executions of a failure mode share: hosts, users, ids, paths, codes."""

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from krone_tui.store.connection import Store
from krone_tui.store.lines import Files, Line
from krone_tui.store.messages import HEADLINE

WORD = r"[0-9A-Za-z_](?:[0-9A-Za-z_.@/+~-]*[0-9A-Za-z_])?"
"""A word of a message: a name, an address without its port, a path without its first slash, a number."""
_AMOUNT = r"[0-9]{1,2}|[0-9]+\.[0-9]+|[0-9.]+(?:[mun]?s|sec|min|h|[kKMGT]i?B|B|bytes)"
"""How long or how much: that it happens to be the same tells nothing."""
_HAS = {
    "word": """SELECT number, execution_id, position, first_line, source_id FROM said JOIN wanted_values ON contains(message, text)
               WHERE place = 'word' AND list_contains(regexp_extract_all(message, $word), text)""",
    **{
        place: f"""SELECT number, execution_id, position, first_line, source_id FROM said JOIN wanted_values ON {place} = text
                   WHERE place = '{place}'"""
        for place in ("host", "component", "process", "source")
    },
}
"""By place: the records that have a value there."""


@dataclass(frozen=True)
class Value:
    """Something executions can share."""

    place: str
    """'word': of a message; else the part of the header, or 'source'."""
    text: str


@dataclass(frozen=True)
class Sample:
    """Whole executions that are looked at, so that what is counted among them is exact."""

    ids: tuple[int, ...]
    of: int
    """How many there are in all."""


def failing(store: Store, failure_mode_id: int, window: bool, most: int, records: int) -> Sample:
    """Executions of a failure mode, spread over all of them: at most so many, and of so many records together."""
    return _sample(
        store,
        """SELECT e.execution_id, e.records FROM execution AS e JOIN variant_verdict AS v USING (variant_id)
           WHERE v.flagged AND v.failure_mode_id = $mode AND e.is_window = $window AND NOT e.is_good""",
        {"mode": failure_mode_id, "window": window, "most": most, "records": records},
    )


def normal(store: Store, window: bool, most: int, records: int) -> Sample:
    """Normal executions, likewise."""
    return _sample(
        store,
        """SELECT e.execution_id, e.records FROM execution AS e LEFT JOIN variant_verdict AS v USING (variant_id)
           WHERE e.is_window = $window AND (NOT coalesce(v.flagged, false) OR e.is_good)""",
        {"window": window, "most": most, "records": records},
    )


def _sample(store: Store, executions: str, parameters: dict[str, object]) -> Sample:
    # Multiplying by an odd number spreads the ids the same way each time.
    rows = store.rows(
        f"""
        WITH them AS ({executions}),
        spread AS (
            SELECT *, execution_id::UBIGINT * 2654435761 % 4294967296 AS place FROM them ORDER BY place LIMIT $most
        ),
        counted AS (
            SELECT execution_id, sum(records) OVER (ORDER BY place) AS so_far, row_number() OVER (ORDER BY place) AS nth FROM spread
        )
        SELECT (SELECT count(*) FROM them), list(execution_id ORDER BY nth) FROM counted WHERE so_far <= $records
        """,
        parameters,
    )
    total, ids = rows[0]
    return Sample(tuple(ids or ()), int(total or 0))


# One row: one record of the executions in the registered table `looked_at`. Words are those of its headline that its
# template leaves open.
_SAID = f"""
said AS (
    SELECT m.execution_id, m.template_id, m.position, p.message, p.host, p.process, p.first_line,
           CASE WHEN p.component IS DISTINCT FROM t.component THEN p.component END AS component, s.path AS source
    FROM membership AS m JOIN parsed_record AS p USING (record_id) JOIN template AS t USING (template_id) JOIN source AS s USING (source_id)
    WHERE m.execution_id IN (SELECT execution_id FROM looked_at)
),
words AS (
    SELECT execution_id, template_id, unnest(list_distinct(regexp_extract_all(left({HEADLINE}, 4096), $word))) AS value
    FROM said
),
worth AS (
    SELECT execution_id, 'word' AS place, value, template_id FROM words JOIN template AS t USING (template_id)
    WHERE length(words.value) BETWEEN 2 AND 80 AND NOT contains(t.text, value) AND NOT regexp_full_match(value, '{_AMOUNT}')
    UNION ALL SELECT execution_id, 'host', host, NULL FROM said WHERE host <> ''
    UNION ALL SELECT execution_id, 'component', component, NULL FROM said WHERE component <> ''
    UNION ALL SELECT execution_id, 'process', process, NULL FROM said WHERE process <> ''
    UNION ALL SELECT execution_id, 'source', source, NULL FROM said
)
"""


@dataclass(frozen=True)
class Having:
    """How many executions have a value."""

    executions: int
    templates: frozenset[int]
    """Of the records whose words it is; empty for what stands in headers."""


def common(store: Store, sample: Sample, share: float) -> dict[Value, Having]:
    """Values that at least that share of the executions looked at have."""
    _look_at(store, sample.ids)
    rows = store.rows(
        f"""
        WITH {_SAID}
        SELECT place, value, count(DISTINCT execution_id) AS times, list(DISTINCT template_id) FILTER (place = 'word')
        FROM worth GROUP BY place, value HAVING times >= $least
        """,
        {"word": WORD, "least": share * len(sample.ids)},
    )
    return {
        Value(str(place), str(text)): Having(int(times), frozenset(templates or ()))
        for place, text, times, templates in rows
    }


def having(store: Store, sample: Sample, values: list[Value]) -> dict[Value, int]:
    """How many of the executions looked at have each value, wherever it stands in a message."""
    rows = _places(store, sample.ids, values, "count(DISTINCT execution_id)", "GROUP BY number")
    found = {int(number): int(count) for number, count in rows}
    return {value: found.get(number, 0) for number, value in enumerate(values)}


def lines(
    store: Store, execution_ids: tuple[int, ...], values: list[Value]
) -> dict[tuple[int, Value], tuple[Line, ...]]:
    """The first lines of an execution's records that have a value, by execution and value."""
    rows = _places(
        store,
        execution_ids,
        values,
        "execution_id, list(first_line ORDER BY position), list(source_id ORDER BY position)",
        "GROUP BY number, execution_id",
    )
    own = dict(
        store.rows(
            "SELECT execution_id, source_id FROM execution WHERE execution_id IN (SELECT unnest($ids))",
            {"ids": list(execution_ids)},
        )
    )
    files = Files(store)
    return {
        (int(execution), values[int(number)]): tuple(
            files.line(line, source, own[execution]) for line, source in zip(found, sources, strict=True)
        )
        for number, execution, found, sources in rows
    }


def _places(
    store: Store, execution_ids: tuple[int, ...], values: list[Value], what: str, grouped: str
) -> list[tuple[Any, ...]]:
    if not values or not execution_ids:
        return []
    _look_at(store, execution_ids)
    # A join with many ids reads the records whole; those of a single execution are found by their place.
    which = (
        f"= {int(execution_ids[0])}" if len(execution_ids) == 1 else "IN (SELECT execution_id FROM looked_at)"
    )
    wanted: dict[str, Any] = {
        "number": list(range(len(values))),
        "place": [value.place for value in values],
        "text": [value.text for value in values],
    }
    store.connection.register("wanted_values", pa.table(wanted))
    # One row: one record with one of the values. Only what is asked for is looked up.
    found = " UNION ALL ".join(_HAS[place] for place in _HAS if any(value.place == place for value in values))
    try:
        return store.rows(
            f"""
            WITH said AS (
                SELECT m.execution_id, m.position, p.message, p.host, p.process, p.component, p.first_line, p.source_id, s.path AS source
                FROM membership AS m JOIN parsed_record AS p USING (record_id) JOIN source AS s USING (source_id)
                WHERE m.execution_id {which}
            ),
            found AS ({found})
            SELECT number, {what} FROM found {grouped}
            """,
            {"word": WORD} if "$word" in found else None,
        )
    finally:
        store.connection.unregister("wanted_values")


def _look_at(store: Store, execution_ids: tuple[int, ...]) -> None:
    store.connection.register("looked_at", pa.table({"execution_id": pa.array(execution_ids, pa.int32())}))
