"""Queries of the templates stage: from `parsed_record` to `shape`, `record_shape` and `template`."""

from dataclasses import dataclass

import pyarrow as pa

from krone_tui.store import telling_numbers
from krone_tui.store.connection import Store
from krone_tui.store.messages import HEADLINE

# What a message says in a line, cut to $limit characters; a cut word is replaced by a digit, which is masked.
_FIRST_LINE = f"""
CASE WHEN length({HEADLINE}) > $limit THEN regexp_replace(left({HEADLINE}, $limit), '\\S*$', '0') ELSE {HEADLINE} END
"""

# By how much detail a masked text keeps: a log whose texts differ without end is masked more coarsely.
_MASKED = "regexp_replace(line, $pattern, '<*>', 'g')"
_QUOTED = """regexp_replace({}, '"[^"]*"|''[^'']*''|\\{{.*\\}}|\\[[^\\]]*\\]|=[^\\s,;]+', '<*>', 'g')"""
_DETAIL = (
    _MASKED,
    # Quoted, bracketed and assigned values, and words that are not plain ones, are variables.
    f"regexp_replace({_QUOTED.format(_MASKED)}, '[^\\s]*[^a-zA-Z\\s.,:;()!?-][^\\s]*', '<*>', 'g')",
    # Only the first four words count, or two.
    f"regexp_replace({_MASKED}, '^((?:\\S+\\s+){{4}}).+$', '\\1<*>')",
    f"regexp_replace({_MASKED}, '^((?:\\S+\\s+){{2}}).+$', '\\1<*>')",
    # Only how many words there are, up to eight.
    "regexp_replace(regexp_replace(line, '\\S+', '<*>', 'g'), '^((?:\\S+\\s+){8}).+$', '\\1<*>')",
)

MASKING = (_FIRST_LINE, telling_numbers.RULES, *_DETAIL)
"""What decides the shapes here, for a digest."""

LEAST_DETAIL = len(_DETAIL) - 1
"""The coarsest way to mask: at most nine distinct texts."""


@dataclass(frozen=True)
class Extent:
    """How much there is to mask."""

    records: int
    first: int
    """Smallest record_id; 0 without records."""
    last: int
    """Largest record_id; -1 without records."""
    bytes: int
    """Of all messages, each counted to the limit."""


@dataclass(frozen=True)
class Masked:
    """What is masked in the finest way already: the first records, in `record_shape`."""

    records: int
    texts: tuple[str, ...]
    """Of their shapes, by shape_id."""
    distinct: int
    """Distinct masked texts before `finish`, summed over the queries."""


def extent(store: Store, limit: int) -> Extent:
    """Count records and the bytes of their messages, at most `limit` each."""
    row = store.connection.execute(
        """SELECT count(*), coalesce(min(record_id), 0), coalesce(max(record_id), -1),
                  coalesce(sum(least(strlen(message), $limit)), 0)
           FROM parsed_record""",
        {"limit": limit},
    ).fetchone()
    assert row is not None
    return Extent(*(int(value) for value in row))


def clear(store: Store) -> None:
    """Forget what an earlier attempt wrote."""
    for table in ("record_shape", "shape", "template"):
        store.connection.execute(f"DELETE FROM {table}")


def mask_chunk(store: Store, first: int, last: int, *, pattern: str, limit: int, detail: int) -> list[str]:
    """Mask the records first…last (inclusive) and return the distinct texts in their order of appearance.

    `detail` 0 masks what `pattern` matches, up to `LEAST_DETAIL` masks ever more. The chunk stays in a
    temporary table until `write_chunk`.
    """
    expression = _DETAIL[detail]
    values: dict[str, object] = {"first": first, "last": last, "limit": limit}
    if "$pattern" in expression:
        values["pattern"] = pattern
    store.connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE masked_chunk AS
            SELECT record_id, {expression} AS text
            FROM (SELECT record_id, {telling_numbers.with_stand_ins("line")} AS line
                  FROM (SELECT record_id, {_FIRST_LINE} AS line FROM parsed_record
                        WHERE record_id BETWEEN $first AND $last))""",
        values,
    )
    # One row: one distinct masked text.
    texts = store.arrow("SELECT text FROM masked_chunk GROUP BY text ORDER BY min(record_id)")
    result: list[str] = texts.column("text").to_pylist()
    return result


def write_chunk(store: Store, texts: list[str], shape_ids: list[int]) -> None:
    """Write the `record_shape` rows of the chunk masked last; shape_ids[i] is the shape of texts[i]."""
    rows = pa.table({"text": pa.array(texts, pa.string()), "shape_id": pa.array(shape_ids, pa.int32())})
    store.connection.register("chunk_shapes", rows)
    store.connection.execute(
        """INSERT INTO record_shape
           SELECT record_id, shape_id FROM masked_chunk JOIN chunk_shapes USING (text) ORDER BY record_id"""
    )
    store.connection.unregister("chunk_shapes")


def finish_chunks(store: Store) -> None:
    """Drop the temporary table of the chunks."""
    store.connection.execute("DROP TABLE IF EXISTS masked_chunk")


def shape_counts(store: Store) -> tuple[list[int], list[int]]:
    """Records per shape, as (shape_ids, counts), by shape_id."""
    rows = store.arrow("SELECT shape_id, count(*) AS n FROM record_shape GROUP BY shape_id ORDER BY shape_id")
    return rows.column("shape_id").to_pylist(), rows.column("n").to_pylist()


def write_templates(
    store: Store, shape_texts: list[str], template_of_shape: list[int], template_texts: list[str]
) -> None:
    """Fill `shape` and `template`.

    The position in shape_texts is the shape_id; template_of_shape holds 1-based template_ids, so that
    template_texts[0] is template 1. Counts, examples, components and levels are taken from the records and from
    `learnt_shape`; among equally frequent components or levels the first by name counts.
    """
    shapes = pa.table(
        {
            "shape_id": pa.array(range(len(shape_texts)), pa.int32()),
            "text": pa.array(shape_texts, pa.string()),
            "template_id": pa.array(template_of_shape, pa.int32()),
        }
    )
    templates = pa.table(
        {
            "template_id": pa.array(range(1, len(template_texts) + 1), pa.int32()),
            "text": pa.array(template_texts, pa.string()),
        }
    )
    store.connection.register("new_shapes", shapes)
    store.connection.register("new_templates", templates)
    for statement in (_WRITE_COUNTS, _WRITE_SHAPES, _WRITE_TEMPLATES, "DROP TABLE shape_profile"):
        store.connection.execute(statement)
    store.connection.unregister("new_shapes")
    store.connection.unregister("new_templates")


# One row: one shape with one of its combinations of component and level; of a knowledge base's shapes too, which have an
# example in place of a first record.
_WRITE_COUNTS = """
CREATE OR REPLACE TEMP TABLE shape_profile AS
SELECT shape_id, component, level, count(*) AS n, min(record_id) AS first_record, NULL AS learnt_example
FROM record_shape JOIN parsed_record USING (record_id) GROUP BY ALL
UNION ALL
SELECT s.shape_id, l.component, l.level, sum(l.records), NULL, min(l.example)
FROM learnt_shape AS l JOIN new_shapes AS s USING (text) GROUP BY ALL
"""

_WRITE_SHAPES = """
INSERT INTO shape (shape_id, text, records, example, component, template_id)
WITH counted AS (SELECT shape_id, sum(n)::BIGINT AS records, min(first_record) AS record_id, min(learnt_example) AS learnt_example
                 FROM shape_profile GROUP BY shape_id),
     named AS (SELECT shape_id, component FROM shape_profile WHERE component IS NOT NULL
               GROUP BY shape_id, component
               QUALIFY row_number() OVER (PARTITION BY shape_id ORDER BY sum(n) DESC, component) = 1)
SELECT shape_id, text, records, coalesce(message, learnt_example), named.component, template_id
FROM new_shapes JOIN counted USING (shape_id) LEFT JOIN parsed_record USING (record_id)
LEFT JOIN named USING (shape_id) ORDER BY shape_id
"""

_WRITE_TEMPLATES = """
INSERT INTO template (template_id, text, records, example, component, level)
WITH profile AS (SELECT template_id, component, level, n, first_record, learnt_example
                 FROM shape_profile JOIN new_shapes USING (shape_id)),
     counted AS (SELECT template_id, sum(n)::BIGINT AS records, min(first_record) AS record_id, min(learnt_example) AS learnt_example
                 FROM profile GROUP BY template_id),
     named AS (SELECT template_id, component FROM profile WHERE component IS NOT NULL
               GROUP BY template_id, component
               QUALIFY row_number() OVER (PARTITION BY template_id ORDER BY sum(n) DESC, component) = 1),
     levelled AS (SELECT template_id, level FROM profile WHERE level IS NOT NULL
                  GROUP BY template_id, level
                  QUALIFY row_number() OVER (PARTITION BY template_id ORDER BY sum(n) DESC, level) = 1)
SELECT template_id, text, records, coalesce(message, learnt_example), named.component, levelled.level
FROM new_templates JOIN counted USING (template_id) LEFT JOIN parsed_record USING (record_id)
LEFT JOIN named USING (template_id) LEFT JOIN levelled USING (template_id) ORDER BY template_id
"""
