-- Who has an account. Sessions, tokens and keys of accounts are in the tables of shield-guard (from 1000 on).
--
-- Ids are the 16 bytes of a UUID, as in those tables. Times are milliseconds since 1970 (UTC).

CREATE TABLE accounts (
    id                BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    -- As its holder spells it, and the one spelling under which it is found.
    email             TEXT NOT NULL,
    email_key         TEXT NOT NULL UNIQUE,
    username          TEXT,
    first_name        TEXT,
    last_name         TEXT,
    avatar_url        TEXT,
    company           TEXT,
    timezone          TEXT,
    language          TEXT,
    -- PHC string of argon2id.
    password          TEXT NOT NULL,
    role              TEXT NOT NULL CHECK (role IN ('user', 'moderator', 'admin', 'super_admin')),
    status            TEXT NOT NULL CHECK (status IN ('active', 'inactive', 'suspended', 'pending_verification')),
    -- When an administrator locked it; nothing else does.
    locked_at         INTEGER,
    plan              TEXT NOT NULL,
    marketing_consent INTEGER NOT NULL CHECK (marketing_consent IN (0, 1)),
    created_at        INTEGER NOT NULL,
    updated_at        INTEGER NOT NULL,
    last_login_at     INTEGER,
    email_verified_at INTEGER,
    -- Secret of the second factor, sealed under the master key, and since when its holder has shown to have it.
    totp_secret       BLOB,
    totp_since        INTEGER
) STRICT;
