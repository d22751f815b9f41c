-- Every change of an API key but its last use gets a number, so that nodes can read what changed since they last did.
-- Triggers give the numbers: the release before this one, which runs beside it for a while, knows nothing of them.

ALTER TABLE guard_api_keys ADD COLUMN changed INTEGER NOT NULL DEFAULT 0;
UPDATE guard_api_keys SET changed = numbered.number
    FROM (SELECT id, row_number() OVER (ORDER BY id) AS number FROM guard_api_keys) AS numbered
    WHERE numbered.id = guard_api_keys.id;
CREATE UNIQUE INDEX guard_api_keys_by_change ON guard_api_keys (changed);

-- One row. Whoever changes a key holds it until the commit, so that numbers become visible in their order.
CREATE TABLE guard_api_key_head (
    one  INTEGER PRIMARY KEY NOT NULL CHECK (one = 1),
    last INTEGER NOT NULL
) STRICT;
INSERT INTO guard_api_key_head (one, last) SELECT 1, count(*) FROM guard_api_keys;

CREATE TRIGGER guard_api_keys_made AFTER INSERT ON guard_api_keys BEGIN
    UPDATE guard_api_key_head SET last = last + 1 WHERE one = 1;
    UPDATE guard_api_keys SET changed = (SELECT last FROM guard_api_key_head) WHERE id = NEW.id;
END;
CREATE TRIGGER guard_api_keys_changed AFTER UPDATE OF account, digest, scopes, environment, expires_at, successor, revoked_at
ON guard_api_keys BEGIN
    UPDATE guard_api_key_head SET last = last + 1 WHERE one = 1;
    UPDATE guard_api_keys SET changed = (SELECT last FROM guard_api_key_head) WHERE id = NEW.id;
END;
