"""A log many times over, with new identifiers each time: `python benchmarks/scale.py LOG [--times 1 4 28]`.

Every run of digits behind a prefix such as `blk_` gets the copy's number added, so that each copy brings executions of its
own. Time should grow with the lines and memory should not: the table says whether they do. Each size runs in a process of
its own; the log is written to a temporary folder first (28 copies of hdfs_demo: 11 million lines, 1.5 GB).
"""

import argparse
import gzip
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

IDENTIFIER = re.compile(rb"\b([A-Za-z]+_)(-?[0-9]{4,})")


def repeat(source: Path, target: Path, times: int) -> int:
    """Write `source` `times` times over; the number of lines."""
    opener = gzip.open if source.suffix == ".gz" else open
    with opener(source, "rb") as file:
        text = file.read()
    with target.open("wb") as file:
        for copy in range(times):
            file.write(IDENTIFIER.sub(rb"\g<1>\g<2>%03d" % copy, text))
    return times * text.count(b"\n")


def run(path: Path, cache: Path) -> tuple[float, int]:
    """(wall seconds, peak RSS in MB) of one `krone-tui scan`."""
    environment = os.environ | {"KRONE_TUI_CACHE_DIR": str(cache)}
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "krone_tui.cli", "scan", str(path)], stdout=subprocess.DEVNULL, env=environment
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"the measured process failed: {status}")
    return time.perf_counter() - started, usage.ru_maxrss // (1024 if sys.platform == "linux" else 1 << 20)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("log", type=Path)
    parser.add_argument("--times", type=int, nargs="+", default=[1, 4, 28])
    asked = parser.parse_args()
    print("| lines | seconds | lines/s | peak RSS MB | opened again, seconds |\n|---|---|---|---|---|")
    for times in asked.times:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "big.log"
            lines = repeat(asked.log, path, times)
            seconds, memory = run(path, Path(folder) / "cache")
            again, _ = run(path, Path(folder) / "cache")
            print(
                f"| {lines:,} | {seconds:.1f} | {lines / seconds:,.0f} | {memory} | {again:.2f} |", flush=True
            )


if __name__ == "__main__":
    main()
