"""How the screen ends when a signal asks for it, or the terminal is gone: as if the user had left."""

import asyncio
import select
import signal
import sys
from collections.abc import Callable

HUNG_UP = 128 + signal.SIGHUP
"""The exit code where the terminal is gone."""
SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


def watch_signals(leave: Callable[[int], None]) -> None:
    """Call `leave` with the exit code a shell expects on the first of `SIGNALS`; in the thread of the running event loop.

    A signal that is ignored (`nohup`) stays so.
    """
    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, leave, 128 + number)


def hung_up() -> bool:
    """Whether nobody is at the other end of the terminal any more.

    Not every one who leaves sends SIGHUP: `docker exec` and `kubectl exec` do not where the connection breaks.
    """
    if sys.__stdin__ is None:
        return True
    watched = select.poll()
    watched.register(sys.__stdin__.fileno(), 0)
    return any(events & (select.POLLHUP | select.POLLERR) for _, events in watched.poll(0))
