"""What knowledge bases learnt from good logs: read as columns, added to another one, counted."""

import uuid
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from krone_tui.errors import KroneError
from krone_tui.store.knowledge import KnowledgeBase

MAX_SHAPES = 200_000
"""Distinct masked messages of one knowledge base: bounds the time of mining templates among them."""

LESSONS = pa.schema(
    [
        ("lesson_id", pa.int32()), ("digest", pa.string()), ("learnt_at", pa.timestamp("us")),
        ("grouped_by", pa.string()), ("kind", pa.string()), ("pattern", pa.string()), ("columns", pa.list_(pa.string())),
        ("window_by", pa.list_(pa.string())), ("idle_gap", pa.float64()), ("tumbling", pa.float64()),
        ("window_records", pa.int64()), ("left_out", pa.int64()),
    ]
)  # fmt: skip


@dataclass(frozen=True)
class Learnt:
    """Lessons with all they hold, as tables of knowledge.sql; ids hold within it only."""

    masks: str
    """Digest of the rules that made the shapes."""
    detail: int
    """How coarse the shapes are; 0 is the finest."""
    lesson: pa.Table
    lesson_source: pa.Table
    shape: pa.Table
    shape_count: pa.Table
    sequence: pa.Table
    sequence_count: pa.Table


@dataclass(frozen=True)
class Size:
    """How much a knowledge base has learnt."""

    logs: int
    executions: int
    sequences: int
    """Distinct executions."""
    shapes: int
    """Distinct masked messages."""
    baseline: str
    """New with each change of what was learnt; empty before anything was."""


_TABLES = ("lesson", "lesson_source", "shape", "shape_count", "sequence", "sequence_count")


def size(kb: KnowledgeBase) -> Size:
    """Count what was learnt."""
    # One row: the knowledge base.
    row = kb.row(
        """
        SELECT (SELECT count(*) FROM lesson_source), (SELECT coalesce(sum(executions), 0) FROM sequence_count),
               (SELECT count(*) FROM sequence), (SELECT count(*) FROM shape)
        """
    )
    logs, executions, sequences, shapes = (int(value) for value in row)
    return Size(logs, executions, sequences, shapes, kb.about().get("baseline", ""))


def read(kb: KnowledgeBase) -> Learnt | None:
    """Everything that was learnt; None where nothing was."""
    about = kb.about()
    if "masks" not in about:
        return None
    # Rows of a table: one row is what knowledge.sql says of it.
    tables = {name: kb.arrow(f"SELECT * FROM {name}") for name in _TABLES}
    return Learnt(about["masks"], int(about["detail"]), **tables)


def learnt_before(kb: KnowledgeBase, learnt: Learnt) -> list[str]:
    """Names of those logs that the knowledge base has learnt already."""
    kb.connection.register("new_source", learnt.lesson_source)
    rows = kb.rows(
        "SELECT DISTINCT name FROM new_source SEMI JOIN lesson_source USING (digest) ORDER BY name"
    )
    kb.connection.unregister("new_source")
    return [str(name) for (name,) in rows]


def add(kb: KnowledgeBase, learnt: Learnt, called: str) -> int:
    """Put lessons into a knowledge base, those that it has already left out; returns how many were new.

    called: what the user calls the knowledge base. Sums and unions of rows only: the order of additions changes nothing but ids. Raises `KroneError` where the shapes
    of both cannot be compared, or where a log is in both in different lessons and would count twice.
    """
    about = kb.about()
    if "masks" not in about:
        kb.set_about("masks", learnt.masks)
        kb.set_about("detail", str(learnt.detail))
    elif about["masks"] != learnt.masks:
        raise KroneError(
            f"What {called} holds was learnt by another version of krone-tui, which masked messages otherwise; "
            "learn it again with this one."
        )
    elif int(about["detail"]) != learnt.detail:
        raise KroneError(
            f"The messages of these logs and those of {called} were masked more coarsely the one than the other, for "
            "one has too many different ones; keep them in knowledge bases of their own."
        )
    new = _new_lessons(kb, learnt)
    if new is None:
        return 0
    _register(kb, new)
    for statement in (_LESSONS, _SOURCES, _EXAMPLES, _SHAPES, _SHAPE_IDS, _SHAPE_COUNTS):
        kb.connection.execute(statement)
    ids = kb.arrow("SELECT from_id, to_id FROM shape_ids ORDER BY from_id")
    kb.connection.register("renamed", _renamed(new.sequence, ids))
    for statement in (_SEQUENCES, _SEQUENCE_COUNTS, "DROP TABLE lesson_ids", "DROP TABLE shape_ids"):
        kb.connection.execute(statement)
    for name in (*(f"new_{table}" for table in _TABLES), "renamed"):
        kb.connection.unregister(name)
    if size(kb).shapes > MAX_SHAPES:
        raise KroneError(
            f"{called[:1].upper()}{called[1:]} would hold more than {MAX_SHAPES:,} different messages; keep these logs in knowledge bases of "
            "their own."
        )
    kb.set_about("baseline", uuid.uuid4().hex)
    return len(new.lesson)


def rows_by_text(kb: KnowledgeBase) -> dict[str, list[tuple[object, ...]]]:
    """What was learnt without any id, sorted: equal for equal content, however it came together."""
    return {
        "sources": kb.rows("SELECT digest, name, records FROM lesson_source ORDER BY ALL"),
        # One row: one shape with a component and a level.
        "shapes": kb.rows(
            "SELECT text, example, component, level, sum(records) FROM shape_count JOIN shape USING (shape_id) "
            "GROUP BY ALL ORDER BY ALL"
        ),
        # One row: one distinct execution.
        "sequences": kb.rows(
            """
            SELECT is_window, texts, sum(executions) FROM (
                SELECT sequence_id, any_value(is_window) AS is_window, list(text ORDER BY place) AS texts FROM (
                    SELECT sequence_id, is_window, unnest(shape_ids) AS shape_id,
                           generate_subscripts(shape_ids, 1) AS place FROM sequence
                ) JOIN shape USING (shape_id) GROUP BY sequence_id
            ) JOIN sequence_count USING (sequence_id) GROUP BY is_window, texts ORDER BY ALL
            """
        ),
    }


def _new_lessons(kb: KnowledgeBase, learnt: Learnt) -> Learnt | None:
    """The lessons that the knowledge base lacks, with what belongs to them; None when it has them all."""
    kb.connection.register("new_lesson", learnt.lesson)
    kb.connection.register("new_source", learnt.lesson_source)
    new = {int(row[0]) for row in kb.rows("SELECT lesson_id FROM new_lesson ANTI JOIN lesson USING (digest)")}
    twice = kb.rows(
        """
        SELECT min(n.name) FROM new_source AS n JOIN (SELECT lesson_id FROM new_lesson ANTI JOIN lesson USING (digest))
            USING (lesson_id)
        JOIN lesson_source AS k ON k.digest = n.digest HAVING count(*) > 0
        """
    )
    for statement in _SAME_LESSONS:
        kb.connection.execute(statement).fetchall()
    kb.connection.unregister("new_lesson")
    kb.connection.unregister("new_source")
    if twice:
        raise KroneError(
            f"The log {twice[0][0]} was learnt in both, together with other logs or grouped otherwise, and would count "
            "twice; learn the logs again into one knowledge base."
        )
    if not new:
        return None

    def of_new(table: pa.Table) -> pa.Table:
        return table.filter(pc.is_in(table["lesson_id"], pa.array(sorted(new), pa.int32())))

    shape_count, sequence_count = of_new(learnt.shape_count), of_new(learnt.sequence_count)
    used = {
        "shape": learnt.shape.filter(pc.is_in(learnt.shape["shape_id"], pc.unique(shape_count["shape_id"]))),
        "sequence": learnt.sequence.filter(
            pc.is_in(learnt.sequence["sequence_id"], pc.unique(sequence_count["sequence_id"]))
        ),
    }
    return replace(
        learnt,
        lesson=of_new(learnt.lesson),
        lesson_source=of_new(learnt.lesson_source),
        shape_count=shape_count,
        sequence_count=sequence_count,
        **used,
    )


def _register(kb: KnowledgeBase, learnt: Learnt) -> None:
    for name in _TABLES:
        kb.connection.register(f"new_{name}", getattr(learnt, name))


def _renamed(sequences: pa.Table, ids: pa.Table) -> pa.Table:
    """Sequences by the ids that their shapes have in the knowledge base; `ids` says which became which."""
    return sequences.set_column(
        sequences.schema.get_field_index("shape_ids"), "shape_ids", renumbered(sequences["shape_ids"], ids)
    )


def renumbered(lists: pa.ChunkedArray, ids: pa.Table) -> pa.ListArray:
    """Lists of numbers, each replaced: `ids` has a row (from_id, to_id) for every number that occurs."""
    whole = pa.chunked_array(lists.chunks, lists.type).combine_chunks()
    whole = whole.chunk(0) if isinstance(whole, pa.ChunkedArray) else whole
    became = np.zeros(max(ids["from_id"].to_pylist(), default=-1) + 1, dtype=np.int32)
    became[ids["from_id"].to_numpy()] = ids["to_id"].to_numpy()
    lengths = whole.value_lengths().to_numpy(zero_copy_only=False)
    return pa.ListArray.from_arrays(
        pa.array(np.r_[0, np.cumsum(lengths)], pa.int32()),
        pa.array(became[whole.flatten().to_numpy(zero_copy_only=False)], pa.int32()),
    )


# Of a lesson that both have, the same name and time are kept whichever was first.
_SAME_LESSONS = (
    """
    UPDATE lesson SET learnt_at = n.learnt_at FROM new_lesson AS n
    WHERE n.digest = lesson.digest AND n.learnt_at < lesson.learnt_at
    """,
    """
    UPDATE lesson_source SET name = n.name FROM new_source AS n
    WHERE n.digest = lesson_source.digest AND n.name < lesson_source.name
    """,
)

# One row: one new lesson with the id it gets; temporary.
_LESSONS = """
CREATE OR REPLACE TEMP TABLE lesson_ids AS
SELECT lesson_id AS from_id,
       CAST((SELECT coalesce(max(lesson_id), 0) FROM lesson) + row_number() OVER (ORDER BY digest) AS INTEGER) AS to_id
FROM new_lesson;
INSERT INTO lesson BY NAME
SELECT i.to_id AS lesson_id, n.* EXCLUDE (lesson_id) FROM new_lesson AS n JOIN lesson_ids AS i ON i.from_id = n.lesson_id
"""

_SOURCES = """
INSERT INTO lesson_source BY NAME
SELECT i.to_id AS lesson_id, n.* EXCLUDE (lesson_id)
FROM new_lesson_source AS n JOIN lesson_ids AS i ON i.from_id = n.lesson_id ORDER BY n.name
"""

_EXAMPLES = """
UPDATE shape SET example = least(shape.example, n.example) FROM new_shape AS n
WHERE n.text = shape.text AND n.example < shape.example
"""

_SHAPES = """
INSERT INTO shape BY NAME
SELECT CAST((SELECT coalesce(max(shape_id), 0) FROM shape) + row_number() OVER (ORDER BY n.text) AS INTEGER) AS shape_id,
       n.text, n.example
FROM new_shape AS n ANTI JOIN shape AS s ON s.text = n.text
"""

# One row: one of the new lessons' shapes with the id it has in the knowledge base; temporary.
_SHAPE_IDS = """
CREATE OR REPLACE TEMP TABLE shape_ids AS
SELECT n.shape_id AS from_id, s.shape_id AS to_id FROM new_shape AS n JOIN shape AS s USING (text)
"""

_SHAPE_COUNTS = """
INSERT INTO shape_count BY NAME
SELECT i.to_id AS lesson_id, s.to_id AS shape_id, n.component, n.level, n.records
FROM new_shape_count AS n JOIN lesson_ids AS i ON i.from_id = n.lesson_id JOIN shape_ids AS s ON s.from_id = n.shape_id
ORDER BY ALL
"""

_SEQUENCES = """
INSERT INTO sequence BY NAME
SELECT CAST((SELECT coalesce(max(sequence_id), 0) FROM sequence) + row_number() OVER () AS INTEGER) AS sequence_id,
       n.is_window, n.shape_ids
FROM renamed AS n ANTI JOIN sequence AS s ON s.is_window = n.is_window AND s.shape_ids = n.shape_ids
"""

_SEQUENCE_COUNTS = """
INSERT INTO sequence_count BY NAME
SELECT i.to_id AS lesson_id, s.sequence_id, n.executions
FROM new_sequence_count AS n JOIN lesson_ids AS i ON i.from_id = n.lesson_id
JOIN renamed AS r ON r.sequence_id = n.sequence_id
JOIN sequence AS s ON s.is_window = r.is_window AND s.shape_ids = r.shape_ids
ORDER BY ALL
"""
