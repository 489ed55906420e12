"""Evidence: what can be shown of a finding without a model, in sentences with line numbers."""

from functools import lru_cache

from krone_tui.explanation.quoting import Quotes
from krone_tui.explanation.sentences import Sentence
from krone_tui.explanation.shared import LEAST, SharedValues
from krone_tui.explanation.usual import KEPT, Usual
from krone_tui.explanation.writer import Writer
from krone_tui.store import Store, views
from krone_tui.store import evidence as queries
from krone_tui.store.lines import Line


class Evidence:
    """Writes the evidence of any execution; keeps what normal executions look like, so that many cost little."""

    def __init__(self, store: Store, *, one_by_one: bool = False) -> None:
        """`one_by_one`: for executions that somebody looks at in turn; nothing is read that grows with the log."""
        self._store = store
        self._one_by_one = one_by_one
        self._names = queries.template_names(store)
        self._quotes = Quotes(name.text for name in self._names.values())
        self._modes = {mode.failure_mode_id: mode for mode in views.failure_modes(store)}
        self._usual: dict[bool, Usual] = {}
        self._findings: dict[int, list[views.FindingRow]] | None = None
        self._findings_of = lru_cache(KEPT)(lambda variant_id: views.findings(store, variant_id))
        self._shared = SharedValues(
            store, lambda window, template: self._usual_of(window).usage(template).having
        )

    def findings(self, variant_id: int) -> list[views.FindingRow]:
        """What was found in a variant, the decisive finding first."""
        if self._one_by_one:
            return self._findings_of(variant_id)
        if self._findings is None:
            self._findings = views.all_findings(self._store)
        return self._findings.get(variant_id, [])

    def of(
        self,
        execution: views.ExecutionRow,
        steps: list[queries.Step] | None = None,
        *,
        search_shared: bool = True,
    ) -> list[Sentence]:
        """What speaks against an execution, the decisive finding first; what speaks for it where nothing was found.

        `steps` are its records, where the caller has read them for many executions at once. Without `search_shared`,
        what the executions of its failure mode share is told only where it is known: to find it takes long on a large log.
        """
        found = self.findings(execution.variant_id)
        if not found or execution.is_good:
            return _nothing_found(self._store, execution)
        many = steps is not None
        if steps is None:
            steps = queries.steps(self._store, [execution.execution_id])[execution.execution_id]
        writer = Writer(self._names, self._quotes, self._usual_of(execution.is_window), steps)
        # A verdict needs no deviation; who gave it is said below.
        sentences = [
            sentence for finding in found if finding.kind != "verdict" for sentence in writer.of(finding)
        ]
        named = {template for finding in found for template in finding.template_ids}
        sentences += writer.raised_beside(named, found[0].position) + writer.further(named)
        mode = self._modes[found[0].failure_mode_id]
        if mode.verdict is not None and found[0].kind != "verdict":
            sentences.append(_said("confirmed that this is anomalous", mode))
        elif mode.verdict is not None:
            sentences.insert(0, _said("said that this Seq is anomalous", mode, writer.span(found[0])))
        if search_shared or self._shared.known(mode.failure_mode_id, execution.is_window):
            sentences += self._shared_by(execution, mode.failure_mode_id, many)
        if found[0].nearest_variant is not None:
            sentences += writer.against(found[0].nearest_variant)
        sentences.append(_spread(mode))
        return sentences

    def is_whole(self, execution: views.ExecutionRow) -> bool:
        """Whether `of` tells all of an execution without a search for what its failure mode's executions share."""
        found = self.findings(execution.variant_id)
        return (
            not found
            or execution.is_good
            or self._modes[found[0].failure_mode_id].executions < LEAST
            or self._shared.known(found[0].failure_mode_id, execution.is_window)
        )

    def _usual_of(self, window: bool) -> Usual:
        if window not in self._usual:
            self._usual[window] = Usual(self._store, window)
        return self._usual[window]

    def _shared_by(self, execution: views.ExecutionRow, failure_mode_id: int, many: bool) -> list[Sentence]:
        """What its failure mode's executions share, and where it stands in this one."""
        unit = self._usual_of(execution.is_window).unit
        lines = self._shared.lines(
            failure_mode_id, execution.is_window, None if many else execution.execution_id
        )
        sentences = []
        for one in self._shared.of(failure_mode_id, execution.is_window):
            here = lines.get((execution.execution_id, one.value), ())
            sentences.append(Sentence(one.sentence(unit) + ("" if here else ", this one does not"), here))
        return sentences


def evidence(store: Store, execution_id: int) -> list[Sentence]:
    """The evidence of one execution; nothing where there is none of that id."""
    execution = views.execution(store, execution_id)
    return Evidence(store, one_by_one=True).of(execution) if execution else []


def _nothing_found(store: Store, execution: views.ExecutionRow) -> list[Sentence]:
    if execution.is_good:
        return [Sentence("It is part of the baseline: known to be good", ())]
    if execution.verdict is not None:
        return [Sentence(f"A {execution.verdict_by} said that what deviates here is normal", ())]
    same = queries.same_variant(store, execution.variant_id) - 1
    like = (
        f"{same:,} other executions have just the same steps"
        if same
        else "its deviations are as small as those of other executions"
    )
    return [Sentence(f"Nothing was found against it: {like}", ())]


def _spread(mode: views.FailureModeRow) -> Sentence:
    if mode.executions == 1:
        return Sentence("No other execution fails this way", ())
    when = ""
    if mode.first_seen is not None and mode.last_seen is not None:
        when = f", first {mode.first_seen:%Y-%m-%d %H:%M:%S}, last {mode.last_seen:%Y-%m-%d %H:%M:%S}"
    return Sentence(f"{mode.executions:,} executions fail this way{when}", ())


def _said(what: str, mode: views.FailureModeRow, lines: tuple[Line, ...] = ()) -> Sentence:
    comment = f": “{mode.verdict_comment}”" if mode.verdict_comment else ""
    return Sentence(f"A {mode.verdict_by} {what}{comment}", lines)
