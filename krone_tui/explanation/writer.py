"""Puts what was found in one execution into sentences, with what is usual in its place."""

import re
from collections import Counter

from krone_tui.explanation.quoting import SHOWN_TEXT, Quotes, quoted
from krone_tui.explanation.sentences import Sentence
from krone_tui.explanation.usual import Usual
from krone_tui.store import evidence as queries
from krone_tui.store import views
from krone_tui.store.lines import Line

SHOWN_EXCEPTION = 160
"""Of an exception and its message."""
_PACKAGE = re.compile(r"^(?:[a-z_$][\w$]*\.)+(?=[A-Z])")
SEVERE = 0.5
"""Severity from which a step is said to read as failure."""
RARE = 0.01
"""Share of normal executions up to which a further failing step is worth a sentence of its own."""
RARELY = 0.1
"""Share of normal executions with two steps up to which the order they have there is no usual one."""
MOST_FURTHER = 3
"""Further failing steps that get a sentence."""
AGAIN = 3
"""Times that a step which no normal execution has must come to be worth one though it does not read as failure."""


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _exception(step: queries.Step) -> str:
    """What a record raised, in a line and without the packages of its class; '' where it raised nothing."""
    return _PACKAGE.sub("", " ".join((step.raised or "").split()))


class Writer:
    """Puts the findings of one execution into sentences."""

    def __init__(
        self, names: dict[int, queries.TemplateName], quotes: Quotes, usual: Usual, steps: list[queries.Step]
    ) -> None:
        self._names = names
        self._quotes = quotes
        self._usual = usual
        self._steps = steps
        self._unit = usual.unit

    def of(self, finding: views.FindingRow) -> list[Sentence]:
        """What deviates, and what is usual in its place."""
        first, *others = finding.template_ids
        match finding.kind, len(others):
            case "missing", 0:
                said = [self._ends_after(first)]
            case "missing", _:
                said = [self._missing(first, others[0])]
            case "order", 0:
                said = [self._begins_with(first)]
            case "order", _:
                said = [self._out_of_order(first, others[0], finding.position)]
            case "count", 0:
                said = [self._count(first)]
            case "count", _:
                said = [self._unequal(first, others[0])]
            case _:
                said = [self._new(first), *self._raised(first), *self._before(first)]
        return said

    def span(self, finding: views.FindingRow) -> tuple[Line, ...]:
        """The lines of a finding's records."""
        return tuple(
            step.first_line for step in self._steps[finding.position : finding.position + finding.length]
        )

    def further(self, named: set[int]) -> list[Sentence]:
        """Other steps here that read as failure and are rare elsewhere, and what is nowhere else and keeps coming here."""
        here = Counter(step.template_id for step in self._steps if step.template_id not in named)
        severity = {template: self._names[template].severity for template in here}
        rare = [
            template
            for template in here
            if severity[template] >= SEVERE
            and self._usual.usage(template).having <= RARE * max(self._usual.normal, 1)
        ]
        again = [
            template
            for template, times in here.items()
            if severity[template] < SEVERE and times >= AGAIN and self._usual.usage(template).having == 0
        ]
        rare.sort(key=lambda template: (-severity[template], self._usual.usage(template).having, template))
        again.sort(key=lambda template: (-here[template], template))
        sentences = [
            Sentence(
                f"{self._quote(template)} reads as failure too{self._elsewhere(template)}",
                self._lines(template),
            )
            for template in rare[:MOST_FURTHER]
        ]
        return sentences + [self._new(template) for template in again[: MOST_FURTHER - len(sentences)]]

    def against(self, nearest_variant: int) -> list[Sentence]:
        """What the nearest normal execution has more or less."""
        nearest = self._usual.nearest(nearest_variant)
        if nearest is None:
            return []
        extra, missing = self._difference(nearest.template_ids)
        parts = []
        if extra:
            # What few normal ones have says most, then what reads as failure.
            telling = sorted(
                extra, key=lambda step: (self._usual.usage(step).having, -self._names[step].severity)
            )
            parts.append("here in addition: " + self._list({step: extra[step] for step in telling}))
        if missing:
            parts.append("not here: " + self._list(missing))
        what = "; ".join(parts) if parts else "the same steps in another order"
        return [Sentence(f"Against the nearest normal one ({nearest.executions:,} share it): {what}", ())]

    def _new(self, template: int) -> Sentence:
        found = self._usual.usage(template)
        times = sum(step.template_id == template for step in self._steps)
        severe = self._names[template].severity >= SEVERE
        reads = " and reads as failure" if severe else ""
        often = f" {times} times" if times > 1 else ""
        only = "only " if found.having else ""
        return Sentence(
            f"{self._quote(template)} occurs{often}{reads}{self._elsewhere(template, only)}",
            self._lines(template),
        )

    def _raised(self, template: int) -> list[Sentence]:
        """The exception that the first such record tells of, where what is quoted of it does not."""
        for step in self._steps:
            if step.template_id == template and (said := _exception(step)):
                if said[:SHOWN_TEXT] in " ".join(self._names[template].text.split()):
                    return []
                return [Sentence(f"It tells of {quoted(said, SHOWN_EXCEPTION)}", (step.first_line,))]
        return []

    def raised_beside(self, named: set[int], position: int) -> list[Sentence]:
        """The exception that another unusual record tells of, the one nearest to a position, where none of those named does."""
        few = RARELY * max(self._usual.normal, 1)
        telling = [step for step in self._steps if step.raised is not None]
        unusual = [step for step in telling if self._usual.usage(step.template_id).having <= few]
        if not unusual or any(step.template_id in named for step in telling):
            return []
        step = min(unusual, key=lambda step: abs(step.position - position))
        said = f"{self._quote(step.template_id)} tells of {quoted(_exception(step), SHOWN_EXCEPTION)}"
        return [Sentence(said, (step.first_line,))]

    def _elsewhere(self, template: int, only: str = "") -> str:
        """How many normal executions have it; nothing where there are none to compare with."""
        normal, having = self._usual.normal, self._usual.usage(template).having
        if normal == 0:
            return ""
        if normal == 1:
            return f"; the one normal {self._unit[:-1]} {'has it too' if having else 'does not have it'}"
        many = f"{only}{having:,}" if having else "none"
        return f"; {many} of {normal:,} normal {self._unit} {'have' if having > 1 else 'has'} it"

    def _before(self, template: int) -> list[Sentence]:
        """What normally comes after the step before the new one."""
        at = next(index for index, step in enumerate(self._steps) if step.template_id == template)
        if at == 0:
            return []
        before = self._steps[at - 1]
        following = self._usual.followers(before.template_id)
        if not following:
            return []
        having = self._usual.usage(before.template_id).having
        usual, count = following[0]
        next_ = f"comes {self._quote(usual)}" if usual is not None else "nothing follows"
        return [
            Sentence(
                f"Before it stands {self._quote(before.template_id)}; after that {next_} in {count:,} of {having:,} normal {self._unit}",
                (before.first_line,),
            )
        ]

    def _missing(self, missing: int, because: int) -> Sentence:
        having, both = self._usual.both(because, missing)
        if having == 0:
            usage = self._usual.usage(missing).having
            return Sentence(
                f"{self._quote(missing)} is missing: {usage:,} of {self._usual.normal:,} normal {self._unit} have it",
                self._lines(because),
            )
        return Sentence(
            f"{self._quote(missing)} is missing: {both:,} of {having:,} normal {self._unit} that have {self._quote(because)} have it too",
            self._lines(because),
        )

    def _ends_after(self, template: int) -> Sentence:
        following = self._usual.followers(template)
        having = self._usual.usage(template).having
        last = self._steps[-1].first_line
        goes_on = having - sum(count for next_, count in following if next_ is None)
        usual = next((next_ for next_, _ in following if next_ is not None), None)
        mostly = f", mostly with {self._quote(usual)}" if usual is not None else ""
        return Sentence(
            f"It ends after {self._quote(template)}; {goes_on:,} of {having:,} normal {self._unit} go on from there{mostly}",
            (last,),
        )

    def _first_line(self, template: int) -> Line:
        return next(step.first_line for step in self._steps if step.template_id == template)

    def _begins_with(self, template: int) -> Sentence:
        starts = self._usual.followers(None)
        here = sum(count for next_, count in starts if next_ == template)
        total = sum(count for _, count in starts)
        usual = starts[0][0] if starts else None
        mostly = f"; most begin with {self._quote(usual)}" if usual is not None else ""
        return Sentence(
            f"It begins with {self._quote(template)}, as only {here:,} of {total:,} normal {self._unit} do{mostly}",
            (self._steps[0].first_line,),
        )

    def _out_of_order(self, first: int, second: int, position: int) -> Sentence:
        both, alike = self._usual.precedence(first, second)
        if both and alike <= RARELY * both:
            return Sentence(
                f"{self._quote(first)} comes before {self._quote(second)}; in {both - alike:,} of {both:,} normal "
                f"{self._unit} that have both it comes after",
                (self._first_line(first), self._first_line(second)),
            )
        following = dict(self._usual.followers(first))
        having = self._usual.usage(first).having
        usual = next(iter(following), None)
        mostly = f"; mostly {self._quote(usual)} comes next" if usual is not None and usual != second else ""
        lines = tuple(step.first_line for step in self._steps[position : position + 2])
        return Sentence(
            f"{self._quote(first)} is directly followed by {self._quote(second)}, as in {following.get(second, 0):,} of {having:,} "
            f"normal {self._unit}{mostly}",
            lines,
        )

    def _count(self, template: int) -> Sentence:
        found = self._usual.usage(template)
        times = sum(step.template_id == template for step in self._steps)
        if found.having == 0:
            return self._new(template)
        if found.least <= times <= found.most:
            as_often = self._usual.as_often(template, times)
            return Sentence(
                f"{self._quote(template)} occurs {_times(times)}, as in {as_often:,} of {found.having:,} normal {self._unit} that "
                f"have it; mostly it occurs {_times(found.usual)}",
                self._lines(template),
            )
        if found.least == found.most:
            usual = f"in all {found.having:,} normal {self._unit} that have it {_times(found.usual)}"
        else:
            usual = f"in the {found.having:,} normal {self._unit} that have it {found.least} to {found.most} times, mostly {found.usual}"
        return Sentence(
            f"{self._quote(template)} occurs {_times(times)}; {usual}",
            self._lines(template),
        )

    def _unequal(self, template: int, partner: int) -> Sentence:
        both, equal = self._usual.equally_often(template, partner)
        times, others = (sum(step.template_id == one for step in self._steps) for one in (template, partner))
        return Sentence(
            f"{self._quote(template)} occurs {_times(times)} and {self._quote(partner)} {_times(others)}; in {equal:,} of {both:,} "
            f"normal {self._unit} that have both they occur equally often",
            self._lines(template) + self._lines(partner),
        )

    def _difference(self, normal: tuple[int, ...]) -> tuple[dict[int, int], dict[int, int]]:
        """Steps here beyond the normal one's, and steps of the normal one that are not here, with their numbers."""
        own = [step.template_id for step in self._steps]
        extra: dict[int, int] = {}
        missing: dict[int, int] = {}
        for step in own:
            extra[step] = extra.get(step, 0) + 1
        for step in normal:
            if extra.get(step, 0) > 0:
                extra[step] -= 1
            else:
                missing[step] = missing.get(step, 0) + 1
        return {step: count for step, count in extra.items() if count}, missing

    def _list(self, counts: dict[int, int]) -> str:
        names = [
            self._quote(step) + (f" ×{count}" if count > 1 else "")
            for step, count in list(counts.items())[:3]
        ]
        more = len(counts) - 3
        return ", ".join(names) + (f" and {more} more" if more > 0 else "")

    def _lines(self, template: int) -> tuple[Line, ...]:
        return tuple(step.first_line for step in self._steps if step.template_id == template)

    def _quote(self, template: int) -> str:
        return self._quotes.of(self._names[template].text)
