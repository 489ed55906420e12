"""Small logs in the manner of well-known systems, written for this project, each with the grouping a reader would choose."""

import random
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

Event = tuple[float, str]
"""Seconds from the log's beginning, and the line without its time."""
START = datetime(2026, 3, 14, 8, 0, 0)  # noqa: DTZ001


@dataclass(frozen=True)
class GroupingLog:
    """One log and what it should be grouped by."""

    name: str
    expected: tuple[str, ...]
    """Names of grouping candidates that are right."""
    write: Callable[[random.Random, Path], list[Path]]
    """Writes the log's files to a folder."""


def _hex(rng: random.Random, digits: int) -> str:
    return f"{rng.getrandbits(4 * digits):0{digits}x}"


def _uuid(rng: random.Random) -> str:
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


def _interleaved(
    rng: random.Random, work: list[list[str]], gap: float = 0.4, span: float = 7200.0
) -> list[Event]:
    """Each piece of work begins at a random moment and writes its lines one after another."""
    events: list[Event] = []
    for lines in work:
        at = rng.uniform(0, span)
        for line in lines:
            events.append((at, line))
            at += rng.expovariate(1 / gap)
    return sorted(events)


def _one_file(stamp: str, millis: bool = True) -> Callable[[Path, list[Event]], list[Path]]:
    def write(folder: Path, events: list[Event]) -> list[Path]:
        path = folder / "app.log"
        with path.open("w", encoding="utf-8") as file:
            for at, line in events:
                moment = START + timedelta(seconds=at)
                text = moment.strftime(stamp)
                if millis:
                    text += f"{moment.microsecond // 1000:03d}"
                file.write(text + line + "\n")
        return [path]

    return write


def _cloud_compute(rng: random.Random, folder: Path) -> list[Path]:
    work = []
    for _ in range(250):
        instance, request = _uuid(rng), _uuid(rng)
        own = f"[req-{request} {_hex(rng, 32)} {_hex(rng, 32)} - - -] [instance: {instance}] "
        later = f"[req-{_uuid(rng)} - - - - -] [instance: {instance}] "
        work.append(
            [
                f" 2931 INFO compute.claims {own}Attempting claim: memory 2048 MB, disk 20 GB, vcpus 1",
                f" 2931 INFO compute.claims {own}Claim successful",
                f" 2931 INFO virt.driver {own}Creating image",
                f" 2931 INFO compute.manager {later}VM Started (Lifecycle Event)",
                f" 2931 INFO compute.manager {later}VM Paused (Lifecycle Event)",
                f" 2931 INFO compute.manager [req-{_uuid(rng)} - - - - -] [instance: {instance}] VM Resumed (Lifecycle Event)",
                f" 2931 INFO virt.driver [-] [instance: {instance}] Instance spawned successfully.",
                f" 2931 INFO compute.manager {own}Took {rng.uniform(15, 25):.2f} seconds to build instance.",
                f" 2931 INFO compute.manager [req-{_uuid(rng)} {_hex(rng, 32)} - - -] [instance: {instance}] Terminating instance",
                f" 2931 INFO virt.driver [-] [instance: {instance}] Instance destroyed successfully.",
            ]
        )
        work.extend(
            [
                f' 25746 INFO osapi.wsgi [req-{_uuid(rng)} - - -] 10.11.10.1 "GET /v2/servers/detail HTTP/1.1" status: 200 len: {rng.randrange(900, 2000)}'
            ]
            for _ in range(4)
        )
    return _one_file("%Y-%m-%d %H:%M:%S.")(folder, _interleaved(rng, work, gap=2.0))


def _container_folder(rng: random.Random, folder: Path) -> list[Path]:
    paths = []
    for number in range(60):
        path = folder / f"container_1710_0001_01_{number:06d}.log"
        at = rng.uniform(0, 3600)
        lines = []
        for text in [
            "INFO [main] mapreduce.Task: Created MRAppMaster",
            *(
                f"INFO [AsyncDispatcher event handler] job.TaskAttempt: attempt_1710_m_{rng.randrange(10**6):06d}_0 moved to RUNNING"
                for _ in range(rng.randrange(4, 9))
            ),
            "INFO [IPC Server handler 3 on 45451] ipc.Server: call ping",
            f"INFO [fetcher#{rng.randrange(5)}] reduce.Fetcher: shuffle of output done in {rng.randrange(900)} ms",
            "INFO [main] mapred.Task: Task done.",
        ]:
            lines.append(
                (START + timedelta(seconds=at)).strftime("%Y-%m-%d %H:%M:%S,")
                + f"{rng.randrange(1000):03d} {text}"
            )
            at += rng.expovariate(0.3)
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        paths.append(path)
    return paths


def _web_with_thread_pool(rng: random.Random, folder: Path) -> list[Path]:
    work = []
    for _ in range(600):
        request, thread = _hex(rng, 16), f"http-nio-8080-exec-{rng.randrange(1, 25)}"
        head = f" INFO  [{thread}] [{request}] shop.web"
        work.append(
            [
                f"{head}.Filter - POST /cart/{rng.randrange(10**5)} from 10.0.0.{rng.randrange(250)}",
                f"{head}.Auth - user {rng.randrange(400)} signed in by token",
                *([f"{head}.Cart - loaded {rng.randrange(9)} items"] if rng.random() < 0.8 else []),
                f"{head}.Stock - reserved",
                f"{head}.Filter - 200 in {rng.randrange(900)} ms",
            ]
        )
    return _one_file("%Y-%m-%d %H:%M:%S,")(folder, _interleaved(rng, work, gap=0.1))


def _json_traces(rng: random.Random, folder: Path) -> list[Path]:
    work = []
    for _ in range(500):
        trace = _hex(rng, 32)
        pod = f"api-{_hex(rng, 8)}-{rng.choice('abcdef')}x2"
        steps = ["received", "validated", "charged", "stored", "answered"]
        work.append(
            [
                f'","level":"info","pod":"{pod}","trace_id":"{trace}","span_id":"{_hex(rng, 16)}","user":"u{rng.randrange(90)}","msg":"order {step}"}}'
                for step in steps
            ]
        )
    return _one_file('{"ts":"%Y-%m-%dT%H:%M:%S.')(folder, _interleaved(rng, work, gap=0.2))


def _database_sessions(rng: random.Random, folder: Path) -> list[Path]:
    work = []
    for number in range(300):
        head = f" UTC [{20000 + number * 3}] app@shop LOG:  "
        work.append(
            [
                f" UTC [{20000 + number * 3}] [unknown]@[unknown] LOG:  connection received: host=10.1.0.{rng.randrange(20)} port={rng.randrange(40000, 60000)}",
                f"{head}connection authorized: user=app database=shop",
                *(
                    f"{head}duration: {rng.uniform(1, 900):.3f} ms  statement: SELECT * FROM orders WHERE id = {rng.randrange(10**6)}"
                    for _ in range(rng.randrange(2, 6))
                ),
                f"{head}disconnection: session time: 0:00:0{rng.randrange(9)}.{rng.randrange(1000):03d} user=app database=shop host=10.1.0.2",
            ]
        )
    return _one_file("%Y-%m-%d %H:%M:%S.")(folder, _interleaved(rng, work, gap=1.0))


def _mail_queue(rng: random.Random, folder: Path) -> list[Path]:
    work = []
    for _ in range(400):
        queue = _hex(rng, 10).upper()
        smtpd, qmgr, smtp = rng.randrange(2000, 2040), 1811, rng.randrange(3000, 3020)
        work.append(
            [
                f" mx1 postfix/smtpd[{smtpd}]: {queue}: client=unknown[10.2.0.{rng.randrange(250)}]",
                f" mx1 postfix/cleanup[{smtpd + 7}]: {queue}: message-id=<{_hex(rng, 12)}@example.org>",
                f" mx1 postfix/qmgr[{qmgr}]: {queue}: from=<a{rng.randrange(99)}@example.org>, size={rng.randrange(9999)}, nrcpt=1 (queue active)",
                f" mx1 postfix/smtp[{smtp}]: {queue}: to=<b{rng.randrange(99)}@example.net>, relay=mail.example.net[192.0.2.{rng.randrange(9)}]:25, delay=1.2, status=sent (250 OK)",
                f" mx1 postfix/qmgr[{qmgr}]: {queue}: removed",
            ]
        )
    return _one_file("%b %d %H:%M:%S", millis=False)(folder, _interleaved(rng, work, gap=1.5))


def _task_queue(rng: random.Random, folder: Path) -> list[Path]:
    work = []
    for _ in range(400):
        task, name = _uuid(rng), rng.choice(["mail.send", "report.build", "image.scale"])
        worker = rng.randrange(1, 9)
        work.append(
            [
                f": INFO/MainProcess] Task app.{name}[{task}] received",
                f": INFO/ForkPoolWorker-{worker}] app.{name}[{task}]: opened {rng.randrange(99)} inputs",
                f": INFO/ForkPoolWorker-{worker}] app.{name}[{task}]: wrote output",
                f": INFO/ForkPoolWorker-{worker}] Task app.{name}[{task}] succeeded in {rng.uniform(0.1, 9):.4f}s: None",
            ]
        )
    return _one_file("[%Y-%m-%d %H:%M:%S,")(folder, _interleaved(rng, work, gap=1.0))


def _batch_tasks(rng: random.Random, folder: Path) -> list[Path]:
    work = []
    for number in range(700):
        stage, index = number // 70, number % 70
        executor = rng.randrange(1, 12)
        work.append(
            [
                f" INFO TaskSetManager: Starting task {index}.0 in stage {stage}.0 (TID {number + 100}, worker-{executor}, partition {index}, PROCESS_LOCAL, 7534 bytes)",
                f" INFO Executor: Running task {index}.0 in stage {stage}.0 (TID {number + 100})",
                f" INFO Executor: Finished task {index}.0 in stage {stage}.0 (TID {number + 100}). {rng.randrange(900, 4000)} bytes result sent to driver",
                f" INFO TaskSetManager: Finished task {index}.0 in stage {stage}.0 (TID {number + 100}) in {rng.randrange(20, 900)} ms on worker-{executor} ({index}/70)",
            ]
        )
    return _one_file("%y/%m/%d %H:%M:%S", millis=False)(folder, _interleaved(rng, work, gap=1.0))


def _cluster_jobs(rng: random.Random, folder: Path) -> list[Path]:
    work = []
    for number in range(350):
        job = 48000 + number
        work.append(
            [
                f"] _slurm_rpc_submit_batch_job: JobId={job} InitPrio={rng.randrange(4000)} usec={rng.randrange(900)}",
                f"] sched: Allocate JobId={job} NodeList=cn{rng.randrange(1, 64):03d} #CPUs=16 Partition=main",
                *(
                    [f"] _job_complete: JobId={job} WEXITSTATUS 0"]
                    if rng.random() < 0.95
                    else [f"] _job_complete: JobId={job} WTERMSIG 15"]
                ),
                f"] _job_complete: JobId={job} done",
            ]
        )
    return _one_file("[%Y-%m-%dT%H:%M:%S.")(folder, _interleaved(rng, work, gap=200.0, span=86400.0))


def _orders_in_words(rng: random.Random, folder: Path) -> list[Path]:
    work = []
    for number in range(400):
        order, customer = 910000 + number * 7, rng.randrange(1000, 1060)
        work.append(
            [
                f" INFO  intake: order {order} of customer {customer} accepted",
                f" INFO  stock: order {order} reserved in warehouse {rng.randrange(4)}",
                f" INFO  billing: order {order} charged to customer {customer}",
                *([f" INFO  dispatch: order {order} handed to carrier"] if rng.random() < 0.9 else []),
            ]
        )
    return _one_file("%Y-%m-%dT%H:%M:%S.")(folder, _interleaved(rng, work, gap=5.0))


def _workflow_runs(rng: random.Random, folder: Path) -> list[Path]:
    work = []
    for number in range(200):
        dag = rng.choice(["daily_sales", "hourly_sync", "backfill"])
        run = f"scheduled__2026-03-{1 + number % 28:02d}T{number % 24:02d}:00:00_{number}"
        work.append(
            [
                line
                for task in ("extract", "transform", "load")
                for line in (
                    f" INFO scheduler - queued dag_id={dag} run_id={run} task_id={task} try_number=1",
                    f" INFO executor - running dag_id={dag} run_id={run} task_id={task} pid={rng.randrange(9999)}",
                    f" INFO executor - success dag_id={dag} run_id={run} task_id={task} duration={rng.uniform(1, 99):.1f}",
                )
            ]
        )
    return _one_file("%Y-%m-%d %H:%M:%S,")(folder, _interleaved(rng, work, gap=8.0))


def _kernel_and_daemons(rng: random.Random, folder: Path) -> list[Path]:
    events: list[Event] = []
    for host in range(12):
        for _ in range(300):
            at = rng.uniform(0, 86400)
            text = rng.choice(
                [
                    f"CRON[{rng.randrange(9000, 30000)}]: (root) CMD (run-parts /etc/cron.hourly)",
                    f"kernel: eth0: link up, {rng.choice(['100', '1000'])} Mbps",
                    "ntpd[811]: synchronized to 10.0.0.1, stratum 2",
                    f"kernel: EXT3-fs: mounted filesystem with ordered data mode on sd{rng.choice('abc')}1",
                    "dhclient: DHCPACK from 10.0.0.1",
                ]
            )
            events.append((at, f" node{host:02d} {text}"))
    return _one_file("%b %d %H:%M:%S", millis=False)(folder, sorted(events))


def _access_log(rng: random.Random, folder: Path) -> list[Path]:
    path = folder / "access.log"
    at = 0.0
    with path.open("w", encoding="utf-8") as file:
        for _ in range(3000):
            at += rng.expovariate(1.0)
            moment = (START + timedelta(seconds=at)).strftime("%d/%b/%Y:%H:%M:%S +0000")
            file.write(
                f'10.3.{rng.randrange(4)}.{rng.randrange(250)} - - [{moment}] "GET /{rng.choice(["", "a", "b/c", "img/x.png"])} HTTP/1.1" {rng.choice([200, 200, 200, 304, 404])} {rng.randrange(9999)} "-" "Mozilla/5.0"\n'
            )
    return [path]


def logs() -> Iterator[GroupingLog]:
    """Every log, in the order of the table."""
    yield GroupingLog("cloud compute", ("instance=*", "uuid"), _cloud_compute)
    yield GroupingLog("a file for each container", ("source",), _container_folder)
    yield GroupingLog("web, pooled threads", ("[id] at the start", "hex id"), _web_with_thread_pool)
    yield GroupingLog("JSON with traces", ("trace_id",), _json_traces)
    yield GroupingLog("database sessions", ("process",), _database_sessions)
    yield GroupingLog("mail queue", ("id at the start",), _mail_queue)
    yield GroupingLog("task queue", ("uuid",), _task_queue)
    yield GroupingLog("batch tasks", ("tid *",), _batch_tasks)
    yield GroupingLog("cluster jobs", ("JobId=*",), _cluster_jobs)
    yield GroupingLog("orders in words", ("order *",), _orders_in_words)
    yield GroupingLog("workflow runs", ("run_id=*",), _workflow_runs)
    yield GroupingLog("kernel and daemons", ("window",), _kernel_and_daemons)
    yield GroupingLog("access log", ("window",), _access_log)
