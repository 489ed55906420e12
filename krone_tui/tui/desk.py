"""Where the screen asks its questions: queries run in threads of their own, answers are awaited, nothing blocks."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Concatenate, ParamSpec, TypeVar

from krone_tui.investigation import Investigation
from krone_tui.store import Store

Parameters = ParamSpec("Parameters")
Answer = TypeVar("Answer")


class Lane:
    """One thread with one database cursor; questions are answered in the order they were asked."""

    def __init__(self, store: Store, name: str) -> None:
        self._store = store.cursor()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)

    async def ask(
        self,
        question: Callable[Concatenate[Store, Parameters], Answer],
        *args: Parameters.args,
        **kwargs: Parameters.kwargs,
    ) -> Answer:
        """The answer to a query function; one that still waits is dropped when its asker is cancelled."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: question(self._store, *args, **kwargs))

    def interrupt(self) -> None:
        """Stop what runs in this lane; it raises `Store.QueryError` where it is awaited."""
        self._store.interrupt()

    def close(self) -> None:
        """Stop everything and let the thread end."""
        self._store.interrupt()
        self._thread.shutdown(wait=True, cancel_futures=True)
        self._store.close()


class Desk:
    """The open investigation as the screen sees it."""

    def __init__(self, investigation: Investigation) -> None:
        self.investigation = investigation
        self._quick = Lane(investigation.store, "quick")
        self.long = Lane(investigation.store, "long")
        """For questions that may take long: the reader can interrupt them without losing the others."""
        self.ask = self._quick.ask

    def close(self) -> None:
        """Close the investigation."""
        self._quick.close()
        self.long.close()
        self.investigation.close()
