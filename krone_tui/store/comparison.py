"""Queries behind the comparison of an execution with the nearest normal one."""

from dataclasses import dataclass

from krone_tui.store.connection import Store


@dataclass(frozen=True)
class Step:
    """One record of an execution, as the comparison needs it."""

    position: int
    entity: str
    action: str
    status: str
    template_id: int
    text: str
    """The template's text."""


def steps(store: Store, execution_id: int) -> list[Step]:
    """All records of an execution by their place in the hierarchy, in order."""
    rows = store.rows(
        """
        SELECT m.position, t.entity, t.action, t.status, t.template_id, t.text
        FROM membership AS m JOIN template AS t USING (template_id) WHERE m.execution_id = $id ORDER BY m.position
        """,
        {"id": execution_id},
    )
    return [Step(*row) for row in rows]


def normal_execution(store: Store, execution_id: int, variant_id: int | None) -> tuple[int, str, int] | None:
    """(execution_id, identifier, executions alike) of the normal execution to compare with; None where none is normal.

    Of the given normal variant, the one that starts nearest in time; where this log has none, of the unflagged variant
    of the same kind that shares the largest part of its distinct templates with this execution.
    """
    rows = store.rows(
        """
        WITH own AS (SELECT e.start_time, e.variant_id, v.is_window, list_distinct(v.template_ids) AS steps
                     FROM execution AS e JOIN variant AS v USING (variant_id) WHERE e.execution_id = $id),
        -- What only a knowledge base has seen has no records to show.
        here AS (SELECT * FROM variant SEMI JOIN execution USING (variant_id)),
        best AS (
            SELECT v.variant_id, v.executions + v.good_executions AS alike,
                   len(list_intersect(list_distinct(v.template_ids), own.steps))
                   / len(list_distinct(list_concat(v.template_ids, own.steps))) AS shared
            FROM here AS v, own LEFT JOIN variant_verdict AS d ON d.variant_id = v.variant_id
            WHERE v.variant_id = $variant
               OR (v.is_window = own.is_window AND NOT v.is_cut AND v.variant_id <> own.variant_id AND NOT coalesce(d.flagged, false))
            ORDER BY v.variant_id IS NOT DISTINCT FROM $variant DESC, shared DESC, alike DESC, v.variant_id LIMIT 1
        )
        SELECT e.execution_id, e.identifier, best.alike FROM execution AS e JOIN best USING (variant_id), own
        WHERE e.execution_id <> $id
        ORDER BY coalesce(abs(epoch(e.start_time - own.start_time)), 0), e.execution_id LIMIT 1
        """,
        {"id": execution_id, "variant": variant_id},
    )
    return (int(rows[0][0]), str(rows[0][1]), int(rows[0][2])) if rows else None
