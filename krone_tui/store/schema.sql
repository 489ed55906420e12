-- The investigation: every table a stage writes and a later stage, the screen or `krone-tui sql` reads.
-- The tables and views marked CONTRACT are documented for users; columns are only ever added to them.
-- A finished investigation is seen through overlay.sql, where verdicts change what is written here without a write.
-- Raise SCHEMA_VERSION in connection.py with every change here.

-- CONTRACT. One row: one input file or pipe.
CREATE TABLE source (
    source_id INTEGER PRIMARY KEY,      -- counts from 0 in the order of reading
    path VARCHAR NOT NULL,              -- as the user named it; '-' is standard input
    format VARCHAR NOT NULL,            -- names of the header formats seen, most frequent first, joined by ', '
    compression VARCHAR NOT NULL,       -- 'none', 'gzip', 'bzip2', 'xz', 'zstd'
    is_baseline BOOLEAN NOT NULL DEFAULT false,  -- named by --baseline: known to be good, not under analysis
    bytes BIGINT NOT NULL,              -- after decompression
    lines BIGINT NOT NULL,              -- physical lines, a last one without newline included
    undecodable_lines BIGINT NOT NULL,  -- lines with bytes that are not UTF-8, shown as \xNN
    note VARCHAR                        -- what was wrong with it, one sentence (truncated archive, …), or NULL
);

-- One row: one record as read. record_id counts from 0 in the order of sources and lines. zstd for the text: a fifth smaller
-- files than with what DuckDB chooses itself, and less time to write and read them.
CREATE TABLE parsed_record (
    record_id BIGINT NOT NULL,          -- counts from 0
    source_id INTEGER NOT NULL,         -- the file it stands in
    first_line BIGINT NOT NULL,         -- 1-based physical line in the source
    last_line BIGINT NOT NULL,          -- greater than first_line when continuation lines were joined
    time TIMESTAMP,                     -- as written, or in UTC where the log states a zone
    level VARCHAR,                      -- upper case, as written otherwise: INFO, WARN, ERROR, E, CRITICAL, …
    component VARCHAR,                  -- logger, class, program or tag
    host VARCHAR,                       -- machine, pod or container
    process VARCHAR,                    -- process id
    thread VARCHAR,                     -- thread name or id
    fields VARCHAR,                     -- JSON object of what the header carried besides, or NULL
    prefix VARCHAR USING COMPRESSION zstd,  -- the header's text; prefix || message is the record's text unless raw says otherwise
    message VARCHAR NOT NULL USING COMPRESSION zstd,  -- without the header, continuation lines joined by newline; in JSON and logfmt with the error told beside it
    raw VARCHAR USING COMPRESSION zstd  -- the text as read where it is not prefix || message (JSON, logfmt), else NULL
);

-- One row: one way in which executions of the knowledge bases in force were grouped; a log is grouped like one of them.
CREATE TABLE learnt_grouping (
    grouping_id INTEGER NOT NULL,
    name VARCHAR NOT NULL,              -- of the grouping candidate
    kind VARCHAR NOT NULL,
    pattern VARCHAR,
    columns VARCHAR[] NOT NULL,         -- header columns that are the identifier
    window_by VARCHAR[] NOT NULL,       -- columns whose values keep windows apart
    idle_gap DOUBLE,                    -- seconds without a record that end a window, or NULL
    tumbling DOUBLE,                    -- seconds a window lasts, or NULL
    window_records BIGINT NOT NULL,     -- records at which a window ends in any case
    executions BIGINT NOT NULL,         -- held together by the identifier
    windows BIGINT NOT NULL,
    detail INTEGER NOT NULL,            -- how coarse the shapes are, 0 the finest
    is_like BOOLEAN NOT NULL,           -- same identifier as the log: its executions take part
    is_cut_alike BOOLEAN NOT NULL       -- windows cut as the log's too: its windows take part
);

-- One row: one learnt shape with one combination of component and level. An empty table: no knowledge base is in force.
CREATE TABLE learnt_shape (
    shape_id INTEGER NOT NULL,          -- holds in learnt_sequence only; `shape` has the same text by another id
    text VARCHAR NOT NULL,
    example VARCHAR NOT NULL,
    component VARCHAR,
    level VARCHAR,
    records BIGINT NOT NULL
);

-- One row: one distinct sequence of learnt shapes that whole good executions have in common.
CREATE TABLE learnt_sequence (
    grouping_id INTEGER NOT NULL,
    is_window BOOLEAN NOT NULL,
    shape_ids INTEGER[] NOT NULL,
    executions BIGINT NOT NULL
);

-- One row: one distinct masked message (the line that says something), of the log or of a knowledge base.
CREATE TABLE shape (
    shape_id INTEGER NOT NULL,
    text VARCHAR NOT NULL,
    records BIGINT NOT NULL,
    example VARCHAR NOT NULL,           -- the message of its first record; an example that was learnt where it has none here
    component VARCHAR,                  -- the most frequent component of its records
    template_id INTEGER                 -- set by Drain3
);

-- One row: the masked form of one record.
CREATE TABLE record_shape (record_id BIGINT NOT NULL, shape_id INTEGER NOT NULL);

-- CONTRACT. One row: one template, a leaf of the hierarchy.
CREATE TABLE template (
    template_id INTEGER PRIMARY KEY,    -- counts from 1
    text VARCHAR NOT NULL,              -- constant words, <*> for what varies
    records BIGINT NOT NULL,            -- how many there are of it
    example VARCHAR NOT NULL,           -- the message of its first record
    component VARCHAR,                  -- the most frequent component of its records, or NULL
    level VARCHAR,                      -- the most frequent level of its records, or NULL
    entity VARCHAR,                     -- what acts or is acted on
    action VARCHAR,                     -- what is done, in one base form
    status VARCHAR,                     -- how it went
    outcome VARCHAR,                    -- 'failure', 'success', 'progress' or 'none': how the status reads
    severity DOUBLE,                    -- 0…1: probability that the words report a failure
    leaf INTEGER                        -- node_id of its status node
);

-- CONTRACT. One row: one node of the Log Abstraction Model; ROOT has node_id 0 and level 'root'.
CREATE TABLE node (
    node_id INTEGER PRIMARY KEY,        -- ROOT is 0
    parent_id INTEGER,                  -- its parent's node_id; NULL of ROOT
    level VARCHAR NOT NULL,             -- 'root', 'entity', 'action', 'status'
    name VARCHAR NOT NULL,              -- an entity, an action or a status
    template_id INTEGER                 -- of a status node: its one template
);

-- CONTRACT. One row: one candidate identifier that records could be grouped by.
CREATE TABLE grouping_candidate (
    name VARCHAR PRIMARY KEY,           -- as --group-by takes it
    kind VARCHAR NOT NULL,              -- 'message', 'line', 'header', 'field', 'source', 'several', 'window'
    pattern VARCHAR,                    -- RE2 over the message whose first group is the value, or NULL; of several: JSON, [name, kind, pattern] each
    coverage DOUBLE NOT NULL,           -- 0…1: share of records that carry a value
    executions BIGINT NOT NULL,         -- distinct values
    records_per_execution DOUBLE NOT NULL,  -- median
    variety DOUBLE NOT NULL,            -- mean number of distinct templates per value
    start_concentration DOUBLE NOT NULL,    -- 0…1: chance that two values begin with the same template
    locality DOUBLE NOT NULL,           -- 0…1: 1 - median share of the log's length that one value spans
    score DOUBLE NOT NULL,              -- 0…1: how well its values hold executions together
    chosen BOOLEAN NOT NULL,            -- the records are grouped by it
    reason VARCHAR NOT NULL             -- one sentence
);

-- One row: one record's place in its execution. Every record has exactly one row. Ordered by execution and position.
CREATE TABLE membership (
    execution_id INTEGER NOT NULL,
    position INTEGER NOT NULL,          -- 0-based, in the order of record_id
    record_id BIGINT NOT NULL,
    template_id INTEGER NOT NULL
);

-- One row: one distinct flat sequence of templates that whole executions have in common.
CREATE TABLE variant (
    variant_id INTEGER PRIMARY KEY,
    is_window BOOLEAN NOT NULL,         -- of windows: judged apart from executions of an identifier
    is_cut BOOLEAN NOT NULL,            -- the log probably began or ended amid its executions: what they lack says nothing
    template_ids INTEGER[] NOT NULL,
    executions BIGINT NOT NULL,         -- of the log under analysis
    good_executions BIGINT NOT NULL     -- known to be good
);

-- CONTRACT. One row: one execution.
CREATE TABLE execution (
    execution_id INTEGER PRIMARY KEY,   -- in the order of first records
    identifier VARCHAR NOT NULL,        -- the identifier's value; of a window 'host from start'
    grouped_by VARCHAR NOT NULL,        -- the grouping candidate's name; 'window' for records without the identifier
    is_window BOOLEAN NOT NULL,         -- cut by time, not held together by an identifier
    is_good BOOLEAN NOT NULL,           -- known to be good: from a baseline, or before the time given as normal
    source_id INTEGER NOT NULL,         -- of its first record
    start_time TIMESTAMP,               -- of its first record that has a time, or NULL
    end_time TIMESTAMP,                 -- of its last record that has one, or NULL
    first_line BIGINT NOT NULL,         -- of its first record
    last_line BIGINT NOT NULL,          -- the last of its lines in that source
    records BIGINT NOT NULL,            -- in all sources
    lines BIGINT NOT NULL,              -- in all sources
    variant_id INTEGER NOT NULL         -- executions with the same one have the same templates in the same order
);

-- CONTRACT. One row: one distinct KRONE Seq.
CREATE TABLE seq (
    seq_id INTEGER PRIMARY KEY,         -- one for each level, parent and run of nodes
    level VARCHAR NOT NULL,             -- 'entity' (E-Seq), 'action' (A-Seq), 'status' (S-Seq)
    parent_node INTEGER NOT NULL,       -- node_id: root, an entity, an action
    nodes INTEGER[] NOT NULL,           -- node_ids, one level below parent_node, in order
    hash UBIGINT NOT NULL,              -- of level, parent and nodes' names and templates: stable across logs
    executions BIGINT NOT NULL          -- that contain it
);

-- One row: one place of one Seq in one variant, hence in each of the variant's executions.
CREATE TABLE variant_seq (
    variant_id INTEGER NOT NULL,
    seq_id INTEGER NOT NULL,            -- which Seq
    level VARCHAR NOT NULL,             -- of the Seq: 'entity', 'action', 'status'
    position INTEGER NOT NULL,          -- of its first record in the execution
    length INTEGER NOT NULL             -- records it covers
);

-- CONTRACT. One row: one anomalous Seq in one variant.
CREATE TABLE finding (
    finding_id INTEGER PRIMARY KEY,     -- of a variant the decisive one comes first
    variant_id INTEGER NOT NULL,        -- as in execution: it is in all executions of that variant
    seq_id INTEGER NOT NULL,            -- the Seq that deviates
    level VARCHAR NOT NULL,             -- 'entity', 'action', 'status'
    kind VARCHAR NOT NULL,              -- what deviates: 'new', 'missing', 'order', 'count', 'severe'; 'verdict': somebody's word
    position INTEGER NOT NULL,          -- of the deviating span's first record in the execution
    length INTEGER NOT NULL,            -- records the span covers
    template_ids INTEGER[] NOT NULL,    -- of the deviating steps: present ones, or the missing ones
    score DOUBLE NOT NULL,              -- 0…1
    detector VARCHAR NOT NULL,          -- that gave the score
    nearest_variant INTEGER,            -- the nearest normal variant, or NULL
    failure_mode_id INTEGER NOT NULL    -- what executions with this finding are listed under
);

-- CONTRACT. One row: one failure mode, most suspicious first.
CREATE TABLE failure_mode (
    failure_mode_id INTEGER PRIMARY KEY,    -- rank, from 1
    title VARCHAR NOT NULL,             -- what deviates, in words
    level VARCHAR NOT NULL,             -- 'entity', 'action', 'status'
    path VARCHAR NOT NULL,              -- 'entity › action › status' of the deviation
    kind VARCHAR NOT NULL,              -- what deviates, as in finding
    score DOUBLE NOT NULL,              -- 0…1
    executions BIGINT NOT NULL,         -- that show it
    first_seen TIMESTAMP,               -- start of the first of them, or NULL
    last_seen TIMESTAMP,                -- start of the last of them, or NULL
    example_execution INTEGER NOT NULL, -- the execution to show first
    verdict VARCHAR,                    -- 'anomalous' where somebody confirmed it or said it of its Seq, else NULL
    verdict_by VARCHAR,                 -- 'person', 'model', or NULL
    verdict_comment VARCHAR             -- what they said to it, or NULL
);

-- One row: the verdict on one variant; a variant without findings has score of its own all the same.
CREATE TABLE variant_verdict (
    variant_id INTEGER PRIMARY KEY,
    flagged BOOLEAN NOT NULL,           -- it does not behave like the others
    score DOUBLE NOT NULL,              -- 0…1: how anomalous
    level VARCHAR,                      -- of the finding that decided, NULL when not flagged
    failure_mode_id INTEGER,            -- of the finding that decided, NULL when not flagged
    verdict VARCHAR,                    -- 'normal', 'anomalous': somebody's word that decided; NULL: the detectors did
    verdict_by VARCHAR                  -- whose: 'person', 'model', or NULL
);

-- CONTRACT. One row: what one stage took.
CREATE TABLE work (
    stage VARCHAR NOT NULL,             -- 'ingest', 'templates', 'hierarchy', 'executions', 'seqs', 'detection', 'adjudication'
    seconds DOUBLE NOT NULL,            -- of the whole stage, the same in all its rows
    counter VARCHAR NOT NULL,           -- what is counted
    value DOUBLE NOT NULL               -- how many
);

-- One row: a fact about the whole investigation (tool version, baseline in force, complete or not).
CREATE TABLE fact (name VARCHAR PRIMARY KEY, value VARCHAR NOT NULL);

-- One row, or none: where a later run can go on when the log has grown.
CREATE TABLE bookmark (
    place VARCHAR NOT NULL,             -- JSON: how far which source was read, and what decides how the next line is read
    masked_texts BIGINT                 -- distinct masked messages, summed over the queries; NULL: masked more coarsely
);

-- CONTRACT. One row: one record with its template and execution.
CREATE VIEW record AS
SELECT p.record_id, p.source_id, p.first_line, p.last_line, p.time, p.level, p.component, p.message,
       s.template_id,                      -- of its template
       m.execution_id,                     -- of its execution
       p.host, p.process, p.thread,
       m.position,                         -- in its execution, 0-based
       coalesce(p.raw, coalesce(p.prefix, '') || p.message) AS text    -- as read, header and continuation lines included
FROM parsed_record AS p
LEFT JOIN record_shape AS rs USING (record_id)
LEFT JOIN shape AS s USING (shape_id)
LEFT JOIN membership AS m USING (record_id);

-- CONTRACT. One row: one place of one Seq in one execution.
CREATE VIEW seq_occurrence AS
SELECT e.execution_id, v.seq_id, v.level, v.position, v.length
FROM variant_seq AS v JOIN execution AS e USING (variant_id);

-- CONTRACT. One row: one execution with its verdict.
CREATE VIEW execution_verdict AS
SELECT e.*, coalesce(v.flagged, false) AS flagged, coalesce(v.score, 0) AS score, v.level, v.failure_mode_id,
       v.verdict, v.verdict_by
FROM execution AS e LEFT JOIN variant_verdict AS v USING (variant_id);

-- One row: one template that reads as failure: by its level, by words that leave little doubt, or by likely ones that a
-- status of failure bears out. Severity is NULL until the detectors have rated it.
CREATE VIEW failing_template AS
SELECT template_id, text, records, level, coalesce(severity, 0) AS severity
FROM template
WHERE level IN ('FATAL', 'CRITICAL', 'CRIT', 'EMERG', 'EMERGENCY', 'ALERT', 'PANIC', 'SEVERE', 'F', 'FAILURE', 'ERROR', 'ERR', 'E',
                'FTL', 'FATA', 'CRT', 'PANI')
   OR severity >= 0.8 OR (severity >= 0.5 AND outcome = 'failure');

-- CONTRACT. One row: one template that reads as failure and that no finding names: executions have it that were not
-- flagged, and that nobody has called normal.
CREATE VIEW unflagged_failure AS
WITH placed AS (
    SELECT m.template_id, m.record_id, m.execution_id, m.position, p.time, p.first_line, p.source_id
    FROM membership AS m JOIN failing_template USING (template_id) JOIN parsed_record AS p USING (record_id)
    JOIN execution_verdict AS e USING (execution_id) JOIN source AS o ON o.source_id = e.source_id
    WHERE NOT o.is_baseline AND (e.is_good OR NOT e.flagged) AND e.verdict IS NULL AND m.template_id NOT IN
          (SELECT unnest(template_ids) FROM finding WHERE kind <> 'missing')
), counted AS (
    SELECT template_id, count(*) AS records, count(DISTINCT execution_id) AS executions, min(time) AS first_seen,
           max(time) AS last_seen, min(record_id) AS record_id, arg_min(execution_id, record_id) AS execution_id,
           arg_min(position, record_id) AS position, arg_min(first_line, record_id) AS first_line,
           arg_min(source_id, record_id) AS source_id
    FROM placed GROUP BY template_id
)
SELECT t.template_id,                   -- of the template
       t.text, t.level,
       t.severity,                      -- 0…1: probability that the words report a failure, or more by its level
       c.records,                       -- of it, in executions that were not flagged
       c.executions,                    -- not flagged, that have it
       c.first_seen,                    -- time of the first of these records, or NULL
       c.last_seen,                     -- time of the last of them, or NULL
       c.execution_id,                  -- of the first of them
       c.position,                      -- of the first of them in that execution, 0-based
       c.source_id,                     -- of the first of them
       c.first_line,                    -- of the first of them
       p.message AS example             -- the message of the first of them
FROM counted AS c JOIN failing_template AS t USING (template_id) JOIN parsed_record AS p USING (record_id);
