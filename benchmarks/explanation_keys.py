"""How long keys take while the local model speaks: `python benchmarks/explanation_keys.py [LOG] [--keys 30]` (Linux).

The screen runs on a pseudo-terminal, as in terminal.py. Measured for each move of the cursor in the list of keys: bytes, and
milliseconds to the first and to the last of them; without a model, and while one writes an explanation below that list and wants
all cores.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from terminal import SAMPLE, Screen, moves


def model_works(screen: Screen) -> bool:
    """The model's process is the screen's only child; it has used processor time in the last 0.3 s."""
    before = _ticks(screen)
    time.sleep(0.3)
    return _ticks(screen) > before


def _ticks(screen: Screen) -> int:
    # A child is listed under the thread that started it.
    threads = Path(f"/proc/{screen.process}/task").glob("*/children")
    children = [child for thread in threads for child in thread.read_text(encoding="ascii").split()]
    stats = (
        Path(f"/proc/{child}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
        for child in children
    )
    return sum(int(stat[11]) + int(stat[12]) for stat in stats)


def main() -> None:
    """Two lines of figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("log", nargs="?", type=Path, default=SAMPLE)
    parser.add_argument("--keys", type=int, default=30)
    options = parser.parse_args()
    keys = ("jjk" * options.keys)[: options.keys]
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, "-m", "krone_tui.cli"]
        log = str(options.log.resolve())
        # What is measured comes after the log was read.
        environment = os.environ | {"HOME": home, "XDG_CACHE_HOME": f"{home}/cache"}
        subprocess.run([*command, "scan", log, "-o", "/dev/null"], check=True, env=environment)
        screen = Screen([*command, log], (80, 24), Path(home))
        try:
            screen.settle()
            screen.press("?")
            screen.read(0.5)
            print(f"no model       {moves(screen, keys)}")
            screen.press("\x1b")
            screen.read(0.5)
            screen.press("e")
            while not model_works(screen):
                screen.read(0.1)
            screen.press("?")
            screen.read(0.5)
            print(f"model speaks   {moves(screen, keys)}")
            print(f"it still does: {'yes' if model_works(screen) else 'no, ask for fewer --keys'}")
        finally:
            screen.close()


if __name__ == "__main__":
    main()
