"""Where the screen asks its questions: queries run in threads of their own, answers are awaited, nothing blocks."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any, Concatenate, ParamSpec, TypeVar

from krone_tui.explanation import Evidence, Sentence
from krone_tui.investigation import Investigation
from krone_tui.store import Store, views

Parameters = ParamSpec("Parameters")
Answer = TypeVar("Answer")

Show = Callable[[views.ExecutionRow, Sequence[Sentence]], None]
"""What is done with an execution and its evidence."""

_SOON = 0.12
"""Seconds within which evidence that is whole is worth waiting for, so that it is drawn once."""
_AGAIN = 0.005
"""Seconds until a search that was stopped is stopped again: it may have been between two queries."""


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


class EvidenceLane(Lane):
    """Writes the evidence of what the reader looks at; what is asked last is told first."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, "evidence")
        self._writer: Evidence | None = None
        self._search: tuple[asyncio.Future[Any], object] | None = None
        """For what the executions of a failure mode share, which takes long on a large log."""
        self._may_stop: object | None = None
        """Stands for the search the thread is at: the one question that may be interrupted."""
        self._turn = Lock()

    async def tell(self, execution_id: int, show: Show) -> bool:
        """Show an execution with its evidence, and once more when what takes long to find is added; nothing of an unknown one.

        Returns whether it was told whole: False when another question came before that.
        """
        await self._stop_search()
        execution, sentences, whole = await self.ask(self._write, execution_id)
        if execution is None:
            return True
        if whole:
            show(execution, sentences)
            return True
        # Another question may have begun its search while this one was answered.
        await self._stop_search()
        search = self._start_search(self._write_whole, execution_id)
        done, _ = await asyncio.wait([search], timeout=_SOON)
        if not done:
            show(execution, sentences)
        try:
            show(execution, await asyncio.shield(search))
        except Store.QueryError:
            if self._search is not None and search is self._search[0]:
                raise
            return False
        return True

    async def look_ahead(self, execution_id: int) -> None:
        """Begin to find what takes long for an execution that may be told next; the next question stops it."""
        await self._stop_search()
        self._start_search(self._prepare, execution_id)

    async def whole(self, execution_id: int) -> list[Sentence]:
        """All there is to tell, however long it takes."""
        await self._stop_search()
        return await self.ask(self._write_whole, execution_id)

    def forget(self) -> None:
        """Verdicts have changed: what was kept holds no more."""
        self._writer = None

    def _start_search(
        self, question: Callable[[Store, int], Answer], execution_id: int
    ) -> asyncio.Future[Answer]:
        mark = object()
        search = asyncio.ensure_future(self.ask(self._search_for, question, execution_id, mark))
        self._search = search, mark
        # Whoever stops it or closes the lane takes its error along, also when nobody waits for it any more.
        search.add_done_callback(lambda done: done.cancelled() or done.exception())
        return search

    async def _stop_search(self) -> None:
        if self._search is None:
            return
        (search, mark), self._search = self._search, None
        while not search.done():
            # The thread may be done with it before this side hears of it, and at the next question.
            with self._turn:
                if self._may_stop is mark:
                    self.interrupt()
            await asyncio.wait([search], timeout=_AGAIN)

    def _write(
        self, store: Store, execution_id: int, *, search: bool = False
    ) -> tuple[views.ExecutionRow | None, list[Sentence], bool]:
        """(the execution, its evidence, whether that is whole)."""
        writer = self._writer = self._writer or Evidence(store, one_by_one=True)
        execution = views.execution(store, execution_id)
        if execution is None:
            return None, [], True
        return execution, writer.of(execution, search_shared=search), search or writer.is_whole(execution)

    def _write_whole(self, store: Store, execution_id: int) -> list[Sentence]:
        return self._write(store, execution_id, search=True)[1]

    def _prepare(self, store: Store, execution_id: int) -> None:
        """Let the writer find what it keeps for this failure mode, unless it has found it before."""
        writer = self._writer = self._writer or Evidence(store, one_by_one=True)
        execution = views.execution(store, execution_id)
        if execution is not None and not writer.is_whole(execution):
            writer.of(execution)

    def _search_for(
        self, store: Store, question: Callable[[Store, int], Answer], execution_id: int, mark: object
    ) -> Answer:
        with self._turn:
            self._may_stop = mark
        try:
            return question(store, execution_id)
        finally:
            with self._turn:
                self._may_stop = None


class Desk:
    """The open investigation as the screen sees it."""

    def __init__(self, investigation: Investigation) -> None:
        self.investigation = investigation
        self._quick = Lane(investigation.store, "quick")
        self.long = Lane(investigation.store, "long")
        """For questions that may take long: the reader can interrupt them without losing the others."""
        self.evidence = EvidenceLane(investigation.store)
        self.ask = self._quick.ask

    def close(self) -> None:
        """Close the investigation."""
        self._quick.close()
        self.evidence.close()
        self.long.close()
        self.investigation.close()
