"""What must be said of the time given as normal, where it leaves nothing to judge or nothing to judge by."""

from krone_tui.store import Store
from krone_tui.store.executions import good_counts
from krone_tui.store.zones import Zones


def normal_before_notes(store: Store, time: str | None, zones: Zones) -> tuple[str, ...]:
    """A sentence where none, or all, of the log's executions ended before `time`; nothing where there is no such time.

    time: as settings keep it, ISO 8601 without a zone: in UTC where it was given with one, else as given.
    """
    if time is None:
        return ()
    executions, good, start, end = good_counts(store)
    if 0 < good < executions:
        return ()
    if start is None or end is None:
        return (f"No times could be read in this log, so nothing of it is known to be before {time}.",)
    said = (
        f"all of this log ended before {time}, so nothing is left to judge"
        if good
        else f"nothing of this log ended before {time}, so none of it is known to be normal"
    )
    extent = f"it goes from {start:%Y-%m-%d %H:%M:%S} to {end:%Y-%m-%d %H:%M:%S}{' UTC' if zones.utc else ''}"
    return (f"{said[0].upper()}{said[1:]}: {extent}{_how_to_say(zones)}.",)


def _how_to_say(zones: Zones) -> str:
    """How a time is read that is given without a zone."""
    if not zones.stated:
        return ""
    offset = zones.stated[0]
    return (
        f"; its lines are written in {offset}, so give the time with that, as in 2026-03-14T02:10:00{offset}"
    )
