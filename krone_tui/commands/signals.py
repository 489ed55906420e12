"""How a command without a screen ends when a signal asks for it."""

import signal


class Stop(BaseException):
    """A signal asked for the end. No `Exception`, so that nothing on its way takes it for a failure."""


class Signals:
    """Ends a command without a screen on Ctrl-C, `kill` and a hangup, leaving nothing behind."""

    received: int | None = None

    @classmethod
    def watch(cls) -> None:
        """From here on, the first such signal unwinds the command; a second one is not held up by that."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # Where it is ignored (`nohup`), it stays so.
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, cls._stop)

    @classmethod
    def _stop(cls, number: int, _frame: object) -> None:
        cls.received = number
        signal.signal(number, signal.SIG_DFL)
        raise Stop
