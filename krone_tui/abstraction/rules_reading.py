"""One template read on its own: what it may be about, what is done, how it went.

A message is cut into clauses (`rules_clauses.py`). In the clause that says most, the verb (or the noun that
names
an action, or a function's name) gives the action, its form and the words of failure, success and progress
around
it the status, and the noun phrases, best first, the entities it may be about. `rules.py` chooses among those
by what the other templates are about.
"""

from dataclasses import dataclass, field

from krone_tui.abstraction.lexicon import lexicon, look_up, past_of
from krone_tui.abstraction.rules_clauses import Clause, Item, Name, Verb, cut_into_clauses, without_level
from krone_tui.abstraction.rules_tokens import Token, tokenize

REPORT = "report"
"""The action of a template that names none: it reports a state or values."""
_COMPLETE = ("complete", "finish", "succeed")
_BECAUSE = frozenset({"as", "because", "since", "if", "unless", "when", "where", "until", "so", "that"})
_ASKING = frozenset({"ask", "request", "require", "tell"})
_STATUS_KEYS = frozenset(
    [
        "status",
        "state",
        "stat",
        "result",
        "outcome",
        "error",
        "err",
        "exit",
        "code",
        "rc",
        "ret",
        "level",
        "severity",
    ]
)
_TAIL_WORDS = 3


@dataclass
class Reading:
    """What one template says, before the choice of its entity."""

    names: list[Name] = field(default_factory=list)
    """Noun phrases that may name the entity, best first."""
    labels: list[Name] = field(default_factory=list)
    """Noun phrases before a colon (`ciod: …`, `Session: …`): the second choice."""
    action: str = ""
    status: str = ""
    outcome: str = "none"
    finishing: bool = False
    """It says that something ended well or badly and no more: the action is left to the entity's other
    templates."""


@dataclass
class _Cues:
    """Words that say how it went, in the order of the message."""

    failures: list[str] = field(default_factory=list)
    negated_good: list[str] = field(default_factory=list)
    healed: bool = False
    healed_by: str = ""
    successes: list[str] = field(default_factory=list)
    progress: list[str] = field(default_factory=list)


def read(text: str) -> Reading:
    """What one template's text says; entities, action and status may be empty where it says nothing."""
    tokens, alarm = without_level(tokenize(text))
    clauses, exceptions = cut_into_clauses(tokens)
    cues = _Cues()
    for clause in clauses:
        _collect_cues(clause, cues)
    _key_value_cues(tokens, cues)
    reading = Reading()
    main = _main_clause(clauses)
    verb: Verb | None = None
    function = main is not None and any(kind == "func" for kind, _, _ in clauses[main].items)
    for i, clause in enumerate(clauses):
        phrases = [value for kind, value, _ in clause.items if kind == "np" and isinstance(value, tuple)]
        if i == main:
            verb = _read_main(clause, reading)
        elif main is None:
            reading.names.extend(phrases)
        elif clause.aside:
            continue
        elif i < main:
            reading.labels[:0] = phrases
        else:
            reading.names.extend(phrases)
            if function and verb is None:
                # `addStoredBlock: blockMap updated`: the function is the action, the verb tells how it went.
                verb = next(
                    (value for kind, value, _ in clause.items if kind == "verb" and isinstance(value, Verb)),
                    None,
                )
    _set_status(reading, verb, cues, exceptions, alarm, text)
    return reading


def _main_clause(clauses: list[Clause]) -> int | None:
    """The first clause that says something of a thing it names; else the first with a verb; else any that
    says something."""
    weights = [_weight(clause) for clause in clauses]
    for i, clause in enumerate(clauses):
        if clause.aside:
            continue
        if weights[i] == 2 or (weights[i] == 1 and any(kind == "np" for kind, _, _ in clause.items)):
            return i
    return next((i for i, weight in enumerate(weights) if weight), None)


def _weight(clause: Clause) -> int:
    """2: the clause says what is done; 1: it says how something is; 0: it only names something."""
    kinds = {kind for kind, _, _ in clause.items}
    if kinds & {"verb", "func"}:
        return 2
    if kinds & {"fail", "state", "sub", "not", "calm"}:
        return 1
    return 0


def _read_main(clause: Clause, reading: Reading) -> Verb | None:
    """Action and candidate entities of the clause that says most; returns the verb, whose form gives the
    status."""
    words = lexicon()
    items = clause.items
    functions = [(i, value) for i, (kind, value, _) in enumerate(items) if kind == "func"]
    verbs = [
        (i, value) for i, (kind, value, _) in enumerate(items) if kind == "verb" and isinstance(value, Verb)
    ]
    subs = [
        (i, value) for i, (kind, value, _) in enumerate(items) if kind == "sub" and isinstance(value, Verb)
    ]
    phrases = [
        (i, value) for i, (kind, value, _) in enumerate(items) if kind == "np" and isinstance(value, tuple)
    ]
    full = [pair for pair in verbs if pair[1].base not in words.light_verbs]
    chosen = full[0] if full else None
    if chosen and chosen[1].base in words.leading_verbs:
        chosen = next((pair for pair in reversed(full) if _joined_by_to(items, full[0][0], pair[0])), chosen)
    if not chosen and subs and (not functions):
        chosen = subs[0]
    if functions and isinstance(functions[0][1], Token):
        function = functions[0][1]
        if function.action or not chosen:
            if function.names:
                reading.names.append(function.names)
            if function.owner:
                reading.names.append(function.owner)
            reading.names.extend(value for _, value in phrases)
            reading.action = function.action or (chosen[1].base if chosen else "")
            return chosen[1] if chosen else None
        reading.names.append((*function.owner, *function.names)[-_TAIL_WORDS:])
    if chosen:
        at, verb = chosen
        subjects = [value for i, value in phrases if i < at]
        objects = [value for i, value in phrases if i > at]
        reading.action = verb.base
        # "Got exception while serving X", "failed to open X": what stands before such a verb is not its
        # subject.
        reading.names.extend(subjects + objects)
        return verb
    return _nominal_action(items, phrases, verbs, reading)


def _joined_by_to(items: list[Item], first: int, second: int) -> bool:
    between = items[first + 1 : second]
    verb = items[first][1]
    asks = isinstance(verb, Verb) and verb.base in _ASKING
    return bool(between) and between[-1][1] == "to" and (len(between) == 1 or asks)


def _nominal_action(
    items: list[Item],
    phrases: list[tuple[int, Name]],
    verbs: list[tuple[int, Verb]],
    reading: Reading,
) -> Verb | None:
    """The action as a noun: `startup succeeded`, `mount FAILED`, `verification of block`, `cache read
    error`."""
    names = [value for _, value in phrases]
    for index, (_, name) in enumerate(phrases):
        at = next((k for k in range(len(name) - 1, -1, -1) if look_up(name[k]).nominal), None)
        if at is None or at != len(name) - 1:
            continue
        reading.action = look_up(name[at]).nominal
        rest = name[:at]
        others = names[:index] + names[index + 1 :]
        reading.names.extend([rest, *others] if rest else [*others, name])
        return next((verb for _, verb in verbs), None)
    failed_by = next(
        (str(value) for kind, value, _ in items if kind == "fail" and look_up(str(value)).nominal), ""
    )
    if failed_by:
        reading.action = look_up(failed_by).nominal
    reading.names.extend(names)
    verb = next((verb for _, verb in verbs), None)
    if verb and verb.base in (*_COMPLETE, "fail"):
        reading.finishing = True
    elif verb and not reading.action:
        reading.action = verb.base
    return verb


def _collect_cues(clause: Clause, cues: _Cues) -> None:
    words = lexicon()
    healing = ""
    for _, value, _ in clause.items:
        if isinstance(value, Verb) and value.base in words.healing_verbs and not value.negated:
            healing = value.text
    last_not = because = False
    for kind, value, _ in clause.items:
        because = because or (kind == "prep" and value in _BECAUSE)
        if isinstance(value, Verb):
            if not (because and (value.negated or last_not)):
                _verb_cue(value, last_not, cues)
        elif kind == "fail":
            if healing:
                cues.healed, cues.healed_by = True, healing
            else:
                cues.failures.append(str(value))
        elif kind == "state":
            _state_cue(str(value), cues)
        elif kind == "calm":
            cues.healed = True
        if kind == "not" and value in ("unable", "cannot", "can't", "couldn't"):
            cues.failures.append(str(value))
        last_not = kind == "not"


def _verb_cue(verb: Verb, after_not: bool, cues: _Cues) -> None:
    words = lexicon()
    if verb.negated or after_not:
        if verb.base in words.failure_verbs:
            cues.healed = True
        elif verb.base in words.light_verbs:
            if verb.base in words.good_when_true:
                cues.negated_good.append(f"does not {verb.base}")
        elif verb.text in words.good_when_true or verb.form in ("base", "past"):
            cues.negated_good.append(f"not {verb.text if verb.form != 'base' else past_of(verb.base)}")
        return
    if verb.base.replace(" ", "_") in words.failure_phrases or verb.base in words.failure_verbs:
        cues.failures.append(verb.text)
    elif look_up(verb.text).outcome == "success":
        cues.successes.append(verb.text)
    elif verb.base in words.leading_verbs and verb.form == "ing":
        cues.progress.append(verb.text)


def _state_cue(text: str, cues: _Cues) -> None:
    words = lexicon()
    negated = text.startswith("not ")
    bare = text.removeprefix("not ")
    outcome = words.outcomes.get(bare, "") or look_up(bare).outcome
    if negated:
        if bare in words.good_when_true or outcome == "success":
            cues.negated_good.append(text)
        elif bare == "such":
            cues.failures.append("not found")
        return
    {"failure": cues.failures, "success": cues.successes, "progress": cues.progress}.get(outcome, []).append(
        bare
    )


def _key_value_cues(tokens: list[Token], cues: _Cues) -> None:
    """`status=sent`, `result=failed`, `stat=Deferred`: only keys that tell how something went count."""
    for token in tokens:
        if token.kind == "kv" and token.names[0].rsplit(".", 1)[-1] in _STATUS_KEYS and token.text.isalpha():
            word = look_up(token.text.lower())
            if word.failure_noun or word.outcome == "failure":
                cues.failures.append(word.lower)
            elif word.outcome == "success":
                cues.successes.append(word.lower)


def _set_status(  # noqa: PLR0912 - one case a way of ending
    reading: Reading, verb: Verb | None, cues: _Cues, exceptions: list[Token], alarm: bool, text: str
) -> None:
    words = lexicon()
    own = verb if verb and verb.base == reading.action else None
    if cues.negated_good and not cues.failures:
        reading.status, reading.outcome = cues.negated_good[0], "failure"
    elif cues.failures:
        reading.outcome = "failure"
        telling = next((cue for cue in cues.failures if cue not in words.plain_failures), "")
        if own and own.text in cues.failures:
            telling = own.text
        plain_first = cues.failures[0] in words.plain_failures and not (own and own.text == telling)
        if telling and not exceptions and not look_up(telling).failure_noun and not plain_first:
            reading.status = telling
        else:
            noun = look_up(telling).noun
            reason = failure_reason(text, exceptions) or (
                noun if telling and noun not in words.plain_failures else ""
            )
            reading.status = f"failed: {reason}" if reason else "failed"
        if (
            cues.successes
            and cues.failures[0] not in words.plain_failures
            and own
            and own.text in cues.successes
        ):
            reading.status = own.text
    elif alarm:
        reading.outcome = "failure"
        reading.status = f"failed: {reason}" if (reason := failure_reason(text, exceptions)) else "failed"
    elif cues.successes or cues.healed:
        reading.outcome = "success"
        by_verb = cues.healed_by or (own.text if own and own.form == "past" else "")
        reading.status = by_verb or (
            cues.successes[0] if cues.successes else (own.text if own else "no failure")
        )
    elif verb is not None:
        reading.status = verb.text
        if cues.progress or verb.form == "ing":
            reading.outcome = "progress"
        elif (
            verb.form == "past"
            and verb.base not in words.neutral_past
            and verb.base not in words.light_verbs
            and not verb.negated
        ):
            reading.outcome = "success"
        if verb.negated:
            reading.status = f"not {verb.text}"
    elif cues.progress:
        reading.status, reading.outcome = cues.progress[0], "progress"


def failure_reason(text: str, exceptions: list[Token]) -> str:
    """A few words for why it failed, from well-known phrases or the exception's class; empty when there are
    none."""
    lower = text.lower()
    for pattern, reason in lexicon().reasons:
        if found := pattern.search(lower):
            noun = found[1] if found.re.groups and found[1] else ""
            return f"{reason} {noun}".strip() if noun and look_up(noun).closed == "" else reason
    names = " ".join(exceptions[-1].names) if exceptions else ""
    return "I/O error" if names == "io" else names
