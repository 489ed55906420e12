"""What is asked of the model comes from the finding: its records, its Seq, normal Seqs of the same parent."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from krone_tui.errors import KroneError
from krone_tui.explanation import request_for
from krone_tui.explanation.prompt import build_prompt
from krone_tui.investigation import Investigation
from krone_tui.resources import data_folder
from krone_tui.settings import Settings
from krone_tui.store import Store, views


@pytest.fixture(scope="module")
def store(samples_cache: Path) -> Iterator[Store]:
    settings = Settings(cache_dir=samples_cache)
    with Investigation.open([str(data_folder("sample_logs") / "rolling-upgrade.log.gz")], settings) as opened:
        yield opened.store


def test_every_failure_mode_can_be_asked_about(store: Store) -> None:
    modes = views.failure_modes(store)
    assert modes
    for mode in modes:
        request, seq_hash = request_for(store, mode.example_execution)
        execution = views.execution(store, mode.example_execution)
        assert execution is not None
        assert seq_hash != 0
        assert request.facts and request.records and request.steps
        lines = {row.first_line for row in views.records(store, mode.example_execution)}
        assert {record.line for record in request.records} <= lines
        assert [record.line for record in request.records] == sorted(
            record.line for record in request.records
        )
        assert all(seq.steps != request.steps and seq.executions > 0 for seq in request.normal)


def test_a_step_that_is_there_and_deviates_is_marked_and_comes_into_the_smallest_prompt(store: Store) -> None:
    marked = 0
    for mode in views.failure_modes(store):
        if mode.kind == "missing":
            continue
        request, _ = request_for(store, mode.example_execution)
        deviating = {record.line for record in request.records if record.deviating}
        prompt = build_prompt(request, 500, lambda texts: [len(text) // 3 for text in texts])
        assert not deviating or deviating & {record.line for record in prompt.records}
        marked += bool(deviating)
    assert marked > 0


def test_executions_with_the_same_steps_share_the_hash_of_their_seq(store: Store) -> None:
    by_variant: dict[int, list[int]] = {}
    for execution in views.executions(store, flagged=True):
        by_variant.setdefault(execution.variant_id, []).append(execution.execution_id)
    alike = [ids for ids in by_variant.values() if len(ids) > 1]
    assert alike
    for first, second, *_ in alike[:5]:
        assert request_for(store, first)[1] == request_for(store, second)[1]
    others = list(by_variant.values())
    assert len({request_for(store, ids[0])[1] for ids in others[:: max(len(others) // 10, 1)]}) > 1


def test_what_is_not_flagged_cannot_be_asked_about(store: Store) -> None:
    (calm,) = views.executions(store, flagged=False, limit=1)
    with pytest.raises(KroneError, match="nothing to explain"):
        request_for(store, calm.execution_id)
    with pytest.raises(KroneError, match="no execution"):
        request_for(store, 1 << 30)
