"""Of a few executions only what reads as failure is told, and of a failure what was said of it first."""

from pathlib import Path

from simple_logs import JOB_STEPS, UNSEEN_ERROR, Event, investigated, jobs, render, write

from krone_tui.detection.stage import FEW
from krone_tui.store import Store, views


def name(index: int) -> str:
    return f"blk_{300_000 + 7 * index}"


def flagged(store: Store) -> set[str]:
    return {one.identifier for one in views.executions(store, flagged=True)}


def test_of_a_few_windows_beside_executions_none_has_too_much_of_anything(tmp_path: Path) -> None:
    usual = ["swept", "kept", "freed"]
    chatter = [
        [Event(60.0 * minute + at, f"INFO  jobs.Pool: {word}") for at, word in enumerate(words)]
        for minute, words in enumerate([*[usual] * 5, ["swept"] * 9, usual])
    ]
    path = write(tmp_path / "chatter.log", render([*jobs(60, 1, name=name), *chatter]))
    with investigated([path]) as store:
        windows = int(store.scalar("SELECT count(*) FROM execution WHERE is_window"))
        assert 2 < windows < FEW
        assert flagged(store) == set()


def test_a_few_executions_that_all_differ_are_not_flagged_for_being_new(tmp_path: Path) -> None:
    words = (
        "planned",
        "loaded",
        "counted",
        "sorted",
        "merged",
        "vacuumed",
        "copied",
        "dumped",
        "indexed",
        "locked",
        "listed",
    )
    all_differ = [
        ("INFO  jobs.Pool: {id} connected", *[f"INFO  jobs.Pool: Pages {word} for {{id}}" for word in chosen])
        for chosen in zip(words, words[1:], words[2:], words[3:], strict=False)
    ]
    odd = dict(enumerate(all_differ))
    quiet = write(tmp_path / "quiet.log", render(jobs(len(odd), 1, odd, name=name)))
    with investigated([quiet]) as store:
        assert store.scalar("SELECT count(*) FROM execution WHERE NOT is_window") == len(odd) < FEW
        assert flagged(store) == set()
    odd[3] = (*odd[3][:2], UNSEEN_ERROR, *odd[3][2:])
    loud = write(tmp_path / "loud.log", render(jobs(len(odd), 1, odd, name=name)))
    with investigated([loud]) as store:
        assert flagged(store) == {name(3)}


def test_a_failure_is_named_by_what_was_said_of_it_first(tmp_path: Path) -> None:
    said = (*JOB_STEPS[:3], "INFO  jobs.Disk: write of {id} failed: no space left on device", UNSEEN_ERROR)
    log = write(tmp_path / "work.log", render(jobs(120, 3, {60: said}, name=name)))
    with investigated([log]) as store:
        (mode,) = views.failure_modes(store)
        assert "no space left" in mode.title
