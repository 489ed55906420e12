"""How the screen ends when a signal asks for it: as if the user had left, so that the terminal is restored."""

import asyncio
import signal
from collections.abc import Callable

SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


def watch_signals(leave: Callable[[int], None]) -> None:
    """Call `leave` with the exit code a shell expects on the first of `SIGNALS`; in the thread of the running event loop.

    A signal that is ignored (`nohup`) stays so.
    """
    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, leave, 128 + number)
