"""Queries of the executions stage: windows measured, records grouped, variants found."""

from datetime import datetime

import pyarrow as pa

from krone_tui.store.baseline import Grouping
from krone_tui.store.connection import Store
from krone_tui.store.identifiers import Beginning
from krone_tui.store.seqs import IntArray


def pauses(store: Store, by: tuple[str, ...]) -> tuple[int, int, list[tuple[int, int]]]:
    """Of the records without a key: (how many, distinct `by`, histogram of pauses between neighbours of equal `by`).

    The histogram's rows are (floor of 2·log2 of seconds, count) of the pauses of at least a second.
    """
    columns = ", ".join(by)
    count, groups = store.row(
        f"SELECT count(*), count(DISTINCT ({columns})) FROM keyed WHERE time IS NOT NULL AND key IS NULL"
    )
    rows = store.rows(
        f"""
        WITH pause AS (
            SELECT epoch(time - lag(time) OVER (PARTITION BY {columns} ORDER BY place)) AS seconds
            FROM keyed WHERE time IS NOT NULL AND key IS NULL
        )
        SELECT CAST(floor(2 * log2(seconds)) AS INTEGER) AS bin, count(*) FROM pause WHERE seconds >= 1 GROUP BY bin ORDER BY bin
        """
    )
    return int(count), int(groups), [(int(bin_), int(count_)) for bin_, count_ in rows]


def seconds_covered(store: Store) -> float:
    """Seconds between the first and the last of the records without a key."""
    return float(
        store.scalar("SELECT coalesce(epoch(max(time) - min(time)), 0) FROM keyed WHERE key IS NULL")
    )


def tumbling_windows(store: Store, by: tuple[str, ...], seconds: float) -> int:
    """Windows of so many seconds that hold a record without a key, those of unlike `by` apart."""
    columns = ", ".join(by)
    return int(
        store.scalar(
            f"SELECT count(DISTINCT ({columns}, floor(epoch(time) / $seconds))) FROM keyed WHERE key IS NULL AND time IS NOT NULL",
            {"seconds": seconds},
        )
    )


def group_records(
    store: Store,
    grouping: Grouping,
    *,
    reuse_gap: float | None,
    begins: Beginning | None = None,
) -> None:
    """Fill `membership` from the keyed records: every one goes to exactly one execution, `measured` by `name_executions`.

    Records with a key make one execution per key (split where the key rests longer than `reuse_gap` seconds, and where
    what `begins` one follows what ends one).
    The others make windows of neighbours with equal `window_by`: ended by a pause of `idle_gap` seconds, or cut
    every `tumbling` seconds, and at `window_records` records in any case.
    """
    window_by, idle_gap, tumbling, window_records = grouping.cut
    window_key = " || ' ' || ".join(f"coalesce(CAST({column} AS VARCHAR), '')" for column in window_by)
    label = "coalesce(host, 'records')" if "host" in window_by else "'records'"
    connection = store.connection
    split = "0"
    if reuse_gap is not None:
        again = f"pause > {reuse_gap}"
        if begins is not None:
            ends = ", ".join(map(str, begins.ends))
            again += f" OR (template_id = {begins.template_id} AND before IN ({ends}))"
        split = f"sum(CASE WHEN {again} THEN 1 ELSE 0 END) OVER key_order"
    cut = "0"
    if tumbling is not None:
        cut = f"coalesce(CAST(floor(epoch(time) / {tumbling}) AS BIGINT), -1)"
    elif idle_gap is not None:
        cut = f"sum(CASE WHEN pause > {idle_gap} THEN 1 ELSE 0 END) OVER window_order"
    # One row: one record with the execution it belongs to, named by its kind, key and part.
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE placed AS
        SELECT record_id, place, template_id, is_baseline, false AS is_window, key, key AS label, {split} AS part, 0 AS slice
        FROM (SELECT *, epoch(time - lag(time) OVER one_key) AS pause, lag(template_id) OVER one_key AS before
              FROM keyed WHERE key IS NOT NULL WINDOW one_key AS (PARTITION BY is_baseline, key ORDER BY place))
        WINDOW key_order AS (PARTITION BY is_baseline, key ORDER BY place)
        UNION ALL
        SELECT record_id, place, template_id, is_baseline, true, window_key, {label}, part,
               (row_number() OVER (PARTITION BY is_baseline, window_key, part ORDER BY place) - 1) // {window_records}
        FROM (SELECT *, {cut} AS part
              FROM (SELECT *, epoch(time - lag(time) OVER (PARTITION BY is_baseline, window_key ORDER BY place)) AS pause
                    FROM (SELECT *, {window_key} AS window_key FROM keyed WHERE key IS NULL))
              WINDOW window_order AS (PARTITION BY is_baseline, window_key ORDER BY place))
        """
        if reuse_gap is not None or _any_without_key(store)
        else """
        CREATE OR REPLACE TEMP TABLE placed AS
        SELECT record_id, place, template_id, is_baseline, false AS is_window, key, key AS label, 0 AS part, 0 AS slice FROM keyed
        """
    )
    connection.execute(
        """
        CREATE OR REPLACE TEMP TABLE numbered AS
        SELECT is_baseline, is_window, key, part, slice, any_value(label) AS label,
               CAST(row_number() OVER (ORDER BY min(place)) - 1 AS INTEGER) AS execution_id
        FROM placed GROUP BY is_baseline, is_window, key, part, slice
        """
    )
    connection.execute(
        """
        INSERT INTO membership
        SELECT n.execution_id, CAST(row_number() OVER (PARTITION BY n.execution_id ORDER BY p.place) - 1 AS INTEGER),
               p.record_id, p.template_id
        FROM placed AS p JOIN numbered AS n USING (is_baseline, is_window, key, part, slice)
        ORDER BY n.execution_id, p.place
        """
    )
    connection.execute(
        """
        CREATE OR REPLACE TEMP TABLE measured AS
        SELECT m.execution_id, any_value(n.label) AS label, any_value(n.is_window) AS is_window,
               any_value(n.is_baseline) AS is_baseline, first(p.source_id) FILTER (m.position = 0) AS source_id,
               min(p.time) AS start_time, max(p.time) AS end_time,
               first(p.first_line) FILTER (m.position = 0) AS first_line,
               max(p.last_line) FILTER (p.source_id = o.source_id) AS last_line,
               count(*) AS records, sum(p.last_line - p.first_line + 1) AS lines, list(m.template_id ORDER BY m.position) AS template_ids
        FROM membership AS m JOIN parsed_record AS p USING (record_id)
        JOIN (SELECT execution_id, source_id FROM membership JOIN parsed_record USING (record_id) WHERE position = 0) AS o
            USING (execution_id)
        JOIN numbered AS n USING (execution_id)
        GROUP BY m.execution_id
        """
    )
    for table in ("keyed", "placed", "numbered"):
        connection.execute(f"DROP TABLE {table}")


def name_executions(store: Store, grouping: Grouping, cut: IntArray, *, good_before: str | None) -> None:
    """Fill `execution` and `variant` from what `group_records` measured.

    cut: ids of the executions that the log probably began or ended amid: they are no variants of whole ones. The learnt
    executions of the temporary table `learnt_variant` become variants too.
    """
    connection = store.connection
    good = "e.is_baseline" + (
        " OR coalesce(e.end_time < CAST($before AS TIMESTAMP), false)" if good_before is not None else ""
    )
    connection.register("cut_executions", pa.table({"execution_id": cut}))
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE judged AS
        SELECT e.*, c.execution_id IS NOT NULL AS is_cut, {good} AS is_good
        FROM measured AS e LEFT JOIN cut_executions AS c USING (execution_id)
        """,
        {"before": good_before} if good_before is not None else None,
    )
    connection.execute(
        """
        INSERT INTO variant
        SELECT CAST(row_number() OVER (ORDER BY sum(own + good) DESC, min(execution_id) NULLS LAST, is_window, is_cut, template_ids) - 1 AS INTEGER),
               is_window, is_cut, template_ids, sum(own), sum(good)
        FROM (
            SELECT is_window, is_cut, template_ids, execution_id, 1 - is_good::BIGINT AS own, is_good::BIGINT AS good FROM judged
            UNION ALL
            SELECT is_window, false, template_ids, NULL, 0, executions FROM learnt_variant
        ) GROUP BY is_window, is_cut, template_ids
        """
    )
    connection.execute(
        """
        INSERT INTO execution
        SELECT e.execution_id,
               CASE WHEN e.is_window THEN e.label || ' from '
                    || coalesce(strftime(e.start_time, '%Y-%m-%d %H:%M:%S'), 'line ' || e.first_line) ELSE e.label END,
               CASE WHEN e.is_window THEN 'window' ELSE $name END, e.is_window, e.is_good, e.source_id, e.start_time, e.end_time,
               e.first_line, e.last_line, e.records, e.lines, v.variant_id
        FROM judged AS e JOIN variant AS v ON e.is_window = v.is_window AND e.is_cut = v.is_cut AND e.template_ids = v.template_ids
        ORDER BY e.execution_id
        """,
        {"name": grouping.name},
    )
    connection.unregister("cut_executions")
    for table in ("measured", "judged", "learnt_variant"):
        connection.execute(f"DROP TABLE {table}")


def _any_without_key(store: Store) -> bool:
    return bool(store.scalar("SELECT count(*) > 0 FROM keyed WHERE key IS NULL"))


def execution_counts(store: Store) -> tuple[int, int]:
    """How many executions there are, and how many of them are windows."""
    executions, windows = store.row("SELECT count(*), count(*) FILTER (is_window) FROM execution")
    return int(executions), int(windows)


def full_windows(store: Store, records: int) -> int:
    """How many windows hold so many records, or more."""
    return int(
        store.scalar(
            "SELECT count(*) FROM execution WHERE is_window AND records >= $records", {"records": records}
        )
    )


def good_counts(store: Store) -> tuple[int, int, datetime | None, datetime | None]:
    """Of the log under analysis: (executions, those known to be good, its first time, its last time)."""
    executions, good, start, end = store.row(
        """
        SELECT count(*), count(*) FILTER (is_good), min(start_time), max(end_time)
        FROM execution JOIN source USING (source_id) WHERE NOT is_baseline
        """
    )
    return int(executions), int(good), start, end


def keyed_records(store: Store) -> tuple[int, int, int]:
    """Of the log under analysis: (records in executions of the identifier, all records, windows of the others)."""
    carrying, records, windows = store.row(
        """
        SELECT coalesce(sum(records) FILTER (NOT is_window), 0), coalesce(sum(records), 0), count(*) FILTER (is_window)
        FROM execution JOIN source USING (source_id) WHERE NOT is_baseline
        """
    )
    return int(carrying), int(records), int(windows)
