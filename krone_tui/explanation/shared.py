"""What the executions of a failure mode share and hardly any normal one has: the one host, the one customer, the one path."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from krone_tui.store import Store
from krone_tui.store import shared_values as queries
from krone_tui.store.lines import Line
from krone_tui.store.shared_values import Having, Sample, Value

LEAST = 3
"""Executions that must fail alike: one or two share much by chance."""
SHARE = 0.9
"""Share of them that must have the value."""
FEW = 0.05
"""Share of the normal executions that may have it."""
SURPRISE = 3.0
"""−log10 of how likely so many executions share it by chance, beyond what the number of values looked at explains."""
ASKED, MOST = 16, 2
"""Values that are looked for in normal executions, and values told, of one failure mode."""
FAILING, FAILING_RECORDS = 100, 3000
NORMAL, NORMAL_RECORDS = 1000, 10000
FIRST = 40
"""Executions, and records in them, that are looked at: what keeps this within a tenth of a second on a large log. Most
values are common, and show it in the `FIRST` normal executions."""
_ALL = 1 << 40
_OF_THE_PROGRAM = re.compile(
    r"[\w./@+~-]+\.(?:py|pyc|java|kt|scala|js|mjs|ts|go|rb|php|c|cc|cpp|h|rs|cs|ex|erl|pl|lua)(?::\d+)*"
    r"|(?:Thread|Dummy|pool|worker|exec|nio)[-\w]*-\d+|0x[0-9A-Fa-f]{6,}|0{3,}[0-9A-Fa-f]{6,}"
)
_SHORT_NUMBER = re.compile(r"0x[0-9A-Fa-f]{1,2}|[0-9]{1,5}|[0-9.]+(?:/[0-9.]+)+")
"""A code, a port, a size, a row of figures: no id."""


@dataclass(frozen=True)
class SharedValue:
    """One value that stands out."""

    value: Value
    having: int
    looked_at: Sample
    """Executions that fail this way."""
    normal_having: int
    normal: Sample

    def sentence(self, unit: str) -> str:
        """What they share, in words; `unit` is `executions` or `windows`."""
        looked, of = len(self.looked_at.ids), self.looked_at.of
        which = (
            f"the {of:,} {unit} that fail this way"
            if looked == of
            else f"{looked:,} looked at of {of:,} that fail this way"
        )
        who = f"All {which.removeprefix('the ')}" if self.having == looked else f"{self.having:,} of {which}"
        normal = f"{len(self.normal.ids):,} normal {unit}" + (
            " looked at" if len(self.normal.ids) < self.normal.of else ""
        )
        none = "none" if self.normal_having == 0 else f"{self.normal_having:,}"
        do = "does" if self.normal_having < 2 else "do"
        return f"{who} {_VERB[self.value.place]} “{_short(self.value.text)}”; {none} of {normal} {do}"


_VERB = {
    "word": "name",
    "host": "have records of the host",
    "component": "have records of the component",
    "process": "have records of the process",
    "source": "have records in the file",
}


class SharedValues:
    """Finds the values that stand out in failure modes; keeps what it knows of the normal executions."""

    def __init__(self, store: Store, normal_templates: Callable[[bool, int], int]) -> None:
        """`normal_templates`: in how many normal windows (True) or executions (False) a template occurs."""
        self._store = store
        self._normal_templates = normal_templates
        self._normal: dict[bool, tuple[Sample, dict[Value, Having]]] = {}
        self._found: dict[tuple[int, bool], list[SharedValue]] = {}
        self._lines: dict[tuple[int, bool], dict[tuple[int, Value], tuple[Line, ...]]] = {}

    def known(self, failure_mode_id: int, window: bool) -> bool:
        """Whether they were looked for already."""
        return (failure_mode_id, window) in self._found

    def of(self, failure_mode_id: int, window: bool) -> list[SharedValue]:
        """The most surprising first; none where nothing stands out."""
        key = failure_mode_id, window
        if key not in self._found:
            self._found[key] = self._find(*key)
        return self._found[key]

    def lines(
        self, failure_mode_id: int, window: bool, execution_id: int | None
    ) -> dict[tuple[int, Value], tuple[Line, ...]]:
        """Where the values stand in one execution, or in all of the failure mode's (None), which are then kept."""
        values = [one.value for one in self.of(failure_mode_id, window)]
        if not values:
            return {}
        if execution_id is not None:
            return queries.lines(self._store, (execution_id,), values)
        key = failure_mode_id, window
        if key not in self._lines:
            every = queries.failing(self._store, failure_mode_id, window, _ALL, _ALL)
            self._lines[key] = queries.lines(self._store, every.ids, values)
        return self._lines[key]

    def _find(self, failure_mode_id: int, window: bool) -> list[SharedValue]:
        sample = queries.failing(self._store, failure_mode_id, window, FAILING, FAILING_RECORDS)
        if len(sample.ids) < LEAST:
            return []
        common = queries.common(self._store, sample, SHARE)
        normal, first = self._normal_of(window)
        if not normal.ids:
            return []
        most = FEW * min(FIRST, len(normal.ids))
        open_ = [
            value
            for value, having in common.items()
            if (value not in first or first[value].executions <= most) and self._tells(value, having, window)
        ]
        # What all share before what some lack, names before numbers: what is left out would hardly be told.
        open_.sort(key=lambda value: (-common[value].executions, *_weak(value), -len(value.text), value.text))
        open_ = open_[:ASKED]
        counted = queries.having(self._store, normal, open_)
        open_ = [value for value in open_ if counted[value] <= FEW * len(normal.ids)]
        failing = {value: common[value].executions for value in open_}
        # Normal executions were asked for the value anywhere in a message, not only where its template is open.
        failing |= queries.having(
            self._store, sample, [value for value in open_ if failing[value] < len(sample.ids)]
        )
        found = []
        for value, having in failing.items():
            chance = (counted[value] + 0.5) / (len(normal.ids) + 1)
            surprise = -(having - 1) * math.log10(chance)
            words = sum(other.place == "word" for other in common)
            tried = words if value.place == "word" else len(common) - words
            if surprise >= SURPRISE + math.log10(max(tried, 1)):
                found.append(SharedValue(value, having, sample, counted[value], normal))
        found.sort(key=_order)
        return found[:MOST]

    def _tells(self, value: Value, having: Having, window: bool) -> bool:
        """A plain word or a short number in a template that normal executions never have is as good as part of it; a stack's
        file, a numbered thread or an address in memory tells of the program, not of the failure.
        """
        if value.place == "word" and _OF_THE_PROGRAM.fullmatch(value.text):
            return False
        if value.place != "word" or not (value.text.isalpha() or _SHORT_NUMBER.fullmatch(value.text)):
            return True
        return any(self._normal_templates(window, template) for template in having.templates)

    def _normal_of(self, window: bool) -> tuple[Sample, dict[Value, Having]]:
        if window not in self._normal:
            sample = queries.normal(self._store, window, NORMAL, NORMAL_RECORDS)
            first = Sample(sample.ids[:FIRST], sample.of)
            self._normal[window] = sample, queries.common(self._store, first, 0.0)
        return self._normal[window]


def _weak(value: Value) -> tuple[bool, bool]:
    """Numbers last: they are shared by chance more easily than names. What stands in headers before words."""
    return value.text.isdigit(), value.place == "word"


def _order(one: SharedValue) -> tuple[bool, bool, int, int, int, str]:
    """By kind, then what is rarest elsewhere."""
    return *_weak(one.value), one.normal_having, -one.having, -len(one.value.text), one.value.text


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:79] + "…"
