"""The pages made from the program are what the program would write now."""

import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parent.parent
PAGES = ("tables.md", "commands.md", "keys.md", "settings.md", "formats.md")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages, made anew in surroundings unlike those of who made the shipped ones."""
    folder = tmp_path_factory.mktemp("docs")
    environment = os.environ | {"PYTHONPATH": str(TOP), "COLUMNS": "200", "KRONE_TUI_THREADS": "7"}
    command = [sys.executable, str(TOP / "docs" / "build.py"), str(folder)]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in folder.iterdir()) == sorted(PAGES)
    return folder


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_what_make_docs_writes(written: Path, page: str) -> None:
    shipped = (TOP / "docs" / page).read_text(encoding="utf-8")
    if page == "commands.md" and f"Typer {version('typer')}," not in shipped:
        pytest.skip("commands.md was written with another version of Typer, which words it differently")
    assert shipped == (written / page).read_text(encoding="utf-8"), f"docs/{page} is old: run `make docs`"


def test_no_page_names_a_folder_of_who_made_it(written: Path) -> None:
    for page in PAGES:
        text = (written / page).read_text(encoding="utf-8")
        assert not re.search(rf"{re.escape(str(TOP))}|{re.escape(str(Path.home()))}/|/home/", text), page


def test_every_command_and_option_is_in_the_page_of_commands(written: Path) -> None:
    text = (written / "commands.md").read_text(encoding="utf-8")
    for command in ("open", "scan", "groups", "hierarchy", "sql", "cache list", "cache clear", "completion"):
        assert f"`krone-tui {command}`" in text
    for option in ("--group-by", "--hierarchy", "--schema", "--write", "--debug"):
        assert option in text
