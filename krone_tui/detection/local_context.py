"""Local-Context: looks at a Seq alone, at its own level; how unusual is its most unusual step or transition?

The shipped graph takes the fitted table and the Seqs as rows of indices into it, and answers the greatest entry of
each row. Measured against exporting a graph for each fit: no `onnx` package is needed to run, and a session opens
in milliseconds whatever the size of the table.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from krone_tui.detection.features import StepSurprise
from krone_tui.detection.onnx import DetectorFailed, run
from krone_tui.detection.sequences import FloatArray, IntArray

WIDTHS = (8, 32, 128, 512)
"""Row widths Seqs are padded to, so that one long Seq does not pad all others; a longer one takes several rows."""


@dataclass(frozen=True)
class LocalContext:
    """The loaded graph: `table` float32 [entries], `index` int64 [rows, width] → `surprise` float32 [rows]."""

    session: Any
    threshold: float
    """Surprise below which a Seq is usual."""
    name: ClassVar[str] = "local_context"

    def score(self, found: StepSurprise, count: int) -> FloatArray:
        """[count] surprise of the most unusual step, transition, count or length of each Seq.

        Raises `DetectorFailed` when the graph fails or answers with anything but one number a row.
        """
        entries = np.concatenate(
            [[0.0], found.pair_rarity, found.move_rarity, found.pair_count_tail, found.length_tail]
        )
        owner = np.concatenate([found.pair_owner, found.move_owner, found.pair_owner, np.arange(count)])
        order = np.argsort(owner, kind="stable")
        return self._reduce(entries.astype(np.float32), owner[order], order + 1, count)

    def _reduce(
        self, table: np.ndarray[Any, np.dtype[np.float32]], owner: IntArray, entry: IntArray, count: int
    ) -> FloatArray:
        size = np.bincount(owner, minlength=count)
        start = np.r_[0, np.cumsum(size)[:-1]]
        place = np.arange(len(owner)) - start[owner]
        result = np.zeros(count)
        for width in WIDTHS:
            smaller = WIDTHS[WIDTHS.index(width) - 1] if width != WIDTHS[0] else 0
            fits = (size > smaller) & ((size <= width) | (width == WIDTHS[-1]))
            chosen = fits[owner]
            if not chosen.any():
                continue
            # Row 0 of the table is no surprise: what a row is padded with.
            row_owner, row = np.unique(
                owner[chosen] * (int(place.max()) // width + 1) + place[chosen] // width, return_inverse=True
            )
            index = np.zeros((len(row_owner), width), dtype=np.int64)
            index[row.reshape(-1), place[chosen] % width] = entry[chosen]
            surprise = run(self.session, {"table": table, "index": index}, self.name)
            if surprise.shape != (len(index),) or not np.isfinite(surprise).all():
                raise DetectorFailed(self.name, f"did not give {len(index)} numbers for as many rows")
            np.maximum.at(result, row_owner // (int(place.max()) // width + 1), surprise.astype(np.float64))
        return result
