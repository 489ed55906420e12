"""Which identifier holds executions together: every candidate scored on the data, the best one applied."""

import re
import time
from dataclasses import dataclass, replace

import pyarrow as pa

from krone_tui.errors import KroneError
from krone_tui.executions import as_learnt
from krone_tui.executions.as_learnt import WindowCut
from krone_tui.executions.cut_words import cut_in_words
from krone_tui.executions.edges import cut_by_the_log
from krone_tui.executions.identifiers import (
    OR,
    REUSED_ADDRESS,
    UNNAMED,
    Candidate,
    Kind,
    field_candidates,
    header_candidates,
    message_candidates,
    named,
    together,
)
from krone_tui.executions.scoring import Scored, explain, key_source, score
from krone_tui.executions.several import with_others
from krone_tui.executions.windows import window_cut
from krone_tui.progress import Progress, StageProgress, silent
from krone_tui.settings import Settings
from krone_tui.store import Store, baseline
from krone_tui.store import executions as queries
from krone_tui.store import identifiers as carried
from krone_tui.store.baseline import Grouping, LearntGrouping

FOLLOWED_SAMPLE = 20_000
"""Records among which those without the identifier are looked at for its values."""
FOLLOWED_SHARE = 0.02
"""Share of these that must have one for all to be looked through."""
SAMPLE_BLOCK = 3_000
"""Messages read at each of three places to find candidates."""
SCORED_RECORDS = 1_000_000
"""Records candidates are scored on, from the middle of the log; all of a smaller log."""
ROUGH_RECORDS = 60_000
"""Records of the first, rough scoring, after which only `FINALISTS` candidates are scored in full."""
FINALISTS = 5
CLOSE = 0.5
"""Share of the best rough score that makes a finalist."""
AS_MANY = 0.05
"""How much the numbers of values of two identifiers of the same executions may differ, as a share."""
MIN_SCORE = 0.16
"""A best candidate below this holds nothing together: the log is cut into windows."""
BEGINS, ENDS = 0.9, 0.05
"""Share of the ids that must begin with one template, and that end with another, for the one after the other to be a new
execution: a port is used again within seconds."""


@dataclass(frozen=True)
class ExecutionsResult:
    """What the stage did."""

    grouped_by: str
    executions: int
    windows: int
    grouping: Grouping
    seconds: float


def group_executions(store: Store, settings: Settings, progress: Progress = silent) -> ExecutionsResult:
    """Choose an identifier, or windows, and put every record into exactly one execution.

    What was learnt decides before the log does, and its executions become variants beside the log's. Raises
    `KroneError` when --group-by names something that no record carries, and when nothing learnt can be compared.
    """
    started = time.perf_counter()
    records = carried.record_count(store)
    progress(StageProgress("executions", 0, records, "records"))
    filled = carried.filled_columns(store)
    scored = score_candidates(store, records, filled)
    learnt = baseline.groupings(store)
    chosen = _chosen(store, settings, scored, learnt, records, filled)
    if chosen is not None:
        scored = [chosen, *(other for other in scored if other.candidate != chosen.candidate)]
    key = key_source(chosen.candidate, filled) if chosen else None
    carried.key_records(store, key)
    followed = endless = 0
    if chosen is not None and chosen.candidate.kind in (Kind.MESSAGE, Kind.FIELD, Kind.SEVERAL):
        if settings.group_by is None:
            endless = carried.leave_out_endless(store)
        followed = carried.follow_values(store, FOLLOWED_SAMPLE, FOLLOWED_SHARE)
    candidate = chosen.candidate if chosen else Candidate(Kind.WINDOW.value, Kind.WINDOW)
    cut = as_learnt.window_cut(chosen.candidate if chosen else None, learnt, settings.idle_gap)
    cut = cut or window_cut(store, settings, chosen is not None, filled)
    grouping = Grouping(
        candidate.name,
        candidate.kind.value,
        candidate.stored,
        candidate.columns,
        cut.by,
        cut.idle_gap,
        cut.tumbling,
        cut.records,
    )
    baseline.place(store, grouping)
    queries.group_records(
        store,
        grouping,
        reuse_gap=key.reuse_gap if key else None,
        begins=carried.beginning(store, BEGINS, ENDS) if candidate.name == REUSED_ADDRESS else None,
    )
    queries.name_executions(store, grouping, cut_by_the_log(store), good_before=settings.normal_before)
    _keep_candidates(store, scored, chosen, cut, _besides(followed, endless))
    executions, windows = queries.execution_counts(store)
    progress(StageProgress("executions", records, records, "records"))
    return ExecutionsResult(candidate.name, executions, windows, grouping, time.perf_counter() - started)


def _chosen(
    store: Store,
    settings: Settings,
    scored: list[Scored],
    learnt: list[LearntGrouping],
    records: int,
    filled: dict[str, float],
) -> Scored | None:
    """The identifier: what the user asks for, else the log's best one where executions were learnt by it, else one
    of the learnt ones that the log carries. None: windows."""
    if settings.group_by is not None:
        asked = _asked_for(store, settings.group_by, scored, records, filled)
        if learnt:
            as_learnt.refuse_other(asked.candidate if asked else None, learnt)
        return asked
    best = with_others(store, scored, records, filled)
    best = best if best and best.score >= MIN_SCORE else None
    known = as_learnt.identifiers(learnt)
    if not known or any(as_learnt.same(best.candidate if best else None, one) for one in known):
        return best
    for candidate in known:
        if candidate is None:
            return None
        found = _measured(store, candidate, records, filled)
        if found.statistics.values:
            return found
    raise as_learnt.none_carried(learnt)


def _measured(store: Store, candidate: Candidate, records: int, filled: dict[str, float]) -> Scored:
    """A candidate measured on all records."""
    statistics = carried.measure_key(
        store, key_source(candidate, filled), carried.middle(store, records, records)
    )
    return Scored(candidate, statistics, score(candidate, statistics))


def score_candidates(store: Store, records: int, filled: dict[str, float]) -> list[Scored]:
    """All candidates the log offers, best first; the best few scored on up to `SCORED_RECORDS` records."""
    messages = carried.sample_messages(store, records, SAMPLE_BLOCK)
    sources = int(store.scalar("SELECT count(*) FROM source WHERE NOT is_baseline"))
    keys = carried.field_keys(store, 24) if filled["fields"] > 0 else []
    candidates = [
        *message_candidates(messages),
        *field_candidates(keys, carried.NESTED),
        *header_candidates(filled, sources),
    ]
    rough = _score_all(store, candidates, records, ROUGH_RECORDS, filled)
    if records <= ROUGH_RECORDS or not rough or rough[0].score < MIN_SCORE / 2:
        return rough
    finalists = [one.candidate for one in rough[:FINALISTS] if one.score >= CLOSE * rough[0].score]
    return _score_all(store, finalists, records, SCORED_RECORDS, filled) + rough[len(finalists) :]


def _score_all(
    store: Store, candidates: list[Candidate], records: int, most: int, filled: dict[str, float]
) -> list[Scored]:
    stretch = carried.middle(store, records, most)
    measured = [
        (candidate, carried.measure_key(store, key_source(candidate, filled), stretch))
        for candidate in candidates
    ]
    told = [
        found.values
        for candidate, found in measured
        if candidate.kind in (Kind.MESSAGE, Kind.FIELD) and found.coverage >= 0.5
    ]
    scored = [
        Scored(
            candidate,
            found,
            score(candidate, found, confirmed=any(abs(n - found.values) <= AS_MANY * n for n in told)),
        )
        for candidate, found in measured
    ]
    # Of about equals, the one whose values a reader can search for: a prefix or key of its own before a mere shape.
    return sorted(
        scored, key=lambda one: (-round(one.score, 2), one.candidate.name in UNNAMED, one.candidate.name)
    )


def _asked_for(
    store: Store, name: str, scored: list[Scored], records: int, filled: dict[str, float]
) -> Scored | None:
    """The candidate that --group-by names, or one made of the regular expression it gives; None: windows."""
    for one in scored:
        if name in (one.candidate.name, one.candidate.name.removesuffix("=*").removesuffix("*").strip()):
            return one
    if name in ("host", "component", "level", "source"):
        places = [Candidate(name, Kind.HEADER, ("source_id" if name == "source" else name,))]
    elif name == Kind.WINDOW:
        return None
    elif (several := _several(name, scored)) is not None:
        places = [several]
    elif (of_this_name := named(name)) is not None:
        places = [of_this_name]
    else:
        try:
            groups = re.compile(name).groups
        except re.error as error:
            raise KroneError(
                f"--group-by '{name}' is neither a known identifier nor a regular expression: {error}."
            ) from error
        candidate = Candidate(name, Kind.MESSAGE, pattern=name if groups else f"({name})")
        places = [candidate, replace(candidate, kind=Kind.LINE)]
    try:
        # Of equals the first: a pattern may be meant for the message's beginning.
        found = max(
            (_measured(store, one, records, filled) for one in places),
            key=lambda one: one.statistics.coverage,
        )
    except store.QueryError as error:
        raise KroneError(
            f"--group-by '{name}' is not a regular expression that RE2 knows: {error}."
        ) from error
    if found.statistics.values == 0:
        offered = ", ".join(one.candidate.name for one in scored[:6]) or "none"
        raise KroneError(f"No record carries '{name}' (--group-by); identifiers found here: {offered}.")
    return found


def _several(name: str, scored: list[Scored]) -> Candidate | None:
    """The identifiers that a name puts together as `with_others` does; None where it is none such."""
    known = {one.candidate.name: one.candidate for one in scored}
    parts = [known.get(part) or named(part) for part in name.split(OR)]
    return together([part for part in parts if part]) if len(parts) > 1 and None not in parts else None


def _keep_candidates(
    store: Store, scored: list[Scored], chosen: Scored | None, cut: WindowCut, besides: str
) -> None:
    """Write the choice and the runners-up to `grouping_candidate`. `besides`: what else is to be said of the choice."""
    rows = []
    for one in scored:
        found = one.statistics
        rows.append(
            {
                "name": one.candidate.name,
                "kind": one.candidate.kind.value,
                "pattern": one.candidate.stored,
                "coverage": found.coverage,
                "executions": found.values,
                "records_per_execution": found.records_per_value,
                "variety": found.variety,
                "locality": found.locality,
                "start_concentration": found.start_concentration,
                "score": one.score,
                "chosen": one is chosen,
                "reason": explain(one) + (besides if one is chosen else ""),
            }
        )
    _, windows = queries.execution_counts(store)
    how = cut_in_words(cut, windows, queries.full_windows(store, cut.records))
    rows.append(
        {
            "name": "window", "kind": Kind.WINDOW.value, "pattern": None, "coverage": 1.0, "executions": windows,
            "records_per_execution": 0.0, "variety": 0.0, "locality": 0.0, "start_concentration": 0.0, "score": MIN_SCORE,
            "chosen": chosen is None, "reason": how,
        }
    )  # fmt: skip
    store.append("grouping_candidate", pa.Table.from_pylist(rows))


def _besides(followed: int, endless: int) -> str:
    """followed: records that have the choice's values elsewhere; endless: values whose records are in windows."""
    said = ""
    if followed:
        said += (
            f" {followed:,} other {'record has' if followed == 1 else 'records have'} its values elsewhere."
        )
    if endless:
        one = endless == 1
        said += f" {endless:,} {'value that goes' if one else 'values that go'} on through the whole log {'is' if one else 'are'} left to windows."
    return said
