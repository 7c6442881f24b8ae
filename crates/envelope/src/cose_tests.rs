use coset::TaggedCborSerializable;
use data_encoding::{HEXLOWER, HEXUPPER};
use proptest::prelude::*;

use super::*;

const USAGE: &str = "application/example";
const SEED: &str = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";

fn key() -> SigningKey {
    SigningKey::from_seed(
        &HEXLOWER
            .decode(SEED.as_bytes())
            .unwrap()
            .try_into()
            .unwrap(),
    )
}

/// Example eddsa-sig-01 of the COSE working group: what is signed, and the signature. Its headers
/// are not the ones that this product demands, so that it is refused as an object.
#[test]
fn working_group_example() {
    let object = HEXUPPER
        .decode(
            b"D28445A201270300A10442313154546869732069732074686520636F6E74656E742E58407142FD2FF96D56DB\
              85BEE905A76BA1D0B7321A95C8C4D3607C5781932B7AFB8711497DFA751BF40B58B3BCC32300B1487F3DB340\
              85EEF013BF08F4A44D6FEF0D",
        )
        .unwrap();
    let protected = [0xa2, 0x01, 0x27, 0x03, 0x00];
    let signed = to_be_signed(&protected, b"This is the content.").unwrap();
    assert_eq!(key().sign(&signed)[..], object[object.len() - 64..]);
    assert_eq!(
        verify1(&key().public(), USAGE, &object),
        Err(CoseError::Shape)
    );
}

/// Made with another implementation (Python's `cryptography`, encoded by hand).
#[test]
fn known_object() {
    let object = sign1(&key(), USAGE, b"payload").unwrap();
    assert_eq!(
        HEXLOWER.encode(&object),
        "d2845822a3012703736170706c69636174696f6e2f6578616d706c65044821fe31dfa154a261a0477061796c6f61\
         645840532b8e727528d76cdec3f6c319c17b3e409eba40b64c1b83e0b4778c980fcf5af45ff2910d7aa9a8404b23\
         e8297c4820b22f444c55001c0a222ea6935023ac06"
    );
    assert_eq!(
        verify1(&key().public(), USAGE, &object).unwrap(),
        b"payload"
    );
    let (usage, key_id, payload) = peek_payload(&object).unwrap();
    assert_eq!(
        (usage.as_str(), key_id, payload),
        (USAGE, key().public().key_id(), b"payload".to_vec())
    );
}

#[test]
fn another_library_reads_and_verifies_it() {
    let object = sign1(&key(), USAGE, b"payload").unwrap();
    let read = coset::CoseSign1::from_tagged_slice(&object).unwrap();
    assert_eq!(read.payload.as_deref(), Some(&b"payload"[..]));
    assert_eq!(
        read.protected.header.content_type,
        Some(coset::ContentType::Text(USAGE.into()))
    );
    assert_eq!(read.protected.header.key_id, key().public().key_id());
    read.verify_signature(b"", |signature, data| {
        key().public().verify(data, signature)
    })
    .unwrap();
    assert_eq!(read.to_tagged_vec().unwrap(), object);
}

#[test]
fn each_condition_has_its_refusal() {
    let object = sign1(&key(), USAGE, b"payload").unwrap();
    let other = SigningKey::generate().unwrap();
    assert_eq!(
        verify1(&other.public(), USAGE, &object),
        Err(CoseError::KeyId)
    );
    assert_eq!(
        verify1(&key().public(), "application/other", &object),
        Err(CoseError::Usage)
    );
    for usage in ["", "with space", "中文", &"x".repeat(101)] {
        assert_eq!(sign1(&key(), usage, b""), Err(CoseError::Usage));
    }
    let mut forged = object.clone();
    *forged.last_mut().unwrap() ^= 1;
    assert_eq!(
        verify1(&key().public(), USAGE, &forged),
        Err(CoseError::Signature)
    );
    assert!(peek_payload(&forged).is_ok());
    assert!(matches!(
        verify1(&key().public(), USAGE, &object[1..]),
        Err(CoseError::Shape)
    ));
}

/// Builds an object with any headers and a right signature over them.
fn object_with(protected: Vec<(Value, Value)>, unprotected: Vec<(Value, Value)>) -> Vec<u8> {
    let protected = cbor::to_vec(&Value::Map(protected)).unwrap();
    let signature = key()
        .sign(&to_be_signed(&protected, b"p").unwrap())
        .to_vec();
    let parts = vec![
        Value::Bytes(protected),
        Value::Map(unprotected),
        Value::Bytes(b"p".to_vec()),
        Value::Bytes(signature),
    ];
    [vec![0xd2], cbor::to_vec(&Value::Array(parts)).unwrap()].concat()
}

#[test]
fn other_headers_are_refused_even_if_rightly_signed() {
    let key_id = Value::Bytes(key().public().key_id().to_vec());
    let usual = vec![
        (Value::from(1), Value::from(-8)),
        (Value::from(3), Value::from(USAGE)),
        (Value::from(4), key_id.clone()),
    ];
    let verify = |object: Vec<u8>| verify1(&key().public(), USAGE, &object);
    assert_eq!(verify(object_with(usual.clone(), vec![])).unwrap(), b"p");
    let mut more = usual.clone();
    more.push((Value::from(2), Value::Array(vec![Value::from(99)])));
    assert_eq!(verify(object_with(more, vec![])), Err(CoseError::Shape));
    assert_eq!(
        verify(object_with(usual[..2].to_vec(), vec![])),
        Err(CoseError::Shape)
    );
    assert_eq!(
        verify(object_with(usual.clone(), vec![(4.into(), key_id)])),
        Err(CoseError::Shape)
    );
    let mut other_algorithm = usual.clone();
    other_algorithm[0].1 = Value::from(-7);
    assert_eq!(
        verify(object_with(other_algorithm, vec![])),
        Err(CoseError::Algorithm)
    );
    let mut numeric_type = usual;
    numeric_type[1].1 = Value::from(0);
    assert_eq!(
        verify(object_with(numeric_type, vec![])),
        Err(CoseError::Shape)
    );
}

#[test]
fn every_changed_bit_and_truncation_is_refused() {
    let object = sign1(&key(), USAGE, b"payload").unwrap();
    for bit in 0..object.len() * 8 {
        let mut changed = object.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(
            verify1(&key().public(), USAGE, &changed).is_err(),
            "bit {bit}"
        );
    }
    for cut in 0..object.len() {
        assert!(
            verify1(&key().public(), USAGE, &object[..cut]).is_err(),
            "cut to {cut}"
        );
    }
    assert!(verify1(&key().public(), USAGE, &[object, vec![0]].concat()).is_err());
}

proptest! {
    #![proptest_config(crate::cases(5_000))]

    #[test]
    fn hostile_bytes_never_panic(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let object = sign1(&key(), USAGE, b"payload").unwrap();
        let mut changed = object.clone();
        for (place, byte) in changes {
            changed[place.index(object.len())] = byte;
        }
        changed.truncate(cut.index(object.len() + 1));
        if changed != object {
            prop_assert!(verify1(&key().public(), USAGE, &changed).is_err());
        }
        let _ = peek_payload(&changed);
    }
}
