"""What a user is told when something cannot be done: one sentence, cause and remedy."""


class KroneError(Exception):
    """A failure the user can act on. Its text is one clear sentence; no traceback is shown."""


class Cancelled(KroneError):  # noqa: N818
    """The user asked a long step to stop. Raised by a `Progress` callback, caught by who started the step."""
