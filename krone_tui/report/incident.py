"""What the reports in one document tell: the log's time and each failure mode with all that speaks for it."""

from collections.abc import Iterator
from dataclasses import dataclass

from krone_tui.explanation import Evidence, Sentence, alignment
from krone_tui.report.timeline import Timeline
from krone_tui.store import Store, comparison, views
from krone_tui.store import evidence as evidence_queries
from krone_tui.store import report as queries

SLICES = 60
"""Of the log's time."""
MOST_ALIGNED = 3_000
"""Records of an execution that is aligned here: the time it takes grows with their square, and nobody reads so many rows."""
MOST_ROWS = 120
"""Rows of an alignment that are written; of more, how many there are."""
MOST_SHOWN_DEVIATIONS = 4
"""Deviating records that are shown with those around them."""
AROUND = 2
"""Records shown before and after a deviating one."""
OTHERS = 10
"""Executions that a failure mode names besides the one it shows."""

WORDS = {
    "same": ("=", "same"),
    "inside": ("≠", "differs inside"),
    "count": ("#", "not as often"),
    "moved": ("~", "reordered"),
    "extra": ("+", "extra"),
    "missing": ("-", "missing"),
}
"""Mark of an aligned row → a sign and words for it."""


@dataclass(frozen=True)
class Side:
    """A span of one of the two executions that are compared."""

    name: str
    """Of the entity or action; of a status, the template's text."""
    first_line: int
    """Where it begins, in its own source."""
    records: int


@dataclass(frozen=True)
class AlignedRow:
    """One row of the comparison; spans that are the same throughout are one row."""

    mark: str
    depth: int
    level: str
    """'entity', 'action', 'status'."""
    here: Side | None
    normal: Side | None

    @property
    def heading(self) -> bool:
        """What is nested in it follows."""
        return self.level != "status" and self.mark not in ("same", "moved")


@dataclass(frozen=True)
class Comparison:
    """An execution beside the nearest normal one."""

    identifier: str
    """Of the normal one."""
    source: str
    first_line: int
    last_line: int
    executions: int
    """That have just the same steps."""
    records: int
    rows: tuple[AlignedRow, ...]
    """Empty where one of the two is longer than `MOST_ALIGNED`."""
    left_out: int
    """Rows beyond `MOST_ROWS`."""
    total: dict[str, int]
    """Records by mark."""


@dataclass(frozen=True)
class Case:
    """One failure mode with the execution that shows it best."""

    mode: views.FailureModeRow
    example: views.ExecutionRow
    other_files: int
    """In which it goes on beside the one where it begins."""
    evidence: tuple[Sentence, ...]
    comparison: Comparison | None
    """None where no execution is normal."""
    records: tuple[queries.SampleRecord, ...]
    """Deviating records and those around them, in order."""
    deviating: frozenset[int]
    """Positions of the deviating ones."""
    others: tuple[views.ExecutionRow, ...]


def timeline(store: Store) -> Timeline:
    """Executions and flagged ones over the log's time."""
    return Timeline.of(views.histogram(store, SLICES), views.summary(store).end)


def cases(store: Store, most: int | None = None) -> Iterator[Case]:
    """The failure modes one by one, most suspicious first."""
    writer = Evidence(store)
    for mode in views.failure_modes(store)[:most]:
        example = views.execution(store, mode.example_execution)
        if example is not None:
            yield _case(store, writer, mode, example)


def _case(store: Store, writer: Evidence, mode: views.FailureModeRow, example: views.ExecutionRow) -> Case:
    steps = evidence_queries.steps(store, [example.execution_id])[example.execution_id]
    found = writer.findings(example.variant_id)
    deviating = _deviating(found[0], steps) if found else []
    around = sorted(
        {
            near
            for position in deviating
            for near in range(max(0, position - AROUND), min(len(steps), position + AROUND + 1))
        }
    )
    others = views.executions(store, failure_mode_id=mode.failure_mode_id, limit=OTHERS + 1)
    return Case(
        mode,
        example,
        views.other_files(store, example.execution_id),
        tuple(writer.of(example, steps)),
        _comparison(store, example, steps, found[0].nearest_variant if found else None),
        tuple(queries.sample_records(store, example.execution_id, around)),
        frozenset(deviating),
        tuple(one for one in others if one.execution_id != example.execution_id)[:OTHERS],
    )


def _deviating(finding: views.FindingRow, steps: list[evidence_queries.Step]) -> list[int]:
    """Positions of the first deviating records; of a missing step, of those that it is missed after."""
    span = range(finding.position, min(len(steps), finding.position + max(1, finding.length)))
    named = [at for at in span if steps[at].template_id in finding.template_ids]
    return (named or list(span)[-1:])[:MOST_SHOWN_DEVIATIONS]


def _comparison(
    store: Store,
    example: views.ExecutionRow,
    steps: list[evidence_queries.Step],
    nearest_variant: int | None,
) -> Comparison | None:
    normal = comparison.normal_execution(store, example.execution_id, nearest_variant)
    other = views.execution(store, normal[0]) if normal is not None else None
    if normal is None or other is None:
        return None
    rows: tuple[alignment.Row, ...] = ()
    shown: list[AlignedRow] = []
    if max(len(steps), other.records) <= MOST_ALIGNED:
        rows = alignment.align(
            alignment.build(comparison.steps(store, example.execution_id)),
            alignment.build(comparison.steps(store, other.execution_id)),
        )
        normal_steps = evidence_queries.steps(store, [other.execution_id])[other.execution_id]
        shown = [
            AlignedRow(
                row.mark,
                row.depth,
                (row.here or row.normal).level,  # type: ignore[union-attr]
                _side(row.here, steps),
                _side(row.normal, normal_steps),
            )
            for row in alignment.flatten(rows, everything=False)
        ]
    return Comparison(
        other.identifier,
        other.source,
        other.first_line,
        other.last_line,
        normal[2],
        other.records,
        tuple(shown[:MOST_ROWS]),
        max(0, len(shown) - MOST_ROWS),
        alignment.tally(rows),
    )


def _side(node: alignment.Node | None, steps: list[evidence_queries.Step]) -> Side | None:
    if node is None:
        return None
    return Side(node.detail or node.name, steps[node.position].first_line, node.length)
