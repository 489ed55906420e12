"""What an explanation is asked of, and what comes back."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class Fact:
    """One evidence sentence."""

    text: str
    lines: tuple[int, ...] = ()
    """Physical lines that it rests on; empty where it rests on none (a step that is missing, say)."""


@dataclass(frozen=True)
class LogRecord:
    """One record of the finding's span, or close to it."""

    line: int
    """Its first physical line, 1-based."""
    message: str
    """As in the log, continuation lines after a newline; of any length."""
    time: datetime | None = None
    level: str | None = None
    deviating: bool = False
    """It is a step that the finding is about."""
    severity: float = 0.0
    """0…1: how much its words read as a failure."""


@dataclass(frozen=True)
class NormalSeq:
    """One Seq of the same parent that normal executions show."""

    steps: tuple[str, ...]
    executions: int


@dataclass(frozen=True)
class Request:
    """One finding of one execution, to be put in words."""

    place: str
    """entity › action of the deviation, or the Seq's parent."""
    baseline: str
    """What normal means here, in words."""
    facts: tuple[Fact, ...]
    """The evidence, most telling first."""
    records: tuple[LogRecord, ...]
    """Records of the span in the order of the log."""
    steps: tuple[str, ...] = ()
    """Names of the deviating Seq's nodes."""
    normal: tuple[NormalSeq, ...] = ()
    """Normal Seqs of the same parent, nearest first."""


@dataclass(frozen=True)
class Prompt:
    """Exactly what the model is given."""

    system: str
    user: str
    facts: tuple[Fact, ...]
    """The evidence sentences in it, as they stand there."""
    records: tuple[LogRecord, ...]
    """The records in it, their messages as they stand there."""
    context: str
    """Place, baseline and Seqs, as they stand there: what any sentence may name."""
    left_out: tuple[str, ...] = ()
    """What did not fit, one phrase each; the prompt says it too."""

    @property
    def text(self) -> str:
        """The whole prompt, to be shown."""
        return f"{self.system}\n\n{self.user}"

    @property
    def references(self) -> dict[str, str]:
        """What may be cited → the text that stands behind it: line numbers, and `E2` for evidence without
        lines.
        """
        behind: dict[str, list[str]] = {}
        for record in self.records:
            behind.setdefault(str(record.line), []).append(" ".join((record.level or "", record.message)))
        for number, fact in enumerate(self.facts, 1):
            for reference in map(str, fact.lines) if fact.lines else (f"E{number}",):
                behind.setdefault(reference, []).append(fact.text)
        return {reference: "\n".join(texts) for reference, texts in behind.items()}


@dataclass(frozen=True)
class Claim:
    """One sentence of an explanation, with what it rests on."""

    part: str
    """'What happened', 'Why it is unusual' or 'What to check next'."""
    text: str
    lines: tuple[int, ...]
    """Physical lines cited."""
    supported: bool
    """False: to be shown as the model's guess, never as fact."""
    why_not: str = ""
    """One phrase: why it is not supported."""


@dataclass(frozen=True)
class Explanation:
    """A model's explanation after grounding."""

    verdict: str
    """One of `grammar.VERDICTS`; empty when the model was stopped before it gave one."""
    sentences: tuple[Claim, ...]
    complete: bool
    """All parts are there and the last sentence is whole."""
    model: str
    prompt_version: int
    seconds: float
    """From the request to the last token."""
    first_token_seconds: float
    prompt_tokens: int
    tokens: int
    """Written by the model."""
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Chunk:
    """One step of an explanation that is being made: reading, then text, and the result as the last."""

    text: str = ""
    read: float = 1.0
    """0…1: share of the prompt that the model has read."""
    claims: tuple[Claim, ...] = ()
    """Sentences that this text made whole, grounded."""
    explanation: Explanation | None = field(default=None)
