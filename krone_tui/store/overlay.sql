-- What verdicts change in a finished investigation, which stays as it is: its file is attached read-only as `log`, every
-- table of it is a view of the same name here in memory, and those below show it as the verdicts would have it.

-- One row: the word that stands on one failure mode or one Seq.
CREATE TABLE verdict_in_force (
    scope VARCHAR NOT NULL,             -- 'mode', 'seq'
    key VARCHAR NOT NULL,               -- of a mode as in mode_key, of a Seq its hash
    verdict VARCHAR NOT NULL,           -- 'normal', 'anomalous'
    source VARCHAR NOT NULL,            -- 'person', 'model'
    given_at TIMESTAMP NOT NULL,        -- UTC
    comment VARCHAR,
    title VARCHAR NOT NULL,
    path VARCHAR NOT NULL
);

-- One row: one finding that no longer counts.
CREATE TABLE dropped_finding (finding_id INTEGER NOT NULL);

-- One row: one place of a Seq that somebody said is anomalous. Their ids are negative: they come before all others.
CREATE TABLE added_finding AS FROM log.finding LIMIT 0;

-- One row: one variant whose verdict is not, or not only, that of the detectors.
CREATE TABLE changed_variant AS FROM log.variant_verdict LIMIT 0;

-- One row: one failure mode that is new, confirmed, or has other executions than the detectors gave it; 0: it is gone.
CREATE TABLE changed_mode AS FROM log.failure_mode LIMIT 0;

-- One row: what a failure mode is known by in every log: the kind and the words of what deviates. Neither level nor path
-- is part of it: the same failure may be decided at another level, and a path changes when its names are edited.
CREATE VIEW mode_key AS
SELECT failure_mode_id, md5(concat_ws(chr(31), kind, steps, texts)) AS key
FROM (
    SELECT f.failure_mode_id, any_value(f.kind) AS kind, any_value(f.steps) AS steps,
           -- Nor does the name in front, where several say the same.
           string_agg(CASE WHEN f.names > 1 THEN regexp_replace(regexp_replace(t.text, '\s+', ' ', 'g'), '^ ?\S+ ', '')
                           ELSE t.text END, chr(31) ORDER BY f.place) AS texts
    FROM (
        SELECT failure_mode_id, kind, names, len(template_ids) AS steps, unnest(named) AS template_id,
               generate_subscripts(named, 1) AS place
        -- Of a step that is missing, the one that gave it away does not count.
        FROM (SELECT *, CASE WHEN kind = 'missing' THEN template_ids[:1] ELSE template_ids END AS named FROM log.finding)
        JOIN (SELECT failure_mode_id, min(finding_id) AS finding_id,
                     count(DISTINCT template_ids) FILTER (kind = 'severe') AS names
              FROM log.finding GROUP BY failure_mode_id) USING (failure_mode_id, finding_id)
    ) AS f JOIN log.template AS t USING (template_id)
    GROUP BY f.failure_mode_id
);

-- One row: what a model's judging took, which comes after the stages whose work the file has.
CREATE TABLE added_work AS FROM log.work LIMIT 0;

CREATE VIEW work AS FROM log.work UNION ALL FROM added_work;

CREATE VIEW finding AS
FROM log.finding ANTI JOIN dropped_finding USING (finding_id) UNION ALL FROM added_finding;

CREATE VIEW variant_verdict AS
FROM log.variant_verdict ANTI JOIN changed_variant USING (variant_id) UNION ALL FROM changed_variant;

CREATE VIEW failure_mode AS
FROM log.failure_mode ANTI JOIN changed_mode USING (failure_mode_id) UNION ALL FROM changed_mode WHERE executions > 0;
