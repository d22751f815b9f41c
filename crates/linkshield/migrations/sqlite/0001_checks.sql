-- Checks and what each scan of a check found.
--
-- Migrations only ever expand (add tables, columns with defaults, indexes): two releases run side by side on this file
-- during a blue-green release, and the older one must be able to come back.
-- Times are milliseconds since 1970 (UTC).

CREATE TABLE checks (
    -- Insertion order; drives paging and the bound on the number of rows.
    sequence           INTEGER PRIMARY KEY AUTOINCREMENT,
    id                 TEXT NOT NULL UNIQUE,
    original_url       TEXT NOT NULL,
    normalized_url     TEXT NOT NULL,
    domain             TEXT NOT NULL,
    registrable_domain TEXT NOT NULL,
    status             TEXT NOT NULL CHECK (status IN ('pending', 'in_progress', 'completed', 'failed', 'timeout')),
    threat_level       TEXT CHECK (threat_level IN ('safe', 'low', 'medium', 'high', 'critical')),
    confidence_score   INTEGER CHECK (confidence_score BETWEEN 0 AND 100),
    scan_started_at    INTEGER,
    scan_completed_at  INTEGER,
    analysis_results   TEXT,
    error_message      TEXT,
    -- Rules and lists the verdict comes from; a result is reused only by the same ones.
    analyzer           TEXT NOT NULL,
    -- Whether the verdict holds for every spelling of the normalised URL (1) or only for this one (0).
    reusable           INTEGER NOT NULL CHECK (reusable IN (0, 1)),
    created_at         INTEGER NOT NULL
) STRICT;

CREATE INDEX checks_by_normalized_url ON checks (normalized_url);
CREATE INDEX checks_by_domain ON checks (domain);
CREATE INDEX checks_by_registrable_domain ON checks (registrable_domain);
CREATE INDEX checks_by_threat_level ON checks (threat_level);
CREATE INDEX checks_by_status ON checks (status);
CREATE INDEX checks_by_created_at ON checks (created_at);

CREATE TABLE scan_results (
    id               TEXT PRIMARY KEY NOT NULL,
    check_sequence   INTEGER NOT NULL REFERENCES checks (sequence) ON DELETE CASCADE,
    scan_type        TEXT NOT NULL CHECK (scan_type IN ('Security', 'Reputation', 'Content', 'Technical', 'broken_links')),
    provider         TEXT NOT NULL,
    threat_detected  INTEGER NOT NULL CHECK (threat_detected IN (0, 1)),
    -- JSON array of strings.
    threat_types     TEXT NOT NULL,
    confidence_score INTEGER NOT NULL CHECK (confidence_score BETWEEN 0 AND 100),
    -- JSON object.
    metadata         TEXT NOT NULL,
    created_at       INTEGER NOT NULL
) STRICT;

CREATE INDEX scan_results_by_check ON scan_results (check_sequence);
