"""The seqs stage: every variant decomposed, equal Seqs kept once."""

import hashlib
import time
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from krone_tui.progress import Progress, StageProgress, silent
from krone_tui.seqs.decompose import IntArray, Level, LevelSeqs, NodePath, decompose
from krone_tui.store import Store
from krone_tui.store import seqs as queries


@dataclass(frozen=True)
class SeqsResult:
    """What the stage did."""

    variants: int
    seqs: int
    seconds: float


def build_seqs(store: Store, progress: Progress = silent) -> SeqsResult:
    """Decompose all variants into E-, A- and S-Seqs and write the distinct ones with their places."""
    started = time.perf_counter()
    variants = queries.read_variants(store)
    nodes = queries.read_template_nodes(store)
    progress(StageProgress("seqs", 0, len(variants.variant_id), "variants"))
    hashes = _node_hashes(nodes)
    found = decompose(
        variants.template_ids, variants.offsets, NodePath(nodes.entity, nodes.action, nodes.status)
    )
    weight = variants.executions + variants.good_executions
    seq_tables, place_tables = [], []
    first_id = 0
    for level in (Level.STATUS, Level.ACTION, Level.ENTITY):
        seqs = found[level]
        count = len(seqs.parent)
        seq_tables.append(
            pa.table(
                {
                    "seq_id": pa.array(np.arange(first_id, first_id + count), pa.int32()),
                    "level": pa.array([level.value] * count),
                    "parent_node": pa.array(seqs.parent, pa.int32()),
                    "nodes": pa.ListArray.from_arrays(
                        pa.array(seqs.offsets, pa.int32()), pa.array(seqs.steps, pa.int32())
                    ),
                    "hash": pa.array(_seq_hashes(seqs, hashes), pa.uint64()),
                    "executions": pa.array(_executions(seqs, weight), pa.int64()),
                }
            )
        )
        place_tables.append(
            pa.table(
                {
                    "variant_id": pa.array(variants.variant_id[seqs.at_variant], pa.int32()),
                    "seq_id": pa.array(seqs.at_seq + first_id, pa.int32()),
                    "level": pa.array([level.value] * len(seqs.at_seq)),
                    "position": pa.array(seqs.at_position, pa.int32()),
                    "length": pa.array(seqs.at_length, pa.int32()),
                }
            )
        )
        first_id += count
    queries.write_seqs(store, pa.concat_tables(seq_tables), pa.concat_tables(place_tables))
    progress(StageProgress("seqs", len(variants.variant_id), len(variants.variant_id), "variants"))
    return SeqsResult(len(variants.variant_id), first_id, time.perf_counter() - started)


def _executions(seqs: LevelSeqs, weight: IntArray) -> IntArray:
    """[seqs] executions that contain each Seq at least once."""
    width = len(weight) + 1
    seq, variant = np.divmod(np.unique(seqs.at_seq * width + seqs.at_variant), width)
    return np.bincount(seq, weights=weight[variant], minlength=len(seqs.parent)).astype(np.int64)


def _node_hashes(nodes: queries.TemplateNodes) -> dict[int, int]:
    """A hash of each node that is the same in every log: of its names, and at the bottom of the template's text."""
    hashes = {0: 0}
    for at, (entity, action, _, text) in enumerate(nodes.keys):
        for node, key in (
            (int(nodes.entity[at]), entity),
            (int(nodes.action[at]), f"{entity}\x1f{action}"),
            (int(nodes.status[at]), f"{entity}\x1f{action}\x1f{text}"),
        ):
            if node not in hashes:
                hashes[node] = int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "little")
    return hashes


def _seq_hashes(seqs: LevelSeqs, node_hashes: dict[int, int]) -> list[int]:
    mask = (1 << 64) - 1
    result = []
    for index, parent in enumerate(seqs.parent.tolist()):
        value = node_hashes[parent]
        for step in seqs.steps[seqs.offsets[index] : seqs.offsets[index + 1]].tolist():
            # FNV-1a over 64-bit words.
            value = ((value ^ node_hashes[step]) * 0x100000001B3) & mask
        result.append(value)
    return result
