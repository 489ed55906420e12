"""--group-by: an identifier by its name or by a regular expression, and what is said of one that is not usable."""

from pathlib import Path

import pytest
from simple_logs import grouped, jobs, json_lines, render, sessions, settings, syslog, write

from krone_tui.errors import KroneError
from krone_tui.executions.windows import valley
from krone_tui.investigation import Investigation


@pytest.fixture
def work(tmp_path: Path) -> Path:
    return write(tmp_path / "work.log", render(jobs(20, 1)))


@pytest.mark.parametrize("name", ["blk_*", "blk_"])
def test_a_candidate_is_chosen_by_its_name(work: Path, name: str) -> None:
    with grouped([work], group_by=name) as (store, result):
        assert (result.grouped_by, result.executions) == ("blk_*", 20)
        assert store.scalar("SELECT count(*) FROM grouping_candidate WHERE chosen") == 1


def test_a_regular_expression_groups_by_its_first_group(work: Path) -> None:
    pattern = r"volume for blk_-(\d+)"
    with grouped([work], group_by=pattern) as (store, result):
        assert (result.grouped_by, result.executions - result.windows) == (pattern, 20)
        named = store.rows(
            "SELECT identifier, records FROM execution WHERE NOT is_window ORDER BY identifier"
        )
        assert named[0] == ("7000000", 2)
        assert store.scalar("SELECT count(*) FROM membership") == 140


def test_a_regular_expression_without_a_group_groups_by_all_it_matches(work: Path) -> None:
    with grouped([work], group_by=r"blk_-\d+") as (store, result):
        assert (result.executions, result.windows) == (20, 0)
        assert store.scalar("SELECT min(identifier) FROM execution") == "blk_-7000000"


def test_a_regular_expression_may_hold_quotes(tmp_path: Path) -> None:
    log = write(tmp_path / "work.log", render(jobs(20, 1, name=lambda index: f"job'{index + 100}'")))
    with grouped([log], group_by=r"job'(\d+)'") as (_, result):
        assert (result.executions, result.windows) == (20, 0)


@pytest.mark.parametrize(("column", "executions"), [("component", 3), ("level", 1), ("source", 1)])
def test_a_column_of_the_header_can_be_asked_for(work: Path, column: str, executions: int) -> None:
    with grouped([work], group_by=column) as (_, result):
        assert (result.grouped_by, result.executions, result.windows) == (column, executions, 0)


def test_the_host_can_be_asked_for(tmp_path: Path) -> None:
    log = write(tmp_path / "auth.log", render([*sessions("alpha", 20), *sessions("beta", 20)], syslog))
    with grouped([log], group_by="host") as (store, result):
        assert result.executions == 2
        assert store.rows("SELECT identifier FROM execution ORDER BY 1") == [("alpha",), ("beta",)]


def test_a_field_of_json_lines_can_be_asked_for(tmp_path: Path) -> None:
    log = write(tmp_path / "service.log", json_lines(jobs(20, 1, name=lambda i: f"@{i:04x}")))
    with grouped([log], group_by="region") as (store, result):
        assert result.executions == 1
        assert store.scalar("SELECT identifier FROM execution") == "eu"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("transaction", "No record carries 'transaction'"),
        (r"for (tx-\d+)", "No record carries"),
        ("(unclosed", "neither a known identifier nor a regular expression"),
        (r"(?<=for )(\S+)", "not a regular expression that RE2 knows"),
        ("host", "No record carries 'host'"),
    ],
)
def test_an_identifier_that_cannot_be_used_is_refused_in_one_sentence(
    work: Path, asked: str, said: str
) -> None:
    with pytest.raises(KroneError) as refused, grouped([work], group_by=asked):
        pass
    sentence = str(refused.value)
    assert said in sentence
    assert asked in sentence
    assert "--group-by" in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence


def test_a_refusal_names_the_identifiers_that_there_are(work: Path) -> None:
    with pytest.raises(KroneError, match=r"blk_\*"), grouped([work], group_by="transaction"):
        pass


def test_pauses_are_divided_where_hardly_any_lie_between_bursts_and_rests() -> None:
    # Half octaves: pauses of 1 to 4 seconds, then none up to about 5 minutes.
    bursts, rests = [(bin_, 200) for bin_ in range(4)], [(16, 30), (17, 30)]
    gap = valley([*bursts, *rests])
    assert gap is not None
    assert 4 < gap < 256


def test_pauses_of_all_lengths_divide_nothing() -> None:
    assert valley([(bin_, 100) for bin_ in range(18)]) is None
    assert valley([]) is None


def test_a_few_long_pauses_divide_nothing() -> None:
    assert valley([(0, 5000), (20, 3)]) is None


def test_an_identifier_that_hardly_any_record_carries_is_told_with_the_numbers(tmp_path: Path) -> None:
    lines = render(jobs(60, 1))
    lines.insert(100, lines[100].rpartition(" ")[0] + " ticket=77")
    log = write(tmp_path / "jobs.log", lines)
    with Investigation.open([str(log)], settings(group_by=r"ticket=(\d+)")) as found:
        windows = found.store.scalar("SELECT count(*) FROM execution WHERE is_window")
        (note,) = found.opened.notes
    assert note.startswith(f"Only 1 of {len(lines)} records carries 'ticket=(\\d+)' (--group-by)")
    assert f"the others are in {windows} windows." in note


@pytest.mark.parametrize("asked", ["window", r"(blk_-\d+)", None])
def test_nothing_is_said_of_one_that_most_records_carry(tmp_path: Path, asked: str | None) -> None:
    log = write(tmp_path / "jobs.log", render(jobs(60, 1)))
    with Investigation.open([str(log)], settings(group_by=asked)) as found:
        assert found.opened.notes == ()
