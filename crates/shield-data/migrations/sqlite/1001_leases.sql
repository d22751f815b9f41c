-- What was lent of limits that are counted exactly over all nodes.
CREATE TABLE guard_leases (
    limit_name   TEXT NOT NULL,
    subject      BLOB NOT NULL,
    window_start INTEGER NOT NULL,
    window_end   INTEGER NOT NULL,
    lent         INTEGER NOT NULL,
    -- By the last call: what it is answered.
    granted      INTEGER NOT NULL,
    PRIMARY KEY (limit_name, subject, window_start, window_end)
) STRICT;
CREATE INDEX guard_leases_by_end ON guard_leases (window_end);
