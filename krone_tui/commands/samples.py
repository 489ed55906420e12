"""`krone-tui samples`: the shipped incidents to try it on."""

import re

from krone_tui.commands.output import print_lines
from krone_tui.commands.tables import print_table

_ROW = re.compile(
    r"^\| \[(?P<name>[\w-]+)\]\([^)]*\) \| (?P<what>[^|]+?) \| (?P<format>[^|]+?) \|", re.MULTILINE
)
"""A row of the table of incidents in sample_logs/README.md."""


def samples() -> None:
    """List the sample logs that come with krone-tui: what happened in each, and the file to open."""
    from krone_tui.resources import data_folder

    folder = data_folder("sample_logs")
    known = {
        found["name"]: (found["what"], found["format"])
        for found in _ROW.finditer((folder / "README.md").read_text(encoding="utf-8"))
    }
    names = [path.name.removesuffix(".log.gz") for path in sorted(folder.glob("*.log.gz"))]
    print_table(
        ("incident", "what happened", "format"), [(name, *known.get(name, ("", ""))) for name in names]
    )
    print_lines(
        [
            "",
            "Open one with krone-tui and its path:",
            "",
            *(str(folder / f"{name}.log.gz") for name in names),
            "",
            "Beside each log, NAME.md tells what happened in it, and NAME.labels.csv which executions failed.",
        ],
        always_utf8=False,
    )
