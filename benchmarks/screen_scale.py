"""The screen on an investigation of a million executions: `python benchmarks/screen_scale.py [--executions 1000000] [--folder DIR]`.

Writes a service's log with as many requests, one in twenty of them failing in one of forty ways and one of 10,000 records, opens it
once to make the investigation (minutes; DIR keeps log and investigation for the next time), then opens the screen on it on a
pseudo-terminal of 80×24 and measures from the start of the process to the first failure modes and to the first evidence in sight;
from key to the first byte painted (what the key moves) and the last one (all panes have followed), with processor time: in failure
modes, in the executions of one of them, in the tree, in the raw log; opening an execution, its raw log and the execution of 10,000 records; and the memory of
the screen's process. `--log LOG` opens another log too, to measure its start alone.
"""

import argparse
import random
import re
import statistics
import sys
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path

from terminal import TOP, Screen, moves

STEPS = ("accepted from {ip}", "session opened for user", "order stored in {ms} ms", "answered in {ms} ms")
PARTS = ("bank", "stock", "mail", "cart", "price", "search", "image", "login")
FAULTS = (
    "refused the connection",
    "timed out after {ms} ms",
    "answered with an error",
    "is out of space",
    "lost the lock",
)
LONG = 10_000
"""Records of the one long request."""
STARTS = 5
"""Times that an investigation is opened to measure how long that takes."""

OPENINGS = 7
"""Times that a screen is opened."""


def write_log(path: Path, requests: int) -> None:
    """One line a record, in order of time; several requests at once."""
    chance = random.Random(3)
    start = datetime(2026, 3, 14)  # noqa: DTZ001 (times in a log have no zone)
    with path.open("w", encoding="utf-8") as file:
        for number in range(requests):
            at = start + timedelta(milliseconds=number * 40)
            request = f"req-{number:08x}"
            failing = number > requests * 0.6 and number % 8 == 0
            for step, text in enumerate(STEPS):
                line, level = text, "INFO"
                if failing and step == 2:
                    part, fault = chance.choice(PARTS), chance.choice(FAULTS)
                    line, level = f"{part} service {fault}", "ERROR"
                said = line.format(ip=f"10.0.{number % 256}.{number % 200}", ms=number % 90)
                when = at + timedelta(milliseconds=step)
                file.write(
                    f"{when:%Y-%m-%d %H:%M:%S}.{when.microsecond // 1000:03d} {level} shop.Orders - [{request}] {said}\n"
                )
            if number == requests - 1:
                for record in range(LONG):
                    when = at + timedelta(milliseconds=record)
                    said = (
                        "bank service refused the connection"
                        if record % 3
                        else f"trying again, attempt {record}"
                    )
                    file.write(
                        f"{when:%Y-%m-%d %H:%M:%S}.{when.microsecond // 1000:03d} WARN shop.Orders - [{request}] {said}\n"
                    )


def memory(process: int) -> tuple[int, int]:
    """(resident now, peak) in MB."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    now, peak = (int(re.search(rf"{name}:\s+(\d+)", status)[1]) // 1024 for name in ("VmRSS", "VmHWM"))  # type: ignore[index]
    return now, peak


def starting(command: list[str], folder: Path) -> str:
    """A line of figures: from the start of the process until failure modes, and until evidence, stand on the screen."""
    modes, evidence, used = [], [], []
    for _ in range(STARTS):
        screen = Screen(command, (80, 24), folder, TOP)
        try:
            modes.append(screen.until("what deviates", "flagged"))
            evidence.append(screen.until("!! "))
            used.append(screen.processor())
        finally:
            screen.close()
    figures = (
        f"{name} {statistics.median(times):.2f} s"
        for name, times in zip(
            ("failure modes", "evidence", "processor"), (modes, evidence, used), strict=True
        )
    )
    return ", ".join(figures) + f" (medians of {STARTS})"


def opening(screen: Screen, keys: str) -> str:
    """A line of figures: from a key to the last byte of what it opens, again and again, and open in the end."""
    took, used = [], []
    for again in range(OPENINGS):
        if again:
            screen.press("\x1b")
            screen.read(0.5)
        before = screen.processor()
        screen.press(keys)
        took.append(screen.read(0.4)[1] * 1000)
        used.append((screen.processor() - before) * 1000)
    return (
        f"first {took[0]:.0f} ms, median of {OPENINGS} {statistics.median(took):.0f} ms; "
        f"processor {statistics.median(used):.0f} ms"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--executions", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="where log and investigation are kept")
    parser.add_argument("--moves", type=int, default=100)
    parser.add_argument("--log", type=Path, help="another log whose opening is measured")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        log = folder / f"requests-{asked.executions}.log"
        if not log.exists():
            write_log(log, asked.executions)
        command = [sys.executable, "-m", "krone_tui.cli"]
        started = time.perf_counter()
        for path in (log, *([asked.log.resolve()] if asked.log else [])):
            Screen([*command, "scan", str(path), "--format", "jsonl"], (80, 24), folder, TOP).drain()
            print(f"{path.name}: investigation made or found in {time.perf_counter() - started:.0f} s")
            print(f"opened again   {starting([*command, str(path)], folder)}")
            started = time.perf_counter()
        screen = Screen([*command, str(log)], (80, 24), folder, TOP)
        try:
            screen.settle()
            print(f"memory now, peak MB: {memory(screen.process)}")
            down = "j" * (asked.moves // 2) + "k" * (asked.moves // 2)
            print(f"failure modes  {moves(screen, down)}")
            screen.press("\t")
            screen.read(0.5)
            print(f"executions     {moves(screen, down)}")
            print(f"open an execution         {opening(screen, chr(13))}")
            print(f"tree           {moves(screen, down)}")
            print(f"open the raw log          {opening(screen, 'r')}")
            print(f"raw log        {moves(screen, down)}")
            for _ in range(3):
                screen.press("\x1b")
                screen.read(0.5)
            screen.press(f"/req-{asked.executions - 1:08x}\r")
            screen.read(6)
            print(f"open one of {LONG:,} records  {opening(screen, chr(13))}")
            print(f"its tree       {moves(screen, down)}")
            print(f"memory now, peak MB: {memory(screen.process)}")
        finally:
            screen.close()


if __name__ == "__main__":
    main()
