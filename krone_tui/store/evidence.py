"""Queries behind the evidence: how usual steps, transitions and counts are among the normal executions."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from krone_tui.store.connection import Store
from krone_tui.store.lines import Files, Line

# One row: one variant that is normal, with its executions; $window says of which kind.
_NORMAL = """
normal AS (
    SELECT v.variant_id, v.template_ids, v.executions + v.good_executions AS weight
    FROM variant AS v LEFT JOIN variant_verdict AS d USING (variant_id)
    WHERE v.is_window = $window AND NOT v.is_cut AND (NOT coalesce(d.flagged, false) OR v.good_executions > 0)
)
"""


@dataclass(frozen=True)
class Usage:
    """How normal executions use a template."""

    having: int
    """Normal executions that have the template."""
    least: int
    most: int
    usual: int
    """Times it occurs in those that have it: fewest, most, and the most frequent number."""


def usages(store: Store, window: bool) -> tuple[int, dict[int, Usage]]:
    """(normal executions, how they use each template that any of them has)."""
    normal = int(
        store.scalar(f"WITH {_NORMAL} SELECT coalesce(sum(weight), 0) FROM normal", {"window": window})
    )
    rows = store.rows(
        f"""
        WITH {_NORMAL}, counted AS (
            SELECT template_id, times, sum(weight) AS weight FROM (
                SELECT variant_id, any_value(weight) AS weight, template_id, count(*) AS times
                FROM (SELECT variant_id, weight, unnest(template_ids) AS template_id FROM normal) GROUP BY variant_id, template_id
            ) GROUP BY template_id, times
        )
        SELECT template_id, sum(weight), min(times), max(times), arg_max(times, (weight, -times)) FROM counted GROUP BY template_id
        """,
        {"window": window},
    )
    return normal, {int(row[0]): Usage(*(int(value) for value in row[1:])) for row in rows}


def as_often(store: Store, template: int, times: int, window: bool) -> int:
    """Normal executions in which a template occurs just so many times."""
    return int(
        store.scalar(
            f"""
            WITH {_NORMAL}
            SELECT coalesce(sum(weight), 0) FROM normal
            WHERE len(list_filter(template_ids, lambda one: one = $template)) = $times
            """,
            {"window": window, "template": template, "times": times},
        )
    )


def both(store: Store, first: int, second: int, window: bool) -> tuple[int, int]:
    """(normal executions with `first`, those of them that also have `second`)."""
    row = store.row(
        f"""
        WITH {_NORMAL}
        SELECT coalesce(sum(weight), 0), coalesce(sum(weight) FILTER (list_contains(template_ids, $second)), 0)
        FROM normal WHERE list_contains(template_ids, $first)
        """,
        {"window": window, "first": first, "second": second},
    )
    return int(row[0]), int(row[1])


def precedence(store: Store, first: int, second: int, window: bool) -> tuple[int, int]:
    """(normal executions with both templates, those of them in which the first `first` comes before the first `second`)."""
    row = store.row(
        f"""
        WITH {_NORMAL}
        SELECT coalesce(sum(weight), 0), coalesce(sum(weight) FILTER (
                   list_position(template_ids, $first) < list_position(template_ids, $second)), 0)
        FROM normal WHERE list_contains(template_ids, $first) AND list_contains(template_ids, $second)
        """,
        {"window": window, "first": first, "second": second},
    )
    return int(row[0]), int(row[1])


def equally_often(store: Store, first: int, second: int, window: bool) -> tuple[int, int]:
    """(normal executions with both templates, those of them in which both occur equally often)."""
    row = store.row(
        f"""
        WITH {_NORMAL}
        SELECT coalesce(sum(weight), 0), coalesce(sum(weight) FILTER (
                   len(list_filter(template_ids, lambda step: step = $first))
                   = len(list_filter(template_ids, lambda step: step = $second))), 0)
        FROM normal WHERE list_contains(template_ids, $first) AND list_contains(template_ids, $second)
        """,
        {"window": window, "first": first, "second": second},
    )
    return int(row[0]), int(row[1])


def followers(store: Store, window: bool) -> dict[int | None, list[tuple[int | None, int]]]:
    """For each template what follows it directly in normal executions, most frequent first: (template_id, or None for
    the end, executions). Under None: what executions begin with."""
    rows = store.rows(
        f"""
        WITH {_NORMAL}, moves AS (
            SELECT DISTINCT variant_id, weight, here, next FROM (
                SELECT variant_id, weight, unnest(list_prepend(NULL, template_ids)) AS here,
                       unnest(list_append(template_ids, NULL)) AS next FROM normal
            )
        )
        SELECT here, next, sum(weight) AS executions FROM moves GROUP BY here, next ORDER BY executions DESC, next NULLS LAST
        """,
        {"window": window},
    )
    result: dict[int | None, list[tuple[int | None, int]]] = {}
    for here, next_, executions in rows:
        result.setdefault(here, []).append((next_, int(executions)))
    return result


@dataclass(frozen=True)
class Nearest:
    """The nearest normal variant."""

    variant_id: int
    template_ids: tuple[int, ...]
    executions: int
    """That share it."""
    example_execution: int | None


def nearest(store: Store, variant_id: int) -> Nearest | None:
    """A variant by its id, with how many executions share it and the first of them."""
    rows = store.rows(
        """
        SELECT v.template_ids, v.executions + v.good_executions, (SELECT min(execution_id) FROM execution WHERE variant_id = $id)
        FROM variant AS v WHERE v.variant_id = $id
        """,
        {"id": variant_id},
    )
    if not rows:
        return None
    templates, executions, example = rows[0]
    return Nearest(variant_id, tuple(templates), int(executions), example)


@dataclass(frozen=True)
class TemplateName:
    """What a template is called in a sentence."""

    text: str
    entity: str
    action: str
    status: str
    severity: float


def template_names(store: Store) -> dict[int, TemplateName]:
    """Names of all templates by id."""
    rows = store.rows("SELECT template_id, text, entity, action, status, severity FROM template")
    return {
        int(row[0]): TemplateName(str(row[1]), str(row[2]), str(row[3]), str(row[4]), float(row[5] or 0))
        for row in rows
    }


class Step(NamedTuple):
    """One record of an execution, as evidence needs it; a tuple, as an execution may have very many."""

    position: int
    template_id: int
    first_line: Line
    last_line: int
    time: datetime | None
    raised: str | None
    """The exception that stands below what it says: the innermost cause that says something, where causes are told."""


_RAISED = r"""
CASE WHEN p.last_line > p.first_line THEN coalesce(
    list_last(list_filter(regexp_extract_all(p.message, '\n\s*Caused by: ([^\n]+)', 1),
                          lambda cause: contains(cause, ': ') AND NOT ends_with(cause, ': null'))),
    nullif(regexp_extract(p.message, '\n\s*((?:[A-Za-z_$][\w$]*[.:]+)*\w*(?:Exception|Error)\b[^\n]*)', 1), '')
) END
"""


def steps(store: Store, execution_ids: list[int]) -> dict[int, list[Step]]:
    """All records of some executions, in order."""
    # A join with many ids reads the table whole; a single one is found by its place in it.
    which, ids = (
        ("= $ids", execution_ids[0])
        if len(execution_ids) == 1
        else ("IN (SELECT unnest($ids))", execution_ids)
    )
    rows = store.rows(
        f"""
        SELECT m.execution_id, m.position, m.template_id, p.source_id, p.first_line, p.last_line, p.time, {_RAISED}
        FROM membership AS m JOIN parsed_record AS p USING (record_id)
        WHERE m.execution_id {which} ORDER BY m.execution_id, m.position
        """,
        {"ids": ids},
    )
    files = Files(store)
    result: dict[int, list[Step]] = {}
    own: dict[int, int] = {}
    for execution_id, position, template_id, source_id, first_line, *rest in rows:
        line = files.line(first_line, source_id, own.setdefault(execution_id, source_id))
        result.setdefault(execution_id, []).append(Step(position, template_id, line, *rest))
    return result


def same_variant(store: Store, variant_id: int) -> int:
    """Executions that share a variant."""
    return int(
        store.scalar(
            "SELECT executions + good_executions FROM variant WHERE variant_id = $id", {"id": variant_id}
        )
    )
