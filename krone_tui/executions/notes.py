"""What must be said of what the user asked for, where the log has next to nothing of it."""

from krone_tui.store import Store
from krone_tui.store.executions import good_counts, keyed_records
from krone_tui.store.zones import Zones

FEW = 0.1
"""Share of records with the identifier asked for below which it is said how few they are."""


def group_by_notes(store: Store, asked: str | None) -> tuple[str, ...]:
    """A sentence where hardly any record carries what --group-by names; nothing where none was named, or windows were."""
    if asked is None or asked == "window":
        return ()
    carrying, records, windows = keyed_records(store)
    if carrying >= FEW * records:
        return ()
    verb, others = (
        ("carries" if carrying == 1 else "carry"),
        f"{windows:,} window{'' if windows == 1 else 's'}",
    )
    said = (
        f"Only {carrying:,} of {records:,} records {verb} '{asked}' (--group-by); the others are in {others}."
    )
    return (f"{said} `krone-tui groups` shows what else there is.",)


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
