"""Where a finding shows in its execution: questions to the store, no widgets."""

from collections.abc import Sequence

from krone_tui.store import Store, views

DEVIATES, LACKS = "!!", "??"
"""A record that deviates; one after which something is missing."""
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
    """record_id → `!!` or `??`."""
    signs: dict[int, str] = {}
    for finding in findings:
        first, last = finding.position, finding.position + finding.length - 1
        if finding.kind == "missing":
            found = views.records(store, execution_id, last, 1)
            signs |= {record.record_id: LACKS for record in found if record.record_id not in signs}
            continue
        if finding.kind != "order":
            # A step that deviates by itself does so wherever it comes again.
            first = max(0, first - _LOOKED_AT // 2)
            last = first + _LOOKED_AT - 1
        found = views.records(store, execution_id, first, min(last - first + 1, _LOOKED_AT))
        signs |= {
            record.record_id: DEVIATES for record in found if record.template_id in finding.template_ids
        }
    return signs
