"""Every link in the pages leads somewhere, and every command line in them is one that krone-tui takes."""

import re
import shlex
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import typer
from conftest import TOP

from krone_tui.cli import app

PAGES = sorted(
    page.relative_to(TOP)
    for page in TOP.rglob("*.md")
    if not any(part.startswith(".") or part in ("dist", "build") for part in page.relative_to(TOP).parts)
)
MADE_FROM_HELP = Path("docs/commands.md")
_FENCE = re.compile(r"^(```|~~~).*?^\1[^\n]*\n?", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_LINE = re.compile(r"^(?:\$ | {4})?(?:\S*/)?krone-tui (?P<rest>\S.*)$", re.MULTILINE)
_SPAN = re.compile(r"`(?:\S*/)?krone-tui ((?:[^`])+)`")


def text(page: Path) -> str:
    return (TOP / page).read_text(encoding="utf-8")


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    titles = re.findall(r"^#+ (.+)$", _FENCE.sub("", text(page)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_link_leads_somewhere(page: Path) -> None:
    prose = re.sub(r"`[^`\n]*`", "", _FENCE.sub("", text(page)))
    for target in _LINK.findall(prose):
        if re.match(r"[a-z]+:", target):
            assert target.startswith("https://"), target
            continue
        path, _, anchor = target.partition("#")
        there = (TOP / page).parent / path if path else TOP / page
        assert there.exists(), f"{page}: {target} is not there"
        assert there.resolve().is_relative_to(TOP), f"{page}: {target} is outside the project"
        assert not anchor or anchor in anchors(there.resolve().relative_to(TOP)), (
            f"{page}: no heading {target}"
        )


def test_every_page_of_docs_is_in_the_index() -> None:
    named = set(_LINK.findall(text(Path("docs/README.md"))))
    for page in PAGES:
        if page.parent == Path("docs") and page.name != "README.md":
            assert any(target.partition("#")[0] == page.name for target in named), page


def command_lines(page: Path) -> Iterator[tuple[str, bool]]:
    """What follows `krone-tui`, and whether it is a whole line rather than a mention in a sentence."""
    content = text(page)
    for block in _FENCE.findall(content) and [found[0] for found in _FENCE.finditer(content)]:
        yield from ((line["rest"], True) for line in _LINE.finditer(block))
    prose = _FENCE.sub("", content)
    yield from ((line["rest"], True) for line in _LINE.finditer(prose) if line[0].startswith("    "))
    yield from ((" ".join(span.split()), False) for span in _SPAN.findall(prose))


def spellings(line: str) -> Iterator[list[str]]:
    """The words of a command line; `a|b` in a sentence stands for two."""
    words = shlex.split(line, comments=True)
    yield from map(
        list,
        product(*(word.split("|") if re.fullmatch(r"[a-z]+(\|[a-z]+)+", word) else [word] for word in words)),
    )


def parse(words: list[str]) -> None:
    """Let Typer read the words, down to the command that they name, without running it."""
    words = [word for word in words if word != "--debug"]
    command: Any = typer.main.get_command(app)
    context = None
    name = "krone-tui"
    while True:
        context = command.make_context(name, list(words), parent=context)
        if not hasattr(command, "resolve_command"):
            return
        rest = (
            [*context._protected_args, *context.args] if hasattr(context, "_protected_args") else context.args
        )
        name, command, words = command.resolve_command(context, rest)


@pytest.mark.parametrize("page", [page for page in PAGES if page != MADE_FROM_HELP], ids=str)
def test_every_command_line_is_one_that_krone_tui_takes(page: Path) -> None:
    for line, whole in command_lines(page):
        for words in spellings(line):
            try:
                parse(words)
            except typer.Exit:
                pass
            except Exception as error:
                # A sentence may leave out what a command line needs.
                if whole or type(error).__name__ != "MissingParameter":
                    raise AssertionError(f"{page}: krone-tui {line}: {error!r}") from error


@pytest.mark.parametrize(
    "words",
    [
        ["scan", "app.log", "--no-such-option"],
        ["sql", "app.log", "SELECT 1", "--exhaustive=3"],
        ["cache", "sweep"],
    ],
)
def test_a_command_line_that_it_does_not_take_is_noticed(words: list[str]) -> None:
    with pytest.raises(Exception, match=r"(?i)no such|got unexpected|does not take"):
        parse(words)


def test_the_pages_have_command_lines_and_links() -> None:
    assert sum(len(list(command_lines(page))) for page in PAGES) > 40
    assert sum(len(_LINK.findall(text(page))) for page in PAGES) > 40
