use data_encoding::HEXLOWER;
use proptest::prelude::*;

use super::*;

const LOG: &str = "example.com/behind-the-sofa";
const WITNESS: &str = "witness.example.com/w1";
const TIME: u64 = 1_679_315_147;

fn log_key() -> SigningKey {
    let seed = b"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
    SigningKey::from_seed(&HEXLOWER.decode(seed).unwrap().try_into().unwrap())
}

fn witness_key() -> SigningKey {
    SigningKey::from_seed(&std::array::from_fn(|i| i as u8))
}

fn checkpoint() -> Checkpoint {
    Checkpoint {
        origin: LOG.to_owned(),
        size: 20_852_163,
        root: BASE64
            .decode(b"CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=")
            .unwrap()
            .try_into()
            .unwrap(),
        extension: vec![],
    }
}

fn witnessed() -> String {
    let note = sign_checkpoint(&checkpoint(), LOG, &log_key());
    cosign(&note, WITNESS, &witness_key(), TIME).unwrap()
}

fn check(note: &str) -> Result<Verified, NoteError> {
    verify(
        note,
        LOG,
        &log_key().public(),
        Some((WITNESS, &witness_key().public())),
    )
}

/// The example key and note of the reference implementation of signed notes.
#[test]
fn reference_note() {
    let seed = BASE64
        .decode(b"AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")
        .unwrap();
    let key = SigningKey::from_seed(seed[1..].try_into().unwrap());
    let text = "If you think cryptography is the answer to your problem,\n\
                then you don't know what your problem is.\n";
    let expected = "\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZ\
                    SNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
    let id = key_hash("PeterNeumann", TYPE_ED25519, key.public().as_bytes());
    assert_eq!(id, 0xc74f_20a3);
    let line = Signature {
        name: "PeterNeumann".to_owned(),
        key_hash: id,
        bytes: key.sign(text.as_bytes()).to_vec(),
    };
    assert_eq!(line.to_line(), expected);
    let whole = format!("{text}\n{expected}");
    let note = Note::read(&whole).unwrap();
    assert_eq!(note.text, text);
    assert_eq!(note.to_text(), whole);
    assert_eq!(note.by("PeterNeumann", id).count(), 1);
    let refusal = verify(&whole, "PeterNeumann", &key.public(), None);
    assert_eq!(refusal, Err(NoteError::NotACheckpoint));
}

/// The checkpoint printed in tlog-cosignature, whose keys are not printed: it is read, and its
/// signatures by strangers count for nothing.
#[test]
fn printed_checkpoint() {
    let note = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
        \u{2014} example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhc\
        yv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\
        \u{2014} witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJs\
        X3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";
    let read = Note::read(note).unwrap();
    assert_eq!(read.signatures.len(), 2);
    assert_eq!(read.signatures[1].bytes[..8], TIME.to_be_bytes());
    assert_eq!(Checkpoint::from_text(read.text).unwrap(), checkpoint());
    assert_eq!(read.to_text(), note);
    assert_eq!(check(note), Err(NoteError::Unsigned));
}

/// Made with another implementation (Python's `cryptography`) from the same text.
#[test]
fn agrees_with_an_independent_implementation() {
    let expected = "example.com/behind-the-sofa\n20852163\n\
        CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
        \u{2014} example.com/behind-the-sofa +PpSVFNUsAicB1wXCuc36HrmzCfBx1ATQpTulWd9U006OEpyCvIVj2pM8CIz\
        KlzXWcwxIO/VAQzkCO8DZUY5tlFX6QQ=\n\
        \u{2014} witness.example.com/w1 oAWfEQAAAABkGFDLBuRDazBLVac2NE+Y+IjbjQOcXLfF9CSDZVUIoS83rE1nFZsV\
        E8YiWV6Ngr7lV8H6bdoBQGP/l73euDMQ9k+bBQ==\n";
    assert_eq!(witnessed(), expected);
    let verified = check(expected).unwrap();
    assert_eq!(
        verified,
        Verified {
            checkpoint: checkpoint(),
            cosigned: Some(TIME)
        }
    );
}

#[test]
fn a_missing_witness_is_said_and_a_wrong_one_is_an_error() {
    let note = sign_checkpoint(&checkpoint(), LOG, &log_key());
    assert_eq!(check(&note).unwrap().cosigned, None);
    let witnessed = witnessed();
    let unasked = verify(&witnessed, LOG, &log_key().public(), None).unwrap();
    assert_eq!(unasked.cosigned, None);
    // The witness's line under another checkpoint of the same log.
    let later = Checkpoint {
        size: 20_852_164,
        ..checkpoint()
    };
    let line = witnessed.lines().last().unwrap();
    let spliced = format!("{}{line}\n", sign_checkpoint(&later, LOG, &log_key()));
    assert_eq!(check(&spliced), Err(NoteError::Cosignature));
    // Another key under the witness's name is a stranger.
    let other = SigningKey::generate().unwrap();
    let by_other = cosign(&note, WITNESS, &other, TIME).unwrap();
    assert_eq!(check(&by_other).unwrap().cosigned, None);
}

#[test]
fn the_log_must_have_signed() {
    let other = SigningKey::generate().unwrap();
    let foreign = sign_checkpoint(&checkpoint(), LOG, &other);
    assert_eq!(check(&foreign), Err(NoteError::Unsigned));
    let renamed = sign_checkpoint(&checkpoint(), "example.com/other", &log_key());
    assert_eq!(check(&renamed), Err(NoteError::Unsigned));
    let resized = witnessed().replace("20852163", "20852164");
    assert_eq!(check(&resized), Err(NoteError::Signature));
    let plain_as_witness = witnessed().replace(WITNESS, LOG);
    assert_eq!(check(&plain_as_witness).unwrap().cosigned, None);
}

#[test]
fn a_newer_cosignature_takes_the_place_of_the_older() {
    let newer = cosign(&witnessed(), WITNESS, &witness_key(), TIME + 60).unwrap();
    assert_eq!(newer.lines().count(), witnessed().lines().count());
    assert_eq!(check(&newer).unwrap().cosigned, Some(TIME + 60));
}

#[test]
fn cosigning_refuses_what_the_format_cannot_hold() {
    let note = sign_checkpoint(&checkpoint(), LOG, &log_key());
    let cosign = |note: &str, name, time| cosign(note, name, &witness_key(), time);
    for name in ["", "two words", "a+b", "中\u{3000}文", "line\n"] {
        assert_eq!(
            cosign(&note, name, TIME),
            Err(NoteError::KeyName),
            "{name:?}"
        );
    }
    assert_eq!(cosign(&note, WITNESS, 1 << 63), Err(NoteError::Time));
    assert_eq!(cosign("hello", WITNESS, TIME), Err(NoteError::Malformed));
    let poem = note.replacen("20852163", "many", 1);
    assert_eq!(cosign(&poem, WITNESS, TIME), Err(NoteError::NotACheckpoint));
}

#[test]
fn checkpoint_texts() {
    let root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
    let good = format!("room 3\n0\n{root}\nextension\n");
    let read = Checkpoint::from_text(&good).unwrap();
    assert_eq!((read.origin.as_str(), read.size), ("room 3", 0));
    assert_eq!(read.extension, ["extension"]);
    assert_eq!(read.to_text(), good);
    for bad in [
        String::new(),
        "\n".to_owned(),
        format!("a\n1\n{root}"),
        format!("\n1\n{root}\n"),
        format!("a\n01\n{root}\n"),
        format!("a\n+1\n{root}\n"),
        format!("a\n-1\n{root}\n"),
        format!("a\n18446744073709551616\n{root}\n"),
        format!("a\n1\n{root}\n\n"),
        format!("a\n1\n{root}\n\nb\n"),
        format!("a\n1\n{root}\r\n"),
        format!("a\n1\n{}\n", root.trim_end_matches('=')),
        "a\n1\nAAAA\n".to_owned(),
        "a\n1\n".to_owned(),
    ] {
        assert_eq!(
            Checkpoint::from_text(&bad),
            Err(NoteError::NotACheckpoint),
            "{bad:?}"
        );
    }
}

#[test]
fn every_flipped_bit_and_truncation_loses_a_signature_or_the_note() {
    let note = witnessed().into_bytes();
    let proven = |bytes: &[u8]| {
        std::str::from_utf8(bytes)
            .ok()
            .and_then(|note| check(note).ok())
            .and_then(|v| v.cosigned)
    };
    assert_eq!(proven(&note), Some(TIME));
    for bit in 0..note.len() * 8 {
        let mut changed = note.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(proven(&changed), None, "bit {bit}");
    }
    for cut in 0..note.len() {
        assert_eq!(proven(&note[..cut]), None, "cut to {cut}");
    }
}

#[test]
fn oversized_notes_are_refused() {
    let line = witnessed().lines().last().unwrap().to_owned();
    let many = format!("{}{}", witnessed(), format!("{line}\n").repeat(70));
    assert_eq!(check(&many), Err(NoteError::Malformed));
    let huge = format!("{}\n{}", "a\n".repeat(40_000), witnessed());
    assert_eq!(check(&huge), Err(NoteError::Malformed));
}

proptest! {
    #![proptest_config(crate::cases(2_000))]

    #[test]
    fn hostile_text_never_panics(
        pieces in proptest::collection::vec(
            prop_oneof![
                Just("\n".to_owned()), Just("\n\n".to_owned()), Just("\u{2014} ".to_owned()),
                Just("a 1234567=".to_owned()), Just("AAAAAAAA".to_owned()), ".{0,12}",
            ],
            0..12,
        ),
    ) {
        let text = pieces.concat();
        prop_assert!(check(&text).is_err());
        let _ = Checkpoint::from_text(&text);
        let _ = cosign(&text, WITNESS, &witness_key(), TIME);
    }
}
