"""How well executions are judged, on labelled data: `python benchmarks/accuracy.py [sequences|raw|samples] …`.

sequences: the published 20,000 sequences at the published splits, with the published trees or our own hierarchy.
raw: the same executions as raw logs, no baseline, no labels. samples: the shipped incidents.
Data of the first two from KRONE_TUI_BENCH_DATA (default ../shared/data).
"""

import argparse
import ast
import csv
import gzip
import os
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from krone_tui.abstraction import TemplateText, extract_hierarchy
from krone_tui.detection import detect
from krone_tui.investigation import Investigation
from krone_tui.seqs import build_seqs
from krone_tui.settings import Settings, load_settings
from krone_tui.store import Store

TOP = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("KRONE_TUI_BENCH_DATA", TOP.parent / "shared" / "data"))
SETS = {"HDFS": False, "ThunderBird": True}
"""Name, and whether its executions are windows."""
PUBLISHED = {
    ("HDFS", 80): 0.9838, ("HDFS", 20): 0.8230, ("HDFS", 5): 0.5926, ("HDFS", 1): 0.3106,
    ("ThunderBird", 80): 0.8368, ("ThunderBird", 20): 0.4877, ("ThunderBird", 5): 0.3011, ("ThunderBird", 1): 0.1675,
}  # fmt: skip
PUBLISHED_SECONDS = {"HDFS": 25.6, "ThunderBird": 8.7}
"""Fit and test at p = 80."""


@dataclass(frozen=True)
class Score:
    """Counts of executions."""

    true_positives: int
    false_positives: int
    false_negatives: int

    @property
    def f1(self) -> float:
        return (
            2
            * self.true_positives
            / max(2 * self.true_positives + self.false_positives + self.false_negatives, 1)
        )


def published_sequences(name: str) -> tuple[pd.DataFrame, dict[str, str], pd.DataFrame]:
    """(sequences with a tuple of ids and a label, id → text, the published tree by id)."""
    frame = pd.read_csv(DATA / "krone" / f"{name}_demo_sequences.csv.gz")
    frame["ids"] = frame.EventSequence.map(lambda text: tuple(str(one) for one in ast.literal_eval(text)))
    texts = (
        pd.read_csv(DATA / "krone" / f"{name}.log_templates.csv", dtype=str)
        .set_index("EventId")
        .EventTemplate.to_dict()
    )
    tree = (
        pd.read_csv(DATA / "krone" / f"{name}_krone_tree.csv", dtype=str)
        .drop_duplicates("event_id")
        .set_index("event_id")
    )
    return frame, texts, tree


def load_sequences(
    store: Store,
    frame: pd.DataFrame,
    texts: dict[str, str],
    tree: pd.DataFrame | None,
    good: np.ndarray,
    windows: bool,
) -> list[int]:
    """Fill the tables that the seqs stage reads. Returns the variant of each sequence. Without a tree: our rules."""
    ids = sorted({one for row in frame.ids for one in row}, key=int)
    number = {one: index for index, one in enumerate(ids, start=1)}
    words = [str(texts.get(one, "")) for one in ids]
    if tree is None:
        leaves = [
            (leaf.entity, leaf.action, leaf.status)
            for leaf in extract_hierarchy([TemplateText(text, None) for text in words])
        ]
    else:
        leaves = []
        for one in ids:
            row = tree.loc[one]
            entity, action = (
                f"none {one}" if str(row[key]).startswith("none") else str(row[key])
                for key in ("entity_1", "action_1")
            )
            leaves.append((entity, action, str(row.status)))
    entities = {
        entity: index for index, entity in enumerate(dict.fromkeys(leaf[0] for leaf in leaves), start=1)
    }
    actions = {
        pair: index
        for index, pair in enumerate(dict.fromkeys(leaf[:2] for leaf in leaves), start=1 + len(entities))
    }
    first_leaf = 1 + len(entities) + len(actions)
    nodes = [(0, None, "root", "ROOT", None)]
    nodes += [(node, 0, "entity", entity, None) for entity, node in entities.items()]
    nodes += [(node, entities[entity], "action", action, None) for (entity, action), node in actions.items()]
    nodes += [(first_leaf + i, actions[leaf[:2]], "status", leaf[2], i + 1) for i, leaf in enumerate(leaves)]
    store.append(
        "node",
        pa.table(
            [list(column) for column in zip(*nodes, strict=True)],
            names=["node_id", "parent_id", "level", "name", "template_id"],
        ),
    )
    store.append(
        "template",
        pa.table(
            {
                "template_id": range(1, len(ids) + 1), "text": words, "records": [0] * len(ids), "example": words,
                "entity": [leaf[0] for leaf in leaves], "action": [leaf[1] for leaf in leaves], "status": [leaf[2] for leaf in leaves],
                "outcome": ["none"] * len(ids), "leaf": range(first_leaf, first_leaf + len(ids)),
            }
        ),
    )  # fmt: skip
    variants: dict[tuple[str, ...], int] = {}
    own: Counter[int] = Counter()
    known: Counter[int] = Counter()
    of_sequence = []
    for row, is_good in zip(frame.ids, good, strict=True):
        variant = variants.setdefault(row, len(variants))
        of_sequence.append(variant)
        (known if is_good else own)[variant] += 1
    store.append(
        "variant",
        pa.table(
            {
                "variant_id": range(len(variants)), "is_window": [windows] * len(variants), "is_cut": [False] * len(variants),
                "template_ids": [[number[one] for one in row] for row in variants],
                "executions": [own[v] for v in variants.values()], "good_executions": [known[v] for v in variants.values()],
            }
        ),
    )  # fmt: skip
    return of_sequence


def judge_sequences(
    name: str, percent: int, *, published_tree: bool, settings: Settings
) -> tuple[Score, float, dict[str, int], float]:
    """Score, seconds of fit and test, what was judged, and the share of true positives whose span holds an anomalous record."""
    frame, texts, tree = published_sequences(name)
    good = np.zeros(len(frame), dtype=bool)
    if percent:
        good[frame[frame.Label == 0].sample(n=int(percent / 100 * 20000), random_state=0).index] = True
    with Store.create(None, settings) as store:
        of_sequence = load_sequences(store, frame, texts, tree if published_tree else None, good, SETS[name])
        started = time.perf_counter()
        build_seqs(store)
        result = detect(store, settings)
        seconds = time.perf_counter() - started
        flagged = {int(row[0]) for row in store.rows("SELECT variant_id FROM variant_verdict WHERE flagged")}
        spans = {
            int(row[0]): (int(row[1]), int(row[2]))
            for row in store.rows("SELECT variant_id, position, length FROM finding ORDER BY finding_id DESC")
        }
    hit = np.array([variant in flagged for variant in of_sequence]) & ~good
    label = frame.Label.to_numpy() == 1
    localised = 0.0
    if "token_anomaly_label" in frame:
        true = np.flatnonzero(hit & label)
        marks = [ast.literal_eval(frame.token_anomaly_label[index]) for index in true]
        inside = [
            any(mark[spans[of_sequence[i]][0] : sum(spans[of_sequence[i]])])
            for i, mark in zip(true, marks, strict=True)
        ]
        localised = sum(inside) / max(len(inside), 1)
    score = Score(int((hit & label).sum()), int((hit & ~label).sum()), int((~hit & label & ~good).sum()))
    return score, seconds, result.counts, localised


def print_sequences(settings: Settings) -> None:
    print(
        "| set | mode | tree | published | F1 | FP | FN | seconds | × as fast | localised |\n|---|---|---|---|---|---|---|---|---|---|"
    )
    for name in SETS:
        for percent in (80, 20, 5, 1, 0):
            for published_tree in (True, False):
                if percent not in (80, 0) and not published_tree:
                    continue
                score, seconds, _, localised = judge_sequences(
                    name, percent, published_tree=published_tree, settings=settings
                )
                before = PUBLISHED.get((name, percent))
                ratio = f"{PUBLISHED_SECONDS[name] / seconds:.0f}" if percent == 80 else ""
                print(
                    f"| {name} | {f'p = {percent}' if percent else 'self'} | {'published' if published_tree else 'own'} | {before or '–'} "
                    f"| {score.f1:.4f} | {score.false_positives} | {score.false_negatives} | {seconds:.2f} | {ratio} | {localised:.3f} |",
                    flush=True,
                )


def modes_of(store: Store, is_true: dict[int, bool]) -> str:
    """Of the ten first failure modes: executions that are truly anomalous, of all in them."""
    rows = store.rows("SELECT execution_id FROM execution_verdict WHERE flagged AND failure_mode_id <= 10")
    true = sum(is_true.get(int(row[0]), False) for row in rows)
    return f"{true} of {len(rows)}"


def raw_hdfs(settings: Settings) -> tuple[Score, str, float]:
    """Each block is an execution."""
    labels = {row["block_id"]: row["label"] == "1" for row in _rows(DATA / "hdfs_demo.labels.csv.gz")}
    return _by_identifier(str(DATA / "hdfs_demo.log.gz"), labels, settings)


def raw_thunderbird(settings: Settings) -> tuple[Score, str, float]:
    """A labelled window counts as found when a flagged execution of its host overlaps it; a flagged execution that
    overlaps no anomalous window is false."""
    labels = pd.DataFrame(_rows(DATA / "thunderbird_demo.labels.csv.gz"))
    labels["begin"] = pd.to_datetime(labels.start).dt.strftime("%m-%d %H:%M:%S")
    labels["finish"] = pd.to_datetime(labels.end).dt.strftime("%m-%d %H:%M:%S")
    started = time.perf_counter()
    with Investigation.open([str(DATA / "thunderbird_demo.log.gz")], settings) as found:
        rows = found.store.rows(
            """SELECT e.execution_id, any_value(p.host), strftime(any_value(e.start_time), '%m-%d %H:%M:%S'),
                      strftime(any_value(e.end_time), '%m-%d %H:%M:%S')
               FROM execution_verdict AS e JOIN membership AS m USING (execution_id) JOIN parsed_record AS p USING (record_id)
               WHERE e.flagged GROUP BY e.execution_id"""
        )
        seconds = time.perf_counter() - started
        by_host = {
            host: list(zip(group.begin, group.finish, group.label == "1", strict=True))
            for host, group in labels.groupby("host")
        }
        hit: set[tuple[str, str]] = set()
        true: dict[int, bool] = {}
        for execution, host, begin, finish in rows:
            over = [(b, anomalous) for b, f, anomalous in by_host.get(host, []) if b <= finish and begin <= f]
            true[int(execution)] = any(anomalous for _, anomalous in over)
            hit |= {(host, b) for b, anomalous in over if anomalous}
        anomalous_windows = int((labels.label == "1").sum())
        score = Score(len(hit), sum(not one for one in true.values()), anomalous_windows - len(hit))
        return score, modes_of(found.store, true), seconds


def _by_identifier(path: str, labels: dict[str, bool], settings: Settings) -> tuple[Score, str, float]:
    started = time.perf_counter()
    with Investigation.open([path], settings) as found:
        seconds = time.perf_counter() - started
        rows = found.store.rows("SELECT execution_id, identifier, flagged FROM execution_verdict")
        true = {int(row[0]): labels.get(str(row[1]).split(" ")[-1], False) for row in rows}
        hit = {str(row[1]).split(" ")[-1] for row in rows if row[2]}
        anomalous = {name for name, label in labels.items() if label}
        score = Score(
            len(hit & anomalous),
            sum(bool(row[2]) and not true[int(row[0])] for row in rows),
            len(anomalous - hit),
        )
        return score, modes_of(found.store, true), seconds


def print_raw(settings: Settings) -> None:
    print(
        "\n| raw log, no baseline | F1 | TP | FP | FN | true in the ten first modes | seconds |\n|---|---|---|---|---|---|---|"
    )
    for name, run in (("hdfs_demo", raw_hdfs), ("thunderbird_demo", raw_thunderbird)):
        score, modes, seconds = run(settings)
        print(
            f"| {name} | {score.f1:.4f} | {score.true_positives} | {score.false_positives} | {score.false_negatives} | {modes} | {seconds:.1f} |",
            flush=True,
        )


def print_samples(settings: Settings) -> None:
    print(
        "\n| sample, no baseline | grouped by | F1 | TP | FP | FN | true in the ten first modes | found by cause |\n|---|---|---|---|---|---|---|---|"
    )
    for path in sorted((TOP / "sample_logs").glob("*.log.gz")):
        rows = _rows(path.with_name(path.name.removesuffix(".log.gz") + ".labels.csv"))
        labels = {row["execution"]: row["label"] == "1" for row in rows}
        score, modes, _ = _by_identifier(str(path), labels, settings)
        with Investigation.open([str(path)], settings) as found:
            grouped = found.store.scalar("SELECT name FROM grouping_candidate WHERE chosen")
            hit = {
                str(row[0]).split(" ")[-1]
                for row in found.store.rows("SELECT identifier FROM execution_verdict WHERE flagged")
            }
        causes = Counter(row["cause"] for row in rows if row["label"] == "1")
        caught = Counter(row["cause"] for row in rows if row["label"] == "1" and row["execution"] in hit)
        by_cause = ", ".join(f"{cause} {caught[cause]}/{count}" for cause, count in causes.most_common())
        print(
            f"| {path.name.removesuffix('.log.gz')} | {grouped} | {score.f1:.3f} | {score.true_positives} | {score.false_positives} | {score.false_negatives} | {modes} | {by_cause} |",
            flush=True,
        )


def _rows(path: Path) -> list[dict[str, str]]:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", default=["sequences", "raw", "samples"])
    parser.add_argument("--sensitivity", default="normal")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(cache_dir=Path(folder), sensitivity=asked.sensitivity)
        for part in asked.parts:
            {"sequences": print_sequences, "raw": print_raw, "samples": print_samples}[part](settings)


if __name__ == "__main__":
    main()
