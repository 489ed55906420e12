"""Jobs that fail in two ways, and what tests of verdicts ask about them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from simple_logs import JOB_STEPS, UNSEEN_ERROR, jobs, render, write

from krone_tui.investigation import Investigation
from krone_tui.settings import Settings
from krone_tui.store import Store, targets, views
from krone_tui.store.targets import Target

LOST = "WARN  jobs.Index: Lost lock of {id}, keys {b} not written"
FAILING = dict.fromkeys((11, 47, 90, 130), (*JOB_STEPS[:3], UNSEEN_ERROR))
LOSING = dict.fromkeys((25, 71), (*JOB_STEPS[:4], LOST, JOB_STEPS[6]))
CHANGED = ("variant_verdict", "failure_mode", "finding")


def jobs_log(path: Path, count: int = 160, seed: int = 1, first: int = 0) -> Path:
    """Jobs, four of which fail on a disk and two of which lose a lock."""
    return write(
        path,
        render(jobs(count, seed, FAILING | LOSING, name=lambda index: f"job-{first + index + 7000:06d}")),
    )


@contextmanager
def opened(log: Path, chosen: Settings) -> Iterator[Investigation]:
    with Investigation.open([str(log)], chosen) as investigation:
        yield investigation


def mode(store: Store, words: str) -> views.FailureModeRow:
    """The failure mode whose title has these words."""
    return next(one for one in views.failure_modes(store) if words in one.title)


def target(store: Store, words: str) -> Target:
    found = targets.mode_target(store, mode(store, words).failure_mode_id)
    assert found is not None
    return found


def all_of(store: Store) -> list[list[tuple[object, ...]]]:
    """Everything that verdicts can change."""
    return [sorted(store.rows(f"FROM {table}"), key=repr) for table in CHANGED]


def finding_of(store: Store, words: str) -> tuple[views.ExecutionRow, views.FindingRow]:
    execution = views.execution(store, mode(store, words).example_execution)
    assert execution is not None
    return execution, views.findings(store, execution.variant_id)[0]


def seq_target(store: Store, words: str) -> Target:
    """The deviating Seq of a failure mode's example."""
    execution, finding = finding_of(store, words)
    found, meant = targets.targets_at(
        store, execution.execution_id, finding.position, finding.length, finding.level
    )
    return found[meant]
