"""Does the shipped severity model tell failures from the rest on real logs, by their words alone?

    KRONE_TUI_BENCH_DATA=../shared/data python benchmarks/severity.py [--templates]

None of these logs was used to train it. The level is hidden from it and serves as the truth, or the labels of
the administrators do. `--templates` lists HDFS templates with their scores, and each set's worst mistakes.
"""

import argparse
import ast
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from krone_tui.detection.severity import SeverityModel
from krone_tui.resources import data_folder

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("KRONE_TUI_BENCH_DATA", ROOT.parent / "shared" / "data"))


@dataclass(frozen=True)
class Truth:
    """Templates of one system with how many of each one's records are failures and how many are not."""

    name: str
    templates: pd.DataFrame
    """Columns `text`, `bad`, `good`: records."""


def by_column(name: str, column: str, bad: set[str] | None, good: set[str]) -> Truth:
    """A loghub sample, where `column` is in `bad` (None: in whatever is not good) or in `good`."""
    rows = pd.read_csv(DATA / "loghub" / f"{name}_2k.log_structured.csv", dtype=str).fillna("")
    value = rows[column].str.upper()
    is_good = value.isin(good)
    is_bad = ~is_good if bad is None else value.isin(bad)
    rows = rows.assign(bad=is_bad, good=is_good)[is_bad | is_good]
    templates = rows.groupby("EventTemplate")[["bad", "good"]].sum().reset_index(names="text")
    told = f"{'not ' + '/'.join(sorted(good)) if bad is None else '/'.join(sorted(bad))}"
    return Truth(f"{name} {column}: {told}", templates)


def thunderbird_demo() -> Truth:
    """The records that Thunderbird's administrators tagged, over the 20,000 published windows."""
    windows = pd.read_csv(DATA / "krone" / "ThunderBird_demo_sequences.csv.gz")
    ids = np.concatenate([np.array(ast.literal_eval(s), dtype=int) for s in windows["EventSequence"]])
    tags = np.concatenate([np.array(ast.literal_eval(s), dtype=int) for s in windows["token_anomaly_label"]])
    texts = pd.read_csv(DATA / "krone" / "ThunderBird.log_templates.csv").set_index("EventId")[
        "EventTemplate"
    ]
    records = pd.DataFrame({"id": ids, "bad": tags, "good": 1 - tags})
    templates = records.groupby("id").sum()
    templates["text"] = templates.index.map(texts)
    return Truth("ThunderBird demo: tagged records", templates.dropna().reset_index(drop=True))


def measures(truth: Truth, scores: np.ndarray) -> str:
    """One row of the table: AUC over templates and over records, and medians of both classes."""
    table = truth.templates
    mostly_bad = (table["bad"] > table["good"]).to_numpy()
    both = np.concatenate([np.ones(len(table)), np.zeros(len(table))])
    weight = np.concatenate([table["bad"], table["good"]])
    by_record = roc_auc_score(both, np.tile(scores, 2), sample_weight=weight)
    return (
        f"{truth.name:<42} {mostly_bad.sum():>4}/{len(table):<5} {roc_auc_score(mostly_bad, scores):>9.3f} "
        f"{by_record:>7.3f} {np.median(scores[mostly_bad]):>6.2f} {np.median(scores[~mostly_bad]):>6.2f} "
        f"{np.mean(scores[mostly_bad] > 0.5):>8.2f} {np.mean(scores[~mostly_bad] > 0.5):>8.2f}"
    )


def show_ranks(truth: Truth, scores: np.ndarray) -> None:
    """The rank of each template that a tagged record has, among all templates of the set."""
    table = truth.templates.assign(score=scores)
    table["rank"] = table["score"].rank(ascending=False, method="min").astype(int)
    print(f"\n{truth.name}: rank by severity among {len(table)} templates")
    for row in table[table["bad"] > 0].sort_values("rank").itertuples():
        print(
            f"  {row.rank:>4} {row.score:.2f} tagged {row.bad:>5} of {row.bad + row.good:<6} {row.text[:80]}"
        )


def show_mistakes(truth: Truth, scores: np.ndarray, count: int = 8) -> None:
    """The failures that score lowest and the others that score highest."""
    table = truth.templates.assign(score=scores, is_bad=truth.templates["bad"] > truth.templates["good"])
    print(f"\n{truth.name}")
    low = table[table["is_bad"]].nsmallest(count, "score")
    high = table[~table["is_bad"]].nlargest(count, "score")
    for mark, part in (("failure", low), ("normal", high)):
        for row in part.itertuples():
            print(f"  {mark:<8}{row.score:.2f} {row.text[:100]}")


def show_hdfs(model: SeverityModel) -> None:
    """Every HDFS template with its score, highest first."""
    rows = pd.read_csv(DATA / "krone" / "HDFS.log_templates.csv")
    rows["score"] = model.score(rows["EventTemplate"].tolist())
    print("\nHDFS templates")
    for row in rows.sort_values("score", ascending=False).itertuples():
        print(f"  {row.score:.3f} {row.EventTemplate[:120]}")


def main() -> int:
    """Print the table; 0, or 2 when the data is absent."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--templates", action="store_true", help="list HDFS templates, ranks and mistakes")
    listing = parser.parse_args().templates
    if not DATA.is_dir():
        print(f"No benchmark data in {DATA}: set KRONE_TUI_BENCH_DATA.", file=sys.stderr)
        return 2
    model = SeverityModel(data_folder("models") / "severity.onnx")
    truths = [
        by_column("Apache", "Level", {"ERROR"}, {"NOTICE"}),
        by_column("Android", "Level", {"E", "W"}, {"I", "D", "V"}),
        by_column("HDFS", "Level", {"WARN"}, {"INFO"}),
        by_column("HPC", "State", {"ERROR"}, {"STATUS", "START", "TEMPERATURE", "FAN", "BOOT", "HALT"}),
        by_column("BGL", "Level", {"FATAL", "SEVERE", "FAILURE", "ERROR"}, {"INFO"}),
        by_column("BGL", "Label", None, {"-"}),
        thunderbird_demo(),
    ]
    print(
        f"{'system, and what counts as failure':<42} {'bad/templates':>10} {'templates':>7} {'records':>7}"
        f" {'median bad, good':>14} {'>0.5 bad':>8} {'good':>8}"
    )
    scored = []
    for truth in truths:
        scores = model.score(truth.templates["text"].tolist())
        scored.append((truth, scores))
        print(measures(truth, scores))
    bgl = pd.read_csv(DATA / "krone" / "BGL.log_templates.csv")["EventTemplate"].tolist()
    thunderbird = pd.read_csv(DATA / "krone" / "ThunderBird.log_templates.csv")["EventTemplate"].tolist()
    for name, texts in (("BGL", bgl), ("ThunderBird", thunderbird)):
        print(f"all {len(texts)} {name} templates: {np.mean(model.score(texts) > 0.5):.2f} score above 0.5")
    many = (bgl + thunderbird) * 10
    begun = time.perf_counter()
    model.score(many[:10_000])
    print(f"10,000 templates in {time.perf_counter() - begun:.2f} s")
    if listing:
        for truth, scores in scored[:-1]:
            show_mistakes(truth, scores)
        show_ranks(*scored[-1])
        show_mistakes(*scored[-1], count=25)
        show_hdfs(model)
    return 0


if __name__ == "__main__":
    sys.exit(main())
