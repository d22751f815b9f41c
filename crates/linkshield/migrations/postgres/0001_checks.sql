-- Checks and what each scan of a check found. The same tables as SQLite's after its third migration; booleans are 0 and 1 there too.
--
-- Migrations only ever expand (add tables, columns with defaults, indexes): two releases run side by side on this database
-- during a blue-green release, and the older one must be able to come back.
-- Times are milliseconds since 1970 (UTC), ids of accounts the 16 bytes of a UUID.

CREATE TABLE checks (
    -- Insertion order, nearly: numbers are given before the commit, and some never appear. Drives paging and the bound on the number of rows.
    sequence           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id                 TEXT NOT NULL UNIQUE,
    original_url       TEXT NOT NULL,
    normalized_url     TEXT NOT NULL,
    domain             TEXT NOT NULL,
    registrable_domain TEXT NOT NULL,
    status             TEXT NOT NULL CHECK (status IN ('pending', 'in_progress', 'completed', 'failed', 'timeout')),
    threat_level       TEXT CHECK (threat_level IN ('safe', 'low', 'medium', 'high', 'critical')),
    confidence_score   BIGINT CHECK (confidence_score BETWEEN 0 AND 100),
    scan_started_at    BIGINT,
    scan_completed_at  BIGINT,
    analysis_results   TEXT,
    error_message      TEXT,
    -- Rules and lists the verdict comes from; a result is reused only by the same ones.
    analyzer           TEXT NOT NULL,
    -- Whether the verdict holds for every spelling of the normalised URL (1) or only for this one (0).
    reusable           BIGINT NOT NULL CHECK (reusable IN (0, 1)),
    created_at         BIGINT NOT NULL,
    -- Whose it is; NULL for those of clients that did not say who they are.
    account            BYTEA
);

-- By hash: a row of a tree must be shorter than some URLs are.
CREATE INDEX checks_by_normalized_url ON checks USING hash (normalized_url);
CREATE INDEX checks_by_account ON checks (account, sequence);
CREATE INDEX checks_by_created_at ON checks (created_at, sequence);

CREATE TABLE scan_results (
    id               TEXT PRIMARY KEY NOT NULL,
    check_sequence   BIGINT NOT NULL REFERENCES checks (sequence) ON DELETE CASCADE,
    scan_type        TEXT NOT NULL CHECK (scan_type IN ('Security', 'Reputation', 'Content', 'Technical', 'broken_links')),
    provider         TEXT NOT NULL,
    threat_detected  BIGINT NOT NULL CHECK (threat_detected IN (0, 1)),
    -- JSON array of strings.
    threat_types     TEXT NOT NULL,
    confidence_score BIGINT NOT NULL CHECK (confidence_score BETWEEN 0 AND 100),
    -- JSON object.
    metadata         TEXT NOT NULL,
    created_at       BIGINT NOT NULL
);

CREATE INDEX scan_results_by_check ON scan_results (check_sequence);
