"""Writes the pages that are made from the program itself: `make docs`, or `python docs/build.py [FOLDER]`.

tables.md comes from krone_tui/store/schema.sql, commands.md from the commands' own help, keys.md from krone_tui/tui/keys.py,
settings.md from krone_tui/settings.py, formats.md from formats.md.in and krone_tui/ingest/formats/. tests/test_docs.py compares.
"""

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from string import Template

TOP = Path(__file__).resolve().parent.parent
_WIDEST = 110
"""Characters of a log's line in a table."""
HOME = Path("/home/you")
"""Whose folders the defaults name; shown as `~`."""

_WRITTEN_WITH = f"Written with Typer {version('typer')}, whose versions word it differently."

# Before the package is imported, whose defaults are read from here: no page shows the folders of who wrote it.
for _name in [name for name in os.environ if name.startswith(("KRONE_TUI_", "XDG_"))]:
    del os.environ[_name]
os.environ["HOME"] = str(HOME)
# As wide as Typer's own default: no page depends on the terminal.
os.environ["COLUMNS"] = "80"

from krone_tui.commands.options import option_names  # noqa: E402
from krone_tui.ingest import formats as known  # noqa: E402
from krone_tui.settings import Settings, variable  # noqa: E402
from krone_tui.store import Store  # noqa: E402
from krone_tui.store.schema import documented  # noqa: E402
from krone_tui.tui import keys  # noqa: E402


def tables() -> Iterator[str]:
    """The documented tables and their columns."""
    yield "# Tables"
    yield (
        'What `krone-tui sql LOG… "SELECT …"` and the screen\'s SQL prompt can read (`krone-tui sql --schema` prints it). '
        "Columns are only ever added. The dialect is [DuckDB's](https://duckdb.org/docs/stable/sql/introduction)."
    )
    with Store.create(None, Settings()) as store:
        for table in documented(store):
            yield f"## {table.name}"
            yield f"One row: {table.row}"
            rows = [(f"`{column.name}`", column.type, column.meaning) for column in table.columns]
            yield _table(("column", "type", "what it says"), rows)


def commands() -> Iterator[str]:
    """What `--help` says of each command, by Typer's own documentation tool."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "typer",
            "krone_tui.cli",
            "utils",
            "docs",
            "--name",
            "krone-tui",
            "--title",
            "Commands",
        ],
        capture_output=True,
        text=True,
        check=True,
        cwd=TOP,
        env=os.environ | {"PYTHONPATH": str(TOP)},
    )
    # Typer cuts the sentences of its lists of commands short; the sections below have them whole.
    yield re.sub(
        r"(?<=^\*\*Commands\*\*:\n\n)(?:\* `.*\n)+", _names, done.stdout.strip() + "\n", flags=re.MULTILINE
    ).strip()
    yield f"<!-- {_WRITTEN_WITH} -->"


def _names(found: "re.Match[str]") -> str:
    return re.sub(r": .*", "", found[0])


def key_pages() -> Iterator[str]:
    """The keys of each screen, those that work everywhere first."""
    yield "# Keys"
    yield "As `?` shows them on the screen; `^F` is Ctrl-F. The mouse is not needed."
    everywhere = [key for key in keys.KEYS if not key.places]
    yield "## Everywhere"
    yield _keys(everywhere)
    yield "## In every list and tree"
    yield _keys([key for key in keys.KEYS if "list" in key.places])
    for place, name in keys.SCREENS.items():
        own = [key for key in keys.KEYS if place in key.places and key not in everywhere]
        if own:
            yield f"## {name}"
            yield _keys(own)


def _keys(wanted: "list[keys.Key]") -> str:
    return _table(("key", "what it does"), [(f"`{key.shown}`", key.help) for key in wanted])


def settings() -> Iterator[str]:
    """Every setting, its default, and how it is given."""
    yield "# Settings"
    yield (
        "Defaults are overridden by `config.toml` in the configuration folder (`~/.config/krone-tui`, or under "
        "`$XDG_CONFIG_HOME`), that by the environment, that by the command line. `krone-tui config` shows what is in force and "
        "where it comes from; `krone-tui config --write` writes a `config.toml` with every setting in it, commented out."
    )
    options = option_names()
    yield _table(
        ("setting", "default", "environment", "command line", "what it does"),
        [
            (
                f"`{name}`",
                _shown(field.get_default()),
                f"`{variable(name)}`",
                f"`{options[name]}`" if name in options else "",
                field.description or "",
            )
            for name, field in Settings.model_fields.items()
        ],
    )


def formats() -> Iterator[str]:
    """The header formats with a line of each, the keys of structured logs, what containers put in front, how to add one."""
    names, data = known.key_names(), files(known)
    titles = {name: (data / name).read_text(encoding="utf-8") for name in known.FILES}
    sections = []
    for text in titles.values():
        title, _, rest = text.partition("\n")
        mine = {entry["name"] for entry in tomllib.loads(rest)["format"]}
        rows = [
            (f"`{item.name}`", _columns(item.samples), _code(item.samples[0].line))
            for item in known.header_formats()
            if item.name in mine
        ]
        sections += [title.removeprefix("# "), _table(("format", "columns", "a line of it"), rows)]
    text = (TOP / "docs" / "formats.md.in").read_text(encoding="utf-8")
    yield (
        Template(text)
        .substitute(
            formats="\n\n".join(sections),
            containers=", ".join(f"`{name}`" for name in sorted(names.containers)),
            keys=_table(
                ("column", "keys"),
                [(role, ", ".join(f"`{name}`" for name in keys)) for role, keys in names.roles.items()],
            ),
            wrappers=_table(
                ("wrapper", "a line of it"),
                [
                    (f"`{one.unwrap.name}`", _code(one.sample.replace("\n", r"\n")))
                    for one in known.wrappers()
                ],
            ),
            columns=", ".join(f"`{name}`" for name in names.roles if name != "message"),
            parts=", ".join(
                f"`{name}`"
                for name in tomllib.loads((data / "parts.toml").read_text(encoding="utf-8"))["parts"]
            ),
        )
        .strip()
    )


def _columns(samples: "tuple[known.Sample, ...]") -> str:
    """What is read of lines like these, in the order of the first one that has it."""
    return ", ".join(dict.fromkeys(name for one in samples for name in one.expected if name != "message"))


def _code(text: str) -> str:
    """A line of a log as code, cut where a table would become too wide; it may hold backticks."""
    text = text.replace("\t", "⇥").partition("\n")[0]
    text = text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def _shown(value: object) -> str:
    if value is None or value == ():
        return ""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"`{text.replace(str(HOME), '~')}`"


def _table(labels: tuple[str, ...], rows: "list[tuple[str, ...]]") -> str:
    """A table in Markdown."""
    lines = [labels, tuple("---" for _ in labels), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


PAGES = {
    "tables.md": tables,
    "commands.md": commands,
    "keys.md": key_pages,
    "settings.md": settings,
    "formats.md": formats,
}


def page(name: str) -> str:
    """The text of one page."""
    return "\n\n".join([*PAGES[name](), "<!-- Made by `make docs`; do not edit. -->"]) + "\n"


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else TOP / "docs"
    for page_name in PAGES:
        (folder / page_name).write_text(page(page_name), encoding="utf-8")
