"""What logs are grouped by, against what a reader would choose: `python benchmarks/grouping.py`."""

import os
import random
import sys
import tempfile
from pathlib import Path

from grouping_logs import logs

from krone_tui.abstraction import mine_templates
from krone_tui.executions import group_executions
from krone_tui.ingest import ingest
from krone_tui.settings import load_settings
from krone_tui.store import Store

DATA = Path(
    os.environ.get("KRONE_TUI_BENCH_DATA", Path(__file__).resolve().parent.parent.parent / "shared" / "data")
)
REAL = (
    ("hdfs_demo.log.gz", ("blk_*",)),
    ("thunderbird_demo.log.gz", ("window",)),
    ("loghub/OpenSSH_2k.log", ("component and process", "process")),
    ("loghub/Linux_2k.log", ("component and process", "process", "window")),
    ("loghub/BGL_2k.log", ("window",)),
    ("loghub/Thunderbird_2k.log", ("window",)),
    ("loghub/Android_2k.log", ("thread", "window")),
    ("loghub/Apache_2k.log", ("window",)),
    ("loghub/HPC_2k.log", ("window",)),
    ("loghub/Windows_2k.log", ("window",)),
)
"""Logs and the names of grouping candidates that are right: of the field's usual choices, those that these excerpts allow."""
SEED = 7


def chosen(paths: list[Path]) -> list[tuple[str, float]]:
    """The candidate in force, then the runners-up, with their scores."""
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(use_cache=False)
        with Store.create(Path(folder) / "store.duckdb", settings) as store:
            ingest(store, [str(path) for path in paths])
            mine_templates(store)
            group_executions(store, settings)
            return store.rows(
                "SELECT name, score FROM grouping_candidate ORDER BY chosen DESC, score DESC LIMIT 3"
            )


def main() -> int:
    wrong = 0
    cases: list[tuple[str, tuple[str, ...], list[Path]]] = []
    with tempfile.TemporaryDirectory() as folder:
        for log in logs():
            own = Path(folder) / log.name.replace(" ", "-").replace(",", "")
            own.mkdir()
            cases.append((log.name, log.expected, log.write(random.Random(SEED), own)))
        cases += [(name, right, [DATA / name]) for name, right in REAL if (DATA / name).exists()]
        if len(cases) < len(REAL):
            print(f"No real logs in {DATA}; name their folder with KRONE_TUI_BENCH_DATA.")
        for name, right, paths in cases:
            first, *others = chosen(paths)
            good = first[0] in right
            wrong += not good
            rest = ", ".join(f"{other} {score:.2f}" for other, score in others)
            print(
                f"{'ok   ' if good else 'WRONG'} {name:28} {first[0]:24} {first[1]:.2f}   before {rest}"
                + ("" if good else f"   expected {' or '.join(right)}")
            )
    print(f"{len(cases) - wrong} of {len(cases)} as a reader would choose")
    return 0


if __name__ == "__main__":
    sys.exit(main())
