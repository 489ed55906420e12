"""`krone-tui hierarchy` and `--hierarchy`: the Log Abstraction Model out, edited, and in again."""

import csv
import io
import os

import pytest
from conftest import Krone

COLUMNS = ["template", "entity", "action", "status", "outcome"]


def rows(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


def entities(krone: Krone, *options: str) -> list[str]:
    ran = krone.here("hierarchy", krone.work / "app.log", *options).worked()
    return [row[1] for row in rows(ran.out)[1:]]


def test_every_template_has_its_place(krone: Krone) -> None:
    header, *found = rows(krone.here("hierarchy", krone.log()).worked().out)
    assert header == COLUMNS
    assert any("payment failed" in row[0] and row[4] == "failure" for row in found)
    assert all(row[1] and row[2] and row[3] for row in found)


def test_a_file_instead_of_standard_output(krone: Krone) -> None:
    log = krone.log()
    printed = krone.here("hierarchy", log).worked().out
    ran = krone.here("hierarchy", log, "-o", "tree.csv").worked()
    assert ran.out == ""
    assert (krone.work / "tree.csv").read_text(encoding="utf-8") == printed
    assert sorted(path.name for path in krone.work.iterdir()) == ["app.log", "tree.csv"]


def test_a_file_that_cannot_be_written_is_said_before_the_log_is_read(krone: Krone) -> None:
    krone.here("hierarchy", krone.log(), "-o", "nowhere/tree.csv").failed_with("nowhere/tree.csv", "-o")
    assert krone.kept() == []


def test_what_was_written_gives_the_same_again(krone: Krone) -> None:
    log = krone.log()
    krone.here("hierarchy", log, "-o", "tree.csv").worked()
    ran = krone.here("hierarchy", log, "--hierarchy", "tree.csv").worked()
    assert ran.err == ""
    assert ran.out == (krone.work / "tree.csv").read_text(encoding="utf-8")


def test_an_edited_file_decides_on_every_command(krone: Krone) -> None:
    log = krone.log()
    header, *found = rows(krone("hierarchy", log).worked().out)
    edited = [[row[0], "till", "settle", row[3]] if "payment" in row[0] else row[:4] for row in found]
    with (krone.work / "tree.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header[:4], *edited])
    assert "till › settle" in krone.here("scan", log, "--hierarchy", "tree.csv").worked().out
    assert "till" not in krone.here("scan", log).worked().out


def placed(krone: Krone, words: str, place: str, header: str = "template,entity,action,status") -> str:
    """A hierarchy file that places the one template of the small log with these words."""
    found = rows(krone.here("hierarchy", krone.log()).worked().out)
    (template,) = [row[0] for row in found if words in row[0]]
    assert "," not in template
    return f"{header}\n{template},{place}\n"


def test_the_setting_does_the_same(krone: Krone) -> None:
    tree = krone.work / "tree.csv"
    tree.write_text(placed(krone, "received order", "desk,take,taken"))
    krone.config.write_text(f'hierarchy = "{tree}"\n')
    assert "desk" in krone.here("sql", krone.log(), "SELECT entity FROM template").worked().out


def test_a_published_tree_is_read(krone: Krone) -> None:
    header = "log_template,entity_1,action_1,status"
    (krone.work / "tree.csv").write_text(placed(krone, "received order", "Order,receive,none_3", header))
    query = "SELECT entity, action FROM template WHERE text LIKE '%received order'"
    ran = krone.here("sql", krone.log(), query, "--hierarchy", "tree.csv", "--format", "csv").worked()
    assert rows(ran.out) == [["entity", "action"], ["Order", "receive"]]


def test_a_file_of_another_log_is_said_with_how_much_it_knew(krone: Krone) -> None:
    log = krone.log()
    (krone.work / "none.csv").write_text("template,entity,action,status\nnothing like it,a,b,c\n")
    expected = "The hierarchy file none.csv knows none of the 6 templates of this log; the rules placed the others.\n"
    assert krone.here("scan", log, "--hierarchy", "none.csv").worked().err == expected
    # From the cache too.
    assert krone.here("scan", log, "--hierarchy", "none.csv").worked().err == expected
    (krone.work / "few.csv").write_text(placed(krone, "received order", "a,b,c"))
    assert " knows 1 of the 6 templates " in krone.here("scan", log, "--hierarchy", "few.csv").worked().err


def test_the_content_of_the_file_names_the_cache(krone: Krone) -> None:
    tree = krone.work / "tree.csv"
    tree.write_text(placed(krone, "received order", "desk,take,taken"))
    assert "desk" in entities(krone, "--hierarchy", "tree.csv")
    assert len(krone.kept()) == 2
    status = tree.stat()
    tree.write_text(tree.read_text().replace("desk", "till"))
    os.utime(tree, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert "till" in entities(krone, "--hierarchy", "tree.csv")
    assert len(krone.kept()) == 3
    # The same content by another name.
    tree.rename(krone.work / "other.csv")
    assert "till" in entities(krone, "--hierarchy", "other.csv")
    assert len(krone.kept()) == 3


@pytest.mark.parametrize(
    ("content", "said"),
    [("a,b\n1,2\n", "must begin with the columns"), (None, "cannot be read"), ("", "must begin")],
)
def test_a_file_that_is_none_is_refused_before_the_log_is_read(
    krone: Krone, content: str | None, said: str
) -> None:
    if content is not None:
        (krone.work / "tree.csv").write_text(content)
    krone.here("scan", krone.log(), "--hierarchy", "tree.csv").failed_with("tree.csv", said)
    assert krone.kept() == []


def test_control_characters_of_a_log_are_shown_as_text(krone: Krone) -> None:
    path = krone.work / "bad.log"
    path.write_bytes(
        b"".join(b"INFO started \x07\x1b]0;title\x07 job %d\n=cmd() ran\n" % n for n in range(50))
    )
    out = krone.here("hierarchy", path).worked().out
    assert r"\x07\x1b]<*>;title\x07" in out
    assert not [character for character in out if ord(character) < 32 and character != "\n"]
    assert not [cell for row in rows(out) for cell in row if cell.startswith("=")]
    (krone.work / "tree.csv").write_text(out, encoding="utf-8")
    assert krone.here("hierarchy", path, "--hierarchy", "tree.csv").worked().err == ""
