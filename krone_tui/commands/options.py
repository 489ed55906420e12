"""The options that several commands share: which logs, and every setting that changes a result."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

Paths = Annotated[
    list[str],
    typer.Argument(
        metavar="LOG…", help="Files (also .gz .bz2 .xz .zst), folders, patterns, or '-'.", show_default=False
    ),
]

_SETTINGS: dict[str, tuple[Any, Any]] = {
    "group_by": (
        Annotated[str | None, typer.Option(metavar="NAME|REGEX", help="Group records by this identifier.")],
        None,
    ),
    "hierarchy": (
        Annotated[
            str | None,
            typer.Option(
                metavar="FILE|llm|rules",
                help="CSV that places templates: template,entity,action,status; 'llm': a local model places them; "
                "'rules': as if never edited on the screen.",
            ),
        ],
        None,
    ),
    "baseline": (
        Annotated[
            list[Path] | None,
            typer.Option(
                metavar="PATH|NAME",
                help="Logs known to be good, or what `learn` made of them; may be repeated.",
            ),
        ],
        None,
    ),
    "normal_before": (
        Annotated[
            str | None,
            typer.Option(
                metavar="TIME",
                help="What ended before this time is normal (ISO 8601, with the offset where the log has one).",
            ),
        ],
        None,
    ),
    "sensitivity": (
        Annotated[
            str | None, typer.Option(metavar="low|normal|high", help="How readily an execution is flagged.")
        ],
        None,
    ),
    "idle_gap": (
        Annotated[
            float | None,
            typer.Option(metavar="SECONDS", help="Pause that ends a window, where windows are used."),
        ],
        None,
    ),
    "exhaustive": (
        Annotated[
            bool | None,
            typer.Option("--exhaustive", help="Judge every level, without early exit.", show_default=False),
        ],
        None,
    ),
    "knowledge": (
        Annotated[
            str | None,
            typer.Option(
                metavar="NAME", help="The knowledge base of verdicts; else the one that knows the log."
            ),
        ],
        None,
    ),
    "no_knowledge": (
        Annotated[bool, typer.Option("--no-knowledge", help="Let no verdict count: detectors alone.")],
        False,
    ),
    "adjudicate": (
        Annotated[
            int | None,
            typer.Option(
                metavar="N", help="Let a local model judge at most N Seqs that the detectors left open."
            ),
        ],
        None,
    ),
    "llm": (
        Annotated[
            Path | None, typer.Option(metavar="GGUF", help="The model file, where a local model is asked.")
        ],
        None,
    ),
    "no_cache": (
        Annotated[bool, typer.Option("--no-cache", help="Neither read nor keep the investigation.")],
        False,
    ),
    "threads": (
        Annotated[int | None, typer.Option(metavar="N", help="Threads to use; as many as cores otherwise.")],
        None,
    ),
}
"""Option of each setting that a command which investigates logs offers: its declaration and its default."""


def option_names() -> dict[str, str]:
    """Setting → the option that gives it."""
    negated = {"no_cache": "use_cache", "no_knowledge": "use_knowledge"}
    return {negated.get(name, name): f"--{name.replace('_', '-')}" for name in _SETTINGS}


def investigates(*, only: tuple[str, ...] = ()) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command that takes `settings` the options they are made of, or `only` some.

    Typer reads a command's options off its signature, so they are added there.
    """
    options = {name: option for name, option in _SETTINGS.items() if not only or name in only}
    return lambda command: _with_options(command, options)


def _with_options(command: Callable[..., None], options: dict[str, tuple[Any, Any]]) -> Callable[..., None]:
    def run(*args: Any, **given: Any) -> None:
        from krone_tui.settings import load_settings

        chosen = {name: given.pop(name) for name in options}
        chosen["use_cache"] = False if chosen.pop("no_cache", False) else None
        chosen["use_knowledge"] = False if chosen.pop("no_knowledge", False) else None
        chosen["baseline"] = tuple(chosen.get("baseline") or ()) or None
        command(*args, settings=load_settings(**chosen), **given)

    own = inspect.signature(command)
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for name, (annotation, default) in options.items()
    ]
    kept = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for parameter in own.parameters.values()
        if parameter.name != "settings"
    ]
    run.__signature__ = own.replace(parameters=kept + added)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in (*kept, *added)}
    run.__doc__ = command.__doc__
    run.__name__ = command.__name__
    run.__module__ = command.__module__
    return run
