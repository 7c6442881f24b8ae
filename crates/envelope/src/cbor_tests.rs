use std::collections::BTreeMap;

use data_encoding::HEXLOWER;
use proptest::prelude::*;
use serde::Deserialize;

use super::*;

fn hex(text: &str) -> Vec<u8> {
    HEXLOWER.decode(text.as_bytes()).unwrap()
}

/// RFC 8949 Appendix A: the examples that are deterministic encodings.
#[test]
fn rfc_8949_appendix_a_is_read_and_written_alike() {
    for example in [
        "00",
        "01",
        "0a",
        "17",
        "1818",
        "1819",
        "1864",
        "1903e8",
        "1a000f4240",
        "1b000000e8d4a51000",
        "1bffffffffffffffff",
        "3bffffffffffffffff",
        "20",
        "29",
        "3863",
        "3903e7",
        "f90000",
        "f98000",
        "f93c00",
        "fb3ff199999999999a",
        "f93e00",
        "f97bff",
        "fa47c35000",
        "fa7f7fffff",
        "fb7e37e43c8800759c",
        "f90001",
        "f90400",
        "f9c400",
        "fbc010666666666666",
        "f97c00",
        "f97e00",
        "f9fc00",
        "f4",
        "f5",
        "f6",
        "40",
        "4401020304",
        "60",
        "6161",
        "6449455446",
        "62225c",
        "62c3bc",
        "63e6b0b4",
        "64f0908591",
        "80",
        "83010203",
        "8301820203820405",
        "98190102030405060708090a0b0c0d0e0f101112131415161718181819",
        "a0",
        "a201020304",
        "a26161016162820203",
        "826161a161626163",
        "a56161614161626142616361436164614461656145",
    ] {
        let value: Value = from_slice(&hex(example)).unwrap_or_else(|e| panic!("{example}: {e}"));
        assert_eq!(HEXLOWER.encode(&to_vec(&value).unwrap()), example);
    }
}

/// The examples of the same appendix that have another, deterministic form, and other forms of
/// refusal.
#[test]
fn anything_but_the_one_encoding_is_refused() {
    use CborError::{Malformed, NotCanonical, Trailing, Truncated};
    for (example, error) in [
        // Longer than needed.
        ("1800", NotCanonical { at: 0 }),
        ("1817", NotCanonical { at: 0 }),
        ("1900ff", NotCanonical { at: 0 }),
        ("1a0000ffff", NotCanonical { at: 0 }),
        ("1b00000000ffffffff", NotCanonical { at: 0 }),
        ("5801aa", NotCanonical { at: 0 }),
        ("980100", NotCanonical { at: 0 }),
        ("b8010000", NotCanonical { at: 0 }),
        ("d80100", NotCanonical { at: 0 }),
        // Floats that fit a shorter form, and other NaNs.
        ("fa3fc00000", NotCanonical { at: 0 }),
        ("fb3ff8000000000000", NotCanonical { at: 0 }),
        ("fb47efffffe0000000", NotCanonical { at: 0 }),
        ("fa7f800000", NotCanonical { at: 0 }),
        ("fa7fc00000", NotCanonical { at: 0 }),
        ("fb7ff8000000000000", NotCanonical { at: 0 }),
        ("f97e01", NotCanonical { at: 0 }),
        // Tags, which the subset leaves out.
        ("c11a514b67b0", Malformed { at: 0 }),
        ("c249010000000000000000", Malformed { at: 0 }),
        // Indefinite lengths.
        ("5f42010243030405ff", NotCanonical { at: 0 }),
        ("7f657374726561646d696e67ff", NotCanonical { at: 0 }),
        ("9fff", NotCanonical { at: 0 }),
        ("bfff", NotCanonical { at: 0 }),
        ("ff", NotCanonical { at: 0 }),
        // Keys out of order, repeated, or ordered by value and not by encoding.
        ("a203040102", NotCanonical { at: 3 }),
        ("a201000100", NotCanonical { at: 3 }),
        ("a262616100616200", NotCanonical { at: 5 }),
        ("a2200018ff00", NotCanonical { at: 3 }),
        // Unsupported simple values, reserved forms, bad text.
        ("f7", Malformed { at: 0 }),
        ("f0", Malformed { at: 0 }),
        ("f8ff", Malformed { at: 0 }),
        ("1c", Malformed { at: 0 }),
        ("61ff", Malformed { at: 0 }),
        // Too short, too long.
        ("", Truncated { at: 0 }),
        ("18", Truncated { at: 1 }),
        ("4401", Truncated { at: 2 }),
        ("9bffffffffffffffff", Truncated { at: 9 }),
        ("5bffffffffffffffff", Truncated { at: 9 }),
        ("bb7fffffffffffffff", Truncated { at: 9 }),
        ("0000", Trailing { at: 1 }),
    ] {
        assert_eq!(from_slice::<Value>(&hex(example)), Err(error), "{example}");
    }
}

#[test]
fn nesting_is_bounded_both_ways() {
    let nested = |depth: usize| [vec![0x81; depth], vec![0]].concat();
    assert!(from_slice::<Value>(&nested(MAX_DEPTH)).is_ok());
    assert_eq!(
        from_slice::<Value>(&nested(MAX_DEPTH + 1)),
        Err(CborError::TooDeep)
    );
    assert_eq!(
        from_slice::<Value>(&nested(5_000_000)),
        Err(CborError::TooDeep)
    );
    let mut value = Value::Null;
    for _ in 0..=MAX_DEPTH {
        value = Value::Array(vec![value]);
    }
    assert_eq!(to_vec(&value), Err(CborError::TooDeep));
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
#[serde(deny_unknown_fields)]
struct Sample {
    zebra: u8,
    a: Option<String>,
    list: Vec<(i64, bool)>,
    kind: Kind,
    map: BTreeMap<String, u32>,
    #[serde(with = "crate::byte_string")]
    hash: [u8; 4],
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
enum Kind {
    Plain,
    With(u32),
    Named { at: u64 },
}

fn sample() -> Sample {
    Sample {
        zebra: 7,
        a: Some("考".to_owned()),
        list: vec![(-1, true), (i64::MAX, false)],
        kind: Kind::Named { at: 5 },
        map: [("long key".to_owned(), 1), ("z".to_owned(), 2)].into(),
        hash: [1, 2, 3, 4],
    }
}

#[test]
fn structs_are_written_with_sorted_keys() {
    let bytes = to_vec(&sample()).unwrap();
    assert_eq!(
        HEXLOWER.encode(&bytes),
        "a6616163e88083636d6170a2617a02686c6f6e67206b6579016468617368440102030464\
         6b696e64a1654e616d6564a162617405646c6973748282\
         20f5821b7ffffffffffffffff4657a6562726107"
    );
    assert_eq!(from_slice::<Sample>(&bytes).unwrap(), sample());
    for kind in [Kind::Plain, Kind::With(9)] {
        let bytes = to_vec(&kind).unwrap();
        assert_eq!(from_slice::<Kind>(&bytes).unwrap(), kind);
    }
}

#[test]
fn every_truncation_and_every_flipped_bit_is_refused_or_means_something_else() {
    let bytes = to_vec(&sample()).unwrap();
    for cut in 0..bytes.len() {
        assert!(from_slice::<Sample>(&bytes[..cut]).is_err(), "cut to {cut}");
    }
    for bit in 0..bytes.len() * 8 {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        if let Ok(read) = from_slice::<Sample>(&changed) {
            assert_ne!(read, sample(), "bit {bit}");
            assert_eq!(to_vec(&read).unwrap(), changed, "bit {bit}");
        }
    }
}

/// Each of these holds the same fields for a lenient reader.
#[test]
fn a_value_is_read_in_one_form_only() {
    let refused = |text: &str| assert!(from_slice::<Forms>(&hex(text)).is_err(), "{text}");
    let forms = Forms {
        f: 1.0,
        g: 0.5,
        k: Kind::Plain,
    };
    // {"f": 1.0, "g": 0.5, "k": "Plain"}
    let bytes = "a36166f93c006167f93800616b65506c61696e";
    assert_eq!(HEXLOWER.encode(&to_vec(&forms).unwrap()), bytes);
    assert_eq!(from_slice::<Forms>(&hex(bytes)).unwrap(), forms);
    refused("a34166f93c006167f93800616b65506c61696e"); // a field's name as bytes
    refused("a36166016167f93800616b65506c61696e"); // an integer for a float
    refused("a36166f93c006167fb3fe0000000000001616b65506c61696e"); // 64 bits where 32 are held
    refused("a36166f93c006167f93800616b45506c61696e"); // a variant's name as bytes
    refused("a36166f93c006167f93800616ba165506c61696ef6"); // a unit variant as a map
    refused("83f93c00f9380065506c61696e"); // a struct as an array
    assert!(from_slice::<(u8, u8)>(&hex("83010203")).is_err());
    assert!(from_slice::<Kind>(&hex("a26457697468016557697468ff02")).is_err());
    assert!(from_slice::<u8>(&hex("190100")).is_err());
    assert_eq!(
        from_slice::<i128>(&hex("3bffffffffffffffff")).unwrap(),
        -1 - i128::from(u64::MAX)
    );
    assert_eq!(from_slice::<Option<u8>>(&hex("f6")).unwrap(), None);
    assert_eq!(from_slice::<Option<u8>>(&hex("07")).unwrap(), Some(7));
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Forms {
    f: f64,
    g: f32,
    k: Kind,
}

#[test]
fn a_map_with_one_key_twice_is_not_written() {
    let twice = Value::Map(vec![
        (1.into(), 0.into()),
        (2.into(), 0.into()),
        (1.into(), 5.into()),
    ]);
    assert!(matches!(to_vec(&twice), Err(CborError::Unwritable(_))));
}

#[test]
fn long_strings_survive() {
    let text = "卷".repeat(10_000);
    assert_eq!(from_slice::<String>(&to_vec(&text).unwrap()).unwrap(), text);
    let bytes = Value::Bytes(vec![9; 100_000]);
    assert_eq!(
        from_slice::<Value>(&to_vec(&bytes).unwrap()).unwrap(),
        bytes
    );
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-300i64..300).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<f32>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
        ".{0,30}".prop_map(Value::from),
        proptest::collection::vec(any::<u8>(), 0..300).prop_map(Value::Bytes),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            proptest::collection::vec((inner.clone(), inner.clone()), 0..6).prop_map(Value::Map),
        ]
    })
}

proptest! {
    #![proptest_config(crate::cases(400))]

    #[test]
    fn what_is_written_is_read_and_written_the_same(value in any_value()) {
        // A map that happens to hold one key twice is refused, rightly.
        if let Ok(bytes) = to_vec(&value) {
            let read: Value = from_slice(&bytes).unwrap();
            prop_assert_eq!(to_vec(&read).unwrap(), bytes);
        }
    }

    /// The walk accepts exactly what the writer writes: whatever it lets through is written back
    /// as it was, and whatever the library reads and we write back alike, the walk lets through.
    #[test]
    fn the_walk_agrees_with_writing_back(
        value in any_value(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
    ) {
        let mut bytes = to_vec(&value).unwrap_or_default();
        for (place, byte) in changes {
            if !bytes.is_empty() {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
        }
        let mut rest = bytes.as_slice();
        let lenient: Option<Value> = ciborium::from_reader(&mut rest).ok();
        let written = lenient.filter(|_| rest.is_empty()).and_then(|value| to_vec(&value).ok());
        match strict::check(&bytes) {
            Ok(()) => prop_assert_eq!(written, Some(bytes)),
            Err(CborError::TooDeep) => {}
            Err(error) => prop_assert_ne!(written, Some(bytes), "refused with {}", error),
        }
    }
}

proptest! {
    #![proptest_config(crate::cases(20_000))]

    #[test]
    fn hostile_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        let _ = from_slice::<Sample>(&bytes);
        if let Ok(value) = from_slice::<Value>(&bytes) {
            prop_assert_eq!(to_vec(&value).unwrap(), bytes);
        }
    }
}
