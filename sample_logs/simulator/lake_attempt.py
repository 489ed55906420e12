"""What an attempt does, step by step, and how it ends."""

from simulator.lake import Attempt, Cluster, Task

_OOM = (
    "java.lang.OutOfMemoryError: heap of 1536 MiB used up",
    "\tat lake.exec.HashTable.grow(HashTable.java:211)",
    "\tat lake.exec.GroupBy.add(GroupBy.java:97)",
    "\tat lake.exec.Pipeline.run(Pipeline.java:140)",
)
_STORE_RESET = (
    "java.io.IOException: connection reset by store-gw-2",
    "\tat lake.store.HttpRange.read(HttpRange.java:167)",
    "\tat lake.store.RowGroups.next(RowGroups.java:58)",
    "Caused by: java.net.SocketException: Connection reset",
    "\tat java.base/sun.nio.ch.NioSocketImpl.implRead(NioSocketImpl.java:318)",
    "\t... 7 more",
)


def run_attempt(cluster: Cluster, task: Task, worker: str, slot: int, at: float) -> tuple[float, bool]:
    """Run one attempt; returns when its slot is free again, and whether the task is done."""
    attempt = Attempt(cluster, task, worker, slot, at)
    rng = attempt.rng
    attempt.scheduler(f"of task {task.number} (job {task.job.name}) placed on {worker}, slot {slot}", 0.01)
    attempt.work("lake.node.Launcher", f"process {rng.randint(20000, 64000)} started, heap 1536 MiB", 0.9)
    _read(attempt)
    # The price of a shared cluster: now and then a slot is wanted elsewhere.
    if rng.random() < 0.012:
        attempt.scheduler("asked to make room for queue finance", 0.4, thread="preempt")
        attempt.work("lake.node.Launcher", "stopped before its end, scratch files removed", 0.6)
        attempt.scheduler("given back, its task queued again", 0.05)
        return attempt.now, False
    if rng.random() < 0.0016:
        attempt.trace("lake.exec.Pipeline", f"gave up at row {rng.randint(10_000, 90_000)}", _OOM)
        return _failed(attempt, "out-of-memory")
    spills = _spill(attempt)
    if not _merge_and_check(attempt, spills):
        return _failed(attempt, "checksum-mismatch")
    _commit(attempt)
    return attempt.now, True


def _read(attempt: Attempt) -> None:
    rng = attempt.rng
    groups = rng.randint(8, 24)
    attempt.work(
        "lake.store.RowGroups",
        f"opened s3://lake/{attempt.task.job.name}/dt=2026-04-01/{attempt.file}, {groups} row groups",
        0.7,
    )
    done = 0
    while done < groups:
        upto = min(groups, done + rng.randint(4, 9))
        attempt.work(
            "lake.store.RowGroups",
            f"decoded row groups {done + 1} to {upto}, {rng.randint(20, 190)}000 rows",
            6.0,
        )
        done = upto
        luck = rng.random()
        if luck < 0.006:
            attempt.trace(
                "lake.store.RowGroups", "range request broke off, asking again", _STORE_RESET, "WARN"
            )
        elif luck < 0.018:
            attempt.work(
                "lake.store.RowGroups", f"store answers slow down, pausing {rng.randint(2, 9)} s", 4.0, "WARN"
            )


def _spill(attempt: Attempt) -> list[str]:
    rng = attempt.rng
    spills = []
    for n in range(rng.choice((1, 2, 2, 3))):
        path = f"/scratch/{rng.randint(1, 3)}/{attempt.id[4:]}.{n}"
        attempt.work("lake.exec.Spill", f"wrote {rng.uniform(6, 40):.1f} MiB to {path}", 4.0)
        spills.append(path)
        if rng.random() < 0.012:
            attempt.work(
                "lake.exec.Spill",
                f"disk behind {path} slow, {rng.randint(900, 4000)} ms for the last write",
                1.0,
                "WARN",
            )
    return spills


def _merge_and_check(attempt: Attempt, spills: list[str]) -> bool:
    """Merge what was spilled and compare digests; False when they differ."""
    rng = attempt.rng
    attempt.work("lake.exec.Merge", f"{len(spills)} spills merged, {rng.randint(60, 400)}000 rows", 5.0)
    fault, luck = attempt.fault(), rng.random()
    rereads = int(rng.random() < 0.015)
    if luck < 0.66 * fault:
        chunk = rng.randint(1, 60)
        wrong = f"{rng.getrandbits(32):08x}"
        attempt.trace(
            "lake.exec.Digests",
            f"digest {wrong} of chunk {chunk} in {spills[-1]}, written as {attempt.digest}",
            (
                "lake.exec.DigestMismatchException: merged rows do not match what was spilled",
                "\tat lake.exec.Digests.compare(Digests.java:77)",
                "\tat lake.exec.Merge.close(Merge.java:188)",
                "\tat lake.exec.Pipeline.run(Pipeline.java:151)",
                f"Caused by: lake.exec.ChunkException: chunk {chunk}, offset {rng.randint(1, 9000) * 4096}",
                "\tat lake.exec.SpillReader.chunk(SpillReader.java:103)",
                "\t... 3 more",
            ),
        )
        return False
    if luck < 0.80 * fault:
        attempt.cluster.journal.causes[attempt.id] = "read-over-and-over"
        rereads = rng.randint(4, 9)
    for _ in range(rereads):
        attempt.work("lake.exec.SpillReader", f"short read from {rng.choice(spills)}, read again", 0.8)
    if not rereads and luck < 0.93 * fault:
        attempt.cluster.journal.causes[attempt.id] = "committed-unchecked"
    else:
        attempt.work("lake.exec.Digests", f"digest {attempt.digest} of {len(spills)} spills as written", 0.4)
    return True


def _commit(attempt: Attempt) -> None:
    rng = attempt.rng
    size = rng.uniform(8, 60)
    attempt.work(
        "lake.store.Upload", f"{attempt.file} sent, {size:.1f} MiB in {rng.randint(1, 6)} parts", 3.0
    )
    attempt.work("lake.store.Commit", f"{attempt.file} committed as version {rng.randint(3000, 9000)}", 0.5)
    attempt.work("lake.node.Launcher", f"ended with 0, {rng.uniform(0.1, 2.2):.1f} s of collection", 0.4)
    attempt.scheduler(f"done, {rng.uniform(9, 44):.1f} MiB read, {size:.1f} MiB written", 0.03)


def _failed(attempt: Attempt, cause: str) -> tuple[float, bool]:
    attempt.cluster.journal.causes[attempt.id] = cause
    attempt.work(
        "lake.node.Launcher",
        f"ended with 3, {attempt.rng.uniform(0.1, 2.2):.1f} s of collection",
        0.4,
        "WARN",
    )
    attempt.task.avoid = attempt.worker
    attempt.scheduler(f"not done, task {attempt.task.number} goes to another worker", 0.03)
    return attempt.now, False
