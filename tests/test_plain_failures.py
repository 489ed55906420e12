"""What anyone tries first: a service's log in which a few orders fail, in one of the ways that orders fail."""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from krone_tui.investigation import Investigation
from krone_tui.settings import load_settings

STEPS = (
    "accepted order from gateway",
    "loaded customer profile",
    "stored order in database",
    "reserved stock at warehouse",
    "charged card ending 42",
    "sent confirmation mail",
    "answered in 12 ms",
)
STORED = "stored order in database"
REFUSED = "connection to the database refused"
WAYS = ("error instead", "error more", "error and the end", "ends early", "step left out", "wrong order")


def write_orders(path: Path, orders: int, failing: int, way: str, *, leveled: bool, varied: bool) -> set[str]:
    """Write the log; the identifiers of the orders that fail."""
    rng = random.Random(f"{orders} {failing} {way} {leveled} {varied}")
    fails = set(rng.sample(range(orders), failing))
    at = datetime(2026, 3, 14, 1, tzinfo=UTC)
    lines: list[tuple[datetime, str]] = []
    failed = set()
    for number in range(orders):
        at += timedelta(milliseconds=rng.randrange(200, 1500))
        name = f"ord-{rng.getrandbits(32):08x}"
        steps = list(STEPS)
        if varied:
            steps[3:4] = [STEPS[3]] * rng.choice((1, 1, 2, 3))
            steps[1:1] = ["cache miss for customer profile"] * (rng.random() < 0.3)
            steps[-1:-1] = ["gift wrapping requested"] * (rng.random() < 0.04)
        if number in fails:
            failed.add(name)
            place = steps.index(STORED)
            steps = {
                "error instead": [*steps[:place], REFUSED, *steps[place + 1 :]],
                "error more": [*steps[:place], REFUSED, *steps[place:]],
                "error and the end": [*steps[:place], REFUSED],
                "ends early": steps[: place + 1],
                "step left out": [*steps[:place], *steps[place + 1 :]],
                "wrong order": [*steps[:place], *steps[place + 1 : -1], STORED, steps[-1]],
            }[way]
        time = at
        for step in steps:
            time += timedelta(milliseconds=rng.randrange(1, 40))
            level = ("ERROR " if step == REFUSED else "INFO ") if leveled else ""
            lines.append((time, f"{time:%Y-%m-%d %H:%M:%S.%f} {level}[{name}] {step}\n"))
    path.write_text("".join(line for _, line in sorted(lines)), encoding="utf-8")
    return failed


@pytest.mark.parametrize(
    ("orders", "failing", "way"),
    [
        (orders, failing, way)
        for orders, failing in ((40, 1), (120, 1), (400, 6), (2000, 4))
        for way in WAYS
        # That one of forty lacks a step, or has it late, is too little to go by.
        if orders > 40 or way not in ("step left out", "wrong order")
    ],
)
def test_the_orders_that_fail_are_flagged_and_no_others(
    orders: int, failing: int, way: str, tmp_path: Path
) -> None:
    found: dict[tuple[bool, bool], tuple[int, int]] = {}
    # A late step tells nothing where orders differ of themselves.
    for leveled, varied in ((True, False), (False, True))[: 1 if way == "wrong order" else 2]:
        path = tmp_path / f"{leveled}-{varied}.log"
        failed = write_orders(path, orders, failing, way, leveled=leveled, varied=varied)
        with Investigation.open([str(path)], load_settings(use_cache=False, threads=1)) as one:
            flagged = {
                row[0] for row in one.store.rows("SELECT identifier FROM execution_verdict WHERE flagged")
            }
        found[leveled, varied] = len(flagged & failed), len(flagged - failed)
    assert {right for right, _ in found.values()} == {failing}, found
    # Where orders differ of themselves, one of forty may be as odd as one that fails.
    assert {wrong for (_, varied), (_, wrong) in found.items() if not varied or orders > 40} == {0}, found
    assert max(wrong for _, wrong in found.values()) <= 1, found
