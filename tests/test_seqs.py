"""Seqs: executions cut into nested runs, against a plain reading of the definition."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import chain, groupby
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from simple_logs import JOB_STEPS, grouped, jobs, render, sessions, syslog, write

from krone_tui.seqs import build_seqs
from krone_tui.seqs.decompose import IntArray, Level, LevelSeqs, NodePath, decompose, distinct_sequences
from krone_tui.store import Store

ENTITY = np.array([1, 1, 1, 1, 2, 2, 2, 3])
ACTION = np.array([10, 10, 11, 11, 12, 12, 13, 14])
STATUS = np.arange(100, 108)
PATH = NodePath(ENTITY, ACTION, STATUS)
"""Eight templates: two entities of two actions and one of one, under which are one or two statuses."""

VARIANTS = st.lists(st.lists(st.integers(0, 7), min_size=1, max_size=12), min_size=1, max_size=8)
Place = tuple[int, int, int, int, tuple[int, ...]]
"""Variant, position, length, parent and nodes of one Seq's occurrence."""


def runs(steps: Sequence[int], node: IntArray) -> list[tuple[int, int]]:
    """(first, end) of each run of positions whose steps lie under the same node."""
    return [
        (members[0], members[-1] + 1)
        for _, group in groupby(range(len(steps)), key=lambda position: node[steps[position]])
        for members in [list(group)]
    ]


def as_defined(variants: Sequence[Sequence[int]]) -> dict[Level, list[Place]]:
    """The E-Seq, A-Seqs and S-Seqs of each variant, read off the definition."""
    found: dict[Level, list[Place]] = {level: [] for level in Level}
    for number, steps in enumerate(variants):
        entity_runs = runs(steps, ENTITY)
        e_seq = tuple(int(ENTITY[steps[first]]) for first, _ in entity_runs)
        found[Level.ENTITY].append((number, 0, len(steps), 0, e_seq))
        for first, end in entity_runs:
            inner = steps[first:end]
            action_runs = runs(inner, ACTION)
            a_seq = tuple(int(ACTION[inner[start]]) for start, _ in action_runs)
            found[Level.ACTION].append((number, first, end - first, int(ENTITY[inner[0]]), a_seq))
            for start, stop in action_runs:
                s_seq = tuple(int(STATUS[step]) for step in inner[start:stop])
                found[Level.STATUS].append(
                    (number, first + start, stop - start, int(ACTION[inner[start]]), s_seq)
                )
    return found


def as_found(seqs: LevelSeqs) -> list[Place]:
    def nodes(seq: int) -> tuple[int, ...]:
        return tuple(seqs.steps[seqs.offsets[seq] : seqs.offsets[seq + 1]].tolist())

    return [
        (int(variant), int(position), int(length), int(seqs.parent[seq]), nodes(seq))
        for variant, seq, position, length in zip(
            seqs.at_variant, seqs.at_seq, seqs.at_position, seqs.at_length, strict=True
        )
    ]


def flat(variants: Sequence[Sequence[int]]) -> tuple[IntArray, IntArray]:
    lengths = [len(steps) for steps in variants]
    return np.array(list(chain.from_iterable(variants)), dtype=np.int64), np.r_[0, np.cumsum(lengths)]


@given(VARIANTS)
@settings(max_examples=60)
def test_seqs_are_those_of_the_definition(variants: list[list[int]]) -> None:
    found = decompose(*flat(variants), PATH)
    expected = as_defined(variants)
    for level in Level:
        assert as_found(found[level]) == expected[level]


@given(VARIANTS)
@settings(max_examples=60)
def test_each_record_lies_in_exactly_one_span_of_each_level(variants: list[list[int]]) -> None:
    for seqs in decompose(*flat(variants), PATH).values():
        covered = Counter(
            (variant, record)
            for variant, position, length, *_ in as_found(seqs)
            for record in range(position, position + length)
        )
        assert covered == Counter(
            (number, record) for number, steps in enumerate(variants) for record in range(len(steps))
        )


@given(VARIANTS)
@settings(max_examples=60)
def test_equal_seqs_are_one_and_different_ones_are_not(variants: list[list[int]]) -> None:
    for seqs in decompose(*flat(variants), PATH).values():
        distinct = {(parent, nodes) for *_, parent, nodes in as_found(seqs)}
        assert len(seqs.parent) == len(distinct) == len(seqs.offsets) - 1
        assert sorted(set(seqs.at_seq.tolist())) == list(range(len(distinct)))


@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.lists(st.integers(0, 3), min_size=1, max_size=6)),
        min_size=1,
        max_size=40,
    )
)
@settings(max_examples=60)
def test_sequences_are_told_apart_by_parent_steps_and_order(rows: list[tuple[int, list[int]]]) -> None:
    steps, offsets = flat([row for _, row in rows])
    label, first = distinct_sequences(steps, offsets, np.array([parent for parent, _ in rows]))
    known: dict[tuple[int, tuple[int, ...]], int] = {}
    expected = [known.setdefault((parent, tuple(row)), len(known)) for parent, row in rows]
    assert label.tolist() == expected
    assert first.tolist() == [expected.index(number) for number in range(len(known))]


def test_long_sequences_that_differ_in_two_swapped_steps_are_two() -> None:
    rng = np.random.default_rng(1)
    long = rng.integers(0, 5, 20_000)
    long[[4_000, 4_001]] = 1, 2
    swapped = long.copy()
    swapped[[4_000, 4_001]] = 2, 1
    steps, offsets = np.r_[long, swapped, long], np.array([0, 20_000, 40_000, 60_000])
    label, _ = distinct_sequences(steps, offsets, np.zeros(3, dtype=np.int64))
    assert label.tolist() == [0, 1, 0]


def test_repeats_of_an_entity_collapse_and_repeats_of_a_status_do_not() -> None:
    found = decompose(*flat([[0, 0, 1, 2, 0, 4]]), PATH)
    assert [nodes for *_, nodes in as_found(found[Level.ENTITY])] == [(1, 2)]
    assert [nodes for *_, nodes in as_found(found[Level.ACTION])] == [(10, 11, 10), (12,)]
    assert [nodes for *_, nodes in as_found(found[Level.STATUS])] == [(100, 100, 101), (102,), (100,), (104,)]


def kept_seqs(store: Store) -> dict[tuple[str, str, tuple[str, ...]], int]:
    """(level, parent, nodes), all by their names and texts, and the hash of every Seq."""
    label = dict(
        store.rows(
            """
            SELECT n.node_id, concat_ws(' > ', g.name, p.name, CASE n.level WHEN 'status' THEN t.text ELSE n.name END)
            FROM node AS n LEFT JOIN node AS p ON p.node_id = n.parent_id LEFT JOIN node AS g ON g.node_id = p.parent_id
            LEFT JOIN template AS t ON t.template_id = n.template_id
            """
        )
    )
    rows = store.rows("SELECT level, parent_node, nodes, hash FROM seq")
    return {
        (level, label[parent], tuple(label[node] for node in nodes)): hash_
        for level, parent, nodes, hash_ in rows
    }


def test_a_seq_has_the_same_hash_in_every_log(tmp_path: Path) -> None:
    alone = write(tmp_path / "alone.log", render(jobs(20, 1, {3: JOB_STEPS[:4]})))
    # Among other records, so that the same templates get other ids.
    odd = ("INFO  jobs.Admission: Asked gate for {id}", "INFO  jobs.Admission: Admitted {id}") * 2 + JOB_STEPS
    among = write(
        tmp_path / "among.log", render(jobs(30, 2, {**dict.fromkeys(range(20), odd), 25: JOB_STEPS[:4]}))
    )
    with grouped([alone]) as (one, _), grouped([among]) as (other, _):
        build_seqs(one)
        build_seqs(other)
        ids = [dict(store.rows("SELECT text, template_id FROM template")) for store in (one, other)]
        seqs = [kept_seqs(store) for store in (one, other)]
    assert any(ids[0][text] != ids[1][text] for text in set(ids[0]) & set(ids[1]))
    both = set(seqs[0]) & set(seqs[1])
    assert {level for level, *_ in both} == {"entity", "action", "status"}
    assert all(seqs[0][key] == seqs[1][key] for key in both)
    named: defaultdict[int, set[object]] = defaultdict(set)
    for one_log in seqs:
        for key, hash_ in one_log.items():
            named[hash_].add(key)
    assert all(len(keys) == 1 for keys in named.values())


def test_spans_of_a_log_nest_and_cover_each_of_its_records_once(tmp_path: Path) -> None:
    log = write(tmp_path / "auth.log", render([*sessions("alpha", 20), *sessions("beta", 20)], syslog))
    with grouped([log]) as (store, _):
        result = build_seqs(store)
        assert result.seqs == store.scalar("SELECT count(*) FROM seq")
        records = store.scalar("SELECT count(*) FROM parsed_record")
        sums = store.rows("SELECT level, sum(length) FROM seq_occurrence GROUP BY level ORDER BY level")
        assert sums == [("action", records), ("entity", records), ("status", records)]
        straying = store.scalar(
            """
            SELECT count(*) FROM variant_seq AS i JOIN variant_seq AS o USING (variant_id)
            WHERE (i.level, o.level) IN (('status', 'action'), ('action', 'entity'))
              AND i.position >= o.position AND i.position < o.position + o.length
              AND i.position + i.length > o.position + o.length
            """
        )
        assert straying == 0


def test_the_executions_of_a_seq_are_those_that_contain_it(tmp_path: Path) -> None:
    log = write(tmp_path / "work.log", render(jobs(25, 1, {3: JOB_STEPS[:4], 9: JOB_STEPS[:4]})))
    with grouped([log]) as (store, _):
        build_seqs(store)
        wrong = store.rows(
            """
            SELECT s.seq_id FROM seq AS s JOIN seq_occurrence AS o USING (seq_id)
            GROUP BY s.seq_id, s.executions HAVING s.executions <> count(DISTINCT o.execution_id)
            """
        )
        assert wrong == []
        assert store.scalar("SELECT max(executions) FROM seq") == 25
