"""What cannot be read is said in one sentence with exit code 2; what can be read in part is read."""

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Krone, Ran, small_log


def summary(ran: Ran) -> str:
    """The first line of a text report."""
    return ran.worked().out.splitlines()[0]


def test_a_missing_path(krone: Krone) -> None:
    krone.here("scan", "nowhere.log").failed_with("nowhere.log does not exist")


def test_a_missing_path_among_good_ones(krone: Krone) -> None:
    krone.here("scan", krone.log(), "nowhere.log").failed_with("nowhere.log does not exist")


def test_a_missing_path_is_said_before_the_screen_opens(krone: Krone) -> None:
    krone.here("nowhere.log").failed_with("nowhere.log does not exist")


def test_a_screen_without_a_terminal(krone: Krone) -> None:
    krone.here(krone.log()).failed_with("terminal", "krone-tui scan")


def test_a_folder_without_logs(krone: Krone) -> None:
    (krone.work / "empty").mkdir()
    krone.here("scan", "empty").failed_with("The folder empty holds no log")


def test_a_folder_with_binary_files_alone(krone: Krone) -> None:
    (krone.work / "data").mkdir()
    (krone.work / "data" / "core").write_bytes(os.urandom(9000))
    krone.here("scan", "data").failed_with("The folder data holds no log")


def test_an_empty_file(krone: Krone) -> None:
    (krone.work / "empty.log").touch()
    krone.here("scan", "empty.log").failed_with("empty.log is empty")
    assert krone.kept() == []


def test_a_binary_file(krone: Krone) -> None:
    (krone.work / "core").write_bytes(os.urandom(9000))
    krone.here("scan", "core").failed_with("core is not a text log", "binary")


def test_a_file_without_read_permission(krone: Krone, obey_permissions: Callable[[], None]) -> None:
    log = krone.log()
    log.chmod(0)
    ran = krone.run([*krone.command, "scan", log.name], before=obey_permissions)
    ran.failed_with("app.log cannot be read: permission denied")


def test_a_folder_without_read_permission(krone: Krone, obey_permissions: Callable[[], None]) -> None:
    folder = krone.work / "logs"
    folder.mkdir()
    folder.chmod(0)
    krone.run([*krone.command, "scan", "logs"], before=obey_permissions).failed_with(
        "logs", "permission denied"
    )


def test_a_device(krone: Krone) -> None:
    krone.here("scan", "/dev/zero").failed_with("/dev/zero is a device, not a log")


def test_a_file_name_that_is_not_utf_8(krone: Krone) -> None:
    name = os.fsdecode(b"caf\xe9.log")
    try:
        krone.log(name)
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    krone.here("scan", name).failed_with("caf", "UTF-8")


def test_a_truncated_gz_is_read_as_far_as_it_goes(krone: Krone) -> None:
    text = "".join(small_log(4000)).encode()
    whole = gzip.compress(text)
    (krone.work / "cut.log.gz").write_bytes(whole[: len(whole) // 2])
    ran = krone.here("scan", "cut.log.gz")
    lines = int(summary(ran).split()[0].replace(",", ""))
    assert 1000 < lines < text.count(b"\n")
    assert "cut.log.gz: The compressed file ends too early" in ran.err
    assert len(ran.err.splitlines()) == 1


def test_the_note_on_a_truncated_gz_is_given_again_from_the_cache(krone: Krone) -> None:
    whole = gzip.compress("".join(small_log(2000)).encode())
    (krone.work / "cut.log.gz").write_bytes(whole[: len(whole) // 2])
    first = krone.here("scan", "cut.log.gz").worked()
    assert krone.here("scan", "cut.log.gz") == first


def test_a_gz_cut_within_its_header(krone: Krone) -> None:
    (krone.work / "cut.log.gz").write_bytes(gzip.compress(b"one line\n")[:6])
    krone.here("scan", "cut.log.gz").failed_with("cut.log.gz holds no text", "too early")


def test_a_log_without_timestamps(krone: Krone) -> None:
    lines = [f"worker {n % 5} took job {n}\nworker {n % 5} finished job {n}\n" for n in range(100)]
    (krone.work / "plain.log").write_text("".join(lines))
    assert summary(krone.here("scan", "plain.log")) == "200 lines, 200 records, no times could be read"


def test_one_line_of_ten_megabytes(krone: Krone) -> None:
    lines = small_log(20)
    lines.insert(50, "2026-03-14 00:00:20 INFO shop.api [req-ffff] dump " + "x" * 10_000_000 + "\n")
    (krone.work / "long.log").write_text("".join(lines))
    assert summary(krone.here("scan", "long.log")).startswith(f"{len(lines)} lines, {len(lines)} records")


def test_a_line_of_ten_megabytes_and_nothing_else(krone: Krone) -> None:
    (krone.work / "long.log").write_text("word " * 2_000_000)
    assert summary(krone.here("scan", "long.log")) == "1 lines, 1 records, no times could be read"


def test_invalid_utf_8_is_read_and_shown(krone: Krone) -> None:
    (krone.work / "odd.log").write_bytes(
        b"".join(line.encode().replace(b"order", b"ord\xff\xfer") for line in small_log(40))
    )
    ran = krone.here("scan", "odd.log", "--all", "--format", "text")
    assert summary(ran).startswith("197 lines")
    assert "\udcff" not in ran.out


def test_control_characters_of_a_log_never_reach_the_terminal(krone: Krone) -> None:
    hostile = "\x1b]0;owned\x07\x1b[2J[bold red]x[/]\u202e"
    lines = [line.replace("connection refused", hostile) for line in small_log(40)]
    (krone.work / "hostile.log").write_text("".join(lines))
    ran = krone.here("scan", "hostile.log").worked()
    assert "\\x1b" in ran.out
    assert "[bold red]" in ran.out
    assert not {"\x1b", "\x07", "\u202e"} & set(ran.out)


def test_standard_input(krone: Krone) -> None:
    text = "".join(small_log(40)).encode()
    ran = krone("scan", "-", stdin=text)
    assert summary(ran).startswith("197 lines")
    assert krone.kept() == []
    assert krone.left_behind() == []


def test_compressed_standard_input(krone: Krone) -> None:
    ran = krone("scan", "-", stdin=gzip.compress("".join(small_log(40)).encode()))
    assert summary(ran).startswith("197 lines")


def test_empty_standard_input(krone: Krone) -> None:
    krone("scan", "-", stdin=b"").failed_with("Standard input is empty")


def test_closed_standard_input(krone: Krone) -> None:
    krone.run(["sh", "-c", '"$@" <&-', "sh", *krone.command, "scan", "-"]).failed_with(
        "Standard input is empty"
    )


@pytest.mark.parametrize("name", ["scan", "open"])
def test_a_log_named_like_a_command(krone: Krone, name: str) -> None:
    krone.log(name)
    assert summary(krone.here("scan", name)).startswith("197 lines")
    krone.here(f"./{name}").failed_with("terminal")
    krone.here(name).failed_with(f"the file {name} is written ./{name}")


def test_a_log_named_like_an_option(krone: Krone) -> None:
    krone.log("-x.log")
    assert summary(krone.here("scan", "./-x.log")).startswith("197 lines")
    assert summary(krone.here("scan", "--", "-x.log")).startswith("197 lines")
    krone.here("scan", "-x.log").failed_with("the file -x.log is written ./-x.log")
    krone.here("-x.log").failed_with("the file -x.log is written ./-x.log")


def test_a_pattern_that_fits_nothing(krone: Krone) -> None:
    krone.here("scan", "*.nothing").failed_with("No file fits the pattern *.nothing")


def test_a_baseline_that_is_missing(krone: Krone) -> None:
    krone.here("scan", krone.log(), "--baseline", Path("good.log")).failed_with("good.log does not exist")
