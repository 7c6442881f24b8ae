-- How much of each replica the witness above holds; what it said last.
CREATE TABLE replica_forwarded (
    ledger INTEGER PRIMARY KEY REFERENCES replica_ledgers (no),
    size   INTEGER NOT NULL CHECK (size >= 0)
) STRICT;

CREATE TRIGGER replica_forwarded_no_delete BEFORE DELETE ON replica_forwarded
BEGIN SELECT RAISE(ABORT, 'marks are never deleted'); END;
