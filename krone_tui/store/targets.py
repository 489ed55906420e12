"""What of an investigation a verdict can be given on, and how much of the log it concerns."""

from dataclasses import dataclass

from krone_tui.store.connection import Store
from krone_tui.store.verdicts import MODE, SEQ

TITLE_CHARACTERS = 160
_LEVELS = ("status", "action", "entity")


@dataclass(frozen=True)
class Target:
    """One failure mode, or one Seq."""

    scope: str
    """'mode' or 'seq'."""
    key: str
    """The same in every log."""
    title: str
    path: str
    level: str
    executions: int
    """Flagged ones that it decides; a verdict 'normal' clears them."""
    containing: int
    """Executions of the log that have it; of a failure mode, the same as `executions`."""


def mode_target(store: Store, failure_mode_id: int) -> Target | None:
    """A failure mode as listed; of one that somebody's word made, the Seq they spoke of."""
    rows = store.rows(
        """
        SELECT k.key, m.title, m.path, m.level, m.executions FROM failure_mode AS m JOIN mode_key AS k USING (failure_mode_id)
        WHERE failure_mode_id = $id
        """,
        {"id": failure_mode_id},
    )
    if rows:
        key, title, path, level, executions = rows[0]
        return Target(MODE, str(key), str(title), str(path), str(level), int(executions), int(executions))
    seqs = store.rows(
        "SELECT DISTINCT seq_id FROM finding WHERE failure_mode_id = $id", {"id": failure_mode_id}
    )
    return seq_targets(store, [int(seqs[0][0])])[0] if seqs else None


def targets_at(
    store: Store, execution_id: int, position: int, length: int, level: str
) -> tuple[list[Target], int]:
    """What a verdict on a span of an execution can be about, the innermost Seq first, and which of them is meant.

    `level` is that of the span's Seq: 'status' for an action's records, 'action' for an entity's. Meant is the Seq of
    a finding that lies in the span, or else the span's own.
    """
    rows = store.rows(
        """
        SELECT s.seq_id, s.level FROM variant_seq AS s JOIN execution AS e USING (variant_id)
        WHERE e.execution_id = $id AND s.position <= $position AND $position < s.position + s.length
        """,
        {"id": execution_id, "position": position},
    )
    at = {str(row[1]): int(row[0]) for row in rows}
    seqs = [at[one] for one in _LEVELS[_LEVELS.index(level) :] if one in at]
    found = store.rows(
        """
        SELECT f.seq_id, f.failure_mode_id FROM finding AS f JOIN execution AS e USING (variant_id)
        WHERE e.execution_id = $id AND f.position < $position + $length AND $position < f.position + f.length
        ORDER BY f.finding_id LIMIT 1
        """,
        {"id": execution_id, "position": position, "length": length},
    )
    meant = 0
    if found:
        seq_id = int(found[0][0])
        if seq_id not in seqs:
            seqs.insert(0, seq_id)
        meant = seqs.index(seq_id)
    targets = seq_targets(store, seqs)
    mode = mode_target(store, int(found[0][1])) if found else None
    if mode is not None and mode.scope == MODE:
        targets.append(mode)
    return targets, meant


def concerned(store: Store) -> dict[tuple[str, str], int]:
    """(scope, key) of the verdicts in force → executions of this log that have what they are on."""
    rows = store.rows(
        """
        SELECT w.scope, w.key, sum(m.executions) FROM verdict_in_force AS w JOIN mode_key AS k USING (key)
        JOIN log.failure_mode AS m USING (failure_mode_id) WHERE w.scope = 'mode' GROUP BY ALL
        UNION ALL
        SELECT w.scope, w.key, s.executions FROM verdict_in_force AS w JOIN seq AS s ON s.hash = TRY_CAST(w.key AS UBIGINT)
        WHERE w.scope = 'seq'
        """
    )
    return {(str(row[0]), str(row[1])): int(row[2]) for row in rows}


def seq_targets(store: Store, seq_ids: list[int]) -> list[Target]:
    rows = store.rows(
        """
        SELECT s.seq_id, any_value(s.hash), any_value(s.level), any_value(s.executions), list(n.name ORDER BY s.place),
               any_value(CASE p.level WHEN 'action' THEN pp.name || ' › ' || p.name ELSE p.name END),
               (SELECT coalesce(sum(v.executions), 0) FROM (
                    SELECT variant_id, arg_min(seq_id, finding_id) AS first FROM finding GROUP BY variant_id
                ) JOIN variant AS v USING (variant_id) WHERE first = s.seq_id)
        FROM (SELECT seq_id, hash, level, executions, parent_node, unnest(nodes) AS node_id, generate_subscripts(nodes, 1) AS place
              FROM seq WHERE seq_id IN (SELECT unnest($ids))) AS s
        JOIN node AS n USING (node_id) JOIN node AS p ON p.node_id = s.parent_node LEFT JOIN node AS pp ON pp.node_id = p.parent_id
        GROUP BY s.seq_id
        """,
        {"ids": seq_ids},
    )
    made = {}
    for seq_id, hash_, level, containing, names, path, executions in rows:
        title = _collapsed([str(name) for name in names])
        made[int(seq_id)] = Target(
            SEQ, str(hash_), title, str(path), str(level), int(executions), int(containing)
        )
    return [made[seq_id] for seq_id in seq_ids if seq_id in made]


def _collapsed(names: list[str]) -> str:
    """`a → b ×3 → c`, cut where it is long."""
    runs: list[tuple[str, int]] = []
    for name in names:
        if runs and runs[-1][0] == name:
            runs[-1] = (name, runs[-1][1] + 1)
        else:
            runs.append((name, 1))
    text = " → ".join(name if times == 1 else f"{name} ×{times}" for name, times in runs)
    return text if len(text) <= TITLE_CHARACTERS else text[: TITLE_CHARACTERS - 1] + "…"
