-- One row that health writes again, to learn whether anything can be written.

CREATE TABLE write_proof (
    id        INTEGER PRIMARY KEY CHECK (id = 1),
    proven_at INTEGER NOT NULL
) STRICT;
