"""What the evidence tells of steps that read as failure: their exceptions, and further ones."""

from pathlib import Path

import numpy as np
import pyarrow as pa
from evidence_words import first_word, match, name
from simple_logs import JOB_STEPS, UNSEEN_ERROR, grouped, investigated, jobs, render, write

from krone_tui.explanation.evidence import evidence
from krone_tui.seqs import build_seqs
from krone_tui.store import detection as queries
from krone_tui.store import views


def test_the_exception_below_a_failing_step_is_quoted(tmp_path: Path) -> None:
    trace = (
        "{text}\n"
        "com.shop.disk.LostDisk$HardException: volume gave no answer\n"
        "    at com.shop.disk.Volume.read(Volume.java:77)\n"
        "Caused by: com.shop.io.WireException: read of sector 77 timed out\n"
        "    at com.shop.io.Wire.read(Wire.java:12)\n"
        "Caused by: java.util.concurrent.TimeoutException: null"
    )
    failing = (*JOB_STEPS[:3], trace.format(text=UNSEEN_ERROR))
    path = write(tmp_path / "traces.log", render(jobs(200, 1, {50: failing}, name=name)))
    with investigated([path]) as opened:
        execution = views.find_execution(opened, name(50))
        assert execution is not None
        told = [
            one for one in evidence(opened, execution.execution_id) if one.text.startswith("It tells of ")
        ]
        assert [one.text for one in told] == ["It tells of “WireException: read of sector 77 timed out”"]
        begun = next(at for at, line in enumerate(path.read_text().splitlines(), 1) if "Disk failure" in line)
        assert told[0].lines == (begun,)


def test_another_rare_failing_step_gets_a_sentence_of_its_own(tmp_path: Path) -> None:
    other = "ERROR jobs.Index: Rollback of {id} failed"
    odd = {7: (*JOB_STEPS[:3], UNSEEN_ERROR, other, JOB_STEPS[6])}
    log = write(tmp_path / "work.log", render(jobs(40, 1, odd, name=name)))
    with grouped([log]) as (store, _):
        build_seqs(store)
        texts = {
            first_word(text): number for number, text in store.rows("SELECT template_id, text FROM template")
        }
        queries.write_severity(store, np.array([texts["Disk"], texts["Rollback"]]), np.array([0.95, 0.9]))
        execution = store.row(
            "SELECT execution_id, variant_id FROM execution WHERE identifier = $name", {"name": name(7)}
        )
        seq = store.scalar(
            "SELECT seq_id FROM variant_seq WHERE variant_id = $v AND position = 0", {"v": execution[1]}
        )
        row = {
            "finding_id": 0, "variant_id": execution[1], "seq_id": seq, "level": "status", "kind": "severe", "position": 3,
            "length": 1, "template_ids": [texts["Disk"]], "score": 0.9, "detector": "test", "failure_mode_id": 1,
        }  # fmt: skip
        verdict = {
            "variant_id": [execution[1]],
            "flagged": [True],
            "score": [0.9],
            "level": ["status"],
            "failure_mode_id": [1],
        }
        queries.write_verdicts(store, pa.table(verdict), pa.Table.from_pylist([row]))
        mode = {
            "failure_mode_id": 1,
            "title": "",
            "level": "status",
            "path": "",
            "kind": "severe",
            "score": 0.9,
        }
        queries.write_failure_modes(store, pa.Table.from_pylist([mode]))
        further = [one for one in evidence(store, execution[0]) if "reads as failure too" in one.text]
        line = next(
            number for number, text in enumerate(log.read_text().splitlines(), 1) if "Rollback" in text
        )
        assert [one.lines for one in further] == [(line,)]
        assert match("“_” reads as failure too; none of # normal executions has it", further[0]) == (
            "Rollback",
            "39",
        )
