"""Time and memory on large hostile logs, made here: `python benchmarks/hostile.py [NAME…]`; about 400 MB of temporary files."""

import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

LINES = 1_000_000
STEPS = ("received", "checked", "stored", "sent", "failed")


def _when(number: int) -> str:
    return f"2026-03-14 {number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}"


def _templates() -> Iterator[str]:
    chance = random.Random(1)

    def word() -> str:
        return "".join(
            chance.choice("bcdfghklmnprstvz") + chance.choice("aeiou") for _ in range(chance.randint(2, 5))
        )

    for n in range(LINES):
        yield f"{_when(n // 20)} INFO app.{word()} {word()} {word()} {word()} {word()} {word()}\n"


def _one_execution() -> Iterator[str]:
    chance = random.Random(1)
    for n in range(LINES):
        name = f"{n:010x}" if n % 50 == 0 else "deadbeef01"
        yield f"{_when(n // 20)} INFO app req-{name} {chance.choice(STEPS)} order\n"


def _long_lines() -> Iterator[str]:
    for n in range(100):
        yield f"{_when(n)} INFO app req-{n // 4:08x} {f'x y={n} ' * 1_500_000 if n % 10 == 5 else 'ok'}\n"


LOGS = {
    "a million equal lines": lambda: ("2026-03-14 10:00:00 INFO app ready\n" for _ in range(LINES)),
    "a million templates of random words": _templates,
    "a million identifiers": lambda: (
        f"{_when(n // 20)} INFO app req-{n:08x} {STEPS[n % 3]} order\n" for n in range(LINES)
    ),
    "one execution of 980,000 records, 20,000 of one": _one_execution,
    "ten lines of 10 MB among a hundred": _long_lines,
    "200,000 JSON lines, each with a key of its own": lambda: (
        f'{{"time":"2026-03-14T10:00:00Z","level":"info","msg":"x","k{n}":"v{n}","trace":"{n // 5:x}"}}\n'
        for n in range(LINES // 5)
    ),
}


def measure(lines: Iterable[str]) -> tuple[float, float, float, int]:
    """(MB, processor seconds, peak RSS in MB, exit code) of a scan."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "app.log"
        with log.open("w", encoding="utf-8") as file:
            file.writelines(lines)
        command = [sys.executable, "-m", "krone_tui.cli", "scan", str(log), "--no-cache"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = used.ru_utime + used.ru_stime
        return log.stat().st_size / 1e6, seconds, used.ru_maxrss / 1024, process.returncode


def main() -> None:
    """Print a table of all logs, or of those whose names hold one of the words given."""
    print("| log | size, MB | processor seconds | peak RSS, MB |\n|---|---|---|---|")
    for name, lines in LOGS.items():
        if len(sys.argv) > 1 and not any(word in name for word in sys.argv[1:]):
            continue
        size, seconds, memory, code = measure(lines())
        failed = f" (exit code {code})" if code else ""
        print(f"| {name}{failed} | {size:.0f} | {seconds:.1f} | {memory:.0f} |", flush=True)


if __name__ == "__main__":
    main()
