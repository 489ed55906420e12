"""`rolling-upgrade`: for half an hour two versions serve side by side and disagree on who does what.

Seconds count from the start of the log, 12:45:00 UTC. The old planner reserves the pick-up slot before the
price is known; in the new version the pricing service does it afterwards, and events carry a new field.
"""

from datetime import datetime

from simulator.journal import Journal, arrivals, every, seeded
from simulator.parcels import NEW, OLD, Parcel, Platform, Pod

_START = datetime(2026, 5, 6, 12, 45)  # noqa: DTZ001  the log writes UTC with a Z
_SECONDS = 95 * 60
_PARCELS_PER_SECOND = 0.68
_AFFINITY = 0.9  # share of calls that the mesh keeps on the version that they began on
_SCHEMA = {OLD: 6, NEW: 7}
_HUBS = ("LEJ", "HAJ", "STR", "NUE")


def simulate(seed: int) -> Journal:
    """Run the platform for 95 minutes."""
    rng = seeded("rolling-upgrade", seed)
    journal = Journal(_START)
    platform = Platform(journal, rng)
    for at in arrivals(rng, _SECONDS, _PARCELS_PER_SECOND):
        _ship(platform, at)
    _background(platform)
    _replacements(platform)
    return journal


def _ship(platform: Platform, at: float) -> None:
    rng = platform.rng
    parcel = Parcel(platform, at)
    intake = platform.choose("intake", at)
    pieces = rng.choice((1, 1, 1, 1, 2, 2, 3, 4))
    parcel.say(
        intake, f"shipment {parcel.number} taken from merchant {rng.randint(100, 980)}, {pieces} pieces", 2
    )
    luck = rng.random()
    if luck < 0.02:
        parcel.say(intake, f"address of {parcel.number} incomplete, house number asked for")
        parcel.say(intake, f"{parcel.number} answered 422 in {_elapsed(parcel)} ms", 3)
        return
    parcel.say(intake, f"address of {parcel.number} normalised, postcode {rng.randint(10115, 99998):05d}", 12)
    if luck < 0.06:
        parcel.say(
            intake, "geocoder slow, second reading used", 700, "warn", duration_ms=rng.randint(500, 1400)
        )
    planner = platform.choose("planner", parcel.now)
    made_by = planner.version
    slots = _plan_and_price(platform, parcel, planner)
    labels = platform.choose("labels", parcel.now)
    parcel.say(
        labels,
        f"label {rng.randint(10**6, 10**7)} drawn, {rng.randint(40, 140)} KiB",
        45,
        duration_ms=rng.randint(20, 90),
    )
    if rng.random() < 0.007:
        parcel.say(labels, "printer profile unknown, A6 taken", 2, "warn")
    if made_by == NEW:
        parcel.say(planner, f"event signed with key k{rng.randint(3, 5)}", 3)
    platform.offset += rng.choice((1, 1, 2))
    offset = platform.offset
    parcel.say(planner, f"event put on parcel.planned at offset {offset}", 6, schema=_SCHEMA[made_by])
    answered = parcel.now
    read = _deliver(platform, parcel, offset, made_by, pieces)
    # The merchant's answer does not wait for the courier.
    platform.log(
        answered + rng.uniform(0.002, 0.09), "info", intake,
        f"{parcel.number} answered 202 in {(answered - at) * 1000:.0f} ms", trace_id=parcel.trace,
    )  # fmt: skip
    _judge(platform, parcel, slots, read)


def _plan_and_price(platform: Platform, parcel: Parcel, planner: Pod) -> int:
    """Route, slot and price, in the order of whichever versions meet; returns the slots reserved."""
    rng = platform.rng
    hub = rng.choice(_HUBS)
    parcel.say(planner, f"route of {parcel.number} planned by hub {hub}, {rng.randint(1, 4)} legs", 25)
    slots = 0
    if planner.version == OLD:
        slots += 1
        _reserve(parcel, planner, hub)
    pricing = platform.choose("pricing", parcel.now, planner.version, _AFFINITY)
    parcel.say(
        pricing,
        f"tariff {rng.choice('ABC')}{rng.randint(1, 4)} for {parcel.number}, {rng.uniform(3, 30):.2f} EUR",
        9,
    )
    if rng.random() < 0.05:
        parcel.say(pricing, f"contract discount of {rng.randint(2, 12)} % taken off {parcel.number}", 3)
    if pricing.version == NEW:
        slots += 1
        _reserve(parcel, pricing, hub)
    return slots


def _reserve(parcel: Parcel, pod: Pod, hub: str) -> None:
    rng = parcel.rng
    if rng.random() < 0.02:
        parcel.say(pod, f"slot {rng.randint(1000, 9999)} at {hub} just gone, next one asked for", 14)
    pick_up = f"{rng.randint(14, 19)}:{rng.choice(('00', '20', '40'))}"
    parcel.say(
        pod,
        f"slot {rng.randint(1000, 9999)} at {hub} reserved for {pick_up}",
        16,
    )


def _deliver(platform: Platform, parcel: Parcel, offset: int, made_by: str, pieces: int) -> str:
    """Hand the event to the courier: 'read', 'late' after readers that could not, or 'parked' after three."""
    rng = platform.rng
    parcel.now += rng.uniform(0.01, 0.12)
    if rng.random() < 0.006:
        reader = platform.choose("courier-sync", parcel.now, made_by, _AFFINITY)
        parcel.say(reader, f"partition handed over, offset {offset} left to the next reader", 30)
    for delivery in (1, 2, 3):
        # A version's readers prefer its own events for the first delivery only.
        reader = platform.choose("courier-sync", parcel.now, made_by, _AFFINITY if delivery == 1 else 0.0)
        # Only shipments of several pieces carry the field that the old reader does not know.
        if made_by == NEW and reader.version == OLD and pieces > 1:
            parcel.say(
                reader,
                f"event at offset {offset} not understood, tag 14 at byte {rng.randint(90, 400)}",
                9,
                "warn",
                schema=6,
            )
            parcel.say(
                reader, f"offset {offset} left for delivery {delivery + 1}", 4, backoff_ms=500 * delivery
            )
            parcel.now += 0.5 * delivery
            continue
        parcel.say(reader, f"event at offset {offset} read", 9, schema=_SCHEMA[made_by])
        parcel.say(
            reader,
            f"courier {rng.choice(('velo', 'nordpost', 'ruck'))} told about {parcel.number}",
            60,
            duration_ms=rng.randint(30, 400),
        )
        if rng.random() < 0.015:
            parcel.say(reader, "courier answered busy, told again", 1500, "warn")
        parcel.say(reader, f"offset {offset} done", 4)
        return "read" if delivery == 1 else "late"
    parcel.say(reader, f"offset {offset} moved to parcel.planned.parked", 6)
    return "parked"


def _judge(platform: Platform, parcel: Parcel, slots: int, read: str) -> None:
    """One cause an execution: the worst for the customer first."""
    causes = platform.journal.causes
    if read == "parked":
        causes[parcel.trace] = "event-parked"
    elif slots == 0:
        causes[parcel.trace] = "slot-missing"
    elif slots == 2:
        causes[parcel.trace] = "slot-reserved-twice"
    elif read == "late":
        causes[parcel.trace] = "event-read-late"


def _elapsed(parcel: Parcel) -> int:
    return round((parcel.now - parcel.began) * 1000)


def _background(platform: Platform) -> None:
    """Probes, lag figures and housekeeping of every pod: no trace id."""
    rng = platform.rng
    for place in (place for places in platform.places.values() for place in places):
        for at in every(rng, _SECONDS, 30):
            if pod := place.pod(at):
                platform.log(at, "info", pod, f"ready, {rng.randint(0, 9)} in flight", probe="readiness")
        if place.before.service == "courier-sync":
            for at in every(rng, _SECONDS, 20):
                if pod := place.pod(at):
                    platform.log(at, "info", pod, f"lag {rng.randint(0, 6)} events", topic="parcel.planned")
    for at in every(rng, _SECONDS, 600):
        pod = platform.choose("labels", at)
        platform.log(
            at, "info", pod, f"{rng.randint(20, 300)} drawings older than a day removed", job="sweep"
        )


def _replacements(platform: Platform) -> None:
    """What a pod says when it goes, and what its successor says when it comes."""
    rng = platform.rng
    for place in (place for places in platform.places.values() for place in places):
        if place.after is None:
            continue
        at, old, new = place.replaced, place.before, place.after
        platform.log(at, "info", old, "asked to stop, finishing what runs")
        platform.log(at + 11.8, "info", old, f"last of {rng.randint(1, 9)} calls finished")
        platform.log(at + 37.5, "info", new, f"{new.service} {NEW} started in {rng.randint(6, 14)} s")
        platform.log(at + 37.8, "info", new, "settings read, 61 keys, 2 not used by this version")
        if new.service == "courier-sync":
            partitions = f"{rng.randint(0, 3)} and {rng.randint(4, 7)}"
            platform.log(at + 37.9, "info", new, f"joined readers of parcel.planned, partitions {partitions}")
