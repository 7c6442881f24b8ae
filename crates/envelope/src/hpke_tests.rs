use data_encoding::HEXLOWER;

use super::*;

fn hex(text: &str) -> Vec<u8> {
    HEXLOWER.decode(text.as_bytes()).unwrap()
}

/// RFC 9180 Appendix A.5.1 (Base mode), first message.
#[test]
fn rfc_9180_a_5_1() {
    let recipient = KemSecret::derive(&hex(
        "61092f3f56994dd424405899154a9918353e3e008171517ad576b900ddb275e7",
    ));
    assert_eq!(
        recipient.to_bytes().as_slice(),
        hex("a4d1c55836aa30f9b3fbb6ac98d338c877c2867dd3a77396d13f68d3ab150d3b")
    );
    assert_eq!(
        recipient.public().as_bytes().as_slice(),
        hex(
            "04a697bffde9405c992883c5c439d6cc358170b51af72812333b015621dc0f40bad9bb726f68a5c01380\
             6a790ec716ab8669f84f6b694596c2987cf35baba2a006"
        )
    );
    let info = b"Ode on a Grecian Urn";
    let aad = b"Count-0";
    let plain = b"Beauty is truth, truth beauty";
    let ephemeral = hex("f1f1a3bc95416871539ecb51c3a8f0cf608afb40fbbe305c0a72819d35c33f1f");
    let sealed = seal_with_ephemeral(
        &recipient.public(),
        info,
        aad,
        plain,
        ephemeral.as_slice().try_into().unwrap(),
    )
    .unwrap();
    let expected = hex(
        "04c07836a0206e04e31d8ae99bfd549380b072a1b1b82e563c935c095827824fc1559eac6fb9e3c70cd31939\
         68994e7fe9781aa103f5b50e934b5b2f387e3812916469c41c5c81d3aa85432531ecf6460ec945bde1eb428c\
         b2fedf7a29f5a685b4ccb0d057f03ea2952a27bb458b",
    );
    assert_eq!(sealed, expected);
    assert_eq!(&*open_from(&recipient, info, aad, &sealed).unwrap(), plain);
}

#[test]
fn only_the_right_key_info_and_aad_open() {
    let recipient = KemSecret::generate().unwrap();
    let other = KemSecret::generate().unwrap();
    let sealed = seal_to(&recipient.public(), b"info", b"aad", b"key").unwrap();
    assert_eq!(sealed.len(), 3 + OVERHEAD);
    assert_eq!(
        &*open_from(&recipient, b"info", b"aad", &sealed).unwrap(),
        b"key"
    );
    let refusals = [
        open_from(&other, b"info", b"aad", &sealed),
        open_from(&recipient, b"inf", b"oaad", &sealed),
        open_from(&recipient, b"info", b"", &sealed),
    ];
    assert!(
        refusals
            .into_iter()
            .all(|refusal| refusal == Err(HpkeError::Unopened))
    );
}

#[test]
fn every_changed_byte_and_every_truncation_is_refused() {
    let recipient = KemSecret::generate().unwrap();
    let sealed = seal_to(&recipient.public(), b"", b"", b"k").unwrap();
    for place in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[place] ^= 0x10;
        assert!(
            open_from(&recipient, b"", b"", &changed).is_err(),
            "byte {place}"
        );
        assert!(
            open_from(&recipient, b"", b"", &sealed[..place]).is_err(),
            "cut to {place}"
        );
    }
    assert_eq!(
        open_from(&recipient, b"", b"", &[0; 200]),
        Err(HpkeError::Malformed)
    );
}

#[test]
fn keys_survive_their_files_and_bad_ones_are_refused() {
    let secret = KemSecret::generate().unwrap();
    let again = KemSecret::from_bytes(secret.to_bytes().as_slice()).unwrap();
    assert_eq!(again.public(), secret.public());
    for bad in [&[0; 32][..], &[0xff; 32], &[1; 31], &[1; 33], &[]] {
        assert_eq!(
            KemSecret::from_bytes(bad).unwrap_err(),
            HpkeError::BadSecret
        );
    }
    let bytes = crate::cbor::to_vec(&secret.public()).unwrap();
    assert_eq!((bytes.len(), bytes[0]), (67, 0x58));
    assert_eq!(
        crate::cbor::from_slice::<KemPublic>(&bytes).unwrap(),
        secret.public()
    );
    let mut off_curve = bytes;
    off_curve[66] ^= 1;
    assert!(crate::cbor::from_slice::<KemPublic>(&off_curve).is_err());
    assert_eq!(KemPublic::from_bytes(&[4; 65]), Err(HpkeError::BadPublic));
}
