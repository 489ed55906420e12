"""Zeros and HTTP answers: numbers that tell what happened stay in the templates."""

import time
from pathlib import Path

import pytest
from simple_logs import investigated

from krone_tui.abstraction.rules import TemplateText, extract_hierarchy
from krone_tui.store.telling_numbers import without_zero_counts, without_zeros

_TOLD = {
    "web<*> : ok=<*> unreachable=0 failed=0": "web7 : ok=12 unreachable=0    failed=0",
    "web<*> : ok=<*> unreachable=0 failed=<*>": "web7 : ok=12 unreachable=0    failed=2",
    "worker-<*> exited with status 0": "worker-3 exited with status 0",
    "worker-<*> exited with status <*>": "worker-3 exited with status 137",
    "step done (rc=0, took <*>)": "step done (rc=0, took 20 ms)",
    "step done (rc=<*>, took <*>)": "step done (rc=-5, took 20 ms)",
    'step <*> {"exit_code": 0, "x": <*>}': 'step 4 {"exit_code": 0, "x": 4}',
    "<*> packets, 0 packets dropped": "20 packets, 0 packets dropped",
    "<*> packets, <*> packets dropped": "20 packets, 10 packets dropped",
    "finished with 0 errors.": "finished with 0 errors.",
    "<*> contracts kept, 0 broken.": "3 contracts kept, 0 broken.",
    "<*> contracts kept, <*> broken.": "3 contracts kept, 2 broken.",
    "number of errors: 0.": "number of errors: 0.",
    # What looks like a count of failures and is none.
    "Order <*> failed": "Order 0 failed",
    "error rate <*>": "error rate 0",
    "errors <*>": "errors 0.5",
    "lost <*> at <*>": "lost 0:30 at 4",
    "interrupts=<*>": "interrupts=0",
    "returned <*> rows": "returned 0 rows",
}


def test_a_template_keeps_a_zero_that_counts_failures_and_no_other(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    lines = [
        f"2026-05-04 01:{number // 60:02}:{number % 60:02} INFO {text}"
        for number, text in enumerate(list(_TOLD.values()) * 20)
    ]
    log.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with investigated([log]) as store:
        found = {text for (text,) in store.rows("SELECT text FROM template")}
    assert found == set(_TOLD)


def test_executions_that_end_with_another_code_than_zero_are_found(tmp_path: Path) -> None:
    log, failed = tmp_path / "jobs.log", {77, 203, 310}
    lines = []
    for job in range(400):
        at, code = f"2026-05-04 {job // 60:02}:{job % 60:02}", 137 if job in failed else 0
        lines += [
            f"{at}:00 INFO runner job-{job + 1000} started on worker-{job % 7}",
            f"{at}:20 INFO runner job-{job + 1000} fetched {job * 7 % 90 + 2} objects",
            f"{at}:40 INFO runner job-{job + 1000} exited with code {code}",
        ]
    log.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with investigated([log]) as store:
        found = {
            int(job[4:]) - 1000
            for (job,) in store.rows("SELECT identifier FROM execution_verdict WHERE flagged")
        }
    assert found == failed


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("<*>: ok=<*> unreachable=0 failed=0", "<*>: ok=<*>"),
        ("failed: 0 errors: 0", ""),
        ("<*> passed, 0 failed", "<*> passed"),
        ("<*> passed, <*> failed", "<*> passed, <*> failed"),
        ("failed=<*> lost=0", "failed=<*>"),
        ("<*> kept, 0 broken", "<*> kept"),
    ],
)
def test_what_is_counted_to_none_is_not_said(text: str, left: str) -> None:
    assert without_zero_counts(text).strip() == left


def test_an_exit_with_zero_is_no_failure_either() -> None:
    assert without_zeros("worker-<*> exited with status 0") == "worker-<*> "
    assert without_zeros("worker-<*> exited with status <*>") == "worker-<*> exited with status <*>"


def test_the_status_of_a_recap_is_not_what_it_counts_none_of() -> None:
    texts = ["Parsed <*> rows, 0 rejected", "Parsed <*> rows, <*> rejected", "0 packets lost"]
    leaves = extract_hierarchy([TemplateText(text, None) for text in texts])
    assert [leaf.outcome for leaf in leaves] == ["success", "failure", "failure"]


@pytest.mark.parametrize("text", ["x" * 4000 + " 0", "error" * 800 + " 0", "fail" * 1000, "exit with " * 400])
def test_no_text_takes_long(text: str) -> None:
    began = time.process_time()
    without_zeros(text)
    assert time.process_time() - began < 2
