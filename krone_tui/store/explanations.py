"""Queries of what an explanation is made from, and the file that keeps explanations by Seq, model and prompt
version.
"""

import contextlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from krone_tui.store.alone import alone
from krone_tui.store.connection import Store

MOST_KEPT = 2000
"""Explanations kept in the file; the oldest go first. One takes about 2 kB."""


@dataclass(frozen=True)
class SeqRow:
    """One KRONE Seq with its nodes' names."""

    seq_id: int
    hash: int
    """Stable across logs."""
    names: tuple[str, ...]
    executions: int


def deviating_seq(store: Store, finding_id: int) -> SeqRow | None:
    """The Seq that a finding is about."""
    rows = store.rows(
        """
        SELECT s.seq_id, s.hash, list(n.name ORDER BY i), s.executions
        FROM (SELECT *, unnest(nodes) AS node_id, generate_subscripts(nodes, 1) AS i FROM seq
              WHERE seq_id = (SELECT seq_id FROM finding WHERE finding_id = $finding)) AS s
        JOIN node AS n USING (node_id) GROUP BY s.seq_id, s.hash, s.executions
        """,
        {"finding": finding_id},
    )
    return _seq_row(rows[0]) if rows else None


def _seq_row(row: Sequence[Any]) -> SeqRow:
    return SeqRow(int(row[0]), int(row[1]), tuple(row[2]), int(row[3]))


def normal_seqs(store: Store, seq_id: int, limit: int) -> list[SeqRow]:
    """The most frequent other Seqs of the Seq's level and parent in executions that are not flagged."""
    # One row: one Seq, with the unflagged executions that contain it.
    rows = store.rows(
        """
        WITH found AS (SELECT * FROM seq WHERE seq_id = $seq), usual AS (
            SELECT s.seq_id, s.hash, s.nodes, sum(e.executions) AS executions
            FROM seq AS s JOIN found AS f ON s.level = f.level AND s.parent_node = f.parent_node AND s.seq_id
            <> f.seq_id JOIN (SELECT DISTINCT variant_id, seq_id FROM variant_seq) AS p ON p.seq_id = s.seq_id
            JOIN (SELECT variant_id, executions + good_executions AS executions FROM variant) AS e USING
            (variant_id) LEFT JOIN variant_verdict AS v USING (variant_id)
            WHERE NOT coalesce(v.flagged, false) GROUP BY ALL
        ),
        first AS (SELECT * FROM usual ORDER BY executions DESC, seq_id LIMIT $limit)
        SELECT s.seq_id, s.hash, list(n.name ORDER BY i), s.executions
        FROM (SELECT *, unnest(nodes) AS node_id, generate_subscripts(nodes, 1) AS i FROM first) AS s JOIN
        node AS n USING (node_id) GROUP BY s.seq_id, s.hash, s.executions ORDER BY s.executions DESC, s.seq_id
        """,
        {"seq": seq_id, "limit": limit},
    )
    return [_seq_row(row) for row in rows]


def severities(store: Store) -> dict[int, float]:
    """template_id → 0…1: how much its words read as a failure."""
    return {
        int(row[0]): float(row[1] or 0) for row in store.rows("SELECT template_id, severity FROM template")
    }


@dataclass(frozen=True)
class ExplanationKey:
    """What an explanation depends on."""

    seq_hash: int
    model: str
    """The model file's identity."""
    prompt_version: int


class ExplanationCache:
    """Explanations in a file of JSON lines, readable by its owner alone, that several processes may use at
    once.
    """

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / "explanations.jsonl"

    def get(self, key: ExplanationKey) -> str | None:
        """The explanation kept under a key, as it was put there."""
        return self._read().get(key)

    def put(self, key: ExplanationKey, explanation: str) -> None:
        """Keep an explanation; raises `OSError` where the file cannot be written."""
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with alone(self._path):
            kept = self._read()
            kept.pop(key, None)
            kept[key] = explanation
            lines = [
                json.dumps(
                    {"seq": k.seq_hash, "model": k.model, "prompt": k.prompt_version, "explanation": text}
                )
                for k, text in list(kept.items())[-MOST_KEPT:]
            ]
            aside = self._path.with_name(f".{self._path.name}.{os.getpid()}.partial")
            try:
                with os.fdopen(
                    os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
                ) as file:
                    file.write("\n".join(lines) + "\n")
                    file.flush()
                    os.fsync(file.fileno())
                aside.replace(self._path)
            finally:
                aside.unlink(missing_ok=True)

    def _read(self) -> dict[ExplanationKey, str]:
        """All that is kept, oldest first; a line that does not parse is passed over."""
        try:
            lines = self._path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return {}
        kept: dict[ExplanationKey, str] = {}
        for line in lines:
            with contextlib.suppress(ValueError, KeyError, TypeError):
                row = json.loads(line)
                kept[ExplanationKey(int(row["seq"]), str(row["model"]), int(row["prompt"]))] = str(
                    row["explanation"]
                )
        return kept
