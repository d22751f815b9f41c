-- What was lent of limits that are counted exactly over all nodes.
CREATE TABLE guard_leases (
    limit_name   TEXT NOT NULL,
    subject      BYTEA NOT NULL,
    window_start BIGINT NOT NULL,
    window_end   BIGINT NOT NULL,
    lent         BIGINT NOT NULL,
    -- By the last call: what it is answered.
    granted      BIGINT NOT NULL,
    PRIMARY KEY (limit_name, subject, window_start, window_end)
);
CREATE INDEX guard_leases_by_end ON guard_leases (window_end);
