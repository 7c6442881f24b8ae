use argon2::{AssociatedData, ParamsBuilder};
use data_encoding::HEXLOWER;

use super::*;

fn hex(text: &str) -> Vec<u8> {
    HEXLOWER.decode(text.as_bytes()).unwrap()
}

/// RFC 5869 Appendix A, the three cases with SHA-256.
#[test]
fn rfc_5869() {
    let cases = [
        (
            vec![0x0b; 22],
            hex("000102030405060708090a0b0c"),
            hex("f0f1f2f3f4f5f6f7f8f9"),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
        ),
        (
            (0x00..0x50).collect(),
            (0x60..0xb0).collect(),
            (0xb0..=0xff).collect(),
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41\
             c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87",
        ),
        (
            vec![0x0b; 22],
            vec![],
            vec![],
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
        ),
    ];
    for (ikm, salt, info, expected) in cases {
        let mut out = vec![0; expected.len() / 2];
        hkdf_sha256(&ikm, &salt, &info, &mut out);
        assert_eq!(HEXLOWER.encode(&out), expected);
    }
}

#[test]
fn info_parts_never_run_together() {
    let ikm = SecretKey::from_bytes(std::array::from_fn(|i| i as u8));
    let key = hkdf(&ikm, b"salt", &[b"ab", b"c"]);
    // Computed with another implementation over 00000002 'ab' 00000001 'c'.
    assert_eq!(
        HEXLOWER.encode(key.as_bytes()),
        "e9be1e56aa79860c5ad7ca89f1c4579574ed1c18eb8a95c0181110d1196abc0c"
    );
    for other in [&[&b"a"[..], b"bc"][..], &[b"abc"], &[b"ab", b"c", b""], &[]] {
        assert_ne!(hkdf(&ikm, b"salt", other), key);
    }
}

/// RFC 9106 §5.3. Its secret and associated data are not used by this product, so the vector is
/// checked on the library, and our own parameters below.
#[test]
fn rfc_9106() {
    let params = ParamsBuilder::new()
        .m_cost(32)
        .t_cost(3)
        .p_cost(4)
        .data(AssociatedData::new(&[4; 12]).unwrap())
        .build()
        .unwrap();
    let secret = [3; 8];
    let argon =
        Argon2::new_with_secret(&secret, Algorithm::Argon2id, Version::V0x13, params).unwrap();
    let mut tag = [0; 32];
    argon
        .hash_password_into(&[1; 32], &[2; 16], &mut tag)
        .unwrap();
    assert_eq!(
        HEXLOWER.encode(&tag),
        "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659"
    );
}

/// Computed with OpenSSL's Argon2id.
#[test]
fn a_code_gives_the_key_that_others_compute() {
    let code: Vec<u8> = (0..10).collect();
    let salt = std::array::from_fn(|i| i as u8);
    let start = std::time::Instant::now();
    let key = derive(&code, &salt, Argon2Params::CODE).unwrap();
    println!("argon2id at 64 MiB: {:?}", start.elapsed());
    assert_eq!(
        HEXLOWER.encode(key.as_bytes()),
        "3f8149fb7749e198c6ef0dac5773a73765e4885781a17c9a6c0f87bf052c42d7"
    );
}

#[test]
fn weak_and_ruinous_parameters_are_refused() {
    let code = Argon2Params::CODE;
    for params in [
        Argon2Params {
            m_kib: 65_535,
            ..code
        },
        Argon2Params { t: 2, ..code },
        Argon2Params { p: 3, ..code },
        Argon2Params {
            m_kib: 262_145,
            ..code
        },
        Argon2Params {
            m_kib: u32::MAX,
            ..code
        },
        Argon2Params { t: 17, ..code },
        Argon2Params { p: 17, ..code },
    ] {
        assert_eq!(
            derive(b"code", &[0; 16], params),
            Err(KdfError::Params),
            "{params:?}"
        );
    }
}

const FOREIGN: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$R6VL3AeOB/8+crjpRxhNHKajlpSm5aaAgElXTDelhkc";

#[test]
fn passwords() {
    assert_eq!(verify_password("监考-Pass1", FOREIGN), Ok(true));
    assert_eq!(verify_password("监考-Pass2", FOREIGN), Ok(false));
    let phc = hash_password("correct").unwrap();
    assert_ne!(phc, hash_password("correct").unwrap());
    assert_eq!(verify_password("correct", &phc), Ok(true));
    assert_eq!(verify_password("", &phc), Ok(false));
}

#[test]
fn verifiers_of_another_form_are_refused() {
    let change = |from: &str, to: &str| FOREIGN.replacen(from, to, 1);
    for (phc, error) in [
        (String::new(), KdfError::Malformed),
        (change("argon2id", "argon2i"), KdfError::Malformed),
        (change("v=19", "v=16"), KdfError::Malformed),
        (change("R6VL", "R6V"), KdfError::Malformed),
        (change("$AAEC", "$"), KdfError::Malformed),
        (change(",p=1", ""), KdfError::Malformed),
        (change(",p=1", ",p=1,p=1"), KdfError::Malformed),
        (format!("{FOREIGN}$"), KdfError::Malformed),
        (change("m=19456", "m=8"), KdfError::Params),
        (change("m=19456", "m=4294967295"), KdfError::Params),
        (change("t=2", "t=1"), KdfError::Params),
        (change("t=2", "t=4000000"), KdfError::Params),
        ("$".repeat(100_000), KdfError::Malformed),
    ] {
        assert_eq!(verify_password("x", &phc), Err(error), "{:.60}", phc);
    }
}
