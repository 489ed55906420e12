"""The evidence of what is looked at is told soon, whole, and of the last thing asked."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from screens import write_service_log

from krone_tui.explanation import Sentence, evidence
from krone_tui.investigation import Investigation
from krone_tui.settings import Settings
from krone_tui.store import views
from krone_tui.store.targets import mode_target
from krone_tui.store.verdicts import ANOMALOUS
from krone_tui.tui.desk import Desk


class Told(list[tuple[int, Sequence[Sentence]]]):
    """(execution_id, its evidence) as often as it was told."""

    def take(self, execution: views.ExecutionRow, sentences: Sequence[Sentence]) -> None:
        self.append((execution.execution_id, sentences))


@pytest.fixture(scope="module")
def investigation(tmp_path_factory: pytest.TempPathFactory) -> Investigation:
    folder = tmp_path_factory.mktemp("log")
    write_service_log(folder / "service.log")
    return Investigation.open([str(folder / "service.log")], Settings(cache_dir=folder, data_dir=folder))


async def test_it_is_told_whole_and_kept_for_the_next_execution_that_fails_alike(
    investigation: Investigation,
) -> None:
    desk = Desk(investigation)
    store = investigation.store
    mode = max(views.failure_modes(store), key=lambda one: one.executions)
    alike = views.executions(store, failure_mode_id=mode.failure_mode_id)[:3]
    for execution in alike:
        told = Told()
        assert await desk.evidence.tell(execution.execution_id, told.take)
        assert told[-1] == (execution.execution_id, evidence(store, execution.execution_id))
    # What they share is known by now: there is nothing to wait for.
    told = Told()
    assert await desk.evidence.tell(alike[0].execution_id, told.take)
    assert len(told) == 1
    assert await desk.evidence.whole(alike[0].execution_id) == told[0][1]
    await asyncio.to_thread(desk.evidence.close)


async def test_what_was_looked_ahead_for_is_told_at_once(investigation: Investigation) -> None:
    desk = Desk(investigation)
    store = investigation.store
    mode = max(views.failure_modes(store), key=lambda one: one.executions)
    first, second = views.executions(store, failure_mode_id=mode.failure_mode_id)[:2]
    assert not (await desk.evidence.ask(desk.evidence._write, second.execution_id))[2]
    await desk.evidence.look_ahead(first.execution_id)
    assert desk.evidence._search is not None
    await desk.evidence._search[0]
    _, sentences, whole = await desk.evidence.ask(desk.evidence._write, second.execution_id)
    assert whole
    assert sentences == evidence(store, second.execution_id)
    await asyncio.to_thread(desk.evidence.close)


async def test_one_execution_that_fails_alone_is_told_without_a_search(
    tmp_path: Path, investigation: Investigation
) -> None:
    mode = max(views.failure_modes(investigation.store), key=lambda one: one.executions)
    alike = views.executions(investigation.store, failure_mode_id=mode.failure_mode_id)
    lines = Path(alike[0].source).read_text(encoding="utf-8").splitlines(keepends=True)
    others = {execution.identifier for execution in alike[1:]}
    (tmp_path / "one.log").write_text(
        "".join(line for line in lines if not any(name in line for name in others)), encoding="utf-8"
    )
    one = Investigation.open([str(tmp_path / "one.log")], Settings(cache_dir=tmp_path, data_dir=tmp_path))
    desk = Desk(one)
    (flagged,) = views.executions(one.store, flagged=True)
    _, sentences, whole = await desk.evidence.ask(desk.evidence._write, flagged.execution_id)
    assert whole
    assert sentences == await desk.evidence.whole(flagged.execution_id)
    await asyncio.to_thread(desk.evidence.close)


async def test_of_several_questions_the_last_is_told_last_and_the_others_end(
    investigation: Investigation,
) -> None:
    desk = Desk(investigation)
    store = investigation.store
    asked = [mode.example_execution for mode in views.failure_modes(store)] * 3
    told = Told()
    tasks = []
    for execution_id in asked:
        tasks.append(asyncio.create_task(desk.evidence.tell(execution_id, told.take)))
        await asyncio.sleep(0.002)
    done = await asyncio.wait_for(asyncio.gather(*tasks), 60)
    assert done[-1]
    assert told[-1] == (asked[-1], evidence(store, asked[-1]))
    await asyncio.to_thread(desk.evidence.close)


async def test_a_verdict_is_heeded_once_the_kept_evidence_is_forgotten(investigation: Investigation) -> None:
    desk = Desk(investigation)
    store = investigation.store
    mode = views.failure_modes(store)[0]
    assert "seen before" not in str(await desk.evidence.whole(mode.example_execution))
    target = mode_target(store, mode.failure_mode_id)
    assert target is not None
    investigation.judging.give(store, target, ANOMALOUS, "seen before")
    desk.evidence.forget()
    assert "seen before" in str(await desk.evidence.whole(mode.example_execution))
    investigation.judging.undo(store)
    await asyncio.to_thread(desk.evidence.close)
