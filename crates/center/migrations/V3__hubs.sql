-- The further keys of devices that mean to be hubs; the first ones that were seen stay.
CREATE TABLE hubs (
    device BLOB PRIMARY KEY REFERENCES devices (sign),
    issuer BLOB NOT NULL UNIQUE,
    witness BLOB NOT NULL UNIQUE,
    receipt BLOB NOT NULL UNIQUE,
    first_seen_ms INTEGER NOT NULL
) STRICT;

-- Every delegation that was ever given. The newest of a hub counts, unless it was withdrawn.
CREATE TABLE delegations (
    no INTEGER PRIMARY KEY,
    hub BLOB NOT NULL REFERENCES hubs (device),
    given_ms INTEGER NOT NULL,
    given_by TEXT NOT NULL,
    signed BLOB NOT NULL,
    revoked_ms INTEGER,
    revoked_by TEXT
) STRICT;

-- Devices that a hub has approved, each with the certificate that the hub's issuer signed. In `devices` such a device
-- is pending, and of no machine, until it speaks to the center itself.
CREATE TABLE vouches (
    no INTEGER PRIMARY KEY,
    device BLOB NOT NULL REFERENCES devices (sign),
    hub BLOB NOT NULL REFERENCES hubs (device),
    at_ms INTEGER NOT NULL,
    certificate BLOB NOT NULL,
    UNIQUE (device, hub)
) STRICT;
