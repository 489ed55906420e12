"""Between an investigation and a knowledge base: what a good log teaches, and what was learnt put beside a log."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc

from krone_tui.store.connection import Store
from krone_tui.store.learnt import LESSONS, Learnt, renumbered

EXAMPLE_CHARACTERS = 4096
"""Of an example message that are kept."""
LONGEST = 65_536
"""Records of an execution that is kept: a longer one is a log of its own rather than one of many alike."""


@dataclass(frozen=True)
class Grouping:
    """How records became executions: the identifier, and how windows of the other records were cut."""

    name: str
    """Of the grouping candidate; 'window' where no identifier serves."""
    kind: str
    pattern: str | None
    columns: tuple[str, ...]
    window_by: tuple[str, ...]
    """Columns whose values keep windows apart."""
    idle_gap: float | None
    """Seconds without a record that end a window."""
    tumbling: float | None
    """Seconds a window lasts."""
    window_records: int
    """Records at which a window ends in any case."""

    @property
    def identifier(self) -> tuple[str, str | None, tuple[str, ...]]:
        """What makes two logs' identifiers the same."""
        return self.kind, self.pattern, self.columns

    @property
    def cut(self) -> tuple[tuple[str, ...], float | None, float | None, int]:
        """What makes two logs' windows comparable."""
        return self.window_by, self.idle_gap, self.tumbling, self.window_records


@dataclass(frozen=True)
class LearntGrouping:
    """One way in which learnt executions were grouped."""

    grouping_id: int
    grouping: Grouping
    executions: int
    """Held together by the identifier."""
    windows: int


def teach(store: Store, grouping: Grouping, masks: str, detail: int) -> Learnt:
    """All records of an investigation as one lesson: its shapes and its distinct executions, columns only."""
    sources = store.rows(
        # One row: one log. The digest is of the records, wherever they were read from.
        """
        SELECT o.path, count(*),
               CAST(bit_xor(md5_number(p.first_line || chr(31) || coalesce(p.raw, coalesce(p.prefix, '') || p.message))) AS VARCHAR)
        FROM parsed_record AS p JOIN source AS o USING (source_id) GROUP BY o.source_id, o.path ORDER BY o.source_id
        """
    )
    digest = hashlib.blake2b(digest_size=16)
    digest.update(repr((sorted(str(row[2]) for row in sources), grouping.identifier, grouping.cut)).encode())
    left_out = store.scalar("SELECT count(*) FROM execution WHERE records > $longest", {"longest": LONGEST})
    lesson = {
        "lesson_id": 1, "digest": digest.hexdigest(), "learnt_at": datetime.now(UTC).replace(tzinfo=None),
        "grouped_by": grouping.name, "kind": grouping.kind, "pattern": grouping.pattern, "columns": list(grouping.columns),
        "window_by": list(grouping.window_by), "idle_gap": grouping.idle_gap, "tumbling": grouping.tumbling,
        "window_records": grouping.window_records, "left_out": int(left_out),
    }  # fmt: skip
    sequences = store.arrow(_SEQUENCES, {"longest": LONGEST})
    return Learnt(
        masks,
        detail,
        pa.Table.from_pylist([lesson], schema=LESSONS),
        pa.table(
            {
                "lesson_id": pa.array([1] * len(sources), pa.int32()),
                "digest": pa.array([row[2] for row in sources], pa.string()),
                "name": pa.array([row[0] for row in sources], pa.string()),
                "records": pa.array([row[1] for row in sources], pa.int64()),
            }
        ),
        store.arrow(_SHAPES, {"characters": EXAMPLE_CHARACTERS}),
        store.arrow(_SHAPE_COUNTS),
        sequences.select(["sequence_id", "is_window", "shape_ids"]),
        sequences.select(["lesson_id", "sequence_id", "executions"]),
    )


# One row: one shape with the first of its messages in the order of text: the same whatever was read first.
_SHAPES = """
SELECT shape_id, any_value(s.text) AS text, min(left(p.message, $characters)) AS example
FROM shape AS s JOIN record_shape USING (shape_id) JOIN parsed_record AS p USING (record_id) GROUP BY shape_id
"""

# One row: one shape with one combination of component and level.
_SHAPE_COUNTS = """
SELECT CAST(1 AS INTEGER) AS lesson_id, shape_id, component, level, count(*) AS records
FROM record_shape JOIN parsed_record USING (record_id) GROUP BY shape_id, component, level
"""

# One row: one distinct sequence of shapes.
_SEQUENCES = """
WITH whole AS (
    SELECT m.execution_id, any_value(e.is_window) AS is_window, list(r.shape_id ORDER BY m.position) AS shape_ids
    FROM membership AS m JOIN execution AS e USING (execution_id) JOIN record_shape AS r USING (record_id)
    WHERE e.records <= $longest GROUP BY m.execution_id
)
SELECT CAST(1 AS INTEGER) AS lesson_id, CAST(row_number() OVER () AS INTEGER) AS sequence_id, is_window, shape_ids,
       count(*) AS executions
FROM whole GROUP BY is_window, shape_ids
"""


def load(store: Store, learnt: Learnt, *, groupings_only: bool = False) -> None:
    """Fill the tables `learnt_*` of a new investigation, which later stages read; may be called for several.

    groupings_only: so that the log is grouped as the lessons were, and nothing of theirs is put beside it.
    """
    first = int(store.scalar("SELECT coalesce(max(grouping_id), 0) FROM learnt_grouping"))
    first_shape = int(store.scalar("SELECT coalesce(max(shape_id), 0) FROM learnt_shape"))
    for name in ("lesson", "shape", "shape_count", "sequence", "sequence_count"):
        store.connection.register(f"its_{name}", getattr(learnt, name))
    numbers = {"first": first, "detail": learnt.detail}
    store.connection.execute(_LOAD_GROUPINGS, numbers)
    if not groupings_only:
        store.connection.execute(_LOAD_SHAPES, {"first": first_shape})
        store.connection.execute(_LOAD_SEQUENCES, {"first": first, "first_shape": first_shape})
    for name in ("lesson", "shape", "shape_count", "sequence", "sequence_count"):
        store.connection.unregister(f"its_{name}")


_GROUPINGS = """
its_grouping AS (
    SELECT lesson_id, dense_rank() OVER (ORDER BY kind, pattern, columns, window_by, idle_gap, tumbling, window_records) AS nth, *
    FROM its_lesson
)
"""

_LOAD_GROUPINGS = f"""
INSERT INTO learnt_grouping
WITH {_GROUPINGS},
counted AS (SELECT lesson_id, coalesce(sum(executions) FILTER (NOT is_window), 0) AS executions,
                   coalesce(sum(executions) FILTER (is_window), 0) AS windows
            FROM its_sequence_count JOIN its_sequence USING (sequence_id) GROUP BY lesson_id)
SELECT CAST($first + nth AS INTEGER), min(grouped_by), any_value(kind), any_value(pattern), any_value(columns), any_value(window_by),
       any_value(idle_gap), any_value(tumbling), any_value(window_records),
       coalesce(sum(executions), 0), coalesce(sum(windows), 0), $detail, false, false
FROM its_grouping LEFT JOIN counted USING (lesson_id) GROUP BY nth ORDER BY nth
"""

_LOAD_SHAPES = """
INSERT INTO learnt_shape
SELECT CAST($first + s.shape_id AS INTEGER), s.text, s.example, c.component, c.level, sum(c.records)
FROM its_shape AS s JOIN its_shape_count AS c USING (shape_id) GROUP BY ALL ORDER BY ALL
"""

_LOAD_SEQUENCES = f"""
INSERT INTO learnt_sequence
WITH {_GROUPINGS},
counted AS (SELECT nth, sequence_id, sum(executions) AS executions FROM its_sequence_count JOIN its_grouping USING (lesson_id)
            GROUP BY nth, sequence_id)
SELECT CAST($first + nth AS INTEGER), s.is_window, [CAST(n + $first_shape AS INTEGER) FOR n IN s.shape_ids], c.executions
FROM counted AS c JOIN its_sequence AS s USING (sequence_id)
"""


def groupings(store: Store) -> list[LearntGrouping]:
    """How the learnt executions were grouped, the most frequent way first."""
    rows = store.rows(
        """
        SELECT grouping_id, executions, windows, name, kind, pattern, columns, window_by, idle_gap, tumbling, window_records
        FROM learnt_grouping ORDER BY executions + windows DESC, grouping_id
        """
    )
    return [
        LearntGrouping(
            row[0],
            Grouping(row[3], row[4], row[5], tuple(row[6]), tuple(row[7]), row[8], row[9], int(row[10])),
            int(row[1]),
            int(row[2]),
        )
        for row in rows
    ]


def detail(store: Store) -> int | None:
    """How coarse the learnt shapes are; None where nothing was learnt."""
    found = store.scalar("SELECT max(detail) FROM learnt_grouping")
    return None if found is None else int(found)


def shape_counts(store: Store) -> dict[str, int]:
    """Records of each learnt shape, by its text."""
    rows = store.arrow("SELECT text, sum(records)::BIGINT AS n FROM learnt_shape GROUP BY text ORDER BY text")
    return dict(zip(rows["text"].to_pylist(), rows["n"].to_pylist(), strict=True))


def place(store: Store, grouping: Grouping) -> None:
    """Write those learnt executions that are grouped like the log to the temporary table `learnt_variant`.

    Windows take part where they were cut alike. Needs `shape`; `learnt_grouping` says afterwards what took part.
    """
    like = [one for one in groupings(store) if one.grouping.identifier == grouping.identifier]
    alike = [one.grouping_id for one in like]
    cut = [one.grouping_id for one in like if one.grouping.cut == grouping.cut]
    chosen = {"alike": alike, "cut": cut}
    store.connection.execute(
        "UPDATE learnt_grouping SET is_like = list_contains($alike, grouping_id), is_cut_alike = list_contains($cut, grouping_id)",
        chosen,
    )
    # One row: one learnt sequence that takes part.
    sequences = store.arrow(
        """
        SELECT is_window, shape_ids, executions FROM learnt_sequence
        WHERE list_contains(CASE WHEN is_window THEN $cut ELSE $alike END::INTEGER[], grouping_id)
        """,
        chosen,
    )
    ids = store.arrow(
        """
        SELECT l.shape_id AS from_id, s.template_id AS to_id
        FROM (SELECT DISTINCT shape_id, text FROM learnt_shape) AS l JOIN shape AS s USING (text)
        """
    )
    placed = pa.table(
        {
            "is_window": sequences["is_window"],
            "template_ids": renumbered(sequences["shape_ids"], ids),
            "executions": pc.cast(sequences["executions"], pa.int64()),
        }
    )
    store.connection.register("placed_sequences", placed)
    store.connection.execute(
        """
        CREATE OR REPLACE TEMP TABLE learnt_variant AS
        SELECT is_window, template_ids, CAST(sum(executions) AS BIGINT) AS executions FROM placed_sequences GROUP BY ALL
        """
    )
    store.connection.unregister("placed_sequences")


@dataclass(frozen=True)
class TakingPart:
    """What of the learnt executions is compared with the log."""

    executions: int
    windows: int
    other_identifier: int
    """Executions and windows grouped by another identifier."""
    other_windows: int
    """Windows that were cut otherwise."""


def taking_part(store: Store) -> TakingPart:
    """How many learnt executions take part, and how many do not and why."""
    # One row: all groupings.
    row = store.row(
        """
        SELECT coalesce(sum(executions) FILTER (is_like), 0), coalesce(sum(windows) FILTER (is_cut_alike), 0),
               coalesce(sum(executions + windows) FILTER (NOT is_like), 0),
               coalesce(sum(windows) FILTER (is_like AND NOT is_cut_alike), 0)
        FROM learnt_grouping
        """
    )
    return TakingPart(*(int(value) for value in row))


def known_records(store: Store) -> tuple[int, int]:
    """(records of the log under analysis, those of them whose template was learnt)."""
    row = store.row(
        """
        WITH learnt AS (SELECT DISTINCT s.template_id FROM shape AS s JOIN learnt_shape AS l USING (text))
        SELECT count(*), count(l.template_id)
        FROM parsed_record JOIN source AS o USING (source_id) JOIN record_shape USING (record_id) JOIN shape AS s USING (shape_id)
        LEFT JOIN learnt AS l ON l.template_id = s.template_id
        WHERE NOT o.is_baseline
        """
    )
    return int(row[0]), int(row[1])
