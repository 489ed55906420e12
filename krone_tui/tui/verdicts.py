"""Verdicts on the screen: asked for, given, taken back; then every list is read again."""

from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING

from krone_tui.errors import KroneError
from krone_tui.store import Store
from krone_tui.store.overlay import Change
from krone_tui.store.targets import Target
from krone_tui.tui.screens.verdict_prompt import VerdictPrompt
from krone_tui.tui.text import safe

if TYPE_CHECKING:
    from krone_tui.tui.app import KroneApp


def ask_verdict(app: "KroneApp", targets: Sequence[Target], meant: int, verdict: str) -> None:
    """Ask for a comment, then give the verdict."""
    if not targets:
        app.say("There is nothing here to give a verdict on.")
        return
    prompt = VerdictPrompt(targets, meant, verdict)

    def answered(comment: str | None) -> None:
        if comment is not None:
            app.run_worker(_give(app, prompt.target, verdict, comment.strip()), group="verdict")

    app.push_screen(prompt, answered)


def undo(app: "KroneApp") -> None:
    """Take back the last thing done to verdicts in this session."""
    app.run_worker(_undo(app), group="verdict")


async def changed(app: "KroneApp", change: Awaitable[Change], said: str) -> bool:
    """Wait for a change of the verdicts, show everything anew, and say what it did; False when it failed."""
    try:
        done = await change
    except (KroneError, Store.QueryError) as error:
        app.say(str(error))
        return False
    await app.renew()
    app.say(f"{said}: {done}. u undoes it.")
    return True


async def _give(app: "KroneApp", target: Target, verdict: str, comment: str) -> None:
    if app.desk is not None:
        judging = app.desk.investigation.judging
        await changed(app, app.desk.ask(judging.give, target, verdict, comment), verdict.capitalize())


async def _undo(app: "KroneApp") -> None:
    if app.desk is None:
        return
    try:
        undone = await app.desk.ask(app.desk.investigation.judging.undo)
    except (KroneError, Store.QueryError) as error:
        app.say(str(error))
        return
    if undone is None:
        app.say("No verdict was given in this session; K lists all there are, to revise or forget.")
        return
    await app.renew()
    app.say(f"Undone ({safe(undone[0], 40)}): {undone[1]}.")
