"""What the evidence says of records beside the deviating one, and of counts that normal executions have too."""

from pathlib import Path

import pytest
from simple_logs import investigated

from krone_tui.detection.levels import SAID_QUIETLY
from krone_tui.detection.stage import SAID_ASIDE
from krone_tui.explanation import evidence
from krone_tui.explanation.quoting import Quotes
from krone_tui.explanation.shared import _OF_THE_PROGRAM
from krone_tui.explanation.usual import Usual
from krone_tui.explanation.writer import Writer
from krone_tui.store import Store, views
from krone_tui.store import evidence as queries


def write_jobs(log: Path, failing: dict[int, str], level: str = "INFO") -> Path:
    """Jobs that end well, or are given up, which an exception in a record further down explains."""
    lines = []
    for job in range(300):
        at = f"2026-05-04 {job // 60:02}:{job % 60:02}"
        lines += [
            f"{at}:01 INFO [job={job + 7000}] taken",
            f"{at}:02 {level} [job={job + 7000}] connection refused, trying the other",
        ]
        if job in failing:
            lines += [
                f"{at}:03 WARN [job={job + 7000}] gave up on it",
                f"{at}:04 ERROR [job={job + 7000}] export ended",
            ]
            lines += [
                "Traceback (most recent call last):",
                '  File "/srv/app/jobs.py", line 9, in run',
                failing[job],
            ]
        else:
            lines.append(f"{at}:03 INFO [job={job + 7000}] stored")
    log.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return log


def said_of(store: Store, job: int) -> list[str]:
    execution = views.find_execution(store, str(job + 7000))
    assert execution is not None and execution.flagged
    return [str(sentence) for sentence in evidence(store, execution.execution_id)]


def test_an_exception_in_another_record_is_told(tmp_path: Path) -> None:
    failing = {
        40: "PermissionError: [Errno 13] Permission denied: '/exports/40.csv'",
        90: "jobs.errors.TimeoutError: took 30 s",
    }
    with investigated([write_jobs(tmp_path / "jobs.log", failing)]) as store:
        assert any("PermissionError: [Errno 13] Permission denied" in one for one in said_of(store, 40))
        assert any("TimeoutError: took 30 s" in one for one in said_of(store, 90))
        (normal,) = views.executions(store, flagged=False, limit=1)
        assert not any("tells of" in str(one) for one in evidence(store, normal.execution_id))


ASIDE = SAID_ASIDE / SAID_QUIETLY


@pytest.mark.parametrize(("level", "counts"), [("INFO", 1.0), ("DEBUG", ASIDE), ("TRACE", ASIDE)])
def test_words_at_a_level_for_details_count_less(tmp_path: Path, level: str, counts: float) -> None:
    with investigated([write_jobs(tmp_path / "jobs.log", {40: "ValueError: no"}, level)]) as store:
        (severity,) = store.row("SELECT severity FROM template WHERE text LIKE '%connection refused%'")
    with investigated([write_jobs(tmp_path / "info.log", {40: "ValueError: no"})]) as store:
        (plain,) = store.row("SELECT severity FROM template WHERE text LIKE '%connection refused%'")
    assert severity == pytest.approx(counts * plain, abs=1e-6)
    assert plain > 0.5


def test_a_count_that_normal_executions_have_too_says_how_few_do(tmp_path: Path) -> None:
    lines = []
    for order in range(400):
        at = f"2026-05-04 {order // 60:02}:{order % 60:02}"
        lines.append(f"{at}:01 INFO [order={order + 5000}] received")
        lines += [f"{at}:02 INFO [order={order + 5000}] card charged"] * (2 if order % 3 == 0 else 1)
        lines.append(f"{at}:30 INFO [order={order + 5000}] shipped")
    log = tmp_path / "orders.log"
    log.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with investigated([log]) as store:
        assert not views.summary(store).flagged
        twice = views.find_execution(store, "5000")
        assert twice is not None
        names = queries.template_names(store)
        steps = queries.steps(store, [twice.execution_id])[twice.execution_id]
        charged = next(template for template, name in names.items() if "charged" in name.text)
        writer = Writer(names, Quotes(name.text for name in names.values()), Usual(store, False), steps)
        assert (
            "occurs 2 times, as in 134 of 400 normal executions that have it; mostly it occurs once"
            in str(writer._count(charged))
        )


@pytest.mark.parametrize(
    ("text", "of_the_program"),
    [
        ("srv/lib/python3.11/site-packages/rq/worker/base.py", True),
        ("Worker.java:120", True),
        ("Thread-3", True),
        ("pool-2-thread-17", True),
        ("0x7f5e57fff6c0", True),
        ("0000560A62A23275", True),
        ("orders.csv", False),
        ("db-3", False),
        ("0xff", False),
        ("user-17", False),
    ],
)
def test_what_tells_of_the_program_is_not_shared(text: str, of_the_program: bool) -> None:
    assert bool(_OF_THE_PROGRAM.fullmatch(text)) is of_the_program
