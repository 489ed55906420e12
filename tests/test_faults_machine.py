"""A machine that gives too little, or that ends the program: one sentence, and nothing half-written is trusted."""

import os
import random
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import Krone


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with room for next to nothing."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(folder)]
    if (
        shutil.which("mount") is None
        or subprocess.run(mount, check=False, capture_output=True).returncode != 0
    ):
        pytest.skip("no small file system can be mounted here (that needs root)")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_fills_up_while_the_cache_is_written(krone: Krone, tiny_disk: Path) -> None:
    folder = tiny_disk / "kept"
    krone("scan", krone.log(), KRONE_TUI_CACHE_DIR=str(folder)).failed_with(
        "cannot be kept in", "full", str(folder)
    )
    assert list(folder.iterdir()) == []


def test_a_disk_that_fills_up_while_a_report_is_written(krone: Krone, tiny_disk: Path) -> None:
    log, report = krone.log(requests=2000), tiny_disk / "report.jsonl"
    krone("scan", log, "--all", "--format", "jsonl", "-o", report).failed_with(
        "report.jsonl cannot be written", "space"
    )
    assert list(tiny_disk.iterdir()) == []


def test_without_a_home(krone: Krone) -> None:
    log = krone.log()
    command = ["env", "-i", f"PYTHONPATH={krone.environment['PYTHONPATH']}", f"TMPDIR={krone.temporary}"]
    krone.run([*command, *krone.command, "scan", "--no-cache", str(log)]).worked()


def test_a_home_that_cannot_be_written(krone: Krone, obey_permissions: Callable[[], None]) -> None:
    log, home = krone.log(), krone.work.parent / "home"
    home.mkdir(mode=0o500)
    bare = {name: "" for name in krone.environment if name.startswith("XDG_")}
    ran = krone.run(
        [*krone.command, "scan", str(log)], before=obey_permissions, HOME=str(home), **bare
    ).worked()
    assert "not kept" in ran.err
    assert list(home.iterdir()) == []


def test_a_cache_folder_of_somebody_else(krone: Krone, obey_permissions: Callable[[], None]) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder to somebody else")
    log = krone.log()
    krone.here("scan", log).worked()
    shutil.chown(krone.cache, 12345, 12345)
    krone.cache.chmod(0o700)
    ran = krone.run([*krone.command, "scan", str(log)], before=obey_permissions).worked()
    assert "permission denied" in ran.err
    assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize("kind", [resource.RLIMIT_DATA, resource.RLIMIT_AS], ids=["data", "address space"])
def test_512_megabytes_of_memory(krone: Krone, kind: int) -> None:
    def little() -> None:
        resource.setrlimit(kind, (512 << 20, 512 << 20))

    ran = krone.run([*krone.command, "scan", str(krone.log(requests=400)), "--threads", "1"], before=little)
    if ran.code == 0:
        assert ran.out
    else:
        ran.failed_with("emory")
        assert krone.kept() == []
    assert krone.left_behind() == []


def test_signals_at_random_moments(krone: Krone) -> None:
    """Of start-up, every stage and the output; `test_bad_input_machine` has the moments of the stages one by one."""
    log = krone.log(requests=2000)
    began = time.monotonic()
    krone("scan", log, "--no-cache").worked()
    lasts = time.monotonic() - began
    moments = random.Random(7)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGTERM):
        process = krone.start("scan", log, "--no-cache")
        time.sleep(moments.uniform(0.2, 1.0) * lasts)
        process.send_signal(number)
        _, error = process.communicate(timeout=30)
        # Before the program has begun, Python itself answers; after its end there is nobody to ask.
        assert process.returncode in (0, 128 + number, -number), (process.returncode, error)
        assert process.returncode == -number or error == b""
        assert krone.left_behind() == []


def test_killed_and_started_again(krone: Krone) -> None:
    log = krone.log(requests=2000)
    moments = random.Random(11)
    for _ in range(2):
        process = krone.start("scan", log)
        while not krone.kept():
            time.sleep(0.01)
        time.sleep(moments.uniform(0.0, 0.4))
        process.kill()
        process.communicate()
    half = krone.kept()
    assert not [name for name in half if not name.startswith(".")], (
        "nothing half-written has a name that is trusted"
    )
    again = krone("scan", log).worked()
    assert again.err == ""
    assert again.out == krone.here("scan", log, "--no-cache").worked().out
    assert len([name for name in krone.kept() if not name.startswith(".")]) == 1
