//! Crockford's base 32: 0-9 and A-Z without I, L, O and U.

pub(crate) const SYMBOLS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The symbol for a value below 32; higher bits are ignored.
pub(crate) fn symbol(value: u8) -> char {
    char::from(SYMBOLS[usize::from(value & 31)])
}

/// The value of one symbol in its written form (no reading aids).
pub(crate) fn value(symbol: char) -> Option<u8> {
    let position = SYMBOLS.iter().position(|s| char::from(*s) == symbol)?;
    u8::try_from(position).ok()
}

/// Eighty bits as sixteen values of five bits, most significant first.
pub(crate) fn split(bytes: &[u8; 10]) -> [u8; 16] {
    let mut wide = [0; 16];
    wide[6..].copy_from_slice(bytes);
    let bits = u128::from_be_bytes(wide);
    std::array::from_fn(|i| ((bits >> (75 - 5 * i)) & 31) as u8)
}

/// The inverse of [`split`].
pub(crate) fn join(values: &[u8; 16]) -> [u8; 10] {
    let bits = values
        .iter()
        .fold(0u128, |bits, value| bits << 5 | u128::from(value & 31));
    let mut bytes = [0; 10];
    bytes.copy_from_slice(&bits.to_be_bytes()[6..]);
    bytes
}
