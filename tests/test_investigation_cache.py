"""When an earlier investigation is used again, when not, and which ones are kept."""

import os
import stat
import time
from pathlib import Path

import pytest
from conftest import Krone, small_log

from krone_tui.investigation import Investigation
from krone_tui.settings import Settings


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A small log."""
    path = tmp_path / "app.log"
    path.write_text("".join(small_log(40)), encoding="utf-8")
    return path


def opened_from_cache(log: Path, **given: object) -> bool:
    """Open an investigation and close it again."""
    settings = Settings(cache_dir=log.parent / "cache", **given)  # type: ignore[arg-type]
    with Investigation.open([str(log)], settings) as investigation:
        assert investigation.store.scalar("SELECT count(*) FROM execution") > 0
        return investigation.opened.from_cache


def test_the_same_log_again(log: Path) -> None:
    assert not opened_from_cache(log)
    assert opened_from_cache(log)


def test_another_name_for_the_same_log(log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not opened_from_cache(log)
    monkeypatch.chdir(tmp_path)
    settings = Settings(cache_dir=tmp_path / "cache")
    with Investigation.open(["app.log"], settings) as investigation:
        assert investigation.opened.from_cache


def test_a_grown_log(log: Path) -> None:
    assert not opened_from_cache(log)
    with log.open("a", encoding="utf-8") as file:
        file.writelines(small_log(3))
    assert not opened_from_cache(log)


def test_a_log_rewritten_at_the_same_size(log: Path) -> None:
    assert not opened_from_cache(log)
    log.write_text(log.read_text(encoding="utf-8").replace("order", "order"[::-1]), encoding="utf-8")
    os.utime(log, ns=(time.time_ns(), time.time_ns() + 1))
    assert not opened_from_cache(log)


@pytest.mark.parametrize(
    "changed",
    [
        {"sensitivity": "high"},
        {"exhaustive": True},
        {"group_by": r"item (\d+)"},
        {"normal_before": "2026-03-14 00:01:00"},
        {"idle_gap": 7.0},
    ],
)
def test_a_setting_that_changes_the_result(log: Path, changed: dict[str, object]) -> None:
    assert not opened_from_cache(log)
    assert not opened_from_cache(log, **changed)
    assert opened_from_cache(log, **changed)
    assert opened_from_cache(log)


def test_a_setting_that_does_not(log: Path) -> None:
    assert not opened_from_cache(log)
    assert opened_from_cache(log, threads=1, memory_limit="500MB")


def test_without_a_cache(log: Path) -> None:
    assert not opened_from_cache(log, use_cache=False)
    assert not (log.parent / "cache").exists()


def test_only_its_owner_can_read_it(log: Path) -> None:
    opened_from_cache(log)
    (kept,) = (log.parent / "cache").iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700


def test_the_longest_unused_goes_first(log: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    opened_from_cache(log)
    (first,) = cache.iterdir()
    opened_from_cache(log, sensitivity="high")
    (second,) = set(cache.iterdir()) - {first}
    os.utime(first, (1000, 1000))
    os.utime(second, (2000, 2000))
    # Using one makes it young again.
    assert opened_from_cache(log)
    room = first.stat().st_size + second.stat().st_size * 3 // 2
    opened_from_cache(log, sensitivity="low", cache_bytes=room)
    assert first.exists()
    assert not second.exists()
    assert len(list(cache.iterdir())) == 2


def test_the_newest_is_kept_even_when_it_is_larger_than_the_limit(log: Path, tmp_path: Path) -> None:
    opened_from_cache(log)
    opened_from_cache(log, sensitivity="high", cache_bytes=0)
    assert len(list((tmp_path / "cache").iterdir())) == 1
    assert opened_from_cache(log, sensitivity="high")


def test_what_was_found_is_the_same_from_the_cache(krone: Krone) -> None:
    log = krone.log()
    for options in (["--format", "text"], ["--format", "jsonl", "--all", "--with-lines"]):
        assert krone.here("scan", log, *options).worked() == krone.here("scan", log, *options)


def test_nothing_outside_the_database_can_be_reached_once_it_is_open(log: Path) -> None:
    for use_cache in (True, True, False):
        settings = Settings(cache_dir=log.parent / "cache", use_cache=use_cache)
        with Investigation.open([str(log)], settings) as investigation:
            store = investigation.store
            for query in (
                "SELECT * FROM read_text('/etc/hostname')",
                f"COPY source TO '{log.parent}/out.csv'",
                "SET enable_external_access = true",
                "DELETE FROM source",
                "INSTALL httpfs",
            ):
                with pytest.raises(store.QueryError):
                    store.rows(query)
    assert not (log.parent / "out.csv").exists()
