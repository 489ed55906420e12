"""Evidence: its sentences against the text of the log itself, counted line by line."""

import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from evidence_words import first_word, match, name
from simple_logs import JOB_STEPS, UNSEEN_ERROR, grouped, jobs, render, write

from krone_tui.explanation.evidence import Evidence, evidence
from krone_tui.explanation.sentences import Sentence
from krone_tui.seqs import build_seqs
from krone_tui.store import Store, views
from krone_tui.store import detection as queries

WARMED = "INFO  jobs.Cache: Warmed cache of {id}"
AUDITED = "INFO  jobs.Audit: Reviewed {id} with {b} rules"
ACCEPTED, OPENED, WROTE, _, UPDATED, CLOSED, FINISHED = JOB_STEPS
ODD = {
    "severe": (ACCEPTED, OPENED, WROTE, UNSEEN_ERROR, UNSEEN_ERROR, UPDATED, CLOSED, FINISHED),
    "new": (ACCEPTED, OPENED, WROTE, AUDITED, UPDATED, CLOSED, FINISHED),
    "ends": (ACCEPTED, OPENED, WROTE, UPDATED),
    "missing": (ACCEPTED, OPENED, WROTE, CLOSED, FINISHED),
    "count": (ACCEPTED, OPENED, *[WROTE] * 12, UPDATED, CLOSED, FINISHED),
    "order": (ACCEPTED, OPENED, WROTE, UPDATED, FINISHED, CLOSED),
    "early": (ACCEPTED, OPENED, WROTE, CLOSED, UPDATED, FINISHED),
    "begins": (OPENED, ACCEPTED, WROTE, UPDATED, CLOSED, FINISHED),
    "unequal": (ACCEPTED, OPENED, WROTE, UPDATED, CLOSED, CLOSED, FINISHED),
}
"""Executions that do not run like the others, each in its own way."""
FIRST_ODD = 10


def odd_name(which: str) -> str:
    return name(FIRST_ODD + list(ODD).index(which))


@dataclass(frozen=True)
class Counted:
    """The log, read by hand."""

    lines: dict[str, list[tuple[int, str]]]
    """By execution: the line numbers and first words of its records, in order."""

    def steps(self, execution: str) -> list[str]:
        return [word for _, word in self.lines[execution]]

    def lines_of(self, execution: str, word: str) -> list[int]:
        return [number for number, other in self.lines[execution] if other == word]

    @property
    def normal(self) -> list[list[str]]:
        odd = {odd_name(which) for which in ODD}
        return [self.steps(execution) for execution in self.lines if execution not in odd]

    def having(self, word: str) -> int:
        return sum(word in steps for steps in self.normal)

    def followers(self, word: str) -> Counter[str | None]:
        """What comes directly after a step, in how many normal executions; None: nothing."""
        return Counter(
            next_ for steps in self.normal for next_ in {b for a, b in pairwise([*steps, None]) if a == word}
        )


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = random.Random(8)
    steps_of: dict[int, tuple[str, ...]] = {}
    for index in range(80):
        start = (OPENED,) if rng.random() < 0.15 else (ACCEPTED, OPENED)
        warmed = (WARMED,) if rng.random() < 0.3 else ()
        steps_of[index] = (*start, *warmed, *[WROTE] * rng.choice((1, 1, 2, 3)), UPDATED, CLOSED, FINISHED)
    for offset, steps in enumerate(ODD.values()):
        steps_of[FIRST_ODD + offset] = steps
    return write(tmp_path_factory.mktemp("log") / "work.log", render(jobs(80, 1, steps_of, name=name)))


@pytest.fixture(scope="module")
def counted(log: Path) -> Counted:
    lines: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
    for number, line in enumerate(log.read_text().splitlines(), 1):
        message = re.search(r"jobs\.\w+: (.*)", line)
        execution = re.search(r"blk_\d+", line)
        assert message is not None
        assert execution is not None
        lines[execution[0]].append((number, first_word(message[1])))
    return Counted(dict(lines))


@pytest.fixture(scope="module")
def store(log: Path) -> Iterator[Store]:
    """The log with the findings that a detector should make, whatever the shipped ones do."""
    with grouped([log]) as (opened, _):
        build_seqs(opened)
        template = {
            first_word(text): number for number, text in opened.rows("SELECT template_id, text FROM template")
        }
        queries.write_severity(opened, np.array([template["Disk"]]), np.array([0.95]))
        findings = {
            "severe": ("severe", ["Disk"], 3),
            "new": ("new", ["Reviewed"], 3),
            "ends": ("missing", ["Updated"], 3),
            "missing": ("missing", ["Updated", "Closed"], 2),
            "count": ("count", ["Wrote"], 2),
            "order": ("order", ["Updated", "Finished"], 3),
            "early": ("order", ["Closed", "Updated"], 3),
            "begins": ("order", ["Opened"], 0),
            "unequal": ("count", ["Closed", "Finished"], 4),
        }
        variant = {
            which: opened.scalar(
                "SELECT variant_id FROM execution WHERE identifier = $name", {"name": odd_name(which)}
            )
            for which in ODD
        }
        nearest = opened.scalar("SELECT arg_max(variant_id, executions) FROM variant")
        rows = [
            {
                "finding_id": number,
                "variant_id": variant[which],
                "seq_id": opened.scalar(
                    "SELECT seq_id FROM variant_seq WHERE variant_id = $v AND level = 'status' AND position <= $p AND $p < position + length",
                    {"v": variant[which], "p": position},
                ),
                "level": "status",
                "kind": kind,
                "position": position,
                "length": 1,
                "template_ids": [template[word] for word in words],
                "score": 0.9,
                "detector": "test",
                "nearest_variant": nearest,
                "failure_mode_id": number + 1,
            }
            for number, (which, (kind, words, position)) in enumerate(findings.items())
        ]
        every = [row[0] for row in opened.rows("SELECT variant_id FROM variant ORDER BY variant_id")]
        mode = {row["variant_id"]: row["failure_mode_id"] for row in rows}
        queries.write_verdicts(
            opened,
            pa.table(
                {
                    "variant_id": every,
                    "flagged": [one in mode for one in every],
                    "score": [0.9 if one in mode else 0.1 for one in every],
                    "level": pa.array(["status" if one in mode else None for one in every], pa.string()),
                    "failure_mode_id": pa.array([mode.get(one) for one in every], pa.int32()),
                }
            ),
            pa.Table.from_pylist(rows),
        )
        modes = [
            {
                "failure_mode_id": row["failure_mode_id"],
                "title": "",
                "level": "status",
                "path": "",
                "kind": row["kind"],
                "score": 0.9,
            }
            for row in rows
        ]
        queries.write_failure_modes(opened, pa.Table.from_pylist(modes))
        yield opened


def sentences(store: Store, which: str) -> list[Sentence]:
    execution = views.find_execution(store, odd_name(which))
    assert execution is not None
    return evidence(store, execution.execution_id)


def test_a_step_that_reads_as_failure_is_named_with_its_lines(store: Store, counted: Counted) -> None:
    first, before, *_ = sentences(store, "severe")
    word, times, normal = match(
        "“_” occurs # times and reads as failure; none of # normal executions has it", first
    )
    assert (word, int(times), int(normal)) == ("Disk", 2, len(counted.normal))
    assert list(first.lines) == counted.lines_of(odd_name("severe"), "Disk")
    before_word, usual, count, having = match(
        "Before it stands “_”; after that comes “_” in # of # normal executions", before
    )
    assert before_word == "Wrote"
    assert int(having) == counted.having("Wrote")
    assert int(count) == counted.followers("Wrote")[usual] == max(counted.followers("Wrote").values())
    assert list(before.lines) == counted.lines_of(odd_name("severe"), "Wrote")


def test_a_new_step_that_reads_harmless_is_not_called_a_failure(store: Store, counted: Counted) -> None:
    first, *_ = sentences(store, "new")
    word, normal = match("“_” occurs; none of # normal executions has it", first)
    assert (word, int(normal)) == ("Reviewed", len(counted.normal))
    assert list(first.lines) == counted.lines_of(odd_name("new"), "Reviewed")


def test_an_early_end_is_told_with_how_many_go_on(store: Store, counted: Counted) -> None:
    first, *_ = sentences(store, "ends")
    word, on, having, usual = match(
        "It ends after “_”; # of # normal executions go on from there, mostly with “_”", first
    )
    followers = counted.followers("Updated")
    assert (word, usual) == ("Updated", followers.most_common(1)[0][0])
    assert int(having) == counted.having("Updated")
    assert int(on) == int(having) - followers[None]
    assert first.lines == (counted.lines[odd_name("ends")][-1][0],)


def test_a_missing_step_is_told_with_what_lets_it_be_expected(store: Store, counted: Counted) -> None:
    first, *_ = sentences(store, "missing")
    missing, both, having, because = match(
        "“_” is missing: # of # normal executions that have “_” have it too", first
    )
    assert (missing, because) == ("Updated", "Closed")
    assert int(having) == counted.having("Closed")
    assert int(both) == sum({"Updated", "Closed"} <= set(steps) for steps in counted.normal)
    assert list(first.lines) == counted.lines_of(odd_name("missing"), "Closed")


def test_an_unusual_count_is_told_with_the_usual_ones(store: Store, counted: Counted) -> None:
    first, *_ = sentences(store, "count")
    word, times, having, least, most, usual = match(
        "“_” occurs # times; in the # normal executions that have it # to # times, mostly #", first
    )
    assert int(having) == counted.having("Wrote")
    counts = Counter(steps.count("Wrote") for steps in counted.normal if "Wrote" in steps)
    assert (word, int(times)) == ("Wrote", 12)
    assert (int(least), int(most), int(usual)) == (min(counts), max(counts), counts.most_common(1)[0][0])
    lines = counted.lines_of(odd_name("count"), "Wrote")
    assert list(first.lines) == lines
    assert str(first).endswith(f" (lines {', '.join(map(str, lines[:6]))} and 6 more).")


def test_steps_not_equally_often_are_told_with_how_many_have_both_equally_often(
    store: Store, counted: Counted
) -> None:
    first, *_ = sentences(store, "unequal")
    word, times, partner, equal, both = match(
        "“_” occurs # times and “_” once; in # of # normal executions that have both they occur equally often",
        first,
    )
    assert (word, int(times), partner) == ("Closed", 2, "Finished")
    having = [steps for steps in counted.normal if "Closed" in steps and "Finished" in steps]
    assert int(both) == len(having)
    assert int(equal) == sum(steps.count("Closed") == steps.count("Finished") for steps in having)
    cited = [
        *counted.lines_of(odd_name("unequal"), "Closed"),
        *counted.lines_of(odd_name("unequal"), "Finished"),
    ]
    assert list(first.lines) == cited


def test_steps_out_of_order_are_told_with_what_usually_comes_next(store: Store, counted: Counted) -> None:
    first, *_ = sentences(store, "order")
    left, right, here, having, usual = match(
        "“_” is directly followed by “_”, as in # of # normal executions; mostly “_” comes next", first
    )
    followers = counted.followers("Updated")
    assert (left, right, usual) == ("Updated", "Finished", followers.most_common(1)[0][0])
    assert (int(here), int(having)) == (followers["Finished"], counted.having("Updated"))
    steps = {word: number for number, word in counted.lines[odd_name("order")]}
    assert first.lines == (steps["Updated"], steps["Finished"])


def test_a_step_before_what_always_comes_first_is_told_with_how_often_it_comes_after(
    store: Store, counted: Counted
) -> None:
    first, *_ = sentences(store, "early")
    early, late, after, both = match(
        "“_” comes before “_”; in # of # normal executions that have both it comes after", first
    )
    having = [steps for steps in counted.normal if {"Closed", "Updated"} <= set(steps)]
    assert (early, late) == ("Closed", "Updated")
    assert int(both) == len(having)
    assert int(after) == sum(steps.index("Updated") < steps.index("Closed") for steps in having)
    lines = {word: number for number, word in counted.lines[odd_name("early")]}
    assert first.lines == (lines["Closed"], lines["Updated"])


def test_an_unusual_begin_is_told_with_the_usual_one(store: Store, counted: Counted) -> None:
    first, *_ = sentences(store, "begins")
    word, here, total, usual = match(
        "It begins with “_”, as only # of # normal executions do; most begin with “_”", first
    )
    begins = Counter(steps[0] for steps in counted.normal)
    assert (word, usual) == ("Opened", begins.most_common(1)[0][0])
    assert (int(here), int(total)) == (begins["Opened"], len(counted.normal))
    assert 0 < begins["Opened"] < begins["Accepted"]
    assert first.lines == (counted.lines[odd_name("begins")][0][0],)


@pytest.mark.parametrize("which", ODD)
def test_the_nearest_normal_execution_is_compared_step_by_step(
    store: Store, counted: Counted, which: str
) -> None:
    told = next(
        sentence for sentence in sentences(store, which) if sentence.text.startswith("Against the nearest")
    )
    shared = re.match(r"Against the nearest normal one \(([\d,]+) share it\): ", told.text)
    assert shared is not None
    variants = Counter(tuple(steps) for steps in counted.normal)
    nearest, count = variants.most_common(1)[0]
    assert int(shared[1]) == count
    own = Counter(counted.steps(odd_name(which)))

    def listed(part: str) -> dict[str, int]:
        section = re.search(rf"{part}: ((?:“[^”]*”(?: ×\d+)?(?:, )?)+)", told.text)
        quoted = re.findall(r"“([^”]*)”(?: ×(\d+))?", section[1]) if section else []
        return {first_word(text): int(times or 1) for text, times in quoted}

    assert listed("here in addition") == dict(own - Counter(nearest))
    assert listed("not here") == dict(Counter(nearest) - own)


@pytest.mark.parametrize("which", ODD)
def test_every_line_that_is_cited_belongs_to_the_execution(
    store: Store, counted: Counted, which: str
) -> None:
    told = sentences(store, which)
    own = {number for number, _ in counted.lines[odd_name(which)]}
    assert all(set(sentence.lines) <= own for sentence in told)
    assert all(str(sentence).endswith(".") for sentence in told)
    assert told[0].lines
    assert told[-1].text == "No other execution fails this way"


def test_an_execution_without_findings_is_said_to_be_like_others(store: Store, counted: Counted) -> None:
    variants = Counter(tuple(steps) for steps in counted.normal)
    common, count = variants.most_common(1)[0]
    calm = next(execution for execution in counted.lines if tuple(counted.steps(execution)) == common)
    row = views.find_execution(store, calm)
    assert row is not None
    (only,) = evidence(store, row.execution_id)
    assert only.lines == ()
    assert match("Nothing was found against it: # other executions have just the same steps", only) == (
        str(count - 1),
    )


def test_there_is_no_evidence_for_an_execution_that_does_not_exist(store: Store) -> None:
    assert evidence(store, 1_000_000) == []


def test_evidence_written_for_many_executions_at_once_is_the_same(store: Store) -> None:
    writer = Evidence(store)
    for execution in views.executions(store, flagged=True):
        assert writer.of(execution) == evidence(store, execution.execution_id)
