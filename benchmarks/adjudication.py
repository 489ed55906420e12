"""What is a model's judging of undecided Seqs worth? Accuracy before and after, and what it took.

    python benchmarks/adjudication.py [--llm GGUF] [--most 20] [--show] [NAME …]

NAME: sample logs, or `raw` for the public HDFS log (from KRONE_TUI_BENCH_DATA, default ../shared/data); all of them
otherwise. The detectors judge against the log itself, without labels; then the model judges at most so many Seqs that
they left open (`--adjudicate`). A judged Seq is anomalous in truth when most executions that have it are labelled so.
"""

import argparse
import csv
import gzip
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from krone_tui.investigation import Investigation
from krone_tui.resources import data_folder
from krone_tui.settings import Settings, load_settings
from krone_tui.store import Store, verdicts
from krone_tui.store.facts import read_work

TOP = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("KRONE_TUI_BENCH_DATA", TOP.parent / "shared" / "data"))


@dataclass(frozen=True)
class Score:
    """Counts of executions."""

    true_positives: int
    false_positives: int
    false_negatives: int

    def __str__(self) -> str:
        found, false, missed = self.true_positives, self.false_positives, self.false_negatives
        return (
            f"F1 {2 * found / max(2 * found + false + missed, 1):.4f} (TP {found}, FP {false}, FN {missed})"
        )


def score(store: Store, anomalous: set[str], *, detectors_alone: bool) -> Score:
    """How the flagged executions meet the labels."""
    table = "log.execution_verdict" if detectors_alone else "execution_verdict"
    flagged = {
        str(row[0]).split(" ")[-1] for row in store.rows(f"SELECT identifier FROM {table} WHERE flagged")
    }
    return Score(len(flagged & anomalous), len(flagged - anomalous), len(anomalous - flagged))


def rightly(store: Store, row: verdicts.VerdictRow, anomalous: set[str]) -> bool:
    """Whether a verdict says what the labels say of most executions that have its Seq."""
    having = [
        str(name).split(" ")[-1] in anomalous
        for (name,) in store.rows(
            """SELECT e.identifier FROM execution AS e
               SEMI JOIN (SELECT variant_id FROM variant_seq JOIN seq USING (seq_id) WHERE hash = $hash) USING (variant_id)""",
            {"hash": int(row.key)},
        )
    ]
    return (row.verdict == verdicts.ANOMALOUS) == (2 * sum(having) > len(having))


def labels(path: Path) -> set[str]:
    """The executions that are labelled anomalous."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    key = "execution" if "execution" in rows[0] else "block_id"
    return {row[key] for row in rows if row["label"] == "1"}


def judge(log: Path, truth: Path, settings: Settings, show: bool) -> tuple[int, int]:
    """Print what one log's adjudication took and changed; returns (verdicts that are right, verdicts)."""
    anomalous = labels(truth)
    with Investigation.open([str(log)], settings) as found:
        store = found.store
        given = found.judging.listed(store)
        right = [rightly(store, row, anomalous) for row in given]
        print(f"== {log.name}")
        print(f"   before {score(store, anomalous, detectors_alone=True)}")
        print(f"   after  {score(store, anomalous, detectors_alone=False)}")
        print(f"   {found.opened.notes[-1]}")
        for stage, seconds, counter, value in read_work(store):
            if stage == "adjudication" and counter.startswith(("calls", "executions")):
                print(f"   {counter}: {value:,.0f}, {seconds:.1f} s in all")
        for verdict in (verdicts.ANOMALOUS, verdicts.NORMAL):
            of = [ok for row, ok in zip(given, right, strict=True) if row.verdict == verdict]
            print(f"   {verdict}: {sum(of)} of {len(of)} right", flush=True)
        if show:
            for row, ok in zip(given, right, strict=True):
                print(
                    f"     {'right' if ok else 'WRONG'} {row.verdict}: {row.path}: {row.title[:80]} ({row.comment})"
                )
    return sum(right), len(right)


def main() -> None:
    """Print a block a log, and the share of right verdicts."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--llm", type=Path)
    parser.add_argument("--most", type=int, default=20)
    parser.add_argument("--show", action="store_true", help="print the verdicts")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    cases = {
        log.name.removesuffix(".log.gz"): (log, log.with_name(log.name.replace(".log.gz", ".labels.csv")))
        for log in sorted(data_folder("sample_logs").glob("*.log.gz"))
    }
    raw = DATA / "hdfs_demo.log.gz", DATA / "hdfs_demo.labels.csv.gz"
    if raw[0].is_file():
        cases["raw"] = raw
    elif "raw" in options.names:
        print(f"{raw[0]} is not there; KRONE_TUI_BENCH_DATA names the folder.")
    right = given = 0
    for name, (log, truth) in cases.items():
        if options.names and name not in options.names:
            continue
        with tempfile.TemporaryDirectory() as folder:
            settings = load_settings(
                llm=options.llm,
                adjudicate=options.most,
                cache_dir=Path(folder) / "cache",
                data_dir=Path(folder) / "data",
            )
            correct, all_of_them = judge(log, truth, settings, options.show)
        right, given = right + correct, given + all_of_them
    print(f"\nverdicts that are right: {right} of {given}")


if __name__ == "__main__":
    main()
