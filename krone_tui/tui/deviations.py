"""Where a finding shows in its execution: questions to the store, no widgets."""

from collections.abc import Sequence

from krone_tui.store import Store, views

DEVIATES, LACKS = "!!", "??"
"""A record that deviates; one without what comes with it elsewhere."""
_LOOKED_AT = 2000
"""Records of an execution that are looked at for one finding."""


def place(store: Store, execution_id: int, finding: views.FindingRow) -> int:
    """Position of the record to look at first."""
    if finding.kind == "order":
        # The step that should not have come is the later one of the two.
        return finding.position + finding.length - 1
    inside = views.records(store, execution_id, finding.position, min(finding.length, _LOOKED_AT))
    return next(
        (record.position for record in inside if record.template_id in finding.template_ids),
        finding.position,
    )


def marks(store: Store, execution_id: int, findings: Sequence[views.FindingRow]) -> dict[int, str]:
    """record_id → `!!` or `??`, the decisive finding's first."""
    signs: dict[int, str] = {}
    for finding in findings:
        missing, templates = finding.kind == "missing", finding.template_ids
        first, count = finding.position, finding.length
        if finding.kind != "order" and not (missing and len(templates) == 1):
            # A step that deviates by itself does so wherever it comes again, and what a missing one comes with may
            # stand anywhere.
            first, count = max(0, first - _LOOKED_AT // 2), _LOOKED_AT
        # The first template is the missing one, the last what it comes with; without the end, there is but the last step.
        wanted = templates[-1:] if missing else templates
        found = views.records(store, execution_id, first, min(count, _LOOKED_AT))
        marked = [record.record_id for record in found if record.template_id in wanted]
        for record_id in marked[:1] if missing else marked:
            signs.setdefault(record_id, LACKS if missing else DEVIATES)
    return signs
