//! Password verifiers as PHC strings: `$argon2id$v=19$m=…,t=…,p=…$salt$hash`.

use super::{Argon2Params, BASE64_NOPAD, KdfError, argon2id, equal_in_constant_time, random_bytes};
use crate::secret::SecretKey;

const PREFIX: &str = "$argon2id$v=19$";
const LONGEST: usize = 200;

/// A verifier for `password` under a fresh 16-byte salt: Argon2id, 19 MiB, 2 passes, 1 lane.
///
/// # Errors
/// [`KdfError::Random`], [`KdfError::OutOfMemory`].
pub fn hash_password(password: &str) -> Result<String, KdfError> {
    let salt = random_bytes::<16>()?;
    let params = Argon2Params::PASSWORD;
    let hash = argon2id(password.as_bytes(), &salt, params)?;
    Ok(format!(
        "{PREFIX}m={},t={},p={}${}${}",
        params.m_kib,
        params.t,
        params.p,
        BASE64_NOPAD.encode(&salt),
        BASE64_NOPAD.encode(hash.as_bytes())
    ))
}

/// Whether `password` is the one that `phc` was made from.
///
/// # Errors
/// [`KdfError::Malformed`] when `phc` is not a verifier; [`KdfError::Params`] when it is weaker than
/// this program writes or would exhaust the machine.
pub fn verify_password(password: &str, phc: &str) -> Result<bool, KdfError> {
    let (params, salt, expected) = parse(phc).ok_or(KdfError::Malformed)?;
    let found = argon2id(
        password.as_bytes(),
        &salt,
        params.within(Argon2Params::PASSWORD)?,
    )?;
    Ok(equal_in_constant_time(
        found.as_bytes(),
        expected.as_bytes(),
    ))
}

fn parse(phc: &str) -> Option<(Argon2Params, [u8; 16], SecretKey)> {
    if phc.len() > LONGEST {
        return None;
    }
    let mut parts = phc.strip_prefix(PREFIX)?.split('$');
    let (costs, salt, hash) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let mut costs = costs.split(',');
    let params = Argon2Params {
        m_kib: cost(costs.next()?, "m=")?,
        t: cost(costs.next()?, "t=")?,
        p: cost(costs.next()?, "p=")?,
    };
    let salt = BASE64_NOPAD.decode(salt.as_bytes()).ok()?.try_into().ok()?;
    let hash: [u8; 32] = BASE64_NOPAD.decode(hash.as_bytes()).ok()?.try_into().ok()?;
    costs
        .next()
        .is_none()
        .then(|| (params, salt, SecretKey::from_bytes(hash)))
}

fn cost(text: &str, name: &str) -> Option<u32> {
    text.strip_prefix(name)?.parse().ok()
}
