"""Reads the logs in a thread that knows no widget: it posts messages, and stops when asked to."""

import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from textual.message import Message
from textual.message_pump import MessagePump

from krone_tui.errors import Cancelled
from krone_tui.investigation import Investigation
from krone_tui.progress import StageProgress
from krone_tui.settings import Settings
from krone_tui.store import Store
from krone_tui.store.partial import so_far
from krone_tui.tui.messages import Loaded, LoadFailed, PartlyRead, StageReported

_PAUSE = 0.1
"""Seconds between two reports of one stage: more would only fill a slow link."""
_LOOK = 0.7
"""Seconds between two looks at what is known so far; longer where a look itself takes more than a twentieth of that."""
_PATIENCE = 3.0
"""Seconds that leaving waits for the thread; one that blocks on a pipe is left behind, and ends with the process."""


class Loader:
    """One attempt at opening an investigation."""

    def __init__(self, paths: Sequence[str], settings: Settings) -> None:
        self._paths, self._settings = paths, settings
        self._listener: MessagePump | None = None
        self._stop = threading.Event()
        self._building: Store | None = None
        self._file: Path | None = None
        self._thread = threading.Thread(target=self._run, name="loader", daemon=True)
        self._reported = ("", 0.0)
        self._stages: list[str] = []
        """Those that have begun, in order."""
        self._next_look = 0.0

    def start(self, listener: MessagePump) -> None:
        """Begin, and tell this widget or application."""
        self._listener = listener
        self._thread.start()

    def cancel(self) -> None:
        """Ask the thread to stop; it posts `LoadFailed` with `Cancelled`."""
        self._stop.set()
        self._interrupt()

    def finish(self) -> None:
        """Wait a little for the thread; remove what one that hangs would leave behind."""
        self.cancel()
        deadline = time.monotonic() + _PATIENCE
        while self._thread.is_alive() and time.monotonic() < deadline:
            self._thread.join(0.1)
            # The thread may have been between two queries when it was interrupted.
            self._interrupt()
        if self._thread.is_alive() and self._file is not None:
            self._file.unlink(missing_ok=True)
            self._file.with_name(self._file.name + ".wal").unlink(missing_ok=True)

    def _interrupt(self) -> None:
        # The thread may just have closed what it was building.
        with suppress(Store.QueryError):
            if self._thread.is_alive() and self._building is not None:
                self._building.interrupt()

    def _run(self) -> None:
        try:
            investigation = Investigation.open(self._paths, self._settings, self._progress, self._built)
        except BaseException as error:
            # Whatever it is, the screen must hear of it: this thread is nobody else's business.
            self._post(LoadFailed(Cancelled("Reading was stopped.") if self._stop.is_set() else error))
            return
        finally:
            self._building = None
        if self._stop.is_set() or not self._post(Loaded(investigation)):
            investigation.close()

    def _built(self, store: Store) -> None:
        self._building, self._file = store, store.path

    def _progress(self, progress: StageProgress) -> None:
        if self._stop.is_set():
            raise Cancelled("Reading was stopped.")
        stage, at = self._reported
        now = time.monotonic()
        if progress.stage != stage or now - at >= _PAUSE or progress.done == progress.total:
            self._reported = (progress.stage, now)
            self._post(StageReported(progress))
        self._look(progress.stage, now)

    def _look(self, stage: str, now: float) -> None:
        """Tell what is known, now and then, and when a stage has ended."""
        if self._building is None or (stage in self._stages and now < self._next_look):
            return
        if stage not in self._stages:
            self._stages.append(stage)
        # A model judges after the stages, when what was being built is closed.
        with suppress(Store.QueryError):
            self._post(PartlyRead(so_far(self._building, self._stages[:-1])))
        took = time.monotonic() - now
        self._next_look = now + max(_LOOK, 20 * took)

    def _post(self, message: Message) -> bool:
        return self._listener is not None and self._listener.post_message(message)
