"""Options and settings that make no sense are refused by name before anything is read."""

import pytest
from conftest import Krone


def test_an_unknown_format(krone: Krone) -> None:
    krone.here("scan", krone.log(), "--format", "yaml").failed_with("--format", "text", "jsonl", "'yaml'")


def test_a_group_by_that_is_no_regular_expression(krone: Krone) -> None:
    krone.here("scan", krone.log(), "--group-by", "([").failed_with(
        "--group-by", "'(['", "regular expression"
    )


@pytest.mark.parametrize("given", ["order-(\\d+)", "nosuch"])
def test_a_group_by_that_nothing_matches(krone: Krone, given: str) -> None:
    krone.here("scan", krone.log(), "--group-by", given).failed_with("No record carries", given)
    assert krone.kept() == []


@pytest.mark.parametrize("given", ["yesterday", "2026-13-01", "25:00", "", "14/03/2026"])
def test_a_normal_before_that_is_no_time(krone: Krone, given: str) -> None:
    krone.here("scan", "nowhere.log", "--normal-before", given).failed_with(
        "normal_before", "2026-03-14T02:10:00"
    )


@pytest.mark.parametrize("given", ["2026-03-14T00:01", "2026-03-14 00:01:00", "2026-03-14T00:01:00Z"])
def test_a_normal_before_with_and_without_zone(krone: Krone, given: str) -> None:
    ran = krone.here("scan", krone.log(), "--normal-before", given).worked()
    assert "this log before 2026-03-14 00:01:00" in ran.out


def test_a_normal_before_in_another_zone_is_taken_to_utc(krone: Krone) -> None:
    ran = krone.here("scan", krone.log(), "--normal-before", "2026-03-14T02:01:00+02:00").worked()
    assert "this log before 2026-03-14 00:01:00" in ran.out


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--sensitivity", "extreme", "'low', 'normal' or 'high'"),
        ("--threads", "-3", "greater than or equal to 0"),
        ("--threads", "many", "integer"),
        ("--idle-gap", "-1", "greater than or equal to 0"),
        ("--idle-gap", "long", "number"),
    ],
)
def test_a_value_out_of_range(krone: Krone, option: str, value: str, said: str) -> None:
    ran = krone.here("scan", krone.log(), option, value)
    ran.failed_with(said)
    assert option.lstrip("-").replace("-", "_") in ran.err.replace("-", "_")


def test_an_unknown_option(krone: Krone) -> None:
    krone.here("scan", krone.log(), "--nosuch").failed_with("--nosuch", "krone-tui scan --help")
    krone.here("--nosuch").failed_with("--nosuch")


def test_an_option_without_its_value(krone: Krone) -> None:
    krone.here("scan", krone.log(), "--threads").failed_with("--threads")


def test_no_log_at_all(krone: Krone) -> None:
    krone.here("scan").failed_with("LOG", "krone-tui scan --help")


def test_nothing_at_all_shows_the_help_and_is_an_error(krone: Krone) -> None:
    ran = krone()
    assert ran.code == 2
    assert "Usage: krone-tui" in ran.out


def test_an_unknown_setting_is_named_with_its_file(krone: Krone) -> None:
    krone.config.write_text('sensitvity = "low"\n')
    krone.here("scan", krone.log()).failed_with("config.toml", "'sensitvity'", "did you mean 'sensitivity'?")


def test_an_unknown_setting_like_no_other(krone: Krone) -> None:
    krone.config.write_text("bogus = 1\n")
    krone.here("scan", krone.log()).failed_with("config.toml", "'bogus'", "memory_limit", "threads")


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ('threads = "many"', "threads"),
        ('sensitivity = "extreme"', "sensitivity"),
        ('memory_limit = "plenty"', "memory_limit"),
        ("group_by = 3", "group_by"),
        ('normal_before = "yesterday"', "normal_before"),
        ("cache_bytes = -1", "cache_bytes"),
    ],
)
def test_a_setting_of_the_wrong_kind(krone: Krone, line: str, name: str) -> None:
    krone.config.write_text(line + "\n")
    krone.here("scan", krone.log()).failed_with(f"'{name}'")


def test_a_setting_in_the_environment_of_the_wrong_kind(krone: Krone) -> None:
    krone.here("scan", krone.log(), KRONE_TUI_MEMORY_LIMIT="plenty").failed_with(
        "'memory_limit'", "'plenty'", "1GB"
    )
    krone.here("scan", krone.log(), KRONE_TUI_THREADS="many").failed_with("'threads'", "'many'")


@pytest.mark.parametrize("content", [b"threads = \n", b"\xff\xfe", b"[[["])
def test_a_config_that_is_no_toml(krone: Krone, content: bytes) -> None:
    krone.config.write_bytes(content)
    krone.here("scan", krone.log()).failed_with("config.toml", "cannot be read")


def test_a_time_of_toml_is_a_time(krone: Krone) -> None:
    krone.config.write_text("normal_before = 2026-03-14T00:01:00\n")
    assert "this log before 2026-03-14 00:01:00" in krone.here("scan", krone.log()).worked().out


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(krone: Krone) -> None:
    log = krone.log()
    krone.config.write_text('normal_before = "2026-03-14 00:00:30"\n')
    in_force = "this log before 2026-03-14 00:{}"
    assert in_force.format("00:30") in krone("scan", log).out
    environment = {"KRONE_TUI_NORMAL_BEFORE": "2026-03-14 00:00:40"}
    assert in_force.format("00:40") in krone.here("scan", log, **environment).out
    ran = krone.here("scan", log, "--normal-before", "2026-03-14 00:00:50", **environment)
    assert in_force.format("00:50") in ran.out
