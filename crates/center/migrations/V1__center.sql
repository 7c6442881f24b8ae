-- Values named *_ms are Unix milliseconds. Columns named `data` hold deterministic CBOR.

CREATE TABLE bank_revisions (
    bank TEXT NOT NULL,
    revision INTEGER NOT NULL,
    imported_ms INTEGER NOT NULL,
    items INTEGER NOT NULL,
    PRIMARY KEY (bank, revision)
) STRICT;

-- Every revision of every item stays; the highest revision of a number is the current one.
CREATE TABLE bank_items (
    bank TEXT NOT NULL,
    item_no TEXT NOT NULL,
    revision INTEGER NOT NULL,
    place INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (bank, item_no, revision)
) STRICT;

CREATE TABLE pictures (
    hash BLOB PRIMARY KEY,
    bytes BLOB NOT NULL
) STRICT;

CREATE TABLE plans (
    plan_no TEXT PRIMARY KEY,
    imported_ms INTEGER NOT NULL,
    approved_by TEXT NOT NULL
) STRICT;

CREATE TABLE sittings (
    sitting_no TEXT PRIMARY KEY,
    plan_no TEXT NOT NULL REFERENCES plans (plan_no),
    site TEXT NOT NULL,
    room_no TEXT NOT NULL,
    start_ms INTEGER NOT NULL,
    end_ms INTEGER NOT NULL,
    data BLOB NOT NULL
) STRICT;

CREATE TABLE class_banks (
    sitting_no TEXT NOT NULL REFERENCES sittings (sitting_no) ON DELETE CASCADE,
    class_no TEXT NOT NULL,
    bank TEXT NOT NULL,
    PRIMARY KEY (sitting_no, class_no)
) STRICT;

CREATE TABLE candidates (
    sitting_no TEXT NOT NULL REFERENCES sittings (sitting_no) ON DELETE CASCADE,
    ticket_no TEXT NOT NULL,
    class_no TEXT NOT NULL,
    seat_no INTEGER NOT NULL,
    data BLOB NOT NULL,
    photo BLOB NOT NULL,
    PRIMARY KEY (sitting_no, ticket_no)
) STRICT;

-- One row for every version that was ever issued; none is removed.
CREATE TABLE issues (
    sitting_no TEXT NOT NULL,
    version INTEGER NOT NULL,
    site TEXT NOT NULL,
    issued_ms INTEGER NOT NULL,
    last_end_ms INTEGER NOT NULL,
    document BLOB NOT NULL,
    locked_keys BLOB NOT NULL,
    roster_keys BLOB NOT NULL,
    slip BLOB NOT NULL,
    PRIMARY KEY (sitting_no, version)
) STRICT;

-- What sites may fetch by hash. `device` is set for grants.
CREATE TABLE objects (
    hash BLOB PRIMARY KEY,
    kind TEXT NOT NULL,
    site TEXT NOT NULL,
    sitting_no TEXT NOT NULL,
    version INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    device BLOB
) STRICT;
CREATE UNIQUE INDEX one_grant ON objects (sitting_no, version, device) WHERE device IS NOT NULL;

CREATE TABLE releases (
    no INTEGER PRIMARY KEY,
    sitting_no TEXT NOT NULL,
    version INTEGER NOT NULL,
    released_to TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    early_reason TEXT
) STRICT;

CREATE TABLE devices (
    sign BLOB PRIMARY KEY,
    kem BLOB NOT NULL,
    device_name TEXT NOT NULL,
    site TEXT NOT NULL,
    machine BLOB NOT NULL,
    fingerprint TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL CHECK (state IN ('pending', 'approved', 'revoked')),
    first_seen_ms INTEGER NOT NULL,
    decided_ms INTEGER,
    decided_by TEXT,
    certificate BLOB
) STRICT;

-- A key that was seen where it cannot be: the sign of a cloned disk.
CREATE TABLE device_alerts (
    no INTEGER PRIMARY KEY,
    sign BLOB NOT NULL,
    kind TEXT NOT NULL,
    detail TEXT NOT NULL,
    at_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE orders (
    no INTEGER PRIMARY KEY,
    order_no TEXT NOT NULL UNIQUE,
    site TEXT NOT NULL,
    sitting_no TEXT NOT NULL,
    issued_ms INTEGER NOT NULL,
    signed BLOB NOT NULL
) STRICT;

-- The log of received objects; `position` is the one on the receipt.
CREATE TABLE received (
    position INTEGER PRIMARY KEY,
    hash BLOB NOT NULL UNIQUE,
    bytes INTEGER NOT NULL,
    received_ms INTEGER NOT NULL,
    kind TEXT NOT NULL,
    site TEXT NOT NULL,
    sitting_no TEXT NOT NULL,
    version INTEGER NOT NULL,
    device BLOB NOT NULL,
    uploader BLOB NOT NULL,
    receipt BLOB NOT NULL
) STRICT;

-- Who read back whose entries.
CREATE TABLE attempt_reads (
    no INTEGER PRIMARY KEY,
    attempt BLOB NOT NULL,
    device BLOB NOT NULL,
    entries INTEGER NOT NULL,
    at_ms INTEGER NOT NULL
) STRICT;
