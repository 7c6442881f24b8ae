//! Password verifiers for the staff that a plan names.

use crate::CenterError;
use fengjuan_envelope::kdf;

const SHORTEST: usize = 8;

/// An Argon2id PHC string for the plan file. The password is at least eight characters.
pub fn password_verifier(password: &str) -> Result<String, CenterError> {
    let password = password.trim_end_matches(['\r', '\n']);
    if password.chars().count() < SHORTEST {
        return Err(CenterError::OutOfRange {
            what: "password (8 characters at least)",
        });
    }
    Ok(kdf::hash_password(password)?)
}
