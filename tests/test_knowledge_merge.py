"""Knowledge bases put together: merged parts equal the whole, whatever the order."""

import random
import tempfile
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from simple_logs import settings, write

from krone_tui.errors import KroneError
from krone_tui.knowledge import learn, merge
from krone_tui.store import learnt
from krone_tui.store.knowledge import KnowledgeBase

TIME = datetime(2026, 3, 2, 8, 0, 0)  # noqa: DTZ001 (as verdicts carry it)


def content(path: Path) -> object:
    """All that a knowledge base holds, without ids."""
    with KnowledgeBase.reading(path) as kb:
        verdicts = kb.rows("SELECT * EXCLUDE (verdict_id) FROM verdict ORDER BY verdict_id")
        templates = kb.rows("SELECT text FROM known_template ORDER BY text")
        return learnt.rows_by_text(kb), verdicts, templates


def baseline(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """What a knowledge base learnt, whichever logs it came from."""
    with KnowledgeBase.reading(path) as kb:
        found = learnt.rows_by_text(kb)
    return {name: rows for name, rows in found.items() if name != "sources"}


MESSAGES = (
    "INFO  shop.Api: accepted {id} from 10.0.0.{n}",
    "INFO  shop.Stock: checked item {n} for {id}",
    "INFO  shop.Pay: charged card for {id} in {n} ms",
    "WARN  shop.Pay: retrying {id}",
    "DEBUG shop.Pay: retrying {id}",
    "ERROR shop.Pay: refused {id}: no answer from 10.0.0.{n}:5432",
)
executions_of_a_log = st.lists(
    st.lists(st.integers(0, len(MESSAGES) - 1), min_size=1, max_size=6), min_size=1, max_size=7
)


def lines_of(executions: Sequence[Sequence[int]]) -> list[tuple[int, str]]:
    """(execution, line) of executions that take turns."""
    queue = [
        (step, number, kind) for number, kinds in enumerate(executions) for step, kind in enumerate(kinds)
    ]
    return [
        (
            number,
            f"{TIME + timedelta(seconds=at)} {MESSAGES[kind].format(id=f'req-{number + 100}', n=at % 7)}",
        )
        for at, (_, number, kind) in enumerate(sorted(queue))
    ]


def learn_lines(folder: Path, name: str, lines: Sequence[str]) -> Path:
    log = write(folder / f"{name}.log", lines)
    learn([str(log)], folder / f"{name}.duckdb", settings(group_by=r"(req-\d+)"))
    return folder / f"{name}.duckdb"


@examples(max_examples=5, suppress_health_check=list(HealthCheck))
@given(executions_of_a_log, st.randoms(use_true_random=False))
def test_learning_any_split_by_executions_and_merging_equals_learning_the_whole(
    executions: list[list[int]], rng: random.Random
) -> None:
    lines = lines_of(executions)
    part_of = [rng.randrange(3) for _ in executions]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        whole = learn_lines(folder, "whole", [line for _, line in lines])
        parts = [
            learn_lines(folder, f"part{part}", [line for number, line in lines if part_of[number] == part])
            for part in sorted(set(part_of))
        ]
        together = parts[0]
        if len(parts) > 1:
            together = folder / "together.duckdb"
            merge(parts, together)
        assert baseline(together) == baseline(whole)


verdicts = st.lists(
    st.tuples(
        st.sampled_from(["a", "b"]),
        st.sampled_from(["normal", "anomalous"]),
        st.sampled_from(["person", "model"]),
        st.integers(0, 3),
        st.booleans(),
    ),
    max_size=4,
)


@pytest.fixture(scope="module")
def lessons(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three lessons, the first once more under another name, and one of two logs."""
    folder = tmp_path_factory.mktemp("lessons")
    logs = ([[0, 1, 2], [0, 3]], [[0, 1, 5]] * 2, [[4], [0, 1, 2]], [[0, 1, 2], [0, 3]])
    made = [
        learn_lines(folder, f"lesson{number}", [line for _, line in lines_of(log)])
        for number, log in enumerate(logs)
    ]
    more = write(folder / "more.log", [line for _, line in lines_of([[2, 2, 2]])])
    learn([str(more)], made[1], settings(group_by=r"(req-\d+)"))
    return made


@examples(max_examples=4, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.integers(0, 3), min_size=3, max_size=3),
    st.lists(verdicts, min_size=3, max_size=3),
)
def test_merging_is_associative_commutative_and_idempotent(
    lessons: list[Path], chosen: list[int], their_verdicts: list[list[tuple[str, str, str, int, bool]]]
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        parts = []
        for number, (lesson, its_verdicts) in enumerate(zip(chosen, their_verdicts, strict=True)):
            parts.append(folder / f"part{number}.duckdb")
            parts[-1].write_bytes(lessons[lesson].read_bytes())
            give(parts[-1], number, its_verdicts)
        a, b, c = parts
        ab, bc, one, other, again = (
            folder / f"{name}.duckdb" for name in ("ab", "bc", "one", "other", "again")
        )
        merge([a, b], ab)
        merge([b, c], bc)
        merge([ab, c], one)
        merge([c, bc, a], other)
        merge([one, b, other], again)
        assert content(one) == content(other) == content(again)


def give(path: Path, number: int, given_verdicts: Sequence[tuple[str, str, str, int, bool]]) -> None:
    with KnowledgeBase.writing(path) as kb:
        for at, (key, verdict, source, minute, retracted) in enumerate(given_verdicts):
            kb.connection.execute(
                "INSERT INTO verdict VALUES ($at, $key, 'mode', $verdict, $source, $time, NULL, 't', 'p', NULL, $gone)",
                {
                    "at": at,
                    "key": key,
                    "verdict": verdict,
                    "source": source,
                    "time": TIME + timedelta(minutes=minute),
                    "gone": TIME + timedelta(days=1) if retracted else None,
                },
            )
        kb.connection.execute("INSERT INTO known_template VALUES ('t'), ($text)", {"text": f"t{number}"})


def test_a_lesson_in_both_counts_once_but_not_two_lessons_of_the_same_log(tmp_path: Path) -> None:
    first = write(tmp_path / "first.log", [line for _, line in lines_of([[0, 1, 2]] * 4)])
    second = write(tmp_path / "second.log", [line for _, line in lines_of([[0, 1, 5]] * 3)])
    chosen = settings(group_by=r"(req-\d+)")
    alone, both, out = (tmp_path / f"{name}.duckdb" for name in ("alone", "both", "out"))
    learn([str(first)], alone, chosen)
    learn([str(first), str(second)], both, chosen)
    with pytest.raises(KroneError, match=r"first\.log was learnt in both"):
        merge([alone, both], out)
    assert not out.exists()
    assert sorted(path.name for path in tmp_path.glob(".*")) == []
    copy = tmp_path / "copy.duckdb"
    copy.write_bytes(alone.read_bytes())
    assert merge([alone, copy], out).executions == 4
