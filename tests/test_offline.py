"""No network, and no file outside the folders that are the tool's own and what the user named."""

import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import Krone

FORBIDDEN = """
import sys

def forbid(event, arguments):
    if event in ("socket.connect", "socket.bind", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"):
        raise RuntimeError(f"the network was used: {event} {arguments}")

sys.addaudithook(forbid)
"""
"""Run by Python before the program: whatever uses a socket ends with a traceback."""


@pytest.fixture
def forbidden(krone: Krone) -> dict[str, str]:
    """Environment in which a connection is an error."""
    folder = krone.work.parent / "cache" / "forbid"
    folder.mkdir(parents=True)
    (folder / "sitecustomize.py").write_text(FORBIDDEN)
    return {"PYTHONPATH": f"{folder}:{krone.environment['PYTHONPATH']}"}


def without_network(krone: Krone, *arguments: object) -> list[str]:
    """The command in a network namespace that has no interface; skips where none can be made."""
    if (
        shutil.which("unshare") is None
        or subprocess.run(["unshare", "-rn", "true"], check=False).returncode != 0
    ):
        pytest.skip("no network namespace can be made here")
    return ["unshare", "-rn", *krone.command, *map(str, arguments)]


def test_the_hook_that_forbids_connections_works(krone: Krone, forbidden: dict[str, str]) -> None:
    program = "import socket; socket.create_connection(('127.0.0.1', 9), 1)"
    ran = krone.run([krone.command[0], "-c", program], **forbidden)
    assert "the network was used" in ran.err


def test_connections_are_not_missed(krone: Krone, forbidden: dict[str, str]) -> None:
    log = krone.log()
    assert krone("scan", log, **forbidden).worked().err == ""
    assert "failed" in krone("sql", log, "FROM failure_mode", **forbidden).worked().out


def test_a_machine_without_any_interface(krone: Krone) -> None:
    log = krone.log()
    alone = krone.run(without_network(krone, "scan", log, "--no-cache")).worked()
    assert alone == krone.here("scan", log, "--no-cache").worked()


def test_an_explanation_on_a_machine_without_any_interface(krone: Krone) -> None:
    pytest.importorskip("llama_cpp", reason="the extra llm is not installed")
    from krone_tui.explanation.models import find_model
    from krone_tui.settings import Settings

    if find_model(Settings()) is None:
        pytest.skip("no GGUF is installed")
    ran = krone.run(without_network(krone, "explain", krone.log(), "--threads", "1"), timeout=300)
    assert ran.worked().out


WRITES = ("O_WRONLY", "O_RDWR", "O_CREAT", "mkdir", "rename", "unlink", "link")


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_nothing_is_written_but_to_the_cache_and_the_temporary_folder(krone: Krone) -> None:
    log, trace = krone.log(), krone.work.parent / "cache" / "trace"
    trace.parent.mkdir(exist_ok=True)
    watch = [
        "strace",
        "-f",
        "-qq",
        "-y",
        "-e",
        "trace=openat,open,creat,mkdir,mkdirat,rename,renameat,renameat2,link,linkat,unlink,truncate",
        "-o",
        str(trace),
    ]
    if krone.run([*watch, "true"]).code != 0:
        pytest.skip("strace may not trace here")
    krone.run([*watch, *krone.command, "scan", str(log)], PYTHONDONTWRITEBYTECODE="1").worked()
    allowed = (
        str(krone.cache),
        str(krone.temporary),
        "/dev/",
        "/proc/self/",
        str(trace.parent) + "/krone-tui",
    )
    written = [
        line
        for line in trace.read_text(encoding="utf-8", errors="replace").splitlines()
        if any(word in line for word in WRITES)
        and " = -1 " not in line
        and not any(f'"{path}' in line for path in allowed)
    ]
    assert written == []


HOSTILE_QUERIES = [
    "INSTALL httpfs",
    "LOAD httpfs",
    "ATTACH '{work}/leak.db'",
    "COPY source TO '{work}/leak.csv'",
    "EXPORT DATABASE '{work}/leak'",
    "SET enable_external_access = true",
    "PRAGMA enable_profiling",
    "CALL enable_logging()",
    "DELETE FROM source",
    "PREPARE p AS DELETE FROM source",
    "EXPLAIN ANALYZE DELETE FROM source",
    "EXPLAIN ANALYZE DELETE FROM verdict_in_force",
    "EXPLAIN ANALYZE COPY source TO '{work}/leak.csv'",
    "EXPLAIN ANALYZE CREATE TABLE leak AS SELECT 1",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM glob('/etc/*')",
    "SELECT * FROM query('DELETE FROM source')",
    "SELECT * FROM sniff_csv('/etc/passwd')",
    "WITH gone AS (DELETE FROM verdict_in_force RETURNING *) FROM gone",
    "SELECT 1; DELETE FROM source",
]


def test_a_query_reads_the_investigation_and_nothing_else(krone: Krone) -> None:
    from krone_tui.errors import KroneError
    from krone_tui.investigation import Investigation
    from krone_tui.settings import Settings
    from krone_tui.store.sql import ask

    log = krone.log()
    with Investigation.open([str(log)], Settings(cache_dir=krone.cache, threads=1)) as investigation:
        store = investigation.store
        tables = store.rows("SELECT table_name, estimated_size FROM duckdb_tables() ORDER BY ALL")
        for query in HOSTILE_QUERIES:
            with (
                pytest.raises((KroneError, store.QueryError)),
                ask(store, query.format(work=krone.work)) as answer,
            ):
                list(answer.batches)
        assert store.rows("SELECT table_name, estimated_size FROM duckdb_tables() ORDER BY ALL") == tables
        # It ends the transaction that keeps a query from writing, and nothing more.
        with ask(store, "EXPLAIN ANALYZE COMMIT") as answer:
            list(answer.batches)
        with ask(store, "SELECT count(*) AS n FROM source") as answer:
            assert [batch.to_pylist() for batch in answer.batches] == [[{"n": 1}]]
    assert [path.name for path in Path(krone.work).iterdir()] == [log.name]
