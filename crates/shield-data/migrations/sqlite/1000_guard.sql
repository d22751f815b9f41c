-- What shield-guard's stores keep.
--
-- Migrations only ever expand (add tables, columns with defaults, indexes): two releases run side by side on this database
-- during a blue-green release, and the older one must be able to come back.
-- Times are milliseconds since 1970 (UTC), ids are the 16 bytes of a UUID, digests the 32 of SHA-256.

CREATE TABLE guard_sessions (
    id               BLOB PRIMARY KEY NOT NULL,
    account          BLOB NOT NULL,
    digest           BLOB NOT NULL UNIQUE,
    created_at       INTEGER NOT NULL,
    authenticated_at INTEGER NOT NULL,
    last_seen_at     INTEGER NOT NULL,
    expires_at       INTEGER NOT NULL,
    idle_ms          INTEGER NOT NULL,
    address          TEXT NOT NULL,
    user_agent       TEXT NOT NULL,
    device           TEXT NOT NULL
) STRICT;
CREATE INDEX guard_sessions_by_account ON guard_sessions (account);
CREATE INDEX guard_sessions_by_end ON guard_sessions (expires_at);

CREATE TABLE guard_refresh_families (
    session    BLOB PRIMARY KEY NOT NULL,
    account    BLOB NOT NULL,
    began_at   INTEGER NOT NULL,
    ends_at    INTEGER NOT NULL,
    -- Counts the changes; the only thing that a change is conditional on.
    revision   INTEGER NOT NULL,
    current    BLOB NOT NULL,
    -- The last rotation: all four or none.
    number     INTEGER,
    used       BLOB,
    rotated_at INTEGER,
    salt       BLOB,
    revoked_at INTEGER
) STRICT;
CREATE INDEX guard_refresh_families_by_account ON guard_refresh_families (account);
CREATE INDEX guard_refresh_families_by_end ON guard_refresh_families (ends_at);

-- One row. Whoever appends holds it until the commit, so that numbers become visible in their order.
CREATE TABLE guard_revocation_head (
    one   INTEGER PRIMARY KEY NOT NULL CHECK (one = 1),
    epoch INTEGER NOT NULL,
    last  INTEGER NOT NULL
) STRICT;
INSERT INTO guard_revocation_head (one, epoch, last) VALUES (1, 0, 0);

CREATE TABLE guard_revocations (
    sequence   INTEGER PRIMARY KEY NOT NULL,
    -- JSON, versioned by its writer.
    entry      BLOB NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX guard_revocations_by_end ON guard_revocations (expires_at);

-- Which life of the log this is, and its last entry.
CREATE VIEW guard_revocation_state AS SELECT epoch, last FROM guard_revocation_head;

CREATE TABLE guard_api_keys (
    id           BLOB PRIMARY KEY NOT NULL,
    account      BLOB NOT NULL,
    digest       BLOB NOT NULL UNIQUE,
    name         TEXT NOT NULL,
    hint         TEXT NOT NULL,
    -- One bit per scope; the 64th is the sign.
    scopes       INTEGER NOT NULL,
    environment  TEXT NOT NULL CHECK (environment IN ('live', 'test')),
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    successor    BLOB,
    last_used_at INTEGER,
    revoked_at   INTEGER
) STRICT;
CREATE INDEX guard_api_keys_by_account ON guard_api_keys (account);
CREATE INDEX guard_api_keys_by_end ON guard_api_keys (expires_at);

CREATE TABLE guard_key_rings (
    issuer   TEXT PRIMARY KEY NOT NULL,
    revision INTEGER NOT NULL,
    -- JSON; private parts are sealed.
    keys     BLOB NOT NULL
) STRICT;

CREATE TABLE guard_one_time_tokens (
    digest     BLOB PRIMARY KEY NOT NULL,
    account    BLOB NOT NULL,
    purpose    TEXT NOT NULL,
    email      TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    UNIQUE (account, purpose)
) STRICT;
CREATE INDEX guard_one_time_tokens_by_end ON guard_one_time_tokens (expires_at);

CREATE TABLE guard_totp_steps (
    account   BLOB PRIMARY KEY NOT NULL,
    last_step INTEGER NOT NULL
) STRICT;

CREATE TABLE guard_recovery_codes (
    account BLOB NOT NULL,
    digest  BLOB NOT NULL,
    PRIMARY KEY (account, digest)
) STRICT;

-- A row per counter and window, so that nodes whose clocks differ by a moment never reset each other's counts.
CREATE TABLE guard_login_failures (
    counter      BLOB NOT NULL,
    window_start INTEGER NOT NULL,
    window_end   INTEGER NOT NULL,
    failures     INTEGER NOT NULL,
    PRIMARY KEY (counter, window_start, window_end)
) STRICT;
CREATE INDEX guard_login_failures_by_end ON guard_login_failures (window_end);

-- Devices and address blocks that logged in to an account before.
CREATE TABLE guard_login_familiar (
    name       BLOB NOT NULL,
    kind       TEXT NOT NULL CHECK (kind IN ('device', 'block')),
    mark       BLOB NOT NULL,
    seen_at    INTEGER NOT NULL,
    PRIMARY KEY (name, kind, mark)
) STRICT;
CREATE INDEX guard_login_familiar_by_age ON guard_login_familiar (seen_at);

CREATE TABLE guard_quotas (
    account      BLOB NOT NULL,
    feature      TEXT NOT NULL,
    window_start INTEGER NOT NULL,
    window_end   INTEGER NOT NULL,
    used         INTEGER NOT NULL,
    PRIMARY KEY (account, feature, window_start, window_end)
) STRICT;
CREATE INDEX guard_quotas_by_end ON guard_quotas (window_end);
