"""The shapes of the sources so far, which are tried before all formats are: a folder's logs are mostly alike."""

from collections.abc import Callable, Sequence
from functools import cached_property

import pyarrow as pa

from krone_tui.ingest.detection import Shape, detect, fits
from krone_tui.store.connection import Store
from krone_tui.store.questions import ask, nothing
from krone_tui.store.times import Clock

_KEPT = 4
_FEW = 16
"""Sources looked at together: up to so many, patterns that fit none are best excluded for each; see `detect`."""


class _Known:
    """A shape, and which of the sources fit it: that is asked of all of them, when it is first tried."""

    def __init__(
        self, shape: Shape, store: Store, samples: Sequence[pa.Array], between: Callable[[], None]
    ) -> None:
        self.shape = shape
        self._store = store
        self._samples = samples
        self._between = between

    @cached_property
    def fit(self) -> list[bool]:
        return ask(self._store, [fits(sample, self.shape) for sample in self._samples], self._between)


def find_shapes(
    store: Store,
    samples: Sequence[pa.Array],
    clocks: Sequence[Clock],
    known: Sequence[Shape],
    between: Callable[[], None] = nothing,
) -> list[tuple[Shape, tuple[Shape, ...]]]:
    """Of each source its shape, and the shapes that are known after it, most recent first.

    samples: lines of each, in the order of the sources. All together come to what one after the other would.
    `between` is called between two queries, and may raise to give up.
    """
    found: list[tuple[Shape, tuple[Shape, ...]]] = []
    kept = [_Known(shape, store, samples, between) for shape in known]
    detected: dict[int, Shape] = {}
    ahead = 1
    for number in range(len(samples)):
        shape = next((one.shape for one in kept if one.fit[number]), None)
        if shape is None:
            if number not in detected:
                # The first shape may be that of all the others; where it is not, ever more are looked at together.
                later = range(number, len(samples))
                unfit = [n for n in later if n not in detected and not any(one.fit[n] for one in kept)]
                taken = unfit[:ahead]
                few = len(taken) <= _FEW
                shapes = ask(store, [detect(samples[n], clocks[n], alone=few) for n in taken], between)
                detected |= zip(taken, shapes, strict=True)
                ahead *= 2
            shape = detected[number]
            same = [one for one in kept if one.shape == shape]
            kept = [*(same[:1] or [_Known(shape, store, samples, between)]), *kept[: _KEPT - 1]]
        found.append((shape, tuple(one.shape for one in kept)))
    return found
