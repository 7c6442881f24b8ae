//! Authorization codes: sixteen Crockford symbols (80 bits), written as four groups of four, each
//! followed by a check symbol.
//!
//! The check symbol makes `2·a + 4·b + 8·c + 16·d + check + (group number)` zero over GF(32)
//! (polynomial x⁵ + x² + 1; group numbers 1 to 4). The five weights are different powers of the
//! generator, so that any one wrong symbol, any two symbols swapped, and any two groups swapped are
//! noticed while typing. It says nothing about whether the code is the right one: only decryption
//! can.

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::crockford;
use crate::random::{RandomError, random_bytes};
use crate::secret::SecretBytes;

mod spelling;

pub use spelling::spelling;

/// Groups in a code.
pub const GROUPS: usize = 4;
/// Symbols in a group, its check symbol included.
pub const GROUP_SYMBOLS: usize = 5;

/// Why typed groups are not a code. Says where, never what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// A group has fewer than five symbols. Groups count from 0.
    #[error("group {group} is incomplete")]
    Incomplete { group: usize },
    /// A group has more than five symbols, or a character that is none.
    #[error("group {group} holds something that is not a symbol")]
    Symbol { group: usize },
    /// The check symbol of a group does not fit.
    #[error("group {group} does not fit its check symbol")]
    Check { group: usize },
}

impl CodeError {
    /// Stable code of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Incomplete { .. } => "code.incomplete",
            Self::Symbol { .. } => "code.symbol",
            Self::Check { .. } => "code.check",
        }
    }

    /// The group at fault, 0 to 3.
    #[must_use]
    pub fn group(&self) -> usize {
        match self {
            Self::Incomplete { group } | Self::Symbol { group } | Self::Check { group } => *group,
        }
    }
}

/// What can be said of one group while it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupStatus {
    /// Fewer than five symbols, none of them wrong so far.
    Incomplete,
    /// Five symbols, and the check symbol fits.
    Valid,
    /// Cannot be right. `bad_symbol` is the place, in characters as typed, of the first one that no
    /// code can hold; `None` where the check symbol does not fit.
    Invalid { bad_symbol: Option<usize> },
}

/// An authorization code. Erased on drop, never shown by `Debug`, and not comparable: there is no
/// verifier but decryption.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Code([u8; 16]);

impl Code {
    /// A fresh code.
    ///
    /// # Errors
    /// [`RandomError`].
    pub fn generate() -> Result<Self, RandomError> {
        let bits = Zeroizing::new(random_bytes::<10>()?);
        Ok(Self(crockford::split(&bits)))
    }

    /// Reads four groups as typed: case does not matter, O reads as 0, I and L as 1, full-width
    /// forms as their plain ones; spaces and hyphens are ignored.
    ///
    /// # Errors
    /// The first group that cannot be right.
    pub fn parse_groups(groups: &[&str; GROUPS]) -> Result<Self, CodeError> {
        let mut code = Self([0; 16]);
        for (group, typed) in groups.iter().enumerate() {
            let read = Typed::read(typed);
            match status(group, &read) {
                GroupStatus::Incomplete => return Err(CodeError::Incomplete { group }),
                GroupStatus::Invalid {
                    bad_symbol: Some(_),
                } => {
                    return Err(CodeError::Symbol { group });
                }
                GroupStatus::Invalid { bad_symbol: None } => {
                    return Err(CodeError::Check { group });
                }
                GroupStatus::Valid => {
                    code.0[4 * group..4 * group + 4].copy_from_slice(&read.values[..4]);
                }
            }
        }
        Ok(code)
    }

    /// The four groups as printed on a slip, five symbols each. The caller erases them.
    #[must_use]
    pub fn to_groups(&self) -> [String; GROUPS] {
        std::array::from_fn(|group| {
            let values = &self.0[4 * group..4 * group + 4];
            let check = check_symbol(group, values);
            values
                .iter()
                .chain([&check])
                .map(|value| crockford::symbol(*value))
                .collect()
        })
    }

    /// The eighty bits, ten bytes, without check symbols: the input of the key derivation.
    #[must_use]
    pub fn secret_bytes(&self) -> SecretBytes {
        SecretBytes::new(crockford::join(&self.0).to_vec())
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(..)")
    }
}

/// Looks at group `index` (0 to 3) as typed so far; see [`Code::parse_groups`] for what is read.
#[must_use]
pub fn check_group(index: usize, typed: &str) -> GroupStatus {
    status(index, &Typed::read(typed))
}

/// The symbol that a typed character stands for, or `None` if a code cannot hold it.
#[must_use]
pub fn normalise_symbol(c: char) -> Option<char> {
    let plain = match c {
        // Input methods for Chinese type full-width letters and digits.
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0)?,
        _ => c,
    };
    match plain.to_ascii_uppercase() {
        'O' => Some('0'),
        'I' | 'L' => Some('1'),
        symbol => crockford::value(symbol).map(crockford::symbol),
    }
}

#[derive(Zeroize, ZeroizeOnDrop)]
struct Typed {
    values: [u8; GROUP_SYMBOLS],
    count: usize,
    bad: Option<usize>,
}

impl Typed {
    fn read(typed: &str) -> Self {
        let mut read = Self {
            values: [0; GROUP_SYMBOLS],
            count: 0,
            bad: None,
        };
        for (place, c) in typed.chars().enumerate() {
            if c.is_whitespace() || c == '-' {
                continue;
            }
            let value = normalise_symbol(c).and_then(crockford::value);
            match (value, read.values.get_mut(read.count)) {
                (Some(value), Some(slot)) => *slot = value,
                _ => {
                    read.bad = Some(place);
                    break;
                }
            }
            read.count += 1;
        }
        read
    }
}

fn status(group: usize, read: &Typed) -> GroupStatus {
    if group >= GROUPS {
        return GroupStatus::Invalid { bad_symbol: None };
    }
    if read.bad.is_some() {
        return GroupStatus::Invalid {
            bad_symbol: read.bad,
        };
    }
    if read.count < GROUP_SYMBOLS {
        return GroupStatus::Incomplete;
    }
    if check_symbol(group, &read.values[..4]) == read.values[4] {
        GroupStatus::Valid
    } else {
        GroupStatus::Invalid { bad_symbol: None }
    }
}

fn check_symbol(group: usize, values: &[u8]) -> u8 {
    let number = group as u8 + 1;
    values
        .iter()
        .enumerate()
        .fold(number, |sum, (i, value)| sum ^ times(*value, 2 << i))
}

/// Multiplication in GF(32) = GF(2)[x] / (x⁵ + x² + 1).
fn times(a: u8, b: u8) -> u8 {
    let mut product = 0u16;
    for bit in 0..5 {
        if b >> bit & 1 == 1 {
            product ^= u16::from(a) << bit;
        }
    }
    for bit in (5..9).rev() {
        if product >> bit & 1 == 1 {
            product ^= 0b10_0101 << (bit - 5);
        }
    }
    product as u8
}

#[cfg(test)]
#[path = "code_tests.rs"]
mod tests;
