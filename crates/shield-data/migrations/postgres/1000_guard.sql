-- What shield-guard's stores keep.
--
-- Migrations only ever expand (add tables, columns with defaults, indexes): two releases run side by side on this database
-- during a blue-green release, and the older one must be able to come back.
-- Times are milliseconds since 1970 (UTC), ids are the 16 bytes of a UUID, digests the 32 of SHA-256.

CREATE TABLE guard_sessions (
    id               BYTEA PRIMARY KEY NOT NULL,
    account          BYTEA NOT NULL,
    digest           BYTEA NOT NULL UNIQUE,
    created_at       BIGINT NOT NULL,
    authenticated_at BIGINT NOT NULL,
    last_seen_at     BIGINT NOT NULL,
    expires_at       BIGINT NOT NULL,
    idle_ms          BIGINT NOT NULL,
    address          TEXT NOT NULL,
    user_agent       TEXT NOT NULL,
    device           TEXT NOT NULL
);
CREATE INDEX guard_sessions_by_account ON guard_sessions (account);
CREATE INDEX guard_sessions_by_end ON guard_sessions (expires_at);

CREATE TABLE guard_refresh_families (
    session    BYTEA PRIMARY KEY NOT NULL,
    account    BYTEA NOT NULL,
    began_at   BIGINT NOT NULL,
    ends_at    BIGINT NOT NULL,
    -- Counts the changes; the only thing that a change is conditional on.
    revision   BIGINT NOT NULL,
    current    BYTEA NOT NULL,
    -- The last rotation: all four or none.
    number     BIGINT,
    used       BYTEA,
    rotated_at BIGINT,
    salt       BYTEA,
    revoked_at BIGINT
);
CREATE INDEX guard_refresh_families_by_account ON guard_refresh_families (account);
CREATE INDEX guard_refresh_families_by_end ON guard_refresh_families (ends_at);

-- One row. Whoever appends holds it until the commit, so that numbers become visible in their order.
CREATE TABLE guard_revocation_head (
    one   BIGINT PRIMARY KEY NOT NULL CHECK (one = 1),
    epoch BIGINT NOT NULL,
    last  BIGINT NOT NULL
);
INSERT INTO guard_revocation_head (one, epoch, last) VALUES (1, 0, 0);

CREATE TABLE guard_revocations (
    sequence   BIGINT PRIMARY KEY NOT NULL,
    -- JSON, versioned by its writer.
    entry      BYTEA NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX guard_revocations_by_end ON guard_revocations (expires_at);

-- Which life of the log this is, and its last entry.
-- A promotion and a restore to a point in time both begin a timeline: the first eight digits of the name of the file
-- that is being written. It is read where it is true at once; pg_control_checkpoint() lags until the next checkpoint. On a
-- standby the function fails, and with it the reading: a standby must not vouch for the log.
CREATE VIEW guard_revocation_state AS
    SELECT (epoch << 24)
           + ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::BIT(32)::BIGINT AS epoch, last
    FROM guard_revocation_head;

CREATE TABLE guard_api_keys (
    id           BYTEA PRIMARY KEY NOT NULL,
    account      BYTEA NOT NULL,
    digest       BYTEA NOT NULL UNIQUE,
    name         TEXT NOT NULL,
    hint         TEXT NOT NULL,
    -- One bit per scope; the 64th is the sign.
    scopes       BIGINT NOT NULL,
    environment  TEXT NOT NULL CHECK (environment IN ('live', 'test')),
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    successor    BYTEA,
    last_used_at BIGINT,
    revoked_at   BIGINT
);
CREATE INDEX guard_api_keys_by_account ON guard_api_keys (account);
CREATE INDEX guard_api_keys_by_end ON guard_api_keys (expires_at);

CREATE TABLE guard_key_rings (
    issuer   TEXT PRIMARY KEY NOT NULL,
    revision BIGINT NOT NULL,
    -- JSON; private parts are sealed.
    keys     BYTEA NOT NULL
);

CREATE TABLE guard_one_time_tokens (
    digest     BYTEA PRIMARY KEY NOT NULL,
    account    BYTEA NOT NULL,
    purpose    TEXT NOT NULL,
    email      TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    UNIQUE (account, purpose)
);
CREATE INDEX guard_one_time_tokens_by_end ON guard_one_time_tokens (expires_at);

CREATE TABLE guard_totp_steps (
    account   BYTEA PRIMARY KEY NOT NULL,
    last_step BIGINT NOT NULL
);

CREATE TABLE guard_recovery_codes (
    account BYTEA NOT NULL,
    digest  BYTEA NOT NULL,
    PRIMARY KEY (account, digest)
);

-- A row per counter and window, so that nodes whose clocks differ by a moment never reset each other's counts.
CREATE TABLE guard_login_failures (
    counter      BYTEA NOT NULL,
    window_start BIGINT NOT NULL,
    window_end   BIGINT NOT NULL,
    failures     BIGINT NOT NULL,
    PRIMARY KEY (counter, window_start, window_end)
);
CREATE INDEX guard_login_failures_by_end ON guard_login_failures (window_end);

-- Devices and address blocks that logged in to an account before.
CREATE TABLE guard_login_familiar (
    name       BYTEA NOT NULL,
    kind       TEXT NOT NULL CHECK (kind IN ('device', 'block')),
    mark       BYTEA NOT NULL,
    seen_at    BIGINT NOT NULL,
    PRIMARY KEY (name, kind, mark)
);
CREATE INDEX guard_login_familiar_by_age ON guard_login_familiar (seen_at);

CREATE TABLE guard_quotas (
    account      BYTEA NOT NULL,
    feature      TEXT NOT NULL,
    window_start BIGINT NOT NULL,
    window_end   BIGINT NOT NULL,
    used         BIGINT NOT NULL,
    PRIMARY KEY (account, feature, window_start, window_end)
);
CREATE INDEX guard_quotas_by_end ON guard_quotas (window_end);
