"""`pool-exhaustion`: a changed limit lets long queries through, each keeps a connection, the pool runs dry.

Seconds count from the start of the log, 01:15:00.
"""

from datetime import datetime
from random import Random

from simulator.journal import Journal, arrivals, every, seeded
from simulator.shop import LOGGERS, POOL_SIZE, RESTART, Request, Shop
from simulator.shop_flows import any_request, history

_START = datetime(2026, 3, 14, 1, 15)  # noqa: DTZ001  the log states no zone
_SECONDS = 110 * 60
_SCREENS_PER_SECOND = 0.66
_LIMIT_RAISED = 52 * 60 + 41.0
_LIMIT_RESTORED = 79 * 60 + 12.0
_LONG_QUERIES = 19


def simulate(seed: int) -> Journal:
    """Run the shop for 110 minutes."""
    rng = seeded("pool-exhaustion", seed)
    journal = Journal(_START)
    shop = Shop(journal, rng)
    usual = [(at, False) for at in _calls(rng)]
    for at, long in sorted(usual + [(at, True) for at in _long_queries(rng)]):
        request = Request(shop, at)
        if long:
            history(request, rng.choice((365, 730, 1095, 1825)))
        else:
            any_request(request)
    _background(shop)
    _changes(shop)
    return journal


def _calls(rng: Random) -> list[float]:
    """Start times of calls: a screen of the shop's app asks for several things at once."""
    return [
        screen + rng.uniform(0, 0.09)
        for screen in arrivals(rng, _SECONDS, _SCREENS_PER_SECOND)
        for _ in range(rng.choice((1, 1, 2, 2, 3)))
    ]


def _long_queries(rng: Random) -> list[float]:
    """More of them as the partners' exports for the month start."""
    first, last = _LIMIT_RAISED + 40, RESTART[0] - 260
    return sorted(first + (last - first) * rng.random() ** 0.8 for _ in range(_LONG_QUERIES))


def _background(shop: Shop) -> None:
    rng = shop.rng
    running = [at for at in every(rng, _SECONDS, 10) if not RESTART[0] <= at < RESTART[1] + 4]
    for at in running:
        out = shop.leaked(at)
        busy = min(POOL_SIZE, out + rng.choice((0, 0, 0, 1, 1, 2)))
        line = rng.randint(1, 14) if busy == POOL_SIZE else 0
        shop.log(
            at,
            "INFO",
            "pool-stats",
            LOGGERS["leases"],
            f"orders-db: {busy} out, {POOL_SIZE - busy} in, {line} in line",
        )
    for at in every(rng, _SECONDS, 15):
        if RESTART[0] <= at < RESTART[1]:
            shop.log(
                at,
                "INFO",
                "gw-timer-2",
                "c.shop.gateway.Probe",
                "orders: not answering, taken out of rotation",
            )
        else:
            shop.log(at, "INFO", "gw-timer-2", "c.shop.gateway.Probe", f"orders: up, {rng.randint(1, 9)} ms")
    for at in every(rng, _SECONDS, 48, 0.4):
        pause = rng.uniform(4, 31)
        shop.log(
            at,
            "INFO",
            "gc-watch",
            "c.shop.jvm.Collector",
            f"young collection, {rng.randint(180, 420)} MiB freed, pause {pause:.1f} ms",
        )
    for at in every(rng, _SECONDS, 1500, 0.1):
        shop.log(
            at,
            "WARN",
            "gc-watch",
            "c.shop.jvm.Collector",
            f"mixed collection, pause {rng.uniform(190, 420):.1f} ms",
        )
    for at in every(rng, _SECONDS, 300):
        _cart_reaper(shop, at)
    for at in every(rng, _SECONDS, 60):
        shop.log(
            at,
            "INFO",
            "outbox-1",
            "c.shop.notify.Outbox",
            f"{rng.randint(0, 14)} receipts handed to the mail relay",
        )
        if rng.random() < 0.05:
            shop.log(
                at + 0.4,
                "WARN",
                "outbox-1",
                "c.shop.notify.Outbox",
                "mail relay slow to greet, trying again in 5 s",
            )
            shop.log(
                at + 5.5,
                "INFO",
                "outbox-1",
                "c.shop.notify.Outbox",
                f"{rng.randint(1, 6)} receipts handed to the mail relay",
            )


def _cart_reaper(shop: Shop, at: float) -> None:
    if RESTART[0] - 5 <= at < RESTART[1]:
        return
    rng = shop.rng
    logger = "c.shop.cart.Reaper"
    shop.log(at, "INFO", "cron-1", logger, "looking for carts left for 30 days")
    shop.log(at + rng.uniform(0.05, 0.4), "INFO", "cron-1", logger, f"{rng.randint(0, 40)} carts removed")


def _changes(shop: Shop) -> None:
    """What people did: four changes of settings, of which one matters, and the restart."""
    config = "c.shop.config.Watcher"
    for at, key, old, new in (
        (26 * 60 + 8.3, "catalog.cache.seconds", "90", "120"),
        (_LIMIT_RAISED, "orders.history.max-days", "90", "1825"),
        (61 * 60 + 30.9, "notify.mail.batch", "20", "25"),
        (_LIMIT_RESTORED, "orders.history.max-days", "1825", "90"),
    ):
        shop.log(
            at, "INFO", "config-watch", config, f"settings read again, 1 of 214 changed: {key} {old} -> {new}"
        )
    down, up = RESTART
    main = "c.shop.orders.Main"
    for at, level, message in (
        (down, "INFO", "stop asked for by operator dkim, finishing what runs"),
        (down + 11.2, "WARN", f"{shop.leaked(down)} connections still out, closing them"),
        (down + 11.9, "INFO", "stopped"),
        (down + 24.0, "INFO", "orders 5.21.3 starting on java 21.0.2, pid 41877"),
        (down + 29.4, "INFO", "schema orders at version 118, nothing to migrate"),
        (down + 31.0, "INFO", f"pool orders-db ready, {POOL_SIZE} connections"),
        (up - 3.1, "INFO", "listening on port 8080, started in 18.9 s"),
    ):
        shop.log(at, level, "main", main, message)
