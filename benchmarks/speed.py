"""How fast logs are read and judged, and in how much memory: `python benchmarks/speed.py [LOG …]`.

Each log goes through `krone-tui scan --no-cache` in a process of its own; peak RSS is the process's own account. The peer,
in the same run because machines differ, is Drain3 alone, fed the same log line by line with the same masks.
Without arguments: hdfs_demo and thunderbird_demo from KRONE_TUI_BENCH_DATA (default ../shared/data), and the samples.
"""

import argparse
import gzip
import os
import subprocess
import sys
import time
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("KRONE_TUI_BENCH_DATA", TOP.parent / "shared" / "data"))

SCAN = "from krone_tui.cli import app; app(['scan', {path!r}, '--no-cache', '--format', 'jsonl', '--all'])"
OPEN_AGAIN = "from krone_tui.cli import app; app(['scan', {path!r}, '--format', 'text'])"
DRAIN3 = """
import gzip
from drain3 import TemplateMiner
from drain3.masking import MaskingInstruction
from drain3.template_miner_config import TemplateMinerConfig
from krone_tui.abstraction.masking import MASKS
config = TemplateMinerConfig()
config.masking_instructions = [MaskingInstruction(mask.pattern, "*") for mask in MASKS]
miner = TemplateMiner(config=config)
opener = gzip.open if {path!r}.endswith(".gz") else open
with opener({path!r}, "rt", errors="replace") as file:
    for line in file:
        miner.add_log_message(line.rstrip("\\n").split(": ", 1)[-1])
"""


def run(code: str, environment: dict[str, str] | None = None) -> tuple[float, int]:
    """(wall seconds, peak RSS in MB) of one Python process."""
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"the measured process failed: {status}")
    scale = 1024 if sys.platform == "linux" else 1024 * 1024
    return time.perf_counter() - started, usage.ru_maxrss // scale


def count_lines(path: Path) -> int:
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("logs", nargs="*", type=Path)
    parser.add_argument("--no-peer", action="store_true", help="leave Drain3 out")
    asked = parser.parse_args()
    logs = asked.logs or [
        *(path for path in (DATA / "hdfs_demo.log.gz", DATA / "thunderbird_demo.log.gz") if path.exists()),
        *sorted((TOP / "sample_logs").glob("*.log.gz")),
    ]
    print(
        "| log | lines | seconds | lines/s | peak RSS MB | Drain3 alone, seconds | × | opened again, seconds |\n|---|---|---|---|---|---|---|---|"
    )
    for path in logs:
        lines = count_lines(path)
        seconds, memory = run(SCAN.format(path=str(path)))
        run(OPEN_AGAIN.format(path=str(path)))
        again, _ = run(OPEN_AGAIN.format(path=str(path)))
        drain = "" if asked.no_peer else f"{run(DRAIN3.format(path=str(path)))[0]:.1f}"
        ratio = f"{float(drain) / seconds:.1f}" if drain else ""
        print(
            f"| {path.name} | {lines:,} | {seconds:.1f} | {lines / seconds:,.0f} | {memory} | {drain} | {ratio} | {again:.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
