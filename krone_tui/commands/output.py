"""What a command writes: lines on standard output, progress on standard error."""

import contextlib
import io
import os
import stat
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TextIO

from krone_tui.commands.signals import Signals
from krone_tui.errors import KroneError

if TYPE_CHECKING:
    from krone_tui.investigation import Investigation
    from krone_tui.settings import Settings


@contextlib.contextmanager
def opened(paths: Sequence[str], settings: "Settings") -> "Iterator[Investigation]":
    """Investigate logs for a command without a screen: progress and notes on stderr, an end on signals."""
    Signals.watch()
    from krone_tui.investigation import Investigation
    from krone_tui.report import printable

    with ProgressBars() as progress, Investigation.open(paths, settings, progress) as investigation:
        progress.stop()
        for note in investigation.opened.notes:
            sys.stderr.write(printable(note) + "\n")
        yield investigation


def print_lines(lines: Iterable[str], *, always_utf8: bool) -> None:
    """Write lines to standard output until its reader has enough (`| head`); a full disk is an error."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # What an old character set lacks is spelled out; JSON is UTF-8 whatever the terminal speaks.
        sys.stdout.reconfigure(encoding="utf-8" if always_utf8 else None, errors="backslashreplace")
    for line in lines:
        if not write(line + "\n"):
            return
    write("", flush=True)


class OutputFile:
    """A file that a command writes: aside, and renamed once it is whole; nothing is left of one that is not.

    A device or a pipe is written as it stands. Raises `KroneError` when the file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        # A link stays one: what it leads to is written.
        self._target = Path(os.path.realpath(path))
        self._aside: Path | None = None
        self._file: TextIO | None = None

    def __enter__(self) -> Self:
        with self._failing():
            if self._path.is_dir():
                raise KroneError(f"{self._path} is a folder; name a file with -o.")
            if self._path.exists() and not self._path.is_file():
                self._file = self._path.open("w", encoding="utf-8", errors="backslashreplace")
                return self
            aside = self._target.with_name(f".krone-tui-{os.getpid()}.partial")
            descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o666)
            self._aside = aside
            self._file = open(descriptor, "w", encoding="utf-8", errors="backslashreplace")  # noqa: PTH123
            if self._target.exists():
                os.fchmod(descriptor, stat.S_IMODE(self._target.stat().st_mode))
        return self

    def write_lines(self, lines: Iterable[str]) -> None:
        """Write all of it, and put it in its place."""
        assert self._file is not None
        for line in lines:
            with self._failing():
                self._file.write(line + "\n")
        with self._failing():
            self._file.flush()
            if self._aside is not None:
                os.fsync(self._file.fileno())
                self._aside.replace(self._target)
                self._aside = None

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            # What a full disk did not take is thrown away with the file.
            with contextlib.suppress(OSError):
                self._file.close()
        if self._aside is not None:
            self._aside.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise KroneError(
                f"{self._path} cannot be written: {error.strerror or error}; name another file with -o."
            ) from error


def write(text: str, *, flush: bool = False) -> bool:
    """Write to standard output; False when nobody reads it any more. Raises `KroneError` on a full disk."""
    try:
        sys.stdout.write(text)
        if flush:
            sys.stdout.flush()
    except OSError as error:
        # Python flushes once more at exit; that must not fail a second time.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            return False
        raise KroneError(f"The output cannot be written: {error.strerror or error}.") from error
    return True


class ProgressBars:
    """Progress of the stages on stderr, when that is a terminal."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._tasks: dict[str, Any] = {}

    def __enter__(self) -> "ProgressBars":
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

            columns = (
                TextColumn("{task.description:<11}"),
                BarColumn(),
                TextColumn("{task.completed:,.0f} {task.fields[unit]}"),
                TimeElapsedColumn(),
            )
            self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self._bar.start()
        return self

    def __call__(self, report: Any) -> None:
        if self._bar is None:
            return
        if report.stage not in self._tasks:
            self._tasks[report.stage] = self._bar.add_task(report.stage, total=report.total, unit=report.unit)
        self._bar.update(self._tasks[report.stage], completed=report.done, total=report.total)

    def stop(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def __exit__(self, *_: object) -> None:
        self.stop()
