-- Fills the tables of overlay.sql from verdict_in_force, in one transaction.
DELETE FROM dropped_finding;
DELETE FROM added_finding;
DELETE FROM changed_variant;
DELETE FROM changed_mode;

-- One row: one finding of the detectors with the word that stands on it: a person's before a model's, then the latest.
CREATE OR REPLACE TEMP TABLE word AS
WITH spoken AS (
    SELECT f.finding_id, f.variant_id, w.verdict, w.source, w.given_at
    FROM log.finding AS f JOIN mode_key AS k USING (failure_mode_id)
    JOIN verdict_in_force AS w ON w.scope = 'mode' AND w.key = k.key
    UNION ALL
    SELECT f.finding_id, f.variant_id, w.verdict, w.source, w.given_at
    FROM log.finding AS f JOIN log.seq AS s USING (seq_id)
    JOIN verdict_in_force AS w ON w.scope = 'seq' AND TRY_CAST(w.key AS UBIGINT) = s.hash
)
SELECT finding_id, variant_id, arg_max(verdict, (source = 'person', given_at)) AS verdict,
       arg_max(source, (source = 'person', given_at)) AS source
FROM spoken GROUP BY ALL;

INSERT INTO dropped_finding SELECT finding_id FROM word WHERE verdict = 'normal';

-- One row: one Seq of this log that somebody said is anomalous, and the failure mode of its own.
CREATE OR REPLACE TEMP TABLE own_mode AS
SELECT (SELECT coalesce(max(failure_mode_id), 0) FROM log.failure_mode)
           + row_number() OVER (ORDER BY w.given_at, w.key) AS failure_mode_id,
       s.seq_id, s.level, w.source, w.comment, w.title, w.path, w.given_at
FROM verdict_in_force AS w JOIN log.seq AS s ON s.hash = TRY_CAST(w.key AS UBIGINT)
WHERE w.scope = 'seq' AND w.verdict = 'anomalous';

INSERT INTO added_finding
SELECT -row_number() OVER (ORDER BY p.variant_id, o.given_at DESC, o.seq_id), p.variant_id, p.seq_id, o.level, 'verdict',
       p.position, p.length, list_filter(steps, lambda step, place: list_position(steps, step) = place),
       1.0, o.source, NULL, o.failure_mode_id
FROM (
    -- The first place in each variant; of what it holds the beginning is enough to mark it.
    SELECT variant_id, seq_id, min(position) AS position, arg_min(length, position) AS length,
           any_value(v.template_ids)[min(position) + 1:min(position) + least(arg_min(length, position), 64)] AS steps
    FROM log.variant_seq JOIN log.variant AS v USING (variant_id)
    WHERE seq_id IN (SELECT seq_id FROM own_mode) AND v.executions > 0 GROUP BY variant_id, seq_id
) AS p JOIN own_mode AS o USING (seq_id)
WHERE NOT (o.source = 'model' AND p.variant_id IN (SELECT variant_id FROM word WHERE verdict = 'normal' AND source = 'person'));

INSERT INTO changed_variant
WITH affected AS (SELECT variant_id FROM word UNION SELECT variant_id FROM added_finding),
standing AS (
    SELECT f.variant_id, arg_min(f, f.finding_id) AS f FROM finding AS f SEMI JOIN affected USING (variant_id) GROUP BY 1
),
first AS (
    SELECT f.variant_id, min(f.finding_id) AS finding_id FROM log.finding AS f SEMI JOIN affected USING (variant_id) GROUP BY 1
),
decided AS (
    SELECT a.variant_id, s.f, w.verdict AS word, w.source AS word_by,
           b.score AS before, first.finding_id = s.f.finding_id AS as_before, s.f.finding_id < 0 AS added,
           (SELECT max(e.source) FROM word AS e WHERE e.variant_id = a.variant_id AND e.verdict = 'normal') AS excused_by
    FROM affected AS a LEFT JOIN standing AS s USING (variant_id) LEFT JOIN first USING (variant_id)
    LEFT JOIN log.variant_verdict AS b USING (variant_id) LEFT JOIN word AS w ON w.finding_id = s.f.finding_id
)
SELECT variant_id, f IS NOT NULL,
       CASE WHEN f IS NULL THEN 0 WHEN added OR word = 'anomalous' THEN 1 WHEN as_before THEN before ELSE f.score END,
       f.level, f.failure_mode_id,
       CASE WHEN f IS NULL THEN 'normal' WHEN added THEN 'anomalous' ELSE word END,
       CASE WHEN f IS NULL THEN excused_by WHEN added THEN f.detector ELSE word_by END
FROM decided;

INSERT INTO changed_mode
WITH affected AS (
    SELECT failure_mode_id FROM log.finding SEMI JOIN changed_variant USING (variant_id)
    UNION SELECT failure_mode_id FROM own_mode
),
counted AS (
    SELECT v.failure_mode_id, count(*) AS executions, min(e.start_time) AS first_seen, max(e.end_time) AS last_seen,
           arg_min(e.execution_id, (-v.score, e.execution_id)) AS example
    FROM variant_verdict AS v JOIN log.execution AS e USING (variant_id)
    WHERE v.flagged AND NOT e.is_good AND v.failure_mode_id IN (FROM affected) GROUP BY 1
),
confirmed AS (
    SELECT k.failure_mode_id, w.source, w.comment FROM mode_key AS k
    JOIN verdict_in_force AS w ON w.scope = 'mode' AND w.key = k.key AND w.verdict = 'anomalous'
)
SELECT m.failure_mode_id, m.title, m.level, m.path, m.kind, CASE WHEN c.source IS NULL THEN m.score ELSE 1 END,
       coalesce(n.executions, 0), n.first_seen, n.last_seen, coalesce(n.example, m.example_execution),
       CASE WHEN c.source IS NOT NULL THEN 'anomalous' END, c.source, c.comment
FROM log.failure_mode AS m JOIN affected USING (failure_mode_id)
LEFT JOIN counted AS n USING (failure_mode_id) LEFT JOIN confirmed AS c USING (failure_mode_id)
UNION ALL
SELECT o.failure_mode_id, o.title, o.level, o.path, 'verdict', 1, n.executions, n.first_seen, n.last_seen, n.example,
       'anomalous', o.source, o.comment
FROM own_mode AS o JOIN counted AS n USING (failure_mode_id);

-- What else was found where another finding decides is told only of failure modes that are still listed.
INSERT INTO dropped_finding
SELECT finding_id FROM log.finding
WHERE failure_mode_id IN (SELECT failure_mode_id FROM changed_mode WHERE executions = 0)
  AND finding_id NOT IN (FROM dropped_finding);
