"""`krone-tui cache`: what is kept, and how it goes."""

import os
import re
import shutil
import time

from conftest import Krone

from krone_tui.investigation import Investigation
from krone_tui.settings import Settings


def test_nothing_kept(krone: Krone) -> None:
    assert krone.here("cache", "list").worked().out.startswith("0 investigations, 0 B of at most 4.3 GB")
    assert krone.here("cache", "clear").worked().out == "Removed 0 investigations, 0 B.\n"
    assert not krone.cache.exists()


def test_logs_sizes_ages_settings_and_the_total(krone: Krone) -> None:
    log = krone.log()
    krone.here("groups", log).worked()
    krone.here("groups", log, "--sensitivity", "high", "--group-by", r"item (\d+)").worked()
    old, new = sorted(krone.cache.iterdir(), key=lambda path: path.stat().st_mtime)
    os.utime(old, (time.time() - 3 * 3600,) * 2)
    lines = krone.here("cache", "list").worked().out.splitlines()
    assert re.fullmatch(
        rf"{log} +[\d.]+ [kM]B +just now  group_by = item \(\\d\+\), sensitivity = high", lines[1]
    )
    assert re.fullmatch(rf"{log} +[\d.]+ [kM]B +3 h", lines[2])
    assert lines[4].startswith(
        f"2 investigations, {(old.stat().st_size + new.stat().st_size) / 1e6:.1f} MB of"
    )
    assert str(krone.cache) in lines[4]


def test_clearing_one_log_a_folder_of_logs_and_all(krone: Krone) -> None:
    (krone.work / "folder").mkdir()
    for name in ("a.log", "folder/b.log", "folder/c.log"):
        krone.here("groups", krone.log(name)).worked()
    # Also of a log that is gone.
    (krone.work / "a.log").unlink()
    assert krone.here("cache", "clear", "a.log").worked().out.startswith("Removed 1 investigation, ")
    assert "a.log" not in krone.here("cache", "list").worked().out
    krone.here("cache", "clear", "a.log").failed_with("a.log", "cache list")
    assert krone.here("cache", "clear", "folder").worked().out.startswith("Removed 2 investigations, ")
    assert krone.kept() == []
    assert (krone.work / "folder" / "b.log").exists()


def test_what_cannot_be_read_is_listed_and_goes_with_the_rest_and_nothing_else_does(krone: Krone) -> None:
    krone.here("groups", krone.log()).worked()
    (kept,) = krone.cache.iterdir()
    shutil.copy(kept, krone.cache / "copy.duckdb")
    with (krone.cache / "copy.duckdb").open("r+b") as file:
        file.truncate(kept.stat().st_size // 2)
    (krone.cache / "foreign.duckdb").write_bytes(b"no database" * 100)
    (krone.cache / "old.damaged").write_bytes(b"x")
    (krone.cache / ".young.1.2.partial").write_bytes(b"x")
    (krone.cache / ".lost.1.2.partial").write_bytes(b"x")
    os.utime(krone.cache / ".lost.1.2.partial", (time.time() - 48 * 3600,) * 2)
    (krone.cache / "notes.txt").write_text("mine")
    out = krone.here("cache", "list").worked().out
    assert out.count("(damaged)") == 3
    assert out.count("(being written)") == 2
    assert krone.here("cache", "clear").worked().out.startswith("Removed 5 investigations, ")
    assert krone.kept() == [".young.1.2.partial", "notes.txt"]


def test_several_processes_at_once(krone: Krone) -> None:
    logs = [krone.log(f"{name}.log") for name in "abc"]
    running = [krone.start("groups", log) for log in logs]
    running += [krone.start("cache", *command) for command in (["list"], ["clear"], ["list"], ["clear"])]
    for process in running:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, (out, err)
    # An investigation that somebody has open stays whole for them.
    with Investigation.open([str(logs[0])], Settings(cache_dir=krone.cache)) as investigation:
        krone("cache", "clear").worked()
        assert krone.kept() == []
        assert investigation.store.scalar("SELECT count(*) FROM record") == 197


def test_a_folder_that_cannot_be_written(krone: Krone, obey_permissions: object) -> None:
    krone.here("groups", krone.log()).worked()
    krone.cache.chmod(0o500)
    try:
        ran = krone.run([*krone.command, "cache", "clear"], before=obey_permissions)  # type: ignore[arg-type]
    finally:
        krone.cache.chmod(0o700)
    ran.failed_with(str(krone.cache), "cannot be cleared")
    assert len(krone.kept()) == 1


def test_no_command(krone: Krone) -> None:
    krone("cache").failed_with("Missing command", "krone-tui cache --help")
