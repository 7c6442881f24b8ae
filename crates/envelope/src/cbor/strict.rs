//! A walk over the bytes that accepts exactly what the writer writes.

use super::{CborError, MAX_DEPTH, float};

/// Refuses anything but one deterministic item that fills `bytes`.
pub(super) fn check(bytes: &[u8]) -> Result<(), CborError> {
    let mut walk = Walk { bytes, at: 0 };
    walk.item(0)?;
    if walk.at == bytes.len() {
        Ok(())
    } else {
        Err(CborError::Trailing { at: walk.at })
    }
}

struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Walk<'a> {
    fn item(&mut self, depth: usize) -> Result<(), CborError> {
        if depth > MAX_DEPTH {
            return Err(CborError::TooDeep);
        }
        let start = self.at;
        let initial = self.take(1)?[0];
        let (major, low) = (initial >> 5, initial & 31);
        if major == 7 {
            return self.simple(low, start);
        }
        let argument = self.argument(low, start)?;
        match major {
            0 | 1 => Ok(()),
            2 => self.take_u64(argument).map(drop),
            3 => {
                let text = self.take_u64(argument)?;
                std::str::from_utf8(text)
                    .map(drop)
                    .map_err(|_| CborError::Malformed { at: start })
            }
            4 => self.array(argument, depth),
            5 => self.map(argument, depth),
            _ => Err(CborError::Malformed { at: start }),
        }
    }

    fn array(&mut self, count: u64, depth: usize) -> Result<(), CborError> {
        for _ in 0..count {
            self.item(depth + 1)?;
        }
        Ok(())
    }

    fn map(&mut self, count: u64, depth: usize) -> Result<(), CborError> {
        let mut before: &[u8] = &[];
        for _ in 0..count {
            let start = self.at;
            self.item(depth + 1)?;
            let key = &self.bytes[start..self.at];
            if key <= before {
                return Err(CborError::NotCanonical { at: start });
            }
            before = key;
            self.item(depth + 1)?;
        }
        Ok(())
    }

    fn simple(&mut self, low: u8, start: usize) -> Result<(), CborError> {
        let shortest = match low {
            20..=22 => true,
            25 => float::half_is_shortest(u16::from_be_bytes(self.take_array()?)),
            26 => float::single_is_shortest(u32::from_be_bytes(self.take_array()?)),
            27 => float::double_is_shortest(u64::from_be_bytes(self.take_array()?)),
            31 => false,
            _ => return Err(CborError::Malformed { at: start }),
        };
        if shortest {
            Ok(())
        } else {
            Err(CborError::NotCanonical { at: start })
        }
    }

    fn argument(&mut self, low: u8, start: usize) -> Result<u64, CborError> {
        let (argument, least) = match low {
            0..=23 => return Ok(u64::from(low)),
            24 => (u64::from(self.take_array::<1>()?[0]), 24),
            25 => (u64::from(u16::from_be_bytes(self.take_array()?)), 1 << 8),
            26 => (u64::from(u32::from_be_bytes(self.take_array()?)), 1 << 16),
            27 => (u64::from_be_bytes(self.take_array()?), 1 << 32),
            31 => return Err(CborError::NotCanonical { at: start }),
            _ => return Err(CborError::Malformed { at: start }),
        };
        if argument < least {
            Err(CborError::NotCanonical { at: start })
        } else {
            Ok(argument)
        }
    }

    fn take_u64(&mut self, count: u64) -> Result<&'a [u8], CborError> {
        let count = usize::try_from(count).map_err(|_| CborError::Truncated { at: self.at })?;
        self.take(count)
    }

    fn take_array<const N: usize>(&mut self) -> Result<[u8; N], CborError> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(N)?);
        Ok(out)
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], CborError> {
        let rest = &self.bytes[self.at..];
        if count > rest.len() {
            return Err(CborError::Truncated {
                at: self.bytes.len(),
            });
        }
        self.at += count;
        Ok(&rest[..count])
    }
}
