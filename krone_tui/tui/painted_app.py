"""An application that sends a terminal only what differs, and never more than one repaint ahead of a slow link."""

from time import monotonic
from typing import Any
from weakref import WeakKeyDictionary

from rich.console import RenderableType
from rich.control import Control
from textual import events
from textual._compositor import CompositorUpdate
from textual.app import App
from textual.drivers.linux_driver import LinuxDriver
from textual.screen import Screen
from textual.timer import Timer

from krone_tui.tui.painter import LINK, Painter

_BUSY = 0.01
"""Seconds until it is looked again whether the terminal took the last repaint, or a screen can take keys."""
_PATIENCE = 2.0
"""Seconds that keys wait for a screen that never takes them."""


def _will_take_text(screen: Screen[Any]) -> bool:
    """Whether a screen asks for a text and its line has not got the focus yet."""
    return screen.focused is None and screen.AUTO_FOCUS not in (None, "", "*")


class PaintedApp(App[int]):
    """Textual's repaints go through a `Painter`."""

    def __init__(self) -> None:
        super().__init__()
        self._painter = Painter()
        self._ahead: list[events.Key] = []
        """Keys that wait for a screen."""
        self._kept_since = 0.0
        self._typed_on: WeakKeyDictionary[events.Key, Screen[Any]] = WeakKeyDictionary()
        self._free_at = 0.0
        """When the last repaint has left over a slow link, on the monotonic clock."""
        self._later: Timer | None = None
        """The next repaint, when it has to wait."""

    def on_mount(self) -> None:
        """After a suspension the terminal may show anything."""
        self.app_resume_signal.subscribe(self, lambda _: self._painter.forget())

    async def on_event(self, event: events.Event) -> None:
        """Keys typed ahead, as one does over a slow link, go to the screen that was meant, once it can take them."""
        if isinstance(event, events.Key) and not self._is_for_now(event):
            return
        await super().on_event(event)

    def _is_for_now(self, event: events.Key) -> bool:
        stack = self._screen_stacks.get(self._current_mode)
        if not stack:
            # Somebody typed on while leaving.
            return False
        if not event.is_forwarded:
            if self._ahead or _will_take_text(stack[-1]):
                self._keep(event)
                return False
            self._typed_on[event] = stack[-1]
        elif self._typed_on.get(event, stack[-1]) is not stack[-1]:
            # It comes back unused from a screen that another one has covered meanwhile.
            self._keep(event)
            return False
        return True

    def _keep(self, event: events.Key) -> None:
        if not self._ahead:
            self._kept_since = monotonic()
            self.set_timer(_BUSY, self._type)
        self._ahead.append(events.Key(event.key, event.character))

    async def _type(self) -> None:
        """Type what was kept, unless the screen still has to find its line."""
        if _will_take_text(self.screen) and monotonic() - self._kept_since < _PATIENCE:
            self.set_timer(_BUSY, self._type)
            return
        ahead, self._ahead = self._ahead, []
        for event in ahead:
            await self.on_event(event)

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        """Send only what differs from what the terminal shows, and never more than one repaint ahead of it."""
        if (
            self.is_headless
            or not self._running
            or self._closed
            or self._batch_count
            or not isinstance(renderable, CompositorUpdate)
            or not self._painter.take(renderable, self.console)
        ):
            super()._display(screen, renderable)
            return
        self._paint()
        self.post_display_hook()

    def _paint(self) -> None:
        """Send what differs now, or once the last repaint has left; what changes meanwhile goes with it."""
        driver = self._driver
        if self._later is not None or not isinstance(driver, LinuxDriver) or driver._writer_thread is None:
            return
        wait = self._free_at - monotonic()
        if driver._writer_thread._queue.qsize():
            wait = max(wait, _BUSY)
        if wait > 0:
            self._later = self.set_timer(wait, self._paint_later)
            return
        update = self._painter.difference()
        if not update:
            return
        cursor = self.screen.outer_size.clamp_offset(self.cursor_position)
        if cursor != (0, 0):
            # The cursor itself is hidden, but input methods open their windows there.
            update += Control.move_to(*cursor).segment.text
        self._begin_update()
        driver.write(update)
        self._end_update()
        self._free_at = monotonic() + len(update) / LINK

    def _paint_later(self) -> None:
        self._later = None
        self._paint()

    def on_resize(self) -> None:
        """A terminal that was resized may show anything."""
        self._painter.forget()

    def action_redraw(self) -> None:
        """Draw all of it again: something else wrote on this terminal."""
        self._painter.forget()
        self.refresh()
