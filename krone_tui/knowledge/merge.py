"""`krone-tui merge`: several knowledge bases put into one."""

import os
from collections.abc import Sequence
from pathlib import Path

from krone_tui.errors import KroneError
from krone_tui.store import learnt, merging
from krone_tui.store.knowledge import KnowledgeBase


def merge(parts: Sequence[Path], out: Path, *, force: bool = False) -> learnt.Size:
    """Write a knowledge base that holds what these hold: lessons, verdicts, known templates.

    The order of the parts does not matter, a lesson that several have counts once. An existing file is replaced only
    where it is a knowledge base and `force` is given. Raises `KroneError`; `out` then stays as it was.
    """
    if out.exists():
        if not force:
            raise KroneError(f"{out} is there already; --force replaces it.")
        # Refuses what is no knowledge base, and leaves no write-ahead log of the one that is replaced.
        with KnowledgeBase.writing(out):
            pass
    aside = out.with_name(f".{out.name}.{os.getpid()}.partial")
    aside.unlink(missing_ok=True)
    try:
        for part in parts:
            with KnowledgeBase.reading(part) as kb:
                lessons, given = learnt.read(kb), merging.read_given(kb)
            with KnowledgeBase.writing(aside) as kb:
                if lessons is not None:
                    learnt.add(kb, lessons, "the merged knowledge base")
                merging.add_given(kb, given)
                total = learnt.size(kb)
        aside.replace(out)
    except OSError as error:
        raise KroneError(f"{out} cannot be written: {error.strerror or error}.") from error
    finally:
        aside.unlink(missing_ok=True)
        aside.with_name(f"{aside.name}.wal").unlink(missing_ok=True)
    return total
