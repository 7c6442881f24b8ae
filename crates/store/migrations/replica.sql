-- What a witness keeps of other devices' ledgers. Everything here is only ever added.

CREATE TABLE IF NOT EXISTS replica_schema (version INTEGER NOT NULL) STRICT;

CREATE TABLE IF NOT EXISTS replica_ledgers (
    no         INTEGER PRIMARY KEY,
    ledger_id  BLOB    NOT NULL UNIQUE CHECK (length(ledger_id) = 16),
    device     TEXT    NOT NULL,
    device_key BLOB    NOT NULL CHECK (length(device_key) = 32),
    origin     TEXT    NOT NULL,
    added_ms   INTEGER NOT NULL,
    size       INTEGER NOT NULL,
    root       BLOB    NOT NULL CHECK (length(root) = 32),
    -- The roots of the tree's perfect subtrees, one after the other.
    edge       BLOB    NOT NULL
) STRICT;

-- One device with two ledgers is looked for at every registration.
CREATE INDEX IF NOT EXISTS replica_ledgers_by_device ON replica_ledgers (device_key);

CREATE TABLE IF NOT EXISTS replica_entries (
    ledger      INTEGER NOT NULL REFERENCES replica_ledgers (no),
    seq         INTEGER NOT NULL CHECK (seq >= 0),
    class       INTEGER NOT NULL,
    kind        TEXT    NOT NULL,
    attempt     BLOB    CHECK (attempt IS NULL OR length(attempt) = 16),
    attempt_seq INTEGER NOT NULL,
    exam_ms     INTEGER,
    wall_ms     INTEGER NOT NULL,
    leaf        BLOB    NOT NULL CHECK (length(leaf) = 32),
    bytes       BLOB    NOT NULL,
    PRIMARY KEY (ledger, seq)
) STRICT, WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS replica_entries_by_attempt
    ON replica_entries (attempt, attempt_seq) WHERE attempt IS NOT NULL;

CREATE TABLE IF NOT EXISTS replica_checkpoints (
    id       INTEGER PRIMARY KEY,
    ledger   INTEGER NOT NULL REFERENCES replica_ledgers (no),
    size     INTEGER NOT NULL,
    root     BLOB    NOT NULL CHECK (length(root) = 32),
    note     TEXT    NOT NULL,
    cosigned TEXT    NOT NULL,
    at_ms    INTEGER NOT NULL
) STRICT;

CREATE INDEX IF NOT EXISTS replica_checkpoints_by_size ON replica_checkpoints (ledger, size);

CREATE TABLE IF NOT EXISTS replica_forks (
    id     INTEGER PRIMARY KEY,
    ledger INTEGER NOT NULL REFERENCES replica_ledgers (no),
    what   TEXT    NOT NULL CHECK (what IN ('entry', 'checkpoint')),
    -- The entry's place, or the checkpoint's size.
    seq    INTEGER NOT NULL,
    mine   BLOB    NOT NULL,
    theirs BLOB    NOT NULL,
    bytes  BLOB    NOT NULL,
    at_ms  INTEGER NOT NULL
) STRICT;

CREATE INDEX IF NOT EXISTS replica_forks_by_place ON replica_forks (ledger, what, seq);

CREATE TRIGGER IF NOT EXISTS replica_entries_only_at_end BEFORE INSERT ON replica_entries
WHEN NEW.seq IS NOT (SELECT ifnull(max(seq) + 1, 0) FROM replica_entries WHERE ledger = NEW.ledger)
BEGIN SELECT RAISE(ABORT, 'a replica grows at its end only'); END;
CREATE TRIGGER IF NOT EXISTS replica_entries_no_update BEFORE UPDATE ON replica_entries
BEGIN SELECT RAISE(ABORT, 'replicated entries are never changed'); END;
CREATE TRIGGER IF NOT EXISTS replica_entries_no_delete BEFORE DELETE ON replica_entries
BEGIN SELECT RAISE(ABORT, 'replicated entries are never deleted'); END;

CREATE TRIGGER IF NOT EXISTS replica_ledgers_no_replace BEFORE INSERT ON replica_ledgers
WHEN EXISTS (SELECT 1 FROM replica_ledgers WHERE ledger_id = NEW.ledger_id OR no = NEW.no)
BEGIN SELECT RAISE(ABORT, 'the ledger is registered already'); END;
CREATE TRIGGER IF NOT EXISTS replica_ledgers_forward_only BEFORE UPDATE ON replica_ledgers
WHEN NEW.size < OLD.size OR NEW.no IS NOT OLD.no OR NEW.ledger_id IS NOT OLD.ledger_id
  OR NEW.device_key IS NOT OLD.device_key OR NEW.origin IS NOT OLD.origin
BEGIN SELECT RAISE(ABORT, 'a replica moves forward only'); END;
CREATE TRIGGER IF NOT EXISTS replica_ledgers_no_delete BEFORE DELETE ON replica_ledgers
BEGIN SELECT RAISE(ABORT, 'ledgers are never deleted'); END;

CREATE TRIGGER IF NOT EXISTS replica_checkpoints_no_replace BEFORE INSERT ON replica_checkpoints
WHEN EXISTS (SELECT 1 FROM replica_checkpoints WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'checkpoints are never replaced'); END;
CREATE TRIGGER IF NOT EXISTS replica_checkpoints_no_update BEFORE UPDATE ON replica_checkpoints
BEGIN SELECT RAISE(ABORT, 'checkpoints are never changed'); END;
CREATE TRIGGER IF NOT EXISTS replica_checkpoints_no_delete BEFORE DELETE ON replica_checkpoints
BEGIN SELECT RAISE(ABORT, 'checkpoints are never deleted'); END;

CREATE TRIGGER IF NOT EXISTS replica_forks_no_replace BEFORE INSERT ON replica_forks
WHEN EXISTS (SELECT 1 FROM replica_forks WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'forks are never replaced'); END;
CREATE TRIGGER IF NOT EXISTS replica_forks_no_update BEFORE UPDATE ON replica_forks
BEGIN SELECT RAISE(ABORT, 'forks are never changed'); END;
CREATE TRIGGER IF NOT EXISTS replica_forks_no_delete BEFORE DELETE ON replica_forks
BEGIN SELECT RAISE(ABORT, 'forks are never deleted'); END;
