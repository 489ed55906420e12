"""The Seqs that the detectors leave open: which ones, how much hangs on each, and what a judge of them needs."""

from dataclasses import dataclass

from krone_tui.store.connection import Store
from krone_tui.store.targets import Target, seq_targets

UNDECIDED = 0.25
"""Distance of a score from the threshold, which is 0.5, up to which the detectors are not sure."""
OWN = 0.5
"""Share of the executions with a Seq that must be undecided or flagged: what most normal executions have as well does
not tell them apart, and a verdict on it would be one on them."""


@dataclass(frozen=True)
class Undecided:
    """One Seq that the detectors are not sure about."""

    target: Target
    seq_id: int
    variant_id: int
    """Of an execution that has it."""
    flagged: bool
    """By the detectors, in that variant."""
    executions: int
    """Undecided ones for which it is what tells them apart."""
    value: float
    """Executions times how undecided they are: 1 each at the threshold, 0 at `UNDECIDED` from it."""
    by_person: bool
    """A person's word decided of that variant already."""
    steps: tuple[str, ...]
    """Names of its nodes."""


@dataclass(frozen=True)
class Left:
    """What the detectors leave open in a log."""

    seqs: list[Undecided]
    """The most valuable first."""
    executions: int
    """Of the log under analysis, undecided or not."""


# One row: one Seq that tells undecided variants apart. Verdicts play no part: the same log has the same Seqs.
_UNDECIDED = """
WITH judged AS (
    SELECT variant_id, v.flagged, v.score, p.executions FROM log.variant_verdict AS v JOIN log.variant AS p USING (variant_id)
    WHERE p.executions > 0
), open AS (
    SELECT variant_id, flagged, executions, 1 - abs(score - 0.5) / $near AS uncertainty FROM judged
    WHERE abs(score - 0.5) < $near
), place AS (
    SELECT DISTINCT variant_id, seq_id FROM log.variant_seq SEMI JOIN judged USING (variant_id)
), own AS (
    SELECT p.seq_id
    FROM place AS p JOIN judged AS j USING (variant_id)
    GROUP BY p.seq_id
    HAVING sum(executions) FILTER (flagged OR abs(score - 0.5) < $near)
           >= $own * (SELECT s.executions FROM log.seq AS s WHERE s.seq_id = p.seq_id)
), telling AS (
    -- Of a flagged variant the Seq that decided, of another one the rarest; of equally rare ones the innermost.
    SELECT variant_id, arg_min(seq_id, finding_id) AS seq_id FROM log.finding JOIN open USING (variant_id)
    WHERE open.flagged GROUP BY variant_id
    UNION ALL
    SELECT p.variant_id, arg_min(p.seq_id, (s.executions, list_position(['status', 'action', 'entity'], s.level), p.seq_id))
    FROM place AS p JOIN open AS o USING (variant_id) JOIN log.seq AS s USING (seq_id) WHERE NOT o.flagged GROUP BY p.variant_id
)
SELECT w.*, coalesce((SELECT v.verdict_by FROM variant_verdict AS v WHERE v.variant_id = w.example) = 'person', false)
FROM (
    SELECT t.seq_id, arg_min(o.variant_id, (-o.uncertainty, o.variant_id)) AS example,
           arg_min(o.flagged, (-o.uncertainty, o.variant_id)), sum(o.executions), sum(o.executions * o.uncertainty) AS value
    FROM telling AS t JOIN open AS o USING (variant_id) SEMI JOIN own USING (seq_id)
    GROUP BY t.seq_id ORDER BY value DESC, t.seq_id LIMIT $most
) AS w ORDER BY w.value DESC, w.seq_id
"""

# One row: one template within the first place of a Seq in a variant, the rarest in the log first.
_MESSAGES = """
SELECT t.text FROM (
    SELECT DISTINCT unnest(v.template_ids[s.position + 1:s.position + s.length]) AS template_id
    FROM (SELECT variant_id, min(position) AS position, arg_min(length, position) AS length FROM log.variant_seq
          WHERE variant_id = $variant AND seq_id = $seq GROUP BY variant_id) AS s JOIN log.variant AS v USING (variant_id)
) JOIN log.template AS t USING (template_id) ORDER BY t.records, t.template_id LIMIT $most
"""


def undecided(store: Store, most: int) -> Left:
    """The Seqs that are worth most to decide, at most so many, as the detectors alone see it."""
    rows = store.rows(_UNDECIDED, {"near": UNDECIDED, "own": OWN, "most": most})
    ids = [int(row[0]) for row in rows]
    targets = seq_targets(store, ids)
    named = store.rows(
        """
        SELECT seq_id, list(n.name ORDER BY place)
        FROM (SELECT seq_id, unnest(nodes) AS node_id, generate_subscripts(nodes, 1) AS place FROM seq
              WHERE seq_id IN (SELECT unnest($ids))) JOIN node AS n USING (node_id) GROUP BY seq_id
        """,
        {"ids": ids},
    )
    steps = {int(seq_id): tuple(map(str, names)) for seq_id, names in named}
    found = [
        Undecided(
            target,
            int(seq_id),
            int(example),
            bool(flagged),
            int(executions),
            float(value),
            bool(by_person),
            steps[seq_id],
        )
        for target, (seq_id, example, flagged, executions, value, by_person) in zip(
            targets, rows, strict=True
        )
    ]
    return Left(found, int(store.scalar("SELECT coalesce(sum(executions), 0) FROM log.variant")))


def messages(store: Store, one: Undecided, most: int) -> list[str]:
    """Texts of the templates in a Seq, with everything nested in it, the rarest first."""
    rows = store.rows(_MESSAGES, {"variant": one.variant_id, "seq": one.seq_id, "most": most})
    return [str(row[0]) for row in rows]
