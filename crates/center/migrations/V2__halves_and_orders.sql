-- Which of the two codes was released, where the plan asks for two persons; none for a sitting with one code, and for
-- releases of before, when both were printed at once.
ALTER TABLE releases ADD COLUMN half INTEGER CHECK (half IN (1, 2));

-- Which device was first handed which order over its line. What came by stick shows in the device's ledger only.
CREATE TABLE order_fetches (
    order_no TEXT NOT NULL,
    device BLOB NOT NULL,
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (order_no, device)
) STRICT, WITHOUT ROWID;
