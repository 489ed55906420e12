"""The platform behind `rolling-upgrade`: its pods, their versions, and one parcel's way of logging."""

import json
from dataclasses import dataclass
from random import Random

from simulator.journal import Journal, latency

OLD, NEW = "3.8.2", "4.0.0"
ROLL_BEGINS = 36 * 60.0  # seconds after the start
ROLL_STEP = 215.0  # seconds from one pod to the next
_TURNOVER = 38.0  # seconds a pod is away


@dataclass(frozen=True)
class Pod:
    """One instance of a service as it runs: what its lines say about themselves."""

    service: str
    name: str
    version: str


@dataclass(frozen=True)
class Place:
    """A pod and its successor."""

    before: Pod
    after: Pod | None
    """None for a service that is not upgraded."""
    replaced: float
    """When the first one is told to stop, in seconds after the start."""

    def pod(self, at: float) -> Pod | None:
        """What takes new calls at a time; None while it is being replaced."""
        if at < self.replaced:
            return self.before
        return self.after if at >= self.replaced + _TURNOVER else None


class Platform:
    """What parcels share."""

    def __init__(self, journal: Journal, rng: Random) -> None:
        self.journal = journal
        self.rng = rng
        self.offset = 4_188_201
        self.places: dict[str, list[Place]] = {name: self._fixed(name) for name in ("intake", "labels")}
        # The upgrade takes one pod after the other, service by service in turn.
        order = (
            [("planner", n) for n in range(3)]
            + [("pricing", n) for n in range(2)]
            + [("courier-sync", n) for n in range(3)]
        )
        order = [order[i] for i in (0, 3, 5, 1, 6, 2, 4, 7)]
        for place, (service, _) in enumerate(order):
            self.places.setdefault(service, []).append(self._rolled(service, ROLL_BEGINS + place * ROLL_STEP))

    def _fixed(self, service: str) -> list[Place]:
        names = [self._name(service, "5c7d9") for _ in range(2)]
        return [Place(Pod(service, name, "2.17.0"), None, float("inf")) for name in names]

    def _rolled(self, service: str, at: float) -> Place:
        before = Pod(service, self._name(service, "6f4b8"), OLD)
        return Place(before, Pod(service, self._name(service, "7d0e2"), NEW), at)

    def _name(self, service: str, revision: str) -> str:
        return f"{service}-{revision}-" + "".join(self.rng.choices("bcdfghjklmnpqrstvwxz2456789", k=5))

    def choose(self, service: str, at: float, like: str | None = None, affinity: float = 0.0) -> Pod:
        """A pod that is up; with a probability of `affinity` one that runs the version `like`."""
        up = [pod for place in self.places[service] if (pod := place.pod(at))]
        alike = [pod for pod in up if pod.version == like]
        if alike and self.rng.random() < affinity:
            return self.rng.choice(alike)
        return self.rng.choice(up)

    def log(self, at: float, level: str, pod: Pod, message: str, **fields: object) -> None:
        """One JSON line; `trace_id` among the fields makes it part of an execution."""
        line = {
            "ts": self.journal.time(at).isoformat(timespec="milliseconds") + "Z",
            "level": level,
            "service": pod.service,
            "version": pod.version,
            "pod": pod.name,
            **fields,
            "msg": message,
        }
        trace = fields.get("trace_id")
        self.journal.add(at, json.dumps(line, separators=(",", ":")), None if trace is None else str(trace))


class Parcel:
    """One shipment on its way through the services."""

    def __init__(self, platform: Platform, at: float) -> None:
        self.platform, self.rng = platform, platform.rng
        self.trace = f"{self.rng.getrandbits(128):032x}"
        self.began = self.now = at
        self.number = f"SH-{self.rng.randint(10**7, 10**8 - 1)}"

    def say(
        self, pod: Pod, message: str, median_ms: float = 8, level: str = "info", **fields: object
    ) -> None:
        """Let time pass, then log under the parcel's trace."""
        self.now += latency(self.rng, median_ms)
        self.platform.log(self.now, level, pod, message, trace_id=self.trace, **fields)
