"""Queries of what a reader looks at: the summary, failure modes, executions, their spans, records and findings."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from krone_tui.store import facts, overlay
from krone_tui.store.connection import Store
from krone_tui.store.lines import Files, Line


@dataclass(frozen=True)
class Summary:
    """The shape of the whole log."""

    sources: int
    lines: int
    records: int
    executions: int
    """Of the log under analysis; baseline logs are not counted."""
    windows: int
    """How many of them are windows."""
    flagged: int
    failure_modes: int
    templates: int
    start: datetime | None
    end: datetime | None
    first_flagged: datetime | None
    """Start of the earliest flagged execution."""
    grouped_by: str
    grouping_reason: str
    baseline: str
    """Which baseline is in force, in words."""
    verdicts: str
    """How many verdicts of people and models count, and what they change, in words; '' without any."""
    good: int = 0
    """How many of the executions are known to be good: they ended before the time given as normal."""
    utc: bool = False
    """All times are in UTC: the log states its zones, or counts seconds."""
    zones: str = ""
    """The zones other than UTC that the log states, as `+01:00, +02:00`: its times are not shown as they are written."""


@dataclass(frozen=True)
class FailureModeRow:
    """One failure mode."""

    failure_mode_id: int
    title: str
    level: str
    path: str
    kind: str
    score: float
    executions: int
    first_seen: datetime | None
    last_seen: datetime | None
    example_execution: int
    verdict: str | None = None
    """'anomalous' where somebody confirmed it, or said it of its Seq."""
    verdict_by: str | None = None
    """'person' or 'model'."""
    verdict_comment: str | None = None


@dataclass(frozen=True)
class ExecutionRow:
    """One execution with its verdict."""

    execution_id: int
    identifier: str
    grouped_by: str
    is_window: bool
    is_good: bool
    source: str
    start_time: datetime | None
    end_time: datetime | None
    first_line: int
    last_line: int
    records: int
    lines: int
    variant_id: int
    flagged: bool
    score: float
    level: str | None
    failure_mode_id: int | None
    verdict: str | None
    """'normal' or 'anomalous' where somebody's word decided, not the detectors."""
    verdict_by: str | None
    """'person' or 'model'."""


@dataclass(frozen=True)
class FindingRow:
    """One finding of an execution's variant."""

    finding_id: int
    level: str
    kind: str
    position: int
    length: int
    score: float
    detector: str
    nearest_variant: int | None
    failure_mode_id: int
    template_ids: tuple[int, ...]
    parent_path: str
    """Names of the deviating Seq's parent: 'ROOT', an entity, or 'entity › action'."""
    seq: tuple[str, ...]
    """Names of the deviating Seq's nodes."""


@dataclass(frozen=True)
class SpanRow:
    """One span of one execution: a run of records under one node."""

    level: str
    """'entity' or 'action': the level of the node that the span lies under."""
    name: str
    position: int
    length: int


@dataclass(frozen=True)
class RecordRow:
    """One record in its execution."""

    position: int
    record_id: int
    source_id: int
    first_line: Line
    last_line: int
    time: datetime | None
    level: str | None
    component: str | None
    template_id: int
    entity: str
    action: str
    status: str
    outcome: str
    message: str


_EXECUTION_COLUMNS = """
    e.execution_id, e.identifier, e.grouped_by, e.is_window, e.is_good, o.path, e.start_time, e.end_time, e.first_line, e.last_line,
    e.records, e.lines, e.variant_id, e.flagged, e.score, e.level, e.failure_mode_id, e.verdict, e.verdict_by
"""


def summary(store: Store) -> Summary:
    """Counts over the whole investigation."""
    executions, windows, flagged, start, end, first_flagged, good = store.row(
        """
        SELECT count(*), count(*) FILTER (is_window), count(*) FILTER (flagged), min(start_time), max(end_time),
               min(start_time) FILTER (flagged), count(*) FILTER (is_good)
        FROM execution_verdict WHERE NOT (is_good AND source_id IN (SELECT source_id FROM source WHERE is_baseline))
        """
    )
    sources, lines, baselines = store.row(
        "SELECT count(*) FILTER (lines > 0 AND NOT is_baseline), sum(lines) FILTER (NOT is_baseline), count(*) FILTER (is_baseline) FROM source"
    )
    # How many records there are in all is known without reading any.
    own = "WHERE source_id IN (SELECT source_id FROM source WHERE NOT is_baseline)" if baselines else ""
    records = store.scalar(f"SELECT count(*) FROM parsed_record {own}")
    modes, templates = store.row(
        "SELECT (SELECT count(*) FROM failure_mode), (SELECT count(*) FROM template)"
    )
    grouped_by, reason = store.row("SELECT name, reason FROM grouping_candidate WHERE chosen")
    known = facts.read(store)
    return Summary(
        int(sources), int(lines), int(records), int(executions), int(windows), int(flagged), int(modes), int(templates),
        start, end, first_flagged, str(grouped_by), str(reason), known["baseline"], overlay.told(store),
        int(good), known.get("times") == facts.UTC, known.get("zones", ""),
    )  # fmt: skip


def failure_modes(store: Store) -> list[FailureModeRow]:
    """All failure modes: those that a person or a model confirmed, then the others, most suspicious first."""
    return [
        FailureModeRow(*row)
        for row in store.rows(
            "SELECT * FROM failure_mode ORDER BY verdict_by = 'person' DESC NULLS LAST, verdict_by NULLS LAST, failure_mode_id"
        )
    ]


def executions(
    store: Store,
    *,
    failure_mode_id: int | None = None,
    flagged: bool | None = None,
    within: tuple[int, int] | None = None,
    limit: int | None = None,
) -> list[ExecutionRow]:
    """Executions of the log under analysis, in the order of their first records; those of one failure mode by score first.

    `within`: the first and the last execution_id that count.
    """
    where = ["NOT o.is_baseline"]
    if within is not None:
        where.append(f"e.execution_id BETWEEN {int(within[0])} AND {int(within[1])}")
    if failure_mode_id is not None:
        where.append("e.failure_mode_id = $mode AND NOT e.is_good")
    if flagged is not None:
        where.append("e.flagged = $flagged")
    order = "e.score DESC, e.execution_id" if failure_mode_id is not None else "e.execution_id"
    rows = store.rows(
        f"SELECT {_EXECUTION_COLUMNS} FROM execution_verdict AS e JOIN source AS o USING (source_id) "
        f"WHERE {' AND '.join(where)} ORDER BY {order}"
        + (f" LIMIT {int(limit)}" if limit is not None else ""),
        {
            name: value
            for name, value in (("mode", failure_mode_id), ("flagged", flagged))
            if value is not None
        }
        or None,
    )
    return [ExecutionRow(*row) for row in rows]


def execution(store: Store, execution_id: int) -> ExecutionRow | None:
    """One execution; None when there is none of that id."""
    rows = store.rows(
        f"SELECT {_EXECUTION_COLUMNS} FROM execution_verdict AS e JOIN source AS o USING (source_id) WHERE e.execution_id = $id",
        {"id": execution_id},
    )
    return ExecutionRow(*rows[0]) if rows else None


def find_execution(store: Store, identifier: str) -> ExecutionRow | None:
    """The first execution with this identifier's value."""
    rows = store.rows(
        "SELECT execution_id FROM execution WHERE identifier = $name ORDER BY execution_id LIMIT 1",
        {"name": identifier},
    )
    return execution(store, int(rows[0][0])) if rows else None


def findings(store: Store, variant_id: int) -> list[FindingRow]:
    """What was found in a variant, the decisive finding first."""
    return all_findings(store, variant_id).get(variant_id, [])


def all_findings(store: Store, variant_id: int | None = None) -> dict[int, list[FindingRow]]:
    """variant_id → what was found in it, the decisive finding first; of one variant, or of all."""
    where = "WHERE f.variant_id = $variant" if variant_id is not None else ""
    rows = store.rows(
        f"""
        WITH named AS (
            SELECT s.seq_id, list(n.name ORDER BY s.place) AS names
            FROM (SELECT seq_id, unnest(nodes) AS node_id, generate_subscripts(nodes, 1) AS place FROM seq
                  WHERE seq_id IN (SELECT f.seq_id FROM finding AS f {where})) AS s
            JOIN node AS n USING (node_id) GROUP BY s.seq_id
        )
        SELECT f.variant_id, f.finding_id, f.level, f.kind, f.position, f.length, f.score, f.detector, f.nearest_variant,
               f.failure_mode_id, f.template_ids,
               CASE p.level WHEN 'action' THEN pp.name || ' › ' || p.name ELSE p.name END, d.names
        FROM finding AS f JOIN seq AS s USING (seq_id) JOIN named AS d USING (seq_id)
        JOIN node AS p ON p.node_id = s.parent_node LEFT JOIN node AS pp ON pp.node_id = p.parent_id
        {where} ORDER BY f.variant_id, f.finding_id
        """,
        {"variant": variant_id} if variant_id is not None else None,
    )
    result: dict[int, list[FindingRow]] = {}
    for row in rows:
        *plain, templates, parent, names = row[1:]
        values = (*plain, tuple(templates), str(parent), tuple(names))
        result.setdefault(int(row[0]), []).append(FindingRow(*values))
    return result


def spans(store: Store, variant_id: int) -> list[SpanRow]:
    """The entity spans and action spans of a variant, outer before inner, in order."""
    rows = store.rows(
        """
        SELECT p.level, p.name, v.position, v.length
        FROM variant_seq AS v JOIN seq AS s USING (seq_id) JOIN node AS p ON p.node_id = s.parent_node
        WHERE v.variant_id = $variant AND v.level IN ('status', 'action') ORDER BY v.position, v.length DESC, p.level DESC
        """,
        {"variant": variant_id},
    )
    return [SpanRow(*row) for row in rows]


def records(store: Store, execution_id: int, first: int = 0, count: int | None = None) -> list[RecordRow]:
    """Records of an execution, from a position on."""
    last = first + count - 1 if count is not None else (1 << 31) - 1
    rows = store.rows(
        """
        SELECT m.position, p.record_id, p.source_id, p.first_line, p.last_line, p.time, p.level, p.component, m.template_id,
               t.entity, t.action, t.status, t.outcome, p.message
        FROM membership AS m JOIN parsed_record AS p USING (record_id) JOIN template AS t USING (template_id)
        WHERE m.execution_id = $id AND m.position BETWEEN $first AND $last ORDER BY m.position
        """,
        {"id": execution_id, "first": first, "last": last},
    )
    if not rows:
        return []
    own = rows[0][2] if first == 0 else source_of(store, execution_id)
    files = Files(store)
    return [
        RecordRow(position, record_id, source_id, files.line(first_line, source_id, own), *rest)
        for position, record_id, source_id, first_line, *rest in rows
    ]


def source_of(store: Store, execution_id: int) -> int:
    """The source in which an execution begins."""
    return int(store.scalar("SELECT source_id FROM execution WHERE execution_id = $id", {"id": execution_id}))


def other_files(store: Store, execution_id: int) -> int:
    """In how many sources its records stand beside the one in which it begins."""
    if store.scalar("SELECT count(*) FROM source") == 1:
        return 0
    return (
        int(
            store.scalar(
                """SELECT count(DISTINCT source_id) FROM membership JOIN parsed_record USING (record_id)
                   WHERE execution_id = $id""",
                {"id": execution_id},
            )
        )
        - 1
    )


def raw_around(
    store: Store, record_id: int, before: int, after: int
) -> list[tuple[int, int, int, int | None, str, str]]:
    """(record_id, first_line, last_line, execution_id, text as read, what it says) of the records around one, in its source.

    What it says, time, level and message, is told of JSON alone, where that is hard to find in the text; '' of others.
    """
    return [
        (int(row[0]), int(row[1]), int(row[2]), row[3], str(row[4]), str(row[5]))
        for row in store.rows(
            """
            SELECT p.record_id, p.first_line, p.last_line, m.execution_id, coalesce(p.raw, coalesce(p.prefix, '') || p.message),
                   CASE WHEN starts_with(ltrim(p.raw), '{') THEN concat_ws(' ', strftime(p.time, '%H:%M:%S.%g'), p.level,
                        replace(left(p.message, 2000), chr(10), ' ')) ELSE '' END
            FROM parsed_record AS p LEFT JOIN membership AS m USING (record_id)
            WHERE p.record_id BETWEEN $first AND $last
              AND p.source_id = (SELECT source_id FROM parsed_record WHERE record_id = $id) ORDER BY p.record_id
            """,
            {"id": record_id, "first": record_id - before, "last": record_id + after},
        )
    ]


def histogram(store: Store, buckets: int) -> list[tuple[datetime, int, int]]:
    """(start, executions, flagged executions) of equal slices of the log's time; empty without times."""
    rows = store.rows(
        """
        WITH extent AS (SELECT min(start_time) AS first, greatest(epoch(max(start_time) - min(start_time)), 1) AS seconds
                        FROM execution_verdict WHERE NOT is_good),
        placed AS (SELECT least(CAST(floor(epoch(start_time - first) / seconds * $buckets) AS INTEGER), $buckets - 1) AS slot, flagged
                   FROM execution_verdict, extent WHERE start_time IS NOT NULL AND NOT is_good)
        SELECT (SELECT first + to_seconds(seconds * s.slot / $buckets) FROM extent), count(p.slot), count(p.slot) FILTER (p.flagged)
        FROM range($buckets) AS s(slot) LEFT JOIN placed AS p USING (slot) GROUP BY s.slot ORDER BY s.slot
        """,
        {"buckets": buckets},
    )
    return [(row[0], int(row[1]), int(row[2])) for row in rows if row[0] is not None]


def mode_timeline(store: Store, buckets: int) -> dict[int, list[int]]:
    """For each failure mode, its executions in equal slices of the log's time."""
    rows = store.rows(
        """
        WITH extent AS (SELECT min(start_time) AS first, greatest(epoch(max(start_time) - min(start_time)), 1) AS seconds
                        FROM execution_verdict WHERE NOT is_good)
        SELECT failure_mode_id, least(CAST(floor(epoch(start_time - first) / seconds * $buckets) AS INTEGER), $buckets - 1) AS slot, count(*)
        FROM execution_verdict, extent WHERE flagged AND NOT is_good AND start_time IS NOT NULL GROUP BY ALL
        """,
        {"buckets": buckets},
    )
    result: dict[int, list[int]] = {}
    for mode, slot, count in rows:
        result.setdefault(int(mode), [0] * buckets)[int(slot)] = int(count)
    return result


def template_texts(store: Store) -> dict[int, Any]:
    """template_id → text."""
    return {int(row[0]): str(row[1]) for row in store.rows("SELECT template_id, text FROM template")}
