//! A database of every schema that was ever in use opens, and says what it said.
#![allow(clippy::unwrap_used)]

mod harness;

use fengjuan_store::Database;
use harness::bytes_of;
use std::path::Path;

#[test]
fn databases_of_every_version_open() {
    let databases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/databases");
    let mut seen = 0;
    for item in std::fs::read_dir(databases).unwrap() {
        let path = item.unwrap().path();
        let dir = tempfile::tempdir().unwrap();
        std::fs::copy(&path, dir.path().join("fengjuan.db")).unwrap();
        let (database, opened) = Database::open(dir.path()).unwrap();
        let reader = database.reader().unwrap();
        assert_eq!(opened.entries, 12, "{}", path.display());
        for entry in reader.entries(0, 100).unwrap() {
            let place = fengjuan_store::Place {
                ledger_id: opened.ledger_id,
                seq: entry.seq,
                attempt_seq: entry.attempt_seq,
            };
            assert_eq!(entry.bytes, bytes_of(&place, entry.seq));
        }
        assert_eq!(reader.get("attempt", b"current").unwrap(), Some(vec![11]));
        assert_eq!(reader.unsent_objects().unwrap().len(), 1);
        seen += 1;
    }
    assert_eq!(seen, 1, "one database for each schema");
}
