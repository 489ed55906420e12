"""A template's tokens cut into clauses, and each clause into noun phrases, verbs and words that say how it
went."""

from dataclasses import dataclass, field

from krone_tui.abstraction.lexicon import lexicon
from krone_tui.abstraction.rules_tokens import Token

Name = tuple[str, ...]
"""A candidate name of an entity: singular words in lower case."""

Item = tuple[str, object, Token]
"""Kind, value and token of one part of a clause. Kinds: np (a Name), verb and sub (a Verb; sub: after a
preposition),
func (a Token), fail, state and calm (the word: failure noun, word of state, negated failure), prep, not,
var."""

_CLAUSE_ENDS = frozenset(":;,.()[]{}|-!?=\"'`<>")
_READ_WRITE = frozenset({"read", "write", "wait"})
_ALARMS = frozenset({"error", "err", "fatal", "panic", "critical", "crit", "emerg", "severe"})
_NOT_BEFORE_VERB = frozenset(
    {"no", "without", "is", "are", "was", "were", "be", "been", "zero", "neither", "nor"}
)


@dataclass
class Clause:
    """One clause: its items in order, as (kind, value, token) with kinds np, verb, sub, func, fail, good,
    state, prep, not."""

    items: list[Item] = field(default_factory=list)
    ends_with: str = ""
    aside: bool = False
    """It stood in brackets within another clause: it may tell how it went, but not what it is about."""


@dataclass(frozen=True)
class Verb:
    base: str
    form: str
    text: str
    negated: bool
    passive: bool


def without_level(tokens: list[Token]) -> tuple[list[Token], bool]:
    """The tokens without level words that stand as labels (`ERROR:`, `[INFO]`), and whether such a word is
    an alarm."""
    levels = lexicon().levels
    alarm = False
    kept: list[Token] = []
    for i, token in enumerate(tokens):
        following = tokens[i + 1] if i + 1 < len(tokens) else None
        label = following is not None and following.kind == "break" and following.text in ":])-"
        # After a noun ("Operation failed: …", "disk error: …") it is the message, not its level.
        first = not kept or kept[-1].kind == "break"
        if token.kind == "word" and i < 8 and label and first and token.text.lower() in levels:
            alarm = alarm or token.text.lower() in _ALARMS
            continue
        kept.append(token)
    return kept, alarm


def cut_into_clauses(tokens: list[Token]) -> tuple[list[Clause], list[Token]]:
    """The clauses in order, those in brackets after the clause they stand in, and the names of exceptions."""
    clauses: list[Clause] = []
    exceptions = [token for token in tokens if token.kind == "exc"]
    open_parts: list[list[Token]] = []
    part: list[Token] = []

    aside: list[Clause] = []

    def close(ends_with: str) -> None:
        if part and (items := _items(part)):
            clauses.append(Clause(items, ends_with))
        clauses.extend(aside)
        aside.clear()

    for token in [*tokens, Token("break", ".")]:
        if token.kind != "break" or token.text not in _CLAUSE_ENDS:
            part.append(token)
        elif token.text in "([{" and part:
            # What stands in brackets is a clause of its own, and the sentence goes on after it.
            open_parts.append(part)
            part = []
        elif token.text in ")]}":
            if open_parts:
                if part and (items := _items(part)):
                    aside.append(Clause(items, token.text, aside=True))
                part = open_parts.pop()
            else:
                close(token.text)
                part = []
        else:
            close(token.text)
            part = []
            if token.text not in ",=":
                part = [t for kept in open_parts for t in kept]
                open_parts.clear()
                close(token.text)
                part = []
    for kept in open_parts:
        part = kept
        close(".")
    return clauses, exceptions


def _items(part: list[Token]) -> list[Item]:  # noqa: PLR0912, PLR0915 - one case a kind of word
    words = lexicon()
    items: list[Item] = []
    phrase: list[str] = []
    anchor = part[0]

    def flush() -> None:
        if phrase:
            items.append(("np", tuple(phrase), anchor))
            phrase.clear()

    skip = False
    negated = False
    for i, token in enumerate(part):
        if skip:
            skip = False
            continue
        before = next(
            (t for t in reversed(part[:i]) if _closed(t) != "adv" or not t.text.lower().endswith("ly")), None
        )
        after = part[i + 1] if i + 1 < len(part) else None
        if token.kind in ("var", "kv"):
            flush()
            if token.kind == "var":
                items.append(("var", token.text, token))
            continue
        if token.kind == "func":
            flush()
            items.append(("func", token, token))
            continue
        if token.kind == "exc":
            flush()
            items.append(("fail", "exception", token))
            continue
        if token.kind == "break":
            # Before `blk_<*>`; "block blk_<*>" names one thing.
            if after is None or after.names != tuple(phrase[-1:]):
                flush()
            continue
        word = token.word
        if word is None:
            phrase.extend(token.names)
            anchor = token
            continue
        lower = word.lower
        if word.closed == "neg" or (
            (word.closed == "aux" and lower in ("cannot", "can't")) or lower.endswith("n't")
        ):
            flush()
            negated = True
            items.append(("not", lower, token))
            continue
        base, form = word.verb, word.form
        particle = after.word.lower if after and after.word and base in words.phrasal else ""
        phrasal = bool(particle) and particle in words.phrasal.get(base, ())
        if base and word.closed != "aux" and (phrasal or _is_verb(part, i, before, after)):
            flush()
            passive = before is not None and before.word is not None and before.word.closed == "aux"
            subordinate = form == "ing" and before is not None and _closed(before) == "prep"
            base = f"{base} {particle}" if phrasal else base
            shown = f"{lower} {particle}" if phrasal else lower
            items.append(("sub" if subordinate else "verb", Verb(base, form, shown, negated, passive), token))
            negated, skip = False, phrasal
            continue
        if word.closed in ("prep", "det", "aux", "adv") and not (word.outcome and after is None):
            flush()
            if word.closed == "prep":
                items.append(("prep", lower, token))
            continue
        if word.failure_noun and not (
            after and after.word and after.word.lower in words.benign_after_failure
        ):
            while phrase and phrase[-1] in words.failure_modifiers:
                phrase.pop()
            flush()
            counted = before is not None and (before.kind == "var" and not before.text.strip("0"))
            kind = "calm" if negated or counted else "fail"
            items.append((kind, lower, token))
            negated = False
            continue
        if word.outcome:
            flush()
            items.append(
                (
                    "calm" if negated and word.outcome == "failure" else "state",
                    ("not " if negated else "") + lower,
                    token,
                )
            )
            negated = False
            continue
        if negated and (lower in words.good_when_true or lower in ("such",)):
            flush()
            items.append(("state", "not " + lower, token))
            negated = False
            continue
        if word.closed == "adj" or (form == "past" and after and after.kind == "word" and not _closed(after)):
            continue
        if not phrase:
            anchor = token
        phrase.extend(token.names if tuple(phrase[-1:]) != token.names else ())
        if len(phrase) > 6:
            flush()
    flush()
    return items


def _closed(token: Token) -> str:
    return token.word.closed if token.word else ""


def _is_verb(part: list[Token], i: int, before: Token | None, after: Token | None) -> bool:  # noqa: PLR0911 - one case a place in the sentence
    """Whether the verb form at `i` stands as a verb, and not as an adjective or a noun."""
    word = part[i].word
    assert word is not None
    closed_before = _closed(before) if before else ""
    noun_after = (
        after is not None
        and after.kind == "word"
        and not _closed(after)
        and not (after.word and after.word.outcome)
    )
    if word.form in ("past", "ing"):
        if not word.finite:
            return False
        if word.lower in lexicon().noun_ings and before is not None and closed_before != "aux":
            return False
        if word.form == "past" and noun_after and word.verb not in lexicon().forms:
            return False
        if closed_before == "aux" or before is None:
            return True
        if (
            word.form == "past"
            and word.outcome == "failure"
            and noun_after
            and closed_before in ("det", "prep", "adj")
        ):
            return False
        if closed_before in ("det", "adj", "prep") and noun_after:
            return word.form == "ing" and closed_before == "prep"
        return closed_before != "det"
    lower_before = before.word.lower if before and before.word else ""
    if lower_before == "to" or closed_before in ("aux", "neg") or lower_before in ("unable", "please", "n't"):
        return lower_before not in _NOT_BEFORE_VERB
    if before is None:
        return _begins_as_verb(part, i, after, noun_after)
    if word.form == "base" and word.finite and not word.nominal:
        # "BLOCK* ask <*> to replicate"
        return (
            after is not None
            and closed_before == ""
            and (after.kind == "var" or _closed(after) in ("det", "prep"))
        )
    if word.form == "s" and word.finite:
        if after is None:
            return word.verb in lexicon().light_verbs | lexicon().failure_verbs | {
                "start",
                "stop",
                "exit",
                "begin",
                "end",
            }
        return closed_before in ("", "adv") and not (before.word and before.word.failure_noun)
    return False


def _begins_as_verb(part: list[Token], i: int, after: Token | None, noun_after: bool) -> bool:
    """Whether the base form that begins a clause is an order ("Reopen block"), and not a noun ("Checkpoint
    complete")."""
    word = part[i].word
    assert word is not None
    object_after = after is not None and (
        after.kind in ("var", "func", "kv")
        or (_closed(after) in ("det", "prep", "adj", "adv") and not (after.word and after.word.outcome))
    )
    if word.lower in _READ_WRITE and after and (after.kind == "var" or _closed(after)):
        return True
    if word.form != "base" or not (noun_after or object_after):
        return word.form == "base" and word.finite and len(part) == 1
    return (word.finite or word.lower in lexicon().commands) and not _more_to_come(part, i)


def _more_to_come(part: list[Token], i: int) -> bool:
    """Whether a later word of the clause is the better verb or a failure: then the first one is a noun."""
    own = part[i].text.lower()
    for later in part[i + 1 :]:
        word = later.word
        if word is None:
            continue
        if word.closed in ("prep", "aux"):
            return word.closed == "aux"
        if word.finite and word.form in ("past", "ing") and own != word.lower:
            return True
        if word.failure_noun:
            return True
    return False
