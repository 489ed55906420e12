"""The shop behind `pool-exhaustion`: its threads, connection pool, breaker, and how a request logs."""

from collections import deque
from random import Random

from simulator.journal import Journal, latency

POOL_SIZE = 20
LEASE_TIMEOUT = 5.0  # seconds a request waits for a connection
RESTART = (76 * 60 + 5.0, 76 * 60 + 51.0)  # seconds after the start: the order service is down in between
BREAKER_WINDOW = 20.0  # seconds over which the breaker counts slow calls
BREAKER_HOLD = 30.0  # seconds the breaker stays open before it lets calls through again

LOGGERS = {
    "gateway": "c.shop.gateway.Router",
    "breaker": "c.shop.gateway.Breaker",
    "auth": "c.shop.auth.TokenCheck",
    "login": "c.shop.auth.LoginService",
    "catalog": "c.shop.catalog.ProductSearch",
    "cart": "c.shop.cart.CartStore",
    "orders": "c.shop.orders.OrderService",
    "repository": "c.shop.orders.OrderRepository",
    "history": "c.shop.orders.HistoryService",
    "stock": "c.shop.inventory.StockKeeper",
    "holds": "c.shop.payments.Holds",
    "captures": "c.shop.payments.Captures",
    "receipts": "c.shop.notify.Receipts",
    "leases": "c.shop.db.Leases",
}


class LeaseTimeoutError(Exception):
    """No connection came free in time."""


class Shop:
    """What requests share, in the order in which they start."""

    def __init__(self, journal: Journal, rng: Random) -> None:
        self.journal = journal
        self.rng = rng
        self.leaks: list[float] = []
        self.timeouts: deque[float] = deque(maxlen=200)
        self._thread_free = [0.0] * 60
        self._open_until = 0.0
        self._half_open_until = 0.0
        self._numbers = {
            "lease": 481207,
            "order": 184300,
            "hold": 7712200,
            "capture": 5530118,
            "cart": 992031,
        }

    def number(self, kind: str) -> int:
        """The next id of a kind, with the gaps that other instances leave."""
        self._numbers[kind] += self.rng.choice((1, 1, 1, 2, 3))
        return self._numbers[kind]

    def log(self, at: float, level: str, thread: str, logger: str, message: str) -> None:
        """A record that belongs to no request."""
        self.journal.add(at, self.header(at, level, thread, logger) + message)

    def header(self, at: float, level: str, thread: str, logger: str) -> str:
        """The logback header, with milliseconds."""
        stamp = self.journal.time(at).isoformat(sep=" ", timespec="milliseconds")
        return f"{stamp} {level} [{thread}] {logger} - "

    def thread(self, at: float) -> int:
        """A worker thread that is free at `at`; `release` says until when it is busy."""
        free = [n for n, until in enumerate(self._thread_free) if until <= at]
        return self.rng.choice(free[:12]) if free else len(self._thread_free) - 1

    def release(self, thread: int, at: float) -> None:
        """The thread is busy until `at`."""
        self._thread_free[thread] = at

    def leaked(self, at: float) -> int:
        """Connections that are out for good at a time: a restart brings them back."""
        since = RESTART[1] if at >= RESTART[1] else 0.0
        return min(POOL_SIZE, sum(1 for leak in self.leaks if since <= leak <= at))

    def slowdown(self, at: float) -> float:
        """How many times longer a query takes while abandoned ones still run in the database."""
        abandoned = self.leaked(at)
        return 1 + 0.09 * abandoned + (abandoned / 12) ** 6

    def lease_wait(self, at: float) -> float:
        """Seconds until a connection is free: mostly none, then longer the fewer are left."""
        left = POOL_SIZE - self.leaked(at)
        chance, median_ms = 0.004, 420.0
        if left <= 2:
            chance, median_ms = 0.9, 4300.0
        elif left <= 4:
            chance, median_ms = 0.55, 1500.0
        elif left <= 8:
            chance, median_ms = 0.16, 700.0
        if self.rng.random() < chance:
            return 0.26 + latency(self.rng, median_ms, 0.75)
        return self.rng.uniform(0, 0.002)

    def breaker_rejects(self, at: float) -> bool:
        """Whether the gateway's breaker keeps a call from the order service; moves it between its states."""
        if RESTART[0] <= at < RESTART[1]:
            self._open_until = RESTART[1] if self._open_until else 0.0
            return True
        if at < self._open_until:
            return True
        if self._open_until and at >= self._open_until > self._half_open_until:
            self._half_open_until = self._open_until + 8.0
            self._breaker(self._open_until, "OPEN -> HALF_OPEN, letting 1 call in 3 through")
        recent = [late for late in self.timeouts if at - BREAKER_WINDOW < late <= at]
        if at < self._half_open_until:
            if any(late > self._open_until for late in recent):
                self._open(at, "HALF_OPEN", len(recent))
                return True
            return self.rng.random() < 0.66
        if len(recent) >= 5:
            self._open(at, "CLOSED", len(recent))
            return True
        if self._open_until:
            self._breaker(self._half_open_until, "HALF_OPEN -> CLOSED")
            self._open_until = 0.0
        return False

    def _open(self, at: float, before: str, failed: int) -> None:
        self._open_until = at + BREAKER_HOLD
        self._breaker(at, f"{before} -> OPEN, {failed} slow calls in 20 s, next try in 30 s")

    def _breaker(self, at: float, change: str) -> None:
        self.log(
            at,
            "WARN" if "-> OPEN" in change else "INFO",
            "gw-timer-1",
            LOGGERS["breaker"],
            f"orders: {change}",
        )


class Request:
    """One request: a clock of its own, and lines that carry its id."""

    def __init__(self, shop: Shop, at: float) -> None:
        self.shop, self.rng = shop, shop.rng
        self.id = f"req-{self.rng.getrandbits(32):08x}"
        self.started = self.now = at
        self.customer = int(self.rng.betavariate(1.2, 3) * 9000) + 1000
        self.peer = f"{self.rng.choice(('203.0.113', '198.51.100', '192.0.2'))}.{self.rng.randint(2, 250)}"
        self._worker = shop.thread(at)
        self.thread = f"http-nio-8080-exec-{self._worker + 1}"

    def say(
        self, where: str, message: str, median_ms: float = 4, level: str = "INFO", thread: str | None = None
    ) -> None:
        """Let time pass, then log; `median_ms` of 0 leaves the clock where it is."""
        if median_ms:
            self.now += latency(self.rng, median_ms)
        self.say_at(self.now, where, message, level, thread)

    def say_at(
        self, at: float, where: str, message: str, level: str = "INFO", thread: str | None = None
    ) -> None:
        """Log at a given time: what runs beside the request's own thread."""
        header = self.shop.header(at, level, thread or self.thread, LOGGERS[where])
        self.shop.journal.add(at, f"{header}[{self.id}] {message}", self.id)

    def lease(self, user: str) -> tuple[int, float]:
        """Take a connection: its number and the time. Raises `LeaseTimeoutError` after logging it."""
        wait = self.shop.lease_wait(self.now)
        if wait >= LEASE_TIMEOUT:
            self.now += LEASE_TIMEOUT + self.rng.uniform(0, 0.01)
            self.shop.timeouts.append(self.now)
            self.say("leases", _lease_trace(self.rng, user), 0, "ERROR")
            self.shop.journal.causes.setdefault(self.id, "pool-timeout")
            raise LeaseTimeoutError
        self.now += wait
        number = self.shop.number("lease")
        if wait > 0.25:
            queue = self.rng.randint(1, 3 + self.shop.leaked(self.now) // 2)
            self.say(
                "leases",
                f"waited {wait * 1000:.0f} ms for a connection of orders-db, {queue} in line",
                0,
                "WARN",
            )
        self.say("leases", f"lease {number} of orders-db taken by {user}", 1)
        return number, self.now

    def give_back(self, lease: tuple[int, float]) -> None:
        """Return a connection to the pool."""
        number, taken = lease
        self.now += latency(self.rng, 1)
        self.say("leases", f"lease {number} returned after {(self.now - taken) * 1000:.0f} ms", 0)

    def query(self, sql: str, median_ms: float) -> None:
        """Run a statement; one that is slow is named in a warning, and nothing else comes of it."""
        took = latency(self.rng, median_ms * self.shop.slowdown(self.now), 0.6)
        if self.rng.random() < 0.003:
            took += self.rng.uniform(0.9, 2.4)
        self.now += took
        if took > 0.8:
            self.say("repository", f"slow statement, {took * 1000:.0f} ms: {sql}", 0, "WARN")

    def answer(self, call: str, status: int) -> None:
        """The gateway's last line for the request."""
        self.now += latency(self.rng, 2)
        took = (self.now - self.started) * 1000
        level = "WARN" if status >= 500 else "INFO"
        self.say("gateway", f"{call} answered {status} in {took:.0f} ms", 0, level)
        self.shop.release(self._worker, self.now)


def _lease_trace(rng: Random, user: str) -> str:
    line = {"OrderRepository": 118, "CartStore": 74, "HistoryService": 203}.get(user, 51)
    package = "cart" if user == "CartStore" else "orders"
    return "\n".join(
        (
            f"{user} gave up on orders-db",
            f"com.shop.db.LeaseTimeoutException: no connection within {LEASE_TIMEOUT * 1000:.0f} ms",
            f"\tat com.shop.db.Leases.take(Leases.java:{rng.choice((141, 163))})",
            f"\tat com.shop.{package}.{user}.inTransaction({user}.java:{line})",
            "\tat com.shop.web.Dispatch.handle(Dispatch.java:88)",
            "\tat com.shop.web.Dispatch.lambda$route$3(Dispatch.java:61)",
            "\tat java.base/java.util.concurrent.ThreadPoolExecutor.runWorker(ThreadPoolExecutor.java:1144)",
            "\tat java.base/java.lang.Thread.run(Thread.java:1583)",
            "Caused by: java.util.concurrent.TimeoutException: null",
            "\tat java.base/java.util.concurrent.SynchronousQueue.poll(SynchronousQueue.java:412)",
            "\t... 6 more",
        )
    )


CLIENT_GONE = "\n".join(
    (
        "client went away before the answer was written",
        "com.shop.web.ClientGoneException: channel closed by peer",
        "\tat com.shop.web.ResponseWriter.flush(ResponseWriter.java:97)",
        "\tat com.shop.web.Dispatch.handle(Dispatch.java:93)",
        "Caused by: java.io.IOException: Broken pipe",
        "\tat java.base/sun.nio.ch.SocketDispatcher.write0(Native Method)",
        "\t... 9 more",
    )
)
