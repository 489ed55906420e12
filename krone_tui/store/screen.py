"""Queries of the screen alone: what its tables, trees and searches show."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from krone_tui.store.connection import Store


@dataclass(frozen=True)
class TimeRange:
    """A part of the log's time; None: open at that end. Executions that start in it count."""

    since: datetime | None = None
    until: datetime | None = None


class SpanTimes(NamedTuple):
    """One entity span or action span of one execution."""

    level: str
    """'entity' or 'action'."""
    name: str
    position: int
    length: int
    start: datetime | None
    end: datetime | None


class Spans:
    """Spans of one execution in the order of their positions; a row is made when it is looked at, as there may be very many."""

    def __init__(self, rows: pa.Table) -> None:
        """`rows` have the columns of `SpanTimes`."""
        self._rows = rows
        self._positions = rows.column("position").to_numpy()

    def __len__(self) -> int:
        return len(self._positions)

    def __getitem__(self, at: int) -> SpanTimes:
        return SpanTimes(*(column[at].as_py() for column in self._rows.columns))

    def of_level(self, level: str) -> "Spans":
        """Those of one level, which follow one another."""
        return Spans(self._rows.filter(pc.equal(self._rows.column("level"), level)))

    def between(self, first: int, end: int) -> "Spans":
        """Those that begin at a position from `first` to before `end`."""
        return self.part(*(int(at) for at in np.searchsorted(self._positions, (first, end))))

    def part(self, first: int, end: int) -> "Spans":
        """Those from one index to before another."""
        return Spans(self._rows.slice(first, max(0, end - first)))

    def at(self, position: int) -> int:
        """The index of the last one that begins at a position or before; 0 where none does."""
        return max(0, int(np.searchsorted(self._positions, position, "right")) - 1)


@dataclass(frozen=True)
class NodeCount:
    """One node of the hierarchy with what falls under it."""

    node_id: int
    parent_id: int | None
    level: str
    name: str
    template: str | None
    records: int
    flagged: int
    """Flagged executions whose finding names a template under this node."""


_IN_RANGE = "($since IS NULL OR start_time >= $since) AND ($until IS NULL OR start_time < $until)"


def mode_counts(store: Store, within: TimeRange) -> dict[int, int]:
    """failure_mode_id → flagged executions that start within a range of time."""
    rows = store.rows(
        f"SELECT failure_mode_id, count(*) FROM execution_verdict WHERE flagged AND NOT is_good AND {_IN_RANGE} GROUP BY 1",
        {"since": within.since, "until": within.until},
    )
    return {int(mode): int(count) for mode, count in rows}


def mode_places(store: Store) -> dict[int, str]:
    """failure_mode_id → the components, levels and words of its deviating templates, as one text to filter by."""
    rows = store.rows(
        """
        SELECT f.failure_mode_id, string_agg(DISTINCT concat_ws(' ', t.component, t.level, t.text), ' ')
        FROM (SELECT DISTINCT failure_mode_id, unnest(template_ids) AS template_id FROM finding) AS f JOIN template AS t USING (template_id)
        GROUP BY 1
        """
    )
    return {int(mode): str(text) for mode, text in rows}


def mode_components(store: Store) -> dict[int, str]:
    """failure_mode_id → the components of its deviating templates and its executions' sources, joined by blanks."""
    rows = store.rows(
        """
        SELECT failure_mode_id, string_agg(DISTINCT place, ' ') FROM (
            SELECT f.failure_mode_id, t.component AS place
            FROM (SELECT DISTINCT failure_mode_id, unnest(template_ids) AS template_id FROM finding) AS f JOIN template AS t USING (template_id)
            UNION SELECT e.failure_mode_id, o.path FROM execution_verdict AS e JOIN source AS o USING (source_id) WHERE e.flagged
        ) GROUP BY 1
        """
    )
    return {int(mode): str(text or "") for mode, text in rows}


def executions_of_mode(store: Store, failure_mode_id: int, within: TimeRange, limit: int) -> pa.Table:
    """Arrow table identifier, start_time, seconds, records: the mode's executions in the order of the walk."""
    return store.arrow(
        f"""
        SELECT identifier, start_time, epoch(end_time - start_time) AS seconds, records
        FROM execution_verdict WHERE failure_mode_id = $mode AND flagged AND NOT is_good AND {_IN_RANGE}
        ORDER BY score DESC, execution_id LIMIT {int(limit)}
        """,
        {"mode": failure_mode_id, "since": within.since, "until": within.until},
    )


def worklist(store: Store, within: TimeRange) -> pa.Table:
    """Arrow table failure_mode_id, execution_id: every flagged execution in the order n and N walk."""
    return store.arrow(
        f"""
        SELECT failure_mode_id, execution_id FROM execution_verdict JOIN (SELECT failure_mode_id, verdict_by AS said_by FROM failure_mode) USING (failure_mode_id)
        WHERE flagged AND NOT is_good AND {_IN_RANGE}
        ORDER BY said_by = 'person' DESC NULLS LAST, said_by NULLS LAST, failure_mode_id, score DESC, execution_id
        """,
        {"since": within.since, "until": within.until},
    )


def span_times(store: Store, execution_id: int) -> Spans:
    """The entity and action spans of an execution with their times, outer before inner, in order."""
    rows = store.arrow(
        """
        WITH stamp AS (SELECT m.position, r.time FROM membership AS m JOIN parsed_record AS r USING (record_id) WHERE m.execution_id = $id)
        SELECT p.level, p.name, v.position, v.length, a.time AS start, b.time AS end
        FROM variant_seq AS v JOIN execution AS e USING (variant_id) JOIN seq AS s USING (seq_id) JOIN node AS p ON p.node_id = s.parent_node
        JOIN stamp AS a ON a.position = v.position JOIN stamp AS b ON b.position = v.position + v.length - 1
        WHERE e.execution_id = $id AND v.level IN ('status', 'action') ORDER BY v.position, v.length DESC, p.level DESC
        """,
        {"id": execution_id},
    )
    return Spans(rows)


def search(store: Store, pattern: str, *, regex: bool, limit: int) -> pa.Table:
    """Arrow table kind, execution_id, position, line, time, text: where a text occurs in identifiers, templates and messages.

    A literal in lower case matches any case; a regular expression is RE2. Raises `Store.QueryError` on a bad one.
    """
    literal = pattern if pattern != pattern.lower() else None
    condition = {
        True: "regexp_matches({0}, $pattern)",
        False: "contains({0}, $pattern)" if literal else "contains(lower({0}), $pattern)",
    }[regex]
    return store.arrow(
        f"""
        WITH shape_hit AS (SELECT template_id FROM template WHERE {condition.format("text")}),
        identifier AS (
            SELECT 'identifier' AS kind, execution_id, 0 AS position, first_line AS line, start_time AS time, identifier AS text
            FROM execution WHERE {condition.format("identifier")} ORDER BY execution_id LIMIT {int(limit)}
        ),
        hit AS (
            SELECT r.record_id, r.first_line, r.time, r.message FROM parsed_record AS r LEFT JOIN record_shape AS rs USING (record_id) LEFT JOIN shape AS s USING (shape_id)
            WHERE {condition.format("r.message")} OR s.template_id IN (SELECT template_id FROM shape_hit) ORDER BY r.record_id LIMIT {int(limit)}
        )
        SELECT * FROM identifier
        UNION ALL
        (SELECT 'record', m.execution_id, m.position, h.first_line, h.time, h.message FROM hit AS h JOIN membership AS m USING (record_id) ORDER BY h.record_id)
        """,
        {"pattern": pattern},
    )


def hierarchy(store: Store) -> list[NodeCount]:
    """Every node under the root with its records and flagged executions, parents before children."""
    rows = store.rows(
        """
        WITH named AS (
            SELECT DISTINCT e.execution_id, unnest(f.template_ids) AS template_id
            FROM finding AS f JOIN execution AS e USING (variant_id) WHERE NOT e.is_good
        ),
        leaf AS (
            SELECT s.node_id AS status_id, a.node_id AS action_id, a.parent_id AS entity_id, t.template_id, t.records, t.text
            FROM node AS s JOIN node AS a ON a.node_id = s.parent_id JOIN template AS t ON t.leaf = s.node_id WHERE s.level = 'status'
        ),
        part AS (
            SELECT template_id, records, text, unnest([status_id, action_id, entity_id]) AS node_id FROM leaf
        ),
        counted AS (
            SELECT p.node_id, count(DISTINCT n.execution_id) AS flagged FROM part AS p JOIN named AS n USING (template_id) GROUP BY 1
        ),
        summed AS (SELECT node_id, sum(records) AS records, min(text) AS text FROM part GROUP BY 1)
        SELECT n.node_id, n.parent_id, n.level, n.name, CASE n.level WHEN 'status' THEN s.text END,
               CAST(coalesce(s.records, 0) AS BIGINT), coalesce(c.flagged, 0)
        FROM node AS n LEFT JOIN summed AS s USING (node_id) LEFT JOIN counted AS c USING (node_id) WHERE n.level <> 'root'
        ORDER BY CASE n.level WHEN 'entity' THEN 0 WHEN 'action' THEN 1 ELSE 2 END, coalesce(s.records, 0) DESC, n.node_id
        """
    )
    return [NodeCount(*row) for row in rows]


def grouping_candidates(store: Store) -> list[tuple[str, float, bool, str]]:
    """(name, score, chosen, reason) of the identifiers that records could be grouped by, best first."""
    return [
        (str(row[0]), float(row[1]), bool(row[2]), str(row[3]))
        for row in store.rows(
            "SELECT name, score, chosen, reason FROM grouping_candidate ORDER BY chosen DESC, score DESC, name"
        )
    ]
