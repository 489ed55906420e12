"""What a cursor move costs on a terminal: `python benchmarks/terminal.py [LOG] [--size 80x24] [--moves 60]`.

The screen runs on a pseudo-terminal as over SSH. Measured: bytes sent and milliseconds until the last of them for each move of
the cursor, in triage (all panes follow) and in the tree of an execution; bytes sent while nobody touches it; and, over a link of
200 ms and 50 kB/s made of the same pseudo-terminal, how many bytes wait for the link at most while j is held, compared with the
largest repaint. lnav on the same log stands beside it when it is installed (Debian: `apt-get install lnav`).
"""

import argparse
import array
import contextlib
import fcntl
import gzip
import os
import pty
import select
import shutil
import signal
import statistics
import struct
import sys
import tempfile
import termios
import time
from pathlib import Path

import pyte

TOP = Path(__file__).resolve().parent.parent
SAMPLE = TOP / "sample_logs" / "pool-exhaustion.log.gz"
LATENCY, RATE = 0.2, 50_000
"""Seconds one way and bytes a second of the slow link."""
KEYS_A_SECOND = 30
"""What a held key sends."""
QUIET = 0.12
"""Seconds of silence that end a move."""


class Screen:
    """A program on a pseudo-terminal."""

    def __init__(self, command: list[str], size: tuple[int, int], home: Path, cwd: Path = TOP) -> None:
        self.main, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        environment = os.environ | {
            "TERM": "xterm-256color",
            "HOME": str(home),
            "XDG_CACHE_HOME": str(home / "cache"),
        }
        self.first = 0.0
        """Seconds until the first byte of the last read."""
        self._shown = pyte.Screen(*size)
        self._stream = pyte.ByteStream(self._shown)
        self._started = time.perf_counter()
        self.process = os.fork()
        if self.process == 0:
            os.setsid()
            fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
            for standard in (0, 1, 2):
                os.dup2(terminal, standard)
            os.chdir(cwd)
            os.execvpe(command[0], command, environment)
        os.close(terminal)

    def press(self, key: str) -> None:
        os.write(self.main, key.encode())

    def read(self, quiet: float) -> tuple[int, float]:
        """(bytes, seconds until the last of them), until nothing came for a while, or five seconds of more and more."""
        started = last = time.perf_counter()
        self.first = 0.0
        total = 0
        while last - started < 5 and select.select([self.main], [], [], quiet)[0]:
            try:
                got = os.read(self.main, 65536)
            except OSError:
                break
            if not total:
                self.first = time.perf_counter() - started
            total += len(got)
            last = time.perf_counter()
        return total, last - started

    def drain(self) -> None:
        """Read until it ends."""
        while True:
            try:
                if not os.read(self.main, 1 << 20):
                    break
            except OSError:
                break
        os.waitpid(self.process, 0)
        os.close(self.main)

    def settle(self) -> None:
        """Wait until it has loaded: something was drawn and then nothing for a while."""
        deadline = time.monotonic() + 60
        drawn = 0
        while time.monotonic() < deadline:
            more, _ = self.read(2.5)
            if drawn and not more:
                return
            drawn += more

    def until(self, *wanted: str, patience: float = 60) -> float:
        """Seconds since the process started until all of some texts stand on the screen; nothing else may read meanwhile."""
        seconds = 0.0
        while not all(text in "\n".join(self._shown.display) for text in wanted):
            if seconds > patience:
                raise TimeoutError(f"{wanted} did not come")
            if select.select([self.main], [], [], 0.5)[0]:
                self._stream.feed(os.read(self.main, 65536))
            seconds = time.perf_counter() - self._started
        return seconds

    def processor(self) -> float:
        """Seconds of processor time that the process has used."""
        fields = Path(f"/proc/{self.process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def waiting(self) -> int:
        """Bytes that the program has sent and nobody has read."""
        number = array.array("i", [0])
        fcntl.ioctl(self.main, termios.FIONREAD, number)
        return number[0]

    def close(self) -> None:
        os.kill(self.process, signal.SIGTERM)
        time.sleep(0.3)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)
        os.close(self.main)


def moves(screen: Screen, keys: str) -> str:
    """A line of figures for one kind of move."""
    sent, painted, took = [], [], []
    used = screen.processor()
    for key in keys:
        screen.press(key)
        number, seconds = screen.read(QUIET)
        if number:
            sent.append(number)
            painted.append(screen.first * 1000)
            took.append(seconds * 1000)
    if not sent:
        return "nothing was sent"
    return (
        f"{len(sent):4} moves  bytes: median {statistics.median(sent):5,.0f} largest {max(sent):5,}   "
        f"ms to the first byte: {_spread(painted)}, to the last: {_spread(took)}; "
        f"processor {(screen.processor() - used) / len(keys) * 1000:.0f} ms a key"
    )


def _spread(values: list[float]) -> str:
    p95 = statistics.quantiles(values, n=20)[-1] if len(values) > 1 else values[0]
    return f"median {statistics.median(values):.0f} p95 {p95:.0f}"


def held(screen: Screen, seconds: float) -> str:
    """j held over the slow link: what waits for the link, against the largest repaint."""
    start = time.monotonic()
    pressed, most_waiting, arrived, last_arrival = 0, 0, 0, start
    allowance, checked = 0.0, start
    while True:
        now = time.monotonic()
        while pressed < (now - start - LATENCY) * KEYS_A_SECOND and pressed < seconds * KEYS_A_SECOND:
            screen.press("j")
            pressed += 1
        allowance = min(allowance + (now - checked) * RATE, RATE / 100)
        checked = now
        waits = screen.waiting()
        most_waiting = max(most_waiting, waits)
        if waits and allowance >= 1:
            got = len(os.read(screen.main, int(allowance)))
            allowance -= got
            arrived += got
            last_arrival = now + LATENCY
        if pressed >= seconds * KEYS_A_SECOND and not waits and now - last_arrival > 0.5:
            break
        time.sleep(0.001)
    released = start + seconds + LATENCY
    largest = repaint_size(screen)
    return (
        f"{pressed} keys in {seconds:.0f} s: {arrived:,} bytes; most that waited for the link {most_waiting:,} "
        f"(a repaint after a move: up to {largest:,}); still {max(0.0, last_arrival - released):.2f} s after release, "
        f"of which {LATENCY:.2f} s are the link's"
    )


def repaint_size(screen: Screen) -> int:
    """Bytes of the largest repaint of a few moves."""
    largest = 0
    for key in "kkkjjj":
        screen.press(key)
        largest = max(largest, screen.read(QUIET)[0])
    return largest


def measure(
    name: str, command: list[str], size: tuple[int, int], asked: argparse.Namespace, home: Path
) -> None:
    ours = name == "krone-tui"
    screen = Screen(command, size, home)
    try:
        screen.settle()
        idle, _ = screen.read(2)
        if not ours:
            # Drop what lnav says on its first start.
            screen.press("g")
            screen.read(0.5)
        down = "j" * (asked.moves // 2)
        triage = moves(screen, down + down.replace("j", "k"))
        print(f"{name:10} {'triage' if ours else 'log view':9} {triage}")
        if ours:
            screen.press("\r")
            screen.read(1)
            print(f"{name:10} {'tree':9} {moves(screen, down + down.replace('j', 'k'))}")
            screen.press("\x1b")
            screen.read(1)
        print(f"{name:10} {'idle':9} {idle} bytes in 2 s")
        print(f"{name:10} {'slow link':9} {held(screen, 3)}")
    finally:
        screen.close()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("log", nargs="?", type=Path, default=SAMPLE)
    parser.add_argument("--size", default="80x24")
    parser.add_argument("--moves", type=int, default=60)
    asked = parser.parse_args()
    columns, lines = (int(part) for part in asked.size.split("x"))
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        log = asked.log.resolve()
        print(f"{log.name} at {asked.size}")
        measure("krone-tui", [sys.executable, "-m", "krone_tui.cli", str(log)], (columns, lines), asked, home)
        if shutil.which("lnav") is None:
            print("lnav is not installed: left out.")
            return
        plain = home / log.name.removesuffix(".gz")
        with (
            gzip.open(log, "rb") if log.suffix == ".gz" else log.open("rb") as packed,
            plain.open("wb") as file,
        ):
            shutil.copyfileobj(packed, file)
        measure("lnav", ["lnav", str(plain)], (columns, lines), asked, home)


if __name__ == "__main__":
    main()
