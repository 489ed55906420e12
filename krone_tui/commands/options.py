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
    "baseline": (
        Annotated[
            list[Path] | None,
            typer.Option(metavar="PATH", help="Logs known to be good; may be given several times."),
        ],
        None,
    ),
    "normal_before": (
        Annotated[
            str | None,
            typer.Option(metavar="TIME", help="What ended before this time is normal (ISO 8601)."),
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

_LLM = Annotated[Path | None, typer.Option(metavar="GGUF", help="The model file that explains findings.")]


def investigates(*, llm: bool = False) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command that takes `settings` the options they are made of; with `llm` also the model's.

    Typer reads a command's options off its signature, so they are added there.
    """
    options = _SETTINGS | ({"llm": (_LLM, None)} if llm else {})
    return lambda command: _with_options(command, options)


def _with_options(command: Callable[..., None], options: dict[str, tuple[Any, Any]]) -> Callable[..., None]:
    def run(*args: Any, **given: Any) -> None:
        from krone_tui.settings import load_settings

        chosen = {name: given.pop(name) for name in options}
        chosen["use_cache"] = False if chosen.pop("no_cache") else None
        chosen["baseline"] = tuple(chosen["baseline"]) if chosen["baseline"] else None
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
