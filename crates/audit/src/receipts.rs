//! One signature in place of as many as there are receipts.

use crate::error::ArchiveError;
use crate::format::{OBJECTS, ObjectRecord, ReceiptList};
use crate::verify::check_receipt;
use crate::write::length_of;
use fengjuan_envelope::sign::SigningKey;
use fengjuan_envelope::{Sha256Stream, cbor};
use fengjuan_wire::{Hash32, Signed};

impl ReceiptList {
    /// The signed list of these objects' receipts, for [`crate::Content::receipts`]. None where there is no receipt, or
    /// one of them is not by this key and of its object: then the verifier looks at each, and names the wrong one.
    ///
    /// # Errors
    /// [`ArchiveError`]: an object cannot be written.
    pub fn sign_checked(
        objects: &[ObjectRecord],
        center_id: &str,
        made_ms: i64,
        key: &SigningKey,
    ) -> Result<Option<Vec<u8>>, ArchiveError> {
        let public = key.public();
        let mut hash = Sha256Stream::new();
        let mut receipts = 0;
        for object in objects {
            if check_receipt(&public, object).is_err() {
                return Ok(None);
            }
            receipts += u64::from(object.receipt.is_some());
            let record = cbor::to_vec(object)?;
            hash.update(&length_of(OBJECTS, &record)?);
            hash.update(&record);
        }
        if receipts == 0 {
            return Ok(None);
        }
        let list = ReceiptList {
            center_id: center_id.to_owned(),
            made_ms,
            objects: Hash32(hash.finish()),
            receipts,
        };
        Ok(Some(list.sign(key)?))
    }
}
