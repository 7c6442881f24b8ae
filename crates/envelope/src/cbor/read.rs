//! From bytes that the walk has accepted to values of a type.
//!
//! Each kind of value is taken in the one form in which it is written: a name is text and never
//! bytes, a float is never an integer, a unit variant is never a map. A reader that is more lenient
//! would give one signed meaning several encodings.

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use super::{CborError, float};

pub(super) struct Reader<'de> {
    bytes: &'de [u8],
    at: usize,
}

/// One item's head, with the string where it is one.
enum Head<'de> {
    Unsigned(u64),
    Negative(u64),
    Bytes(&'de [u8]),
    Text(&'de str),
    Array(usize),
    Map(usize),
    Bool(bool),
    Null,
    Float(f64),
}

impl<'de> Reader<'de> {
    /// `bytes` must have passed the walk; anything else gives errors, not panics.
    pub(super) fn new(bytes: &'de [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    fn take(&mut self, count: usize) -> Result<&'de [u8], CborError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let taken = rest.get(..count).ok_or(CborError::Truncated {
            at: self.bytes.len(),
        })?;
        self.at += count;
        Ok(taken)
    }

    fn number(&mut self, width: usize) -> Result<u64, CborError> {
        Ok(self
            .take(width)?
            .iter()
            .fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn head(&mut self) -> Result<Head<'de>, CborError> {
        let at = self.at;
        let initial = self.number(1)?;
        let (major, low) = (initial >> 5, initial & 31);
        let argument = match low {
            0..=23 => low,
            24 => self.number(1)?,
            25 => self.number(2)?,
            26 => self.number(4)?,
            27 => self.number(8)?,
            _ => return Err(CborError::Malformed { at }),
        };
        let length = usize::try_from(argument).unwrap_or(usize::MAX);
        Ok(match (major, low) {
            (0, _) => Head::Unsigned(argument),
            (1, _) => Head::Negative(argument),
            (2, _) => Head::Bytes(self.take(length)?),
            (3, _) => Head::Text(
                std::str::from_utf8(self.take(length)?).map_err(|_| CborError::Malformed { at })?,
            ),
            (4, _) => Head::Array(length),
            (5, _) => Head::Map(length),
            (7, 20) => Head::Bool(false),
            (7, 21) => Head::Bool(true),
            (7, 22) => Head::Null,
            (7, 25) => Head::Float(float::from_half(argument as u16)),
            (7, 26) => Head::Float(f64::from(f32::from_bits(argument as u32))),
            (7, 27) => Head::Float(f64::from_bits(argument)),
            _ => return Err(CborError::Malformed { at }),
        })
    }

    fn seq<V: Visitor<'de>>(&mut self, count: usize, visitor: V) -> Result<V::Value, CborError> {
        let mut items = Items {
            reader: self,
            left: count,
        };
        let value = visitor.visit_seq(&mut items)?;
        items.finish().map(|()| value)
    }

    fn map<V: Visitor<'de>>(&mut self, count: usize, visitor: V) -> Result<V::Value, CborError> {
        let mut items = Items {
            reader: self,
            left: count,
        };
        let value = visitor.visit_map(&mut items)?;
        items.finish().map(|()| value)
    }

    fn integer<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, CborError> {
        match self.head()? {
            Head::Unsigned(number) => visitor.visit_u64(number),
            Head::Negative(number) => visit_negative(number, visitor),
            _ => Err(unexpected("an integer")),
        }
    }
}

fn visit_negative<'de, V: Visitor<'de>>(number: u64, visitor: V) -> Result<V::Value, CborError> {
    match i64::try_from(number) {
        Ok(number) => visitor.visit_i64(-1 - number),
        Err(_) => visitor.visit_i128(-1 - i128::from(number)),
    }
}

fn unexpected(wanted: &str) -> CborError {
    CborError::Shape(format!("found another kind of item than {wanted}"))
}

/// Methods that accept exactly one kind of head.
macro_rules! of_kind {
    ($($method:ident, $wanted:literal, $head:pat => $visit:expr;)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CborError> {
            let visit: fn(V, Head<'de>) -> Option<Result<V::Value, CborError>> = |visitor, head| {
                match head {
                    $head => Some($visit(visitor)),
                    _ => None,
                }
            };
            visit(visitor, self.head()?).unwrap_or_else(|| Err(unexpected($wanted)))
        })*
    };
}

macro_rules! integers {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CborError> {
            self.integer(visitor)
        })*
    };
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = CborError;

    integers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
    }

    of_kind! {
        deserialize_bool, "a truth value", Head::Bool(value) => |v: V| v.visit_bool(value);
        deserialize_f64, "a float", Head::Float(number) => |v: V| v.visit_f64(number);
        deserialize_char, "text", Head::Text(text) => |v: V| v.visit_borrowed_str(text);
        deserialize_str, "text", Head::Text(text) => |v: V| v.visit_borrowed_str(text);
        deserialize_string, "text", Head::Text(text) => |v: V| v.visit_borrowed_str(text);
        deserialize_identifier, "a name", Head::Text(text) => |v: V| v.visit_borrowed_str(text);
        deserialize_bytes, "bytes", Head::Bytes(bytes) => |v: V| v.visit_borrowed_bytes(bytes);
        deserialize_byte_buf, "bytes", Head::Bytes(bytes) => |v: V| v.visit_borrowed_bytes(bytes);
        deserialize_unit, "null", Head::Null => |v: V| v.visit_unit();
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CborError> {
        match self.head()? {
            Head::Unsigned(number) => visitor.visit_u64(number),
            Head::Negative(number) => visit_negative(number, visitor),
            Head::Bytes(bytes) => visitor.visit_borrowed_bytes(bytes),
            Head::Text(text) => visitor.visit_borrowed_str(text),
            Head::Array(count) => self.seq(count, visitor),
            Head::Map(count) => self.map(count, visitor),
            Head::Bool(value) => visitor.visit_bool(value),
            Head::Null => visitor.visit_unit(),
            Head::Float(number) => visitor.visit_f64(number),
        }
    }

    /// A number that only a binary64 holds is not a binary32's.
    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CborError> {
        match self.head()? {
            Head::Float(number) if number.is_nan() || f64::from(number as f32) == number => {
                visitor.visit_f32(number as f32)
            }
            _ => Err(unexpected("a float of 32 bits")),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CborError> {
        if self.bytes.get(self.at) == Some(&0xf6) {
            self.at += 1;
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, CborError> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, CborError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CborError> {
        match self.head()? {
            Head::Array(count) => self.seq(count, visitor),
            _ => Err(unexpected("an array")),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, CborError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, CborError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CborError> {
        match self.head()? {
            Head::Map(count) => self.map(count, visitor),
            _ => Err(unexpected("a map")),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, CborError> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, CborError> {
        let (name, bare) = match self.head()? {
            Head::Text(name) => (name, true),
            Head::Map(1) => match self.head()? {
                Head::Text(name) => (name, false),
                _ => return Err(unexpected("the name of a variant")),
            },
            _ => return Err(unexpected("a variant")),
        };
        visitor.visit_enum(Variant {
            reader: self,
            name,
            bare,
        })
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CborError> {
        self.deserialize_any(visitor)
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

struct Items<'r, 'de> {
    reader: &'r mut Reader<'de>,
    left: usize,
}

impl<'de> Items<'_, 'de> {
    fn next<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, CborError> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        seed.deserialize(&mut *self.reader).map(Some)
    }

    fn finish(self) -> Result<(), CborError> {
        if self.left == 0 {
            Ok(())
        } else {
            Err(CborError::Shape("too many items".to_owned()))
        }
    }
}

impl<'de> SeqAccess<'de> for Items<'_, 'de> {
    type Error = CborError;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, CborError> {
        self.next(seed)
    }

    /// Every item takes at least one byte, so that the input bounds what is reserved.
    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

impl<'de> MapAccess<'de> for Items<'_, 'de> {
    type Error = CborError;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, CborError> {
        self.next(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, CborError> {
        seed.deserialize(&mut *self.reader)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

struct Variant<'r, 'de> {
    reader: &'r mut Reader<'de>,
    name: &'de str,
    bare: bool,
}

impl<'r, 'de> Variant<'r, 'de> {
    fn content(self) -> Result<&'r mut Reader<'de>, CborError> {
        if self.bare {
            Err(unexpected("a variant with content"))
        } else {
            Ok(self.reader)
        }
    }
}

impl<'de> EnumAccess<'de> for Variant<'_, 'de> {
    type Error = CborError;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), CborError> {
        let name = BorrowedStrDeserializer::<CborError>::new(self.name);
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_, 'de> {
    type Error = CborError;

    fn unit_variant(self) -> Result<(), CborError> {
        if self.bare {
            Ok(())
        } else {
            Err(unexpected("a variant without content"))
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, CborError> {
        seed.deserialize(self.content()?)
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, CborError> {
        self.content()?.deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, CborError> {
        self.content()?.deserialize_map(visitor)
    }
}

impl serde::de::Error for CborError {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self::Shape(message.to_string())
    }
}
