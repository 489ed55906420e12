"""The cluster behind `bad-node`: its scheduler, its workers, and one attempt's way of logging."""

from dataclasses import dataclass, field
from random import Random

from simulator.journal import Journal, latency

BAD_WORKER = "wrk-17"
FAULT_BEGINS = 1680.0  # seconds after the start
WORKERS = 24


@dataclass
class Task:
    """One piece of a job; it may take several attempts."""

    job: "Job"
    number: int
    attempts: int = 0
    avoid: str = ""
    """The worker on which the last attempt failed."""


@dataclass
class Job:
    """One job of the night."""

    number: int
    name: str
    seconds: float
    """Median length of an attempt."""
    submitted: float
    tasks: list[Task] = field(default_factory=list)
    open: int = 0
    retried: int = 0


class Cluster:
    """What attempts share."""

    def __init__(self, journal: Journal, rng: Random) -> None:
        self.journal = journal
        self.rng = rng
        self.workers = [f"wrk-{n:02d}" for n in range(1, WORKERS + 1)]

    def header(self, at: float, level: str, host: str, thread: str, logger: str) -> str:
        """Time in UTC, level, host, thread, logger."""
        stamp = self.journal.time(at).isoformat(timespec="milliseconds")
        return f"{stamp}Z {level} {host} [{thread}] {logger}: "

    def log(  # in the order in which a line shows them
        self, at: float, level: str, host: str, thread: str, logger: str, message: str
    ) -> None:
        """A record that belongs to no attempt."""
        self.journal.add(at, self.header(at, level, host, thread, logger) + message)

    def submit(self, at: float, number: int, name: str, tasks: int, seconds: float) -> Job:
        """A new job with its tasks."""
        job = Job(number, name, seconds, at, open=tasks)
        job.tasks = [Task(job, n) for n in range(tasks)]
        self.log(
            at,
            "INFO",
            "sched-01",
            "submit",
            "lake.sched.Jobs",
            f"job {number} {name} accepted for queue nightly, {tasks} tasks",
        )
        self.log(
            at + 0.9,
            "INFO",
            "sched-01",
            "submit",
            "lake.sched.Planner",
            f"job {number} planned, inputs {tasks * 41} MiB in {tasks} splits",
        )
        return job

    def finish(self, task: Task, at: float) -> None:
        """A task is done; with the last one the job is."""
        job = task.job
        job.open -= 1
        job.retried += task.attempts > 1
        if job.open == 0:
            took = at + 1 - job.submitted
            self.log(
                at + 1, "INFO", "sched-01", "jobs", "lake.sched.Jobs",
                f"job {job.number} {job.name} SUCCEEDED, {len(job.tasks)} tasks, "
                f"0 failed, {job.retried} retried, {took:.0f} s",
            )  # fmt: skip


class Attempt:
    """One attempt of a task on a slot of a worker, with a clock of its own."""

    def __init__(self, cluster: Cluster, task: Task, worker: str, slot: int, at: float) -> None:
        self.cluster, self.rng = cluster, cluster.rng
        self.task, self.worker, self.slot = task, worker, slot
        self.id = f"att-{task.job.number}-{task.number:05d}-{task.attempts}"
        task.attempts += 1
        self.now = at
        # One attempt's length as a factor on every step.
        self.pace = task.job.seconds / 46 * self.rng.lognormvariate(0, 0.25)
        self.file = f"part-{task.number:05d}.parquet"
        self.digest = f"{self.rng.getrandbits(32):08x}"

    def work(self, logger: str, message: str, median_s: float, level: str = "INFO") -> None:
        """Let seconds of work pass on the worker, then log."""
        self.now += latency(self.rng, median_s * 1000 * self.pace, 0.35)
        self._say(level, self.worker, f"slot-{self.slot}", logger, message)

    def trace(self, logger: str, message: str, stack: tuple[str, ...], level: str = "ERROR") -> None:
        """Log a message with a stack trace."""
        self.now += self.rng.uniform(0.001, 0.02)
        self._say(level, self.worker, f"slot-{self.slot}", logger, "\n".join((message, *stack)))

    def scheduler(self, message: str, after_s: float, level: str = "INFO", thread: str = "dispatch") -> None:
        """The scheduler speaks about the attempt, a little later."""
        self.now += after_s
        self._say(level, "sched-01", thread, "lake.sched.Attempts", message)

    def _say(self, level: str, host: str, thread: str, logger: str, message: str) -> None:
        header = self.cluster.header(self.now, level, host, thread, logger)
        self.cluster.journal.add(self.now, f"{header}{self.id} {message}", self.id)

    def fault(self) -> float:
        """0…1: how far the worker's disk has gone by now."""
        if self.worker != BAD_WORKER or self.now < FAULT_BEGINS:
            return 0.0
        return min(1.0, 0.3 + (self.now - FAULT_BEGINS) / 1500)
