"""Queries of the detection stage: Seqs and templates out, findings, verdicts and failure modes in."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from krone_tui.store.connection import Store
from krone_tui.store.seqs import IntArray


@dataclass(frozen=True)
class SeqTables:
    """The distinct Seqs of one level, and their places, as arrays."""

    seq_id: IntArray
    parent: IntArray
    steps: IntArray
    offsets: IntArray
    at_variant: IntArray
    """[places] variant_id."""
    at_seq: IntArray
    """[places] index into `seq_id`."""
    at_position: IntArray
    at_length: IntArray


def read_seqs(store: Store, level: str) -> SeqTables:
    """All Seqs of a level with their places, ordered by variant and position."""
    seqs = store.arrow(
        "SELECT seq_id, parent_node, nodes FROM seq WHERE level = $level ORDER BY seq_id", {"level": level}
    )
    places = store.arrow(
        "SELECT variant_id, seq_id, position, length FROM variant_seq WHERE level = $level ORDER BY variant_id, position",
        {"level": level},
    )
    nodes = seqs.column("nodes").combine_chunks()
    nodes = nodes.chunk(0) if isinstance(nodes, pa.ChunkedArray) else nodes
    seq_id = _ints(seqs, "seq_id")
    return SeqTables(
        seq_id,
        _ints(seqs, "parent_node"),
        np.asarray(nodes.flatten().to_numpy(zero_copy_only=False), dtype=np.int64),
        np.r_[0, np.cumsum(nodes.value_lengths().to_numpy(zero_copy_only=False))].astype(np.int64),
        _ints(places, "variant_id"),
        np.searchsorted(seq_id, _ints(places, "seq_id")),
        _ints(places, "position"),
        _ints(places, "length"),
    )


def executions_over_time(store: Store, variants: int, parts: int) -> npt.NDArray[np.float32]:
    """[variants, parts] executions of the log under analysis in each part of its time.

    Each part holds the same number of executions, of windows and of the others apart; in order of their first records, so
    that a log without times has parts as well. variant_id counts from 0.
    """
    rows = store.arrow(
        """
        WITH placed AS (
            SELECT variant_id, CAST(
                (row_number() OVER (PARTITION BY is_window ORDER BY start_time NULLS FIRST, execution_id) - 1) * $parts
                // count(*) OVER (PARTITION BY is_window) AS INTEGER) AS part
            FROM execution WHERE NOT is_good
        )
        SELECT variant_id, part, count(*) AS executions FROM placed GROUP BY ALL
        """,
        {"parts": parts},
    )
    result = np.zeros((variants, parts), dtype=np.float32)
    result[_ints(rows, "variant_id"), _ints(rows, "part")] = _ints(rows, "executions")
    return result


def template_words(store: Store) -> list[tuple[int, str, str | None, str]]:
    """(template_id, text, level, outcome) of every template, in the order of ids."""
    return [
        (int(row[0]), str(row[1]), row[2], str(row[3]))
        for row in store.rows("SELECT template_id, text, level, outcome FROM template ORDER BY template_id")
    ]


def write_severity(store: Store, template_ids: IntArray, severity: npt.NDArray[np.float64]) -> None:
    """Set the severity of templates."""
    store.connection.register("severities", pa.table({"template_id": template_ids, "severity": severity}))
    store.connection.execute(
        "UPDATE template SET severity = s.severity FROM severities AS s WHERE template.template_id = s.template_id"
    )
    store.connection.unregister("severities")


def variants_with_unknown_seqs(store: Store, level: str) -> IntArray:
    """Variants of the log under analysis with a Seq at this level that no known-good execution has."""
    rows = store.arrow(
        """
        WITH known AS (
            SELECT DISTINCT seq_id FROM variant_seq JOIN variant USING (variant_id) WHERE good_executions > 0
        )
        SELECT DISTINCT s.variant_id
        FROM variant_seq AS s JOIN variant AS v USING (variant_id) ANTI JOIN known USING (seq_id)
        WHERE s.level = $level AND v.executions > 0 ORDER BY s.variant_id
        """,
        {"level": level},
    )
    return _ints(rows, "variant_id")


def write_verdicts(store: Store, verdicts: pa.Table, findings: pa.Table) -> None:
    """Fill `variant_verdict` and `finding`."""
    store.append("variant_verdict", verdicts)
    store.append("finding", findings)


def write_failure_modes(store: Store, modes: pa.Table) -> None:
    """Fill `failure_mode` from modes named by the caller: adds executions, first and last seen, and an example."""
    store.connection.register("modes", modes)
    # One row: one failure mode. The example is the earliest execution of its most suspicious variant.
    store.connection.execute(
        """
        INSERT INTO failure_mode (failure_mode_id, title, level, path, kind, score, executions, first_seen, last_seen, example_execution)
        SELECT m.failure_mode_id, m.title, m.level, m.path, m.kind, m.score, count(*), min(e.start_time), max(e.end_time),
               arg_min(e.execution_id, (-v.score, e.execution_id))
        FROM modes AS m JOIN variant_verdict AS v USING (failure_mode_id)
        JOIN execution AS e USING (variant_id) WHERE NOT e.is_good
        GROUP BY ALL ORDER BY m.failure_mode_id
        """
    )
    store.connection.unregister("modes")


def _ints(rows: pa.Table, name: str) -> IntArray:
    return np.asarray(rows.column(name).to_numpy(), dtype=np.int64)
