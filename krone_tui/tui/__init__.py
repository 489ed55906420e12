"""The screen: the only place that knows Textual."""

import os
import sys
from collections.abc import Sequence

from krone_tui.errors import Cancelled, KroneError
from krone_tui.settings import Settings

__all__ = ["run"]


def run(paths: Sequence[str], settings: Settings, ascii: bool = False) -> int:  # noqa: A002
    """Open the screen on logs and stay until the user leaves.

    Returns the exit code: 0; 2 with one sentence on stderr when the log cannot be read; 130 when reading was stopped.
    Raises `KroneError` when there is no terminal to draw on. `ascii` draws with plain ASCII characters.
    """
    # Textual draws on standard error, so that standard output stays free.
    if not (sys.stdout.isatty() and sys.stderr.isatty()):
        raise KroneError("The screen needs a terminal; `krone-tui scan` prints the findings without one.")
    _keys_from_terminal()
    from krone_tui.tui.app import KroneApp

    app = KroneApp(paths, settings, ascii=ascii)
    try:
        code = app.run(mouse=False)
    finally:
        app.close()
    failure = app.failure
    if failure is not None and not isinstance(failure, Cancelled):
        if not isinstance(failure, KroneError):
            raise failure
        print(failure, file=sys.stderr)  # noqa: T201
        return 2
    return app.return_code or 0 if code is None else code


def _keys_from_terminal() -> None:
    """Where standard input is a log (`… | krone-tui -`), read the log from there and the keys from the terminal."""
    if sys.stdin is not None and sys.stdin.isatty():
        return
    try:
        terminal = os.open("/dev/tty", os.O_RDWR)
    except OSError as error:
        raise KroneError(
            "The screen needs a terminal for its keys; `krone-tui scan -` reads standard input without one."
        ) from error
    sys.stdin = os.fdopen(os.dup(0), encoding="utf-8", errors="replace")
    os.dup2(terminal, 0)
    os.close(terminal)
