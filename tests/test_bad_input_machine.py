"""The machine around a run: readers that leave, folders that cannot be written, other processes, signals."""

import json
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Krone


def test_a_reader_that_leaves_early_is_no_error(krone: Krone) -> None:
    log = krone.log(requests=500)
    command = subprocess.list2cmdline([*krone.command, "scan", str(log), "--all", "--format", "jsonl"])
    # Far more than a pipe holds is written.
    ran = krone.run(["bash", "-c", f"{command} | head -1; exit ${{PIPESTATUS[0]}}"])
    assert ran.worked().err == ""
    assert ran.out.count("\n") == 1


def test_a_reader_that_leaves_early_does_not_hide_the_verdict(krone: Krone) -> None:
    log = krone.log(requests=500)
    command = subprocess.list2cmdline(
        [*krone.command, "scan", str(log), "--all", "--exit-code", "--format", "jsonl"]
    )
    ran = krone.run(["bash", "-c", f"{command} | head -1; exit ${{PIPESTATUS[0]}}"])
    assert (ran.code, ran.err) == (1, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("arguments", ["scan app.log", "--help"])
def test_output_that_cannot_be_written(krone: Krone, arguments: str) -> None:
    krone.log()
    command = subprocess.list2cmdline(krone.command)
    krone.run(["sh", "-c", f"{command} {arguments} >/dev/full"]).failed_with("The output cannot be written")


def test_closed_standard_output_does_not_end_up_in_the_cache(krone: Krone) -> None:
    krone.log()
    command = subprocess.list2cmdline(krone.command)
    krone.run(["sh", "-c", f"{command} scan app.log >&-"]).worked()
    assert krone.here("scan", "app.log").worked().err == ""


def test_a_terminal_without_the_characters(krone: Krone) -> None:
    log = krone.log()
    log.write_text(
        log.read_text(encoding="utf-8").replace("connection refused", "öffnen failed"), encoding="utf-8"
    )
    ran = krone("scan", log, PYTHONIOENCODING="ascii").worked()
    assert "\\xf6ffnen" in ran.out
    assert ran.out.isascii()
    lines = krone("scan", log, "--format", "jsonl", PYTHONIOENCODING="ascii").worked().out.splitlines()
    assert "öffnen" in str([json.loads(line) for line in lines])


def test_a_file_in_the_place_of_the_cache_folder(krone: Krone) -> None:
    (krone.cache.parent).mkdir()
    krone.cache.write_text("in the way")
    ran = krone.here("scan", krone.log()).worked()
    assert ran.out.startswith("197 lines")
    assert "not kept" in ran.err
    assert str(krone.cache) in ran.err
    assert len(ran.err.splitlines()) == 1
    assert krone.left_behind() == []


def test_a_cache_folder_that_is_read_only(krone: Krone, obey_permissions: Callable[[], None]) -> None:
    log = krone.log()
    krone.cache.mkdir(parents=True)
    krone.cache.chmod(0o500)
    ran = krone.run([*krone.command, "scan", str(log)], before=obey_permissions).worked()
    assert "not kept" in ran.err
    assert "permission denied" in ran.err
    assert krone.kept() == []


def test_a_read_only_cache_folder_still_serves_what_it_holds(
    krone: Krone, obey_permissions: Callable[[], None]
) -> None:
    log = krone.log()
    first = krone.here("scan", log).worked()
    (cached,) = krone.cache.iterdir()
    cached.chmod(0o400)
    krone.cache.chmod(0o500)
    os.utime(cached, (0, 0))
    again = krone.run([*krone.command, "scan", str(log)], before=obey_permissions)
    assert again == first


@pytest.mark.parametrize("damage", ["garbage", "empty", "cut", "foreign"])
def test_a_damaged_cache_is_set_aside_and_made_again(krone: Krone, damage: str) -> None:
    log = krone.log()
    first = krone.here("scan", log).worked()
    (cached,) = krone.cache.iterdir()
    whole = cached.read_bytes()
    if damage == "foreign":
        cached.unlink()
        with sqlite3.connect(cached) as other:
            other.execute("CREATE TABLE fact (name, value)")
        other.close()
    else:
        cached.write_bytes(
            {"garbage": b"garbage\n" * 4096, "empty": b"", "cut": whole[: len(whole) // 3]}[damage]
        )
    again = krone.here("scan", log).worked()
    assert again.out == first.out
    assert "set aside" in again.err
    assert len(again.err.splitlines()) == 1
    assert krone.kept() == sorted([cached.name, cached.stem + ".damaged"])
    assert krone.here("scan", log) == first


def test_two_processes_at_once_on_the_same_log(krone: Krone) -> None:
    log = krone.log(requests=2000)
    both = [krone.start("scan", log, "--format", "jsonl") for _ in range(2)]
    results = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], results
    assert results[0] == results[1]
    assert results[0][0].count(b"\n") > 0
    assert len(krone.kept()) == 1
    assert krone.left_behind() == []


def test_no_cache_leaves_nothing_behind(krone: Krone) -> None:
    log = krone.log(requests=400)
    kept = krone.here("scan", log, "--no-cache").worked()
    assert krone.kept() == []
    assert krone.left_behind() == []
    assert krone.here("scan", log).worked() == kept


def test_spilling_to_disk_leaves_nothing_behind(krone: Krone, sample: Path) -> None:
    """With this little memory DuckDB spills, or gives up: either way the temporary folder is empty in the end."""
    spilled = False
    for limit in ("30MB", "35MB", "25MB"):
        process = krone.start("scan", sample, "--no-cache", KRONE_TUI_MEMORY_LIMIT=limit)
        while process.poll() is None:
            spilled = spilled or (krone.temporary / f"krone-tui-{process.pid}").is_dir()
            time.sleep(0.005)
        _, error = process.communicate()
        assert process.returncode == 0 or (process.returncode == 2 and error.count(b"\n") == 1), error
        assert krone.left_behind() == []
        if spilled:
            break
    assert spilled


def test_a_full_disk(krone: Krone, sample: Path) -> None:
    def small_files() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, 600_000))

    ran = krone.run([*krone.command, "scan", str(sample)], before=small_files)
    ran.failed_with("cannot be kept in", str(krone.cache))
    assert krone.kept() == []
    assert krone.left_behind() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("after", [0.0, 0.4, 0.9])
def test_a_signal_during_a_scan_leaves_nothing_behind(
    krone: Krone, sample: Path, number: signal.Signals, after: float
) -> None:
    process = krone.start("scan", sample)
    deadline = time.monotonic() + 30
    while not krone.kept():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(after)
    assert krone.kept()[0].startswith("."), "the log is too small for this test: the scan is over"
    process.send_signal(number)
    out, error = process.communicate(timeout=10)
    assert (process.returncode, out, error) == (128 + number, b"", b"")
    assert krone.kept() == []
    assert krone.left_behind() == []


def test_an_ignored_hangup_stays_ignored(krone: Krone, sample: Path) -> None:
    process = krone.start("scan", sample, before=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    while not krone.kept():
        time.sleep(0.01)
    process.send_signal(signal.SIGHUP)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert out


def test_nothing_is_written_outside_the_cache(krone: Krone) -> None:
    """Libraries included: some keep files of their own in the home or the temporary folder."""
    krone("scan", krone.log()).worked()
    assert krone.home() == []
    assert krone.left_behind() == []


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_no_socket_is_opened(krone: Krone) -> None:
    log, trace = krone.log(), krone.work / "trace"
    watch = ["strace", "-f", "-qq", "-e", "trace=socket,connect,sendto", "-o", str(trace)]
    probe = krone.run([*watch, sys.executable, "-c", "import socket; socket.socket()"])
    if probe.code != 0:
        pytest.skip("strace may not trace here")
    assert "AF_INET" in trace.read_text(encoding="utf-8")
    krone.run([*watch, *krone.command, "scan", str(log)]).worked()
    assert "AF_" not in trace.read_text(encoding="utf-8")


def test_what_a_crash_left_is_cleared_after_a_day(krone: Krone) -> None:
    krone.cache.mkdir(parents=True)
    old, young = krone.cache / ".a.1.2.partial", krone.cache / ".b.1.2.partial.wal"
    old.touch()
    young.touch()
    os.utime(old, (time.time() - 90_000,) * 2)
    krone.here("scan", krone.log()).worked()
    assert [name for name in krone.kept() if name.startswith(".")] == [young.name]
