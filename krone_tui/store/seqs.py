"""Queries of the seqs stage: variants and node paths out, distinct Seqs and their places in."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from krone_tui.store.connection import Store

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Variants:
    """All distinct flat sequences."""

    variant_id: IntArray
    is_window: npt.NDArray[np.bool_]
    is_cut: npt.NDArray[np.bool_]
    template_ids: IntArray
    """[total] one after another."""
    offsets: IntArray
    """[variants + 1]"""
    executions: IntArray
    good_executions: IntArray


@dataclass(frozen=True)
class TemplateNodes:
    """Templates in the order of their ids, 0 … T-1, with their nodes; ids of absent templates hold zeros."""

    entity: IntArray
    action: IntArray
    status: IntArray
    keys: list[tuple[str, str, str, str]]
    """Names of entity, action, status, and the template's text."""


def read_variants(store: Store) -> Variants:
    """Every variant, in the order of its id."""
    rows = store.arrow("SELECT * FROM variant ORDER BY variant_id")
    lists = rows.column("template_ids").combine_chunks()
    lists = lists.chunk(0) if isinstance(lists, pa.ChunkedArray) else lists
    return Variants(
        _ints(rows, "variant_id"),
        rows.column("is_window").to_numpy().astype(bool),
        rows.column("is_cut").to_numpy().astype(bool),
        np.asarray(lists.flatten().to_numpy(zero_copy_only=False), dtype=np.int64),
        np.r_[0, np.cumsum(lists.value_lengths().to_numpy(zero_copy_only=False))].astype(np.int64),
        _ints(rows, "executions"),
        _ints(rows, "good_executions"),
    )


def read_template_nodes(store: Store) -> TemplateNodes:
    """The path of every template in the hierarchy."""
    rows = store.rows(
        """
        SELECT t.template_id, a.parent_id, a.node_id, t.leaf, t.entity, t.action, t.status, t.text
        FROM template AS t JOIN node AS s ON s.node_id = t.leaf JOIN node AS a ON a.node_id = s.parent_id
        ORDER BY t.template_id
        """
    )
    size = max((int(row[0]) for row in rows), default=-1) + 1
    entity, action, status = (np.zeros(size, dtype=np.int64) for _ in range(3))
    keys = [("", "", "", "")] * size
    for template_id, entity_id, action_id, leaf, *names in rows:
        entity[template_id], action[template_id], status[template_id] = entity_id, action_id, leaf
        keys[template_id] = (str(names[0]), str(names[1]), str(names[2]), str(names[3]))
    return TemplateNodes(entity, action, status, keys)


def write_seqs(store: Store, seqs: pa.Table, places: pa.Table) -> None:
    """Fill `seq` and `variant_seq`."""
    store.append("seq", seqs)
    store.append("variant_seq", places)


def _ints(rows: pa.Table, name: str) -> IntArray:
    return np.asarray(rows.column(name).to_numpy(), dtype=np.int64)
