-- A knowledge base: what was learnt from good logs, and every verdict. Nothing here depends on how templates are mined:
-- shapes are masked messages, so that the rows of two knowledge bases can be put together.
-- Raise KNOWLEDGE_VERSION in knowledge.py with every change here.

-- One row: a fact about the file: 'kind' and 'version', and once something was learnt 'masks' (digest of the rules that
-- made the shapes), 'detail' (how coarse they are, 0 the finest) and 'baseline' (new with each change of what was learnt).
CREATE TABLE about (name VARCHAR PRIMARY KEY, value VARCHAR NOT NULL);

-- One row: one run of `krone-tui learn` over one or more logs.
CREATE TABLE lesson (
    lesson_id INTEGER PRIMARY KEY,
    digest VARCHAR NOT NULL UNIQUE,     -- of its sources' digests and how they were grouped and cut: the same lesson
    learnt_at TIMESTAMP NOT NULL,       -- UTC
    grouped_by VARCHAR NOT NULL,        -- the grouping candidate's name, 'window' where no identifier serves
    kind VARCHAR NOT NULL,              -- of that candidate: 'message', 'header', 'field', 'source', 'several', 'window'
    pattern VARCHAR,                    -- of that candidate: RE2 over the message, or the JSON key; of several: JSON, [name, kind, pattern] each
    columns VARCHAR[] NOT NULL,         -- of that candidate: header columns
    window_by VARCHAR[] NOT NULL,       -- columns whose values keep windows apart
    idle_gap DOUBLE,                    -- seconds without a record that end a window, or NULL
    tumbling DOUBLE,                    -- seconds a window lasts, or NULL
    window_records BIGINT NOT NULL,     -- records at which a window ends in any case
    left_out BIGINT NOT NULL            -- executions too long to be kept
);

-- One row: one log of one lesson.
CREATE TABLE lesson_source (
    lesson_id INTEGER NOT NULL,
    digest VARCHAR NOT NULL,            -- of its records, whatever its name and compression
    name VARCHAR NOT NULL,              -- as the user named it
    records BIGINT NOT NULL
);

-- One row: one distinct masked message.
CREATE TABLE shape (
    shape_id INTEGER PRIMARY KEY,
    text VARCHAR NOT NULL UNIQUE,
    example VARCHAR NOT NULL            -- the first message in the order of text, cut short
);

-- One row: one shape with one combination of component and level, as often as one lesson saw it.
CREATE TABLE shape_count (
    lesson_id INTEGER NOT NULL,
    shape_id INTEGER NOT NULL,
    component VARCHAR,
    level VARCHAR,
    records BIGINT NOT NULL
);

-- One row: one distinct sequence of shapes that whole executions have in common.
CREATE TABLE sequence (
    sequence_id INTEGER PRIMARY KEY,
    is_window BOOLEAN NOT NULL,         -- of windows: cut by time, not held together by an identifier
    shape_ids INTEGER[] NOT NULL
);

-- One row: one sequence, as often as one lesson saw it.
CREATE TABLE sequence_count (lesson_id INTEGER NOT NULL, sequence_id INTEGER NOT NULL, executions BIGINT NOT NULL);

-- One row: one verdict given; a later one of the same source on the same key stands over it. None is ever deleted.
CREATE TABLE verdict (
    verdict_id BIGINT NOT NULL,
    key VARCHAR NOT NULL,               -- what it is on, the same in every log
    scope VARCHAR NOT NULL,             -- 'mode', 'seq'
    verdict VARCHAR NOT NULL,           -- 'normal', 'anomalous'
    source VARCHAR NOT NULL,            -- 'person', 'model', 'detector'
    given_at TIMESTAMP NOT NULL,        -- UTC
    comment VARCHAR,
    title VARCHAR,                      -- for a reader: what deviates
    path VARCHAR,                       -- for a reader: entity › action › status
    detail VARCHAR,                     -- JSON, or NULL
    retracted_at TIMESTAMP              -- UTC; NULL while it stands
);

-- One row: the text of one template of a log that a verdict was given on; by them the next log of the application is
-- recognised.
CREATE TABLE known_template (text VARCHAR PRIMARY KEY);
