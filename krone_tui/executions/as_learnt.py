"""Grouping a log like the executions that a knowledge base learnt: only then can they be compared."""

from collections.abc import Sequence
from dataclasses import dataclass

from krone_tui.errors import KroneError
from krone_tui.executions.identifiers import Candidate, Kind, from_stored
from krone_tui.store.baseline import Grouping, LearntGrouping


@dataclass(frozen=True)
class WindowCut:
    """What windows are made of."""

    by: tuple[str, ...]
    """Columns whose values keep windows apart."""
    idle_gap: float | None
    """Seconds without a record that end a window."""
    tumbling: float | None
    """Seconds a window lasts."""
    records: int
    """Records at which it ends in any case."""


def identifiers(learnt: Sequence[LearntGrouping]) -> list[Candidate | None]:
    """The identifiers that executions were learnt by, the most frequent first; None: windows only."""
    found: dict[tuple[object, ...], Candidate | None] = {}
    for one in learnt:
        grouping = one.grouping
        candidate = from_stored(grouping.name, grouping.kind, grouping.columns, grouping.pattern)
        found.setdefault(grouping.identifier, None if candidate.kind is Kind.WINDOW else candidate)
    return list(found.values())


def same(one: Candidate | None, other: Candidate | None) -> bool:
    """Whether two logs are grouped by the same identifier, whatever it is called; None: by windows."""
    if one is None or other is None:
        return one is other
    return (one.kind, one.stored, one.columns) == (other.kind, other.stored, other.columns)


def refuse_other(asked: Candidate | None, learnt: Sequence[LearntGrouping]) -> None:
    """Raise `KroneError` when --group-by asks for an identifier that nothing was learnt by."""
    known = identifiers(learnt)
    if not any(same(asked, one) for one in known):
        raise KroneError(
            f"The knowledge base's executions are grouped by {_names(known)}, not by "
            f"'{asked.name if asked else Kind.WINDOW.value}' (--group-by): they cannot be compared; leave --group-by "
            "out, or learn the good logs by that identifier."
        )


def none_carried(learnt: Sequence[LearntGrouping]) -> KroneError:
    """What to say of a log none of whose records carries an identifier that executions were learnt by."""
    return KroneError(
        f"The knowledge base's executions are grouped by {_names(identifiers(learnt))}, which no record of this log "
        "carries; is it of another application?"
    )


def window_cut(
    chosen: Candidate | None, learnt: Sequence[LearntGrouping], idle_gap: float
) -> WindowCut | None:
    """How the most learnt windows were cut that go with this identifier; None where the log itself decides.

    idle_gap: what the user asks for, 0 where nothing. Raises `KroneError` when nothing learnt fits it.
    """
    like = [
        one for one, candidate in ((one, identifiers([one])[0]) for one in learnt) if same(candidate, chosen)
    ]
    fit = [one.grouping for one in like if not idle_gap or one.grouping.idle_gap == idle_gap]
    if not fit:
        if like and chosen is None:
            raise KroneError(
                f"The knowledge base's windows do not end at pauses of {idle_gap:g} s (--idle-gap): they cannot be "
                "compared; leave --idle-gap out, or learn the good logs with it."
            )
        return None
    windows: dict[WindowCut, int] = {}
    for one in like:
        if one.grouping in fit:
            cut = _cut(one.grouping)
            windows[cut] = windows.get(cut, 0) + one.windows
    best = max(windows, key=lambda cut: windows[cut])
    return best if windows[best] else None


def _cut(grouping: Grouping) -> WindowCut:
    return WindowCut(*grouping.cut)


def _names(known: Sequence[Candidate | None]) -> str:
    return " or ".join(f"'{one.name if one else Kind.WINDOW.value}'" for one in known)
