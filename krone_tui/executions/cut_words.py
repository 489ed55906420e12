"""How windows were cut, in a sentence: what ended them, and how many held as many records as one may."""

from krone_tui.executions.as_learnt import WindowCut

_UNITS = ((172_800.0, 86_400.0, "days"), (3_600.0, 3_600.0, "h"), (60.0, 60.0, "min"), (1.0, 1.0, "s"))
"""(seconds from which a unit is used, seconds it has, its name)."""


def cut_in_words(cut: WindowCut, windows: int, full: int) -> str:
    """What the windows of a log are, without a full stop.

    windows: how many there are; full: those that ended because they held `cut.records`, whatever the time.
    """
    where = "each host's" if cut.by[0] == "host" else "each source's"
    reached = f"{cut.records} records ({full:,} of {windows:,} ended so)"
    if cut.idle_gap:
        return f"{where} records, a window ends at a pause of {span(cut.idle_gap)}" + (
            f" or at {reached}" if full else ""
        )
    if cut.tumbling:
        return f"{where} records in windows of {span(cut.tumbling)}" + (f" or of {reached}" if full else "")
    return f"{where} records in windows of {cut.records} records, as no times part them"


def span(seconds: float) -> str:
    """A span of time with at most one decimal, in the unit a person would say: `150 ms`, `2.5 min`, `21.6 h`."""
    for least, unit, name in _UNITS:
        if seconds >= least:
            return f"{round(seconds / unit, 1):,g} {name}"
    return f"{round(seconds * 1000):,} ms"
