"""The request for an explanation, from the investigation's tables."""

import difflib
from collections.abc import Sequence

from krone_tui.errors import KroneError
from krone_tui.explanation.evidence import evidence
from krone_tui.explanation.request import Fact, LogRecord, NormalSeq, Request
from krone_tui.store import Store, explanations, views

_AROUND = 12
"""Records before and after the deviating span that may tell how it came about."""
_MOST_RECORDS = 400
"""Records of a longer span that are looked at: its first half and its last half."""
_MOST_NORMAL = 3


def request_for(
    store: Store, execution_id: int, finding: views.FindingRow | None = None
) -> tuple[Request, int]:
    """What to ask about a finding of an execution, by default the decisive one; and the hash of its Seq.

    Raises `KroneError` when there is no such execution, or nothing was found in it.
    """
    execution = views.execution(store, execution_id)
    if execution is None:
        raise KroneError(f"There is no execution {execution_id}.")
    found = views.findings(store, execution.variant_id)
    if finding is None:
        if not found:
            raise KroneError(f"Nothing was found in {execution.identifier}: there is nothing to explain.")
        finding = found[0]
    seq = explanations.deviating_seq(store, finding.finding_id)
    records = _span(store, execution_id, finding)
    severity = explanations.severities(store)
    deviating = set(finding.template_ids)
    inside = range(finding.position, finding.position + max(1, finding.length))
    request = Request(
        place=finding.parent_path,
        baseline=views.summary(store).baseline,
        facts=tuple(Fact(sentence.text, sentence.lines) for sentence in evidence(store, execution_id)),
        records=tuple(
            LogRecord(
                row.first_line,
                row.message,
                row.time,
                row.level,
                row.position in inside and (row.template_id in deviating or finding.length <= 2),
                severity.get(row.template_id, 0.0),
            )
            for row in records
        ),
        steps=finding.seq,
        normal=tuple(
            nearest(finding.seq, explanations.normal_seqs(store, seq.seq_id, 40)) if seq is not None else ()
        ),
    )
    return request, seq.hash if seq is not None else 0


def _span(store: Store, execution_id: int, finding: views.FindingRow) -> list[views.RecordRow]:
    first = max(0, finding.position - _AROUND)
    count = finding.position - first + finding.length + _AROUND
    if count <= _MOST_RECORDS:
        return views.records(store, execution_id, first, count)
    half = _MOST_RECORDS // 2
    return views.records(store, execution_id, first, half) + views.records(
        store, execution_id, first + count - half, half
    )


def nearest(steps: Sequence[str], seqs: list[explanations.SeqRow]) -> list[NormalSeq]:
    """The most similar Seqs first; of equally similar ones the most frequent."""

    def distance(seq: explanations.SeqRow) -> float:
        return -difflib.SequenceMatcher(None, steps[:200], seq.names[:200], autojunk=False).ratio()

    # Different templates may bear the same names: a normal Seq that reads like the deviating one would mislead.
    others = [seq for seq in seqs if seq.names != tuple(steps)]
    return [NormalSeq(seq.names, seq.executions) for seq in sorted(others, key=distance)[:_MOST_NORMAL]]
