"""Works ahead in a thread of its own, so that decompressing, parsing and writing overlap."""

import contextlib
import queue
import threading
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")

_WAIT_SECONDS = 0.25


def _nothing() -> None:
    """Nothing is done while waiting."""


class Prefetch(Generic[T]):
    """Hands on what an iterator yields, `depth` items ahead; an error in it is raised where it is consumed."""

    def __init__(self, items: Iterator[T], depth: int) -> None:
        self._items = items
        self._queue: queue.Queue[T | BaseException | None] = queue.Queue(depth)
        self._stopped = threading.Event()
        # A daemon: a pipe that never ends must not keep the program alive.
        self._thread = threading.Thread(target=self._run, name="work-ahead", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        last: BaseException | None = None
        try:
            for item in self._items:
                if not self._put(item):
                    return
        except Exception as error:  # noqa: BLE001, RUF100 (raised again by `consume`)
            last = error
        self._put(last)

    def _put(self, item: T | BaseException | None) -> bool:
        while not self._stopped.is_set():
            with contextlib.suppress(queue.Full):
                self._queue.put(item, timeout=_WAIT_SECONDS)
                return True
        return False

    def consume(self, idle: Callable[[], None] = _nothing) -> Iterator[T]:
        """The items, until there are no more or `stop` is called; `idle` is called now and then while none comes, and may
        raise to give up."""
        while not self._stopped.is_set():
            try:
                item = self._queue.get(timeout=_WAIT_SECONDS)
            except queue.Empty:
                idle()
                continue
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            yield item

    def stop(self) -> None:
        """Let the thread end; nothing is handed on any more."""
        self._stopped.set()

    def join(self) -> None:
        """Wait until the thread has ended: at once after `stop`, unless the iterator itself waits."""
        self._thread.join()
