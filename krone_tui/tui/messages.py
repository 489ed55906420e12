"""What background threads and widgets tell the screen."""

from textual.message import Message

from krone_tui.investigation import Investigation
from krone_tui.progress import StageProgress
from krone_tui.store.partial import SoFar


class StageReported(Message):
    """A stage is so far along; a newer report takes the place of one that waits."""

    def __init__(self, progress: StageProgress) -> None:
        super().__init__()
        self.progress = progress

    def can_replace(self, message: Message) -> bool:
        """Only the latest report is worth a repaint."""
        return isinstance(message, StageReported)


class PartlyRead(Message):
    """What is known of the log so far; a newer one takes the place of one that waits."""

    def __init__(self, known: SoFar) -> None:
        super().__init__()
        self.known = known

    def can_replace(self, message: Message) -> bool:
        """Only the latest is worth a repaint."""
        return isinstance(message, PartlyRead)


class Loaded(Message):
    """The investigation is there."""

    def __init__(self, investigation: Investigation) -> None:
        super().__init__()
        self.investigation = investigation


class LoadFailed(Message):
    """The investigation cannot be had; `error` says why."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error
