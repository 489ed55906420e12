"""Physical lines, and the file they stand in where an execution's records stand in several."""

from collections import Counter
from collections.abc import Iterable
from pathlib import PurePath
from typing import Self

from krone_tui.store.connection import Store


class Line(int):
    """The 1-based number of a physical line, which is what it compares and counts as."""

    file: str
    """Short name of the source; empty where it is the one in which the execution begins."""

    def __new__(cls, number: int, file: str = "") -> Self:
        line = super().__new__(cls, number)
        line.file = file
        return line

    @property
    def place(self) -> str:
        """`634`, or `inventory.log:634`."""
        return f"{self.file}:{int(self)}" if self.file else f"{int(self)}"


class Files:
    """Names lines of several sources; asks for the sources only when there is another than the execution's own."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._names: dict[int, str] | None = None

    def line(self, number: int, source_id: int, own: int) -> Line:
        """A line of a source, in an execution that begins in the source `own`."""
        if source_id == own:
            return Line(number)
        if self._names is None:
            rows = self._store.rows("SELECT source_id, path FROM source")
            self._names = dict(
                zip((int(id_) for id_, _ in rows), short_names(path for _, path in rows), strict=True)
            )
        return Line(number, self._names[source_id])


def short_names(paths: Iterable[str]) -> list[str]:
    """The last part of each path, or as many of the last parts as tell it from the others."""
    parts = [PurePath(path).parts or (path,) for path in paths]
    names = [""] * len(parts)
    for depth in range(1, max(map(len, parts), default=0) + 1):
        ends = ["/".join(one[-depth:]) for one in parts]
        uses = Counter(ends)
        names = [
            name or (end if uses[end] == 1 or depth >= len(one) else "")
            for name, end, one in zip(names, ends, parts, strict=True)
        ]
    return names
