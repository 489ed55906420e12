"""`bad-node`: one worker's scratch disk corrupts what it holds; retries elsewhere keep every job green.

Seconds count from the start of the log, 01:00:00 UTC.
"""

from datetime import datetime
from heapq import heappop, heappush
from random import Random

from simulator.journal import Journal, every, seeded
from simulator.lake import BAD_WORKER, Cluster, Task
from simulator.lake_attempt import run_attempt

_START = datetime(2026, 4, 2, 1, 0)  # noqa: DTZ001  the log writes UTC with a Z
_JOBS = (  # submitted at, name, tasks, median seconds of an attempt
    (4.0, "clicks-rollup", 720, 46.0),
    (65.0, "invoice-export", 310, 39.0),
    (760.0, "stock-snapshot", 460, 52.0),
    (1500.0, "search-index", 640, 58.0),
    (2160.0, "ad-spend", 380, 41.0),
    (2880.0, "clicks-sessions", 700, 55.0),
    (3480.0, "fraud-features", 330, 60.0),
)


def simulate(seed: int) -> Journal:
    """Run the night's jobs on 24 workers of 2 slots each."""
    rng = seeded("bad-node", seed)
    journal = Journal(_START)
    cluster = Cluster(journal, rng)
    _schedule(cluster)
    _background(cluster)
    return journal


def _schedule(cluster: Cluster) -> None:
    """First come, first served; a task that comes back goes first, and not to where it failed."""
    slots = [(cluster.rng.uniform(0, 2), worker, slot) for worker in cluster.workers for slot in (1, 2)]
    slots.sort()
    ready: list[tuple[float, int, Task]] = []
    for number, (at, name, tasks, seconds) in enumerate(_JOBS, start=4107):
        job = cluster.submit(at, number, name, tasks, seconds)
        for task in job.tasks:
            heappush(ready, (at + 1.2, len(ready), task))
    order = len(ready)
    while ready:
        free_at, worker, slot = heappop(slots)
        ready_at, _, task = heappop(ready)
        start = max(free_at, ready_at)
        if worker == task.avoid:
            # Another slot is free within moments: the task waits for it, this slot takes the next task.
            order += 1
            heappush(ready, (ready_at + 0.4, order, task))
            heappush(slots, (max(free_at, ready_at) + 0.05, worker, slot))
            continue
        end, done = run_attempt(cluster, task, worker, slot, start)
        heappush(slots, (end + cluster.rng.uniform(0.1, 0.9), worker, slot))
        if done:
            cluster.finish(task, end)
        else:
            order += 1
            heappush(ready, (end + 0.5, -order, task))


def _background(cluster: Cluster) -> None:
    """Heartbeats, disk figures, compaction, and the odd change: nothing of it belongs to an attempt."""
    rng = cluster.rng
    end = max(entry.at for entry in cluster.journal.entries)
    for at in every(rng, end, 20):
        busy = rng.randint(44, 48)
        cluster.log(
            at,
            "INFO",
            "sched-01",
            "heartbeat",
            "lake.sched.Roster",
            f"24 workers heard from, {busy} of 48 slots busy",
        )
    for worker in cluster.workers:
        _disk_figures(cluster, worker, end)
    for at in every(rng, end, 900):
        cluster.log(
            at,
            "INFO",
            "sched-01",
            "catalog",
            "lake.sched.Manifests",
            f"manifest list compacted, {rng.randint(40, 300)} entries",
        )
    cluster.log(
        1312.4,
        "INFO",
        "sched-01",
        "config",
        "lake.sched.Settings",
        "settings read again: queue.finance.weight 20 -> 30",
    )
    cluster.log(2450.0, "WARN", "sched-01", "heartbeat", "lake.sched.Roster", "wrk-09 late by 11 s, kept")


def _disk_figures(cluster: Cluster, worker: str, end: float) -> None:
    rng = Random(f"{worker}:{cluster.rng.random()}")
    usual = 0 if worker == BAD_WORKER else rng.choice((0, 0, 0, 8, 16))
    for at in every(rng, end, 240, 0.1):
        remapped = usual
        if worker == BAD_WORKER:
            remapped = int(max(0.0, at - 1500) / 140) * 8
        cluster.log(
            at, "INFO", worker, "disk-watch", "lake.node.Disks",
            f"/scratch/{rng.randint(1, 3)} {rng.randint(31, 78)} % full, "
            f"{rng.uniform(3, 19):.1f} ms a write, {remapped} sectors remapped",
        )  # fmt: skip
    for at in every(rng, end - 900, 2900, 0.3):
        cluster.log(
            at,
            "INFO",
            worker,
            "janitor",
            "lake.node.Scratch",
            f"{rng.randint(3, 60)} files of finished attempts removed",
        )
