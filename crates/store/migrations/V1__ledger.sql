-- The device's ledger, what is derived from it, and the sealed objects that were registered with it.
-- The triggers stop accidents, not attackers: what really holds is the tree and its witnesses.

CREATE TABLE head (
    id        INTEGER PRIMARY KEY CHECK (id = 1),
    ledger_id BLOB    NOT NULL CHECK (length(ledger_id) = 16),
    size      INTEGER NOT NULL CHECK (size >= 0),
    root      BLOB    NOT NULL CHECK (length(root) = 32),
    -- Checksum of the ledger's id; the entries vouch for the rest.
    sum       BLOB    NOT NULL CHECK (length(sum) = 8)
) STRICT;

CREATE TABLE entries (
    seq         INTEGER PRIMARY KEY CHECK (seq >= 0),
    class       INTEGER NOT NULL,
    kind        TEXT    NOT NULL,
    attempt     BLOB    CHECK (attempt IS NULL OR length(attempt) = 16),
    attempt_seq INTEGER NOT NULL,
    exam_ms     INTEGER,
    wall_ms     INTEGER NOT NULL,
    leaf        BLOB    NOT NULL CHECK (length(leaf) = 32),
    bytes       BLOB    NOT NULL,
    -- Checksum of the columns that the leaf does not cover.
    sum         BLOB    NOT NULL CHECK (length(sum) = 8)
) STRICT;

-- Not unique on purpose: a conflict target would give INSERT OR REPLACE something to replace.
CREATE INDEX entries_by_attempt ON entries (attempt, attempt_seq) WHERE attempt IS NOT NULL;

CREATE TABLE state (
    ns    TEXT NOT NULL,
    key   BLOB NOT NULL,
    value BLOB NOT NULL,
    sum   BLOB NOT NULL CHECK (length(sum) = 8),
    PRIMARY KEY (ns, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE objects (
    hash    BLOB    NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    kind    TEXT    NOT NULL,
    size    INTEGER NOT NULL,
    seq     INTEGER,
    receipt BLOB
) STRICT;

CREATE INDEX objects_unsent ON objects (kind) WHERE receipt IS NULL;

CREATE TABLE checkpoints (
    id       INTEGER PRIMARY KEY,
    size     INTEGER NOT NULL,
    root     BLOB    NOT NULL CHECK (length(root) = 32),
    note     TEXT    NOT NULL,
    cosigned TEXT
) STRICT;

CREATE INDEX checkpoints_by_size ON checkpoints (size);

-- An entry is only ever added at the end. The condition also stops INSERT OR REPLACE on connections
-- where recursive triggers are off and the DELETE trigger would not fire.
CREATE TRIGGER entries_only_at_end BEFORE INSERT ON entries
WHEN NEW.seq IS NOT (SELECT ifnull(max(seq) + 1, 0) FROM entries)
BEGIN SELECT RAISE(ABORT, 'the ledger grows at its end only'); END;
CREATE TRIGGER entries_no_update BEFORE UPDATE ON entries
BEGIN SELECT RAISE(ABORT, 'ledger entries are never changed'); END;
CREATE TRIGGER entries_no_delete BEFORE DELETE ON entries
BEGIN SELECT RAISE(ABORT, 'ledger entries are never deleted'); END;

CREATE TRIGGER head_one_row BEFORE INSERT ON head
WHEN EXISTS (SELECT 1 FROM head)
BEGIN SELECT RAISE(ABORT, 'a ledger has one head'); END;
CREATE TRIGGER head_forward_only BEFORE UPDATE ON head
WHEN NEW.size < OLD.size OR NEW.ledger_id IS NOT OLD.ledger_id OR NEW.id IS NOT OLD.id
  OR NEW.sum IS NOT OLD.sum
BEGIN SELECT RAISE(ABORT, 'the head moves forward only'); END;
CREATE TRIGGER head_no_delete BEFORE DELETE ON head
BEGIN SELECT RAISE(ABORT, 'the head is never deleted'); END;

CREATE TRIGGER objects_no_replace BEFORE INSERT ON objects
WHEN EXISTS (SELECT 1 FROM objects WHERE hash = NEW.hash)
BEGIN SELECT RAISE(ABORT, 'the object is registered already'); END;
CREATE TRIGGER objects_receipt_only BEFORE UPDATE ON objects
WHEN NEW.hash IS NOT OLD.hash OR NEW.kind IS NOT OLD.kind OR NEW.size IS NOT OLD.size
  OR NEW.seq IS NOT OLD.seq OR NEW.receipt IS NULL
BEGIN SELECT RAISE(ABORT, 'only an object''s receipt is ever set'); END;
CREATE TRIGGER objects_no_delete BEFORE DELETE ON objects
BEGIN SELECT RAISE(ABORT, 'sealed objects are never deleted'); END;

CREATE TRIGGER checkpoints_no_replace BEFORE INSERT ON checkpoints
WHEN EXISTS (SELECT 1 FROM checkpoints WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'checkpoints are never replaced'); END;
CREATE TRIGGER checkpoints_cosigned_only BEFORE UPDATE ON checkpoints
WHEN NEW.id IS NOT OLD.id OR NEW.size IS NOT OLD.size OR NEW.root IS NOT OLD.root
  OR NEW.note IS NOT OLD.note OR NEW.cosigned IS NULL
BEGIN SELECT RAISE(ABORT, 'only a checkpoint''s cosignature is ever set'); END;
CREATE TRIGGER checkpoints_no_delete BEFORE DELETE ON checkpoints
BEGIN SELECT RAISE(ABORT, 'checkpoints are never deleted'); END;
