"""`krone-tui scan` in every format: to standard output, to a file, and on a terminal."""

import json
import os
import pty
import stat
import subprocess
from pathlib import Path

import pytest
from conftest import Krone

from krone_tui.commands.scan import chosen_format
from krone_tui.report import Format

FIRST = {
    Format.TEXT: "197 lines,",
    Format.JSON: "{",
    Format.JSONL: '{"execution"',
    Format.CSV: "execution,grouped_by",
    Format.MARKDOWN: "# 3 of 40",
    Format.HTML: "<!DOCTYPE html>",
}


@pytest.fixture(scope="module")
def opened_before(tmp_path_factory: pytest.TempPathFactory) -> Krone:
    """With `app.log`, whose investigation is kept already."""
    krone = Krone(tmp_path_factory.mktemp("krone"))
    krone.here("scan", krone.log()).worked()
    return krone


@pytest.mark.parametrize("format_", [Format.CSV, Format.HTML])
def test_a_file_holds_what_standard_output_would_and_nothing_else_is_left(
    opened_before: Krone, format_: Format
) -> None:
    out = opened_before.here("scan", "app.log", "--format", format_).worked().out
    ran = opened_before.here("scan", "app.log", "--format", format_, "-o", "report", "--exit-code")
    assert (ran.code, ran.out, ran.err) == (1, "", "")
    assert (opened_before.work / "report").read_bytes().decode() == out
    assert sorted(path.name for path in opened_before.work.iterdir()) == ["app.log", "report"]


@pytest.mark.parametrize(
    ("file", "format_"),
    [
        ("a.json", Format.JSON),
        ("a.jsonl", Format.JSONL),
        ("a.csv", Format.CSV),
        ("a.MD", Format.MARKDOWN),
        ("a.htm", Format.HTML),
        ("a.b.html", Format.HTML),
        ("a.txt", Format.TEXT),
        ("html", Format.TEXT),
    ],
)
def test_the_name_of_the_file_says_the_format_unless_one_is_given(file: str, format_: Format) -> None:
    assert chosen_format(None, Path(file)) is format_
    assert chosen_format("csv", Path(file)) is Format.CSV
    assert chosen_format(None, None) is Format.TEXT


def test_a_file_that_is_there_keeps_its_mode_and_a_link_stays_a_link(krone: Krone) -> None:
    log = krone.log()
    real = krone.work / "real.md"
    real.write_text("old")
    real.chmod(0o640)
    (krone.work / "link.md").symlink_to(real)
    krone.here("scan", log, "-o", "link.md").worked()
    assert (krone.work / "link.md").is_symlink()
    assert real.read_text().startswith("# 3 of 40")
    assert stat.S_IMODE(real.stat().st_mode) == 0o640


def test_a_device_is_written_and_stays_one(krone: Krone) -> None:
    log = krone.log()
    krone.here("scan", log, "-o", "/dev/null").worked()
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    assert krone("scan", log, "-o", "/dev/stdout").worked().out.startswith("197 lines")


def test_what_cannot_be_written_is_said_before_the_log_is_read(krone: Krone) -> None:
    log = krone.log()
    krone.here("scan", log, "-o", "nowhere/report.md").failed_with(
        "nowhere/report.md", "cannot be written", "-o"
    )
    krone.here("scan", log, "-o", ".").failed_with("is a folder", "-o")
    krone.here("scan", log, "-o", log).failed_with("is one of the logs")
    krone.here("scan", log, "--format", "xml").failed_with("--format is one of", "html", "xml")
    krone.here("scan", log, "--format", "md", "--with-lines").failed_with("--with-lines", "csv")
    assert krone.kept() == []
    assert log.read_text().startswith("2026-03-14")


def test_a_log_that_cannot_be_read_leaves_the_old_report(krone: Krone) -> None:
    old = krone.work / "report.md"
    old.write_text("old")
    krone.here("scan", krone.log(), "--group-by", "nosuch", "-o", "report.md").failed_with("nosuch")
    assert old.read_text() == "old"
    assert sorted(path.name for path in krone.work.iterdir()) == ["app.log", "report.md"]


def test_a_full_disk_is_one_sentence_and_leaves_no_file(krone: Krone) -> None:
    krone.here("scan", krone.log(), "--format", "html", "-o", "/dev/full").failed_with("cannot be written")


def on_a_terminal(krone: Krone, *arguments: str | Path, out: bool) -> tuple[int, str, str]:
    """(exit code, what came on the terminal, what came on standard output where that is none)."""
    main, other = pty.openpty()
    process = subprocess.Popen(
        [*krone.command, *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=other if out else subprocess.PIPE,
        stderr=other,
        cwd=krone.work,
        env=krone.environment | {"TERM": "xterm"},
    )
    os.close(other)
    shown = b""
    try:
        while piece := os.read(main, 65536):
            shown += piece
    except OSError:  # Linux tells so that the other end was closed.
        pass
    os.close(main)
    printed = process.stdout.read() if process.stdout else b""
    return process.wait(60), shown.decode(), printed.decode()


@pytest.mark.parametrize("format_", list(Format))
def test_in_every_format_progress_goes_to_the_terminal_and_the_report_to_standard_output(
    krone: Krone, format_: Format
) -> None:
    code, terminal, printed = on_a_terminal(
        krone, "scan", krone.log(), "--format", format_, "--exit-code", out=False
    )
    assert code == 1
    assert "ingest" in terminal
    assert "payment failed" not in terminal
    assert printed.startswith(FIRST[format_])
    assert "payment failed" in printed
    assert "\x1b" not in printed


def test_html_does_not_go_to_a_terminal(krone: Krone) -> None:
    log = krone.log()
    code, terminal, _ = on_a_terminal(krone, "scan", log, "--format", "html", out=True)
    assert code == 2
    assert "-o report.html" in terminal
    assert krone.kept() == []
    code, terminal, _ = on_a_terminal(krone, "scan", log, "-o", "report.html", out=True)
    assert code == 0
    assert (krone.work / "report.html").read_text().startswith("<!DOCTYPE html>")


def test_a_reader_that_has_enough_is_no_error(krone: Krone) -> None:
    ran = krone.run(
        ["sh", "-c", f"{' '.join(krone.command)} scan {krone.log()} --all --format json | head -n 2"]
    )
    assert ran.code == 0
    assert ran.err == ""
    assert ran.out.splitlines()[0] == "{"
    assert json.loads("{" + ran.out.splitlines()[1].rstrip(",") + "}")
