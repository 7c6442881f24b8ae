use data_encoding::HEXLOWER;
use ring::signature::Ed25519KeyPair;

use super::*;

fn hex(text: &str) -> Vec<u8> {
    HEXLOWER.decode(text.as_bytes()).unwrap()
}

/// RFC 8032 §7.1, tests 1 to 3: seed, public key, message, signature.
#[test]
fn rfc_8032() {
    for (seed, public, message, signature) in [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39\
             701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f36\
             13d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
        (
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f7\
             60984dc6594a7c15e9716ed28dc027beceea1ec40a",
        ),
    ] {
        let key = SigningKey::from_seed(hex(seed).as_slice().try_into().unwrap());
        assert_eq!(key.public().to_hex(), public);
        assert_eq!(HEXLOWER.encode(&key.sign(&hex(message))), signature);
        key.public().verify(&hex(message), &hex(signature)).unwrap();
        assert_eq!(
            key.public().verify(b"other", &hex(signature)),
            Err(SignatureError)
        );
    }
}

#[test]
fn every_changed_bit_of_a_signature_is_refused() {
    let key = SigningKey::generate().unwrap();
    let signature = key.sign(b"message");
    for bit in 0..512 {
        let mut changed = signature;
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(
            key.public().verify(b"message", &changed).is_err(),
            "bit {bit}"
        );
    }
    assert!(key.public().verify(b"message", &signature[..63]).is_err());
    assert!(key.public().verify(b"message", &[]).is_err());
}

#[test]
fn keys_survive_their_forms() {
    let key = SigningKey::generate().unwrap();
    assert_eq!(SigningKey::from_seed(&key.seed()).public(), key.public());
    let pkcs8 = Ed25519KeyPair::from_pkcs8(&key.to_pkcs8_der()).unwrap();
    assert_eq!(pkcs8.public_key().as_ref(), key.public().as_bytes());
    let bytes = crate::cbor::to_vec(&key.public()).unwrap();
    assert_eq!(bytes[..2], [0x58, 32]);
    assert_eq!(
        crate::cbor::from_slice::<PublicKey>(&bytes).unwrap(),
        key.public()
    );
    assert_eq!(
        PublicKey::from_hex(&key.public().to_hex()),
        Some(key.public())
    );
    assert_eq!(PublicKey::from_hex("00"), None);
    assert!(!format!("{key:?}").contains(&HEXLOWER.encode(key.seed().as_ref())));
}

#[test]
fn a_public_key_as_an_array_of_numbers_is_refused() {
    let bytes = crate::cbor::to_vec(&vec![1u8; 32]).unwrap();
    assert!(crate::cbor::from_slice::<PublicKey>(&bytes).is_err());
}
