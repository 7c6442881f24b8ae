//! The operating system's random generator, and nothing else.

use ring::rand::{SecureRandom, SystemRandom};

/// The operating system gave no random bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the operating system's random generator failed")]
pub struct RandomError;

impl RandomError {
    /// Stable code of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        "random.unavailable"
    }
}

/// `N` bytes from the operating system's generator.
///
/// # Errors
/// [`RandomError`] when the system call fails.
pub fn random_bytes<const N: usize>() -> Result<[u8; N], RandomError> {
    let mut bytes = [0; N];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| RandomError)?;
    Ok(bytes)
}
