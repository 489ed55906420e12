"""`krone-tui completion SHELL`: the script that completes commands and options with Tab."""

from typing import Annotated

import typer

from krone_tui.commands.output import print_lines
from krone_tui.errors import KroneError

VARIABLE = "_KRONE_TUI_COMPLETE"
"""Set by the script in the environment of a call that completes a line; Typer's way."""
_SHELLS = {
    "bash": 'eval "$(krone-tui completion bash)" in ~/.bashrc',
    "zsh": 'eval "$(krone-tui completion zsh)" in ~/.zshrc, after compinit',
    "fish": "krone-tui completion fish > ~/.config/fish/completions/krone-tui.fish",
}


def completion(
    shell: Annotated[str, typer.Argument(metavar="bash|zsh|fish", help="The shell.", show_default=False)],
) -> None:
    """Print the script that completes commands and options in a shell; its first line says where to put it."""
    from typer.completion import get_completion_script  # type: ignore[attr-defined]

    if shell not in _SHELLS:
        raise KroneError(f"There is no completion for '{shell}', only for {', '.join(_SHELLS)}.")
    script = get_completion_script(prog_name="krone-tui", complete_var=VARIABLE, shell=shell)
    first = f"# {_SHELLS[shell]}"
    # zsh's autoload wants its own line first.
    lines = script.splitlines()
    at = 1 if lines[0].startswith("#compdef") else 0
    print_lines([*lines[:at], first, *lines[at:]], always_utf8=False)


def enable() -> None:
    """Let a call by such a script answer."""
    from typer.completion import completion_init  # type: ignore[attr-defined]

    completion_init()
