//! Sealing (答卷密封): pictures the moment they are taken, and the bundle of a seat when it ends. Both are encrypted to
//! the sitting's results key and signed by the device, so this machine cannot read them again.

use fengjuan_core::event::{Hash32, PictureUse};
use fengjuan_core::plan::ExamMs;
use fengjuan_envelope::hpke::KemSecret;
use fengjuan_envelope::sign::{PublicKey, SigningKey};
use fengjuan_wire::WireError;
use fengjuan_wire::bundle::{self, Bundle, ObjectKind, ObjectPlace, Picture};
use fengjuan_wire::sitting::SittingDocument;

/// What this device signs and opens with, and whose word it takes.
#[derive(Clone)]
pub struct DeviceKeys {
    pub sign: SigningKey,
    pub kem: KemSecret,
    /// The center's issuer, from the verified key directory.
    pub issuer: PublicKey,
}

/// A sealed object, ready to be stored.
pub struct Sealed {
    pub hash: Hash32,
    pub bytes: Vec<u8>,
}

/// A sealed picture with what the ledger says of it.
pub struct SealedPicture {
    pub object: Sealed,
    /// SHA-256 over salt and picture: what the entry holds.
    pub salted: Hash32,
}

/// A picture as it came from the camera.
pub struct TakenPicture {
    pub jpeg: Vec<u8>,
    pub usage: PictureUse,
    pub taken_ms: ExamMs,
    pub due_ms: Option<ExamMs>,
    /// Drawn by the program, shows nobody.
    pub pattern: bool,
}

/// Seals a picture of one seat to the sitting's results key. The salt is random for each picture.
///
/// # Errors
/// Encoding, encryption, or no randomness.
pub fn seal_picture(
    keys: &DeviceKeys,
    document: &SittingDocument,
    attempt_id: &[u8; 16],
    taken: TakenPicture,
) -> Result<SealedPicture, WireError> {
    let picture = Picture {
        attempt_id: attempt_id.to_vec(),
        usage: taken.usage,
        taken_ms: taken.taken_ms,
        due_ms: taken.due_ms,
        pattern: taken.pattern,
        salt: fengjuan_envelope::random_bytes::<16>()?.to_vec(),
        jpeg: taken.jpeg,
    };
    let (hash, bytes) = bundle::seal_object(
        &picture,
        &place(document, ObjectKind::Picture),
        &keys.sign,
        &document.results_key,
    )?;
    Ok(SealedPicture {
        object: Sealed { hash, bytes },
        salted: picture.salted_hash(),
    })
}

/// Seals a bundle to the sitting's results key. It is never sealed again: an addition is the next number.
///
/// # Errors
/// As [`seal_picture`].
pub fn seal_bundle(
    keys: &DeviceKeys,
    document: &SittingDocument,
    bundle: &Bundle,
) -> Result<Sealed, WireError> {
    let (hash, bytes) = bundle::seal_object(
        bundle,
        &place(document, ObjectKind::Bundle),
        &keys.sign,
        &document.results_key,
    )?;
    Ok(Sealed { hash, bytes })
}

fn place(document: &SittingDocument, kind: ObjectKind) -> ObjectPlace {
    ObjectPlace {
        kind,
        site: document.site.clone(),
        sitting_no: document.sitting.sitting_no.clone(),
        version: document.sitting.version,
    }
}
