//! Shortest-form floats (RFC 8949 §4.2.1 and §4.2.2): binary16 where it holds the value exactly,
//! else binary32, else binary64; one NaN.

const NAN: u16 = 0x7e00;

/// Writes `number` in its shortest form.
pub(super) fn write(number: f64, out: &mut Vec<u8>) {
    if let Some(half) = to_half(number) {
        out.push(0xf9);
        out.extend_from_slice(&half.to_be_bytes());
    } else if let Some(single) = to_single(number) {
        out.push(0xfa);
        out.extend_from_slice(&single.to_be_bytes());
    } else {
        out.push(0xfb);
        out.extend_from_slice(&number.to_be_bytes());
    }
}

/// Whether `bits` is the form of binary16 that is written: any number, or the one NaN.
pub(super) fn half_is_shortest(bits: u16) -> bool {
    let is_nan = bits & 0x7c00 == 0x7c00 && bits & 0x03ff != 0;
    !is_nan || bits == NAN
}

/// Whether a binary32 holds something that binary16 does not.
pub(super) fn single_is_shortest(bits: u32) -> bool {
    to_half(f64::from(f32::from_bits(bits))).is_none()
}

/// Whether a binary64 holds something that no shorter form does.
pub(super) fn double_is_shortest(bits: u64) -> bool {
    let number = f64::from_bits(bits);
    to_half(number).is_none() && to_single(number).is_none()
}

/// The number that a binary16 holds.
pub(super) fn from_half(bits: u16) -> f64 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let fraction = f64::from(bits & 0x3ff);
    match (bits >> 10) & 31 {
        0 => sign * fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => sign * f64::INFINITY,
        31 => f64::NAN,
        exponent => sign * (1.0 + fraction / 1024.0) * 2f64.powi(i32::from(exponent) - 15),
    }
}

fn to_single(number: f64) -> Option<f32> {
    let single = number as f32;
    (f64::from(single).to_bits() == number.to_bits()).then_some(single)
}

/// The binary16 that equals `number` exactly, if one does; every NaN becomes the one NaN.
fn to_half(number: f64) -> Option<u16> {
    if number.is_nan() {
        return Some(NAN);
    }
    let sign = if number.is_sign_negative() { 0x8000 } else { 0 };
    let size = number.abs();
    if size.is_infinite() {
        return Some(sign | 0x7c00);
    }
    // Subnormal numbers of binary16, and zero, are whole multiples of 2^-24 below 1024 of them.
    let steps = size * f64::from(1u32 << 24);
    if steps < 1024.0 {
        return (steps.fract() == 0.0).then_some(sign | steps as u16);
    }
    let bits = size.to_bits();
    let exponent = (bits >> 52) as i32 - 1023;
    let fraction = bits & ((1 << 52) - 1);
    if exponent > 15 || fraction & ((1 << 42) - 1) != 0 {
        return None;
    }
    let biased = u16::try_from(exponent + 15).ok()?;
    Some(sign | biased << 10 | (fraction >> 42) as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_half_is_found_again_and_nothing_between() {
        for bits in 0..=u16::MAX {
            let number = from_half(bits);
            let expected = if number.is_nan() { NAN } else { bits };
            assert_eq!(to_half(number), Some(expected), "{bits:04x}");
            assert_eq!(half_is_shortest(bits), bits == expected);
            if number.is_finite() && number != 0.0 {
                let next = f64::from_bits(number.to_bits() + 1);
                assert_eq!(to_half(next), None, "{bits:04x} and a bit");
            }
        }
        assert_eq!(to_half(65520.0), None);
        assert_eq!(to_half(65504.0), Some(0x7bff));
    }
}
