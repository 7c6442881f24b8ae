//! Grants and sealed objects: both keys are needed, and nothing can be passed off as something else.
#![allow(clippy::unwrap_used)]

use fengjuan_core::event::PictureUse;
use fengjuan_envelope::hpke::KemSecret;
use fengjuan_envelope::seal::SealError;
use fengjuan_envelope::secret::SecretKey;
use fengjuan_envelope::sign::SigningKey;
use fengjuan_wire::bundle::{Bundle, ObjectKind, ObjectPlace, Picture, SealedObject, seal_object};
use fengjuan_wire::grant::{
    Grant, PackageKeys, RosterKey, RosterKeys, SittingKeys, grant_locked, grant_roster, lock_keys,
    sitting_context,
};
use fengjuan_wire::{Signed, WireError};

fn keys() -> SittingKeys {
    let package = PackageKeys {
        class_no: "A".to_owned(),
        paper_key: [3; 32],
        answers_key: None,
    };
    SittingKeys {
        snapshot_seed: [1; 32],
        draw_seed: [2; 32],
        packages: vec![package],
    }
}

fn grant(device: &KemSecret, signer: &SigningKey, code: &SecretKey, site: &str) -> Grant {
    let context = sitting_context(site, "S1", 1).unwrap();
    let locked = lock_keys(&keys(), code, &context).unwrap();
    let roster = RosterKeys {
        keys: vec![RosterKey {
            class_no: "A".to_owned(),
            key: [4; 32],
        }],
    };
    Grant {
        site: site.to_owned(),
        sitting_no: "S1".to_owned(),
        version: 1,
        device: signer.public(),
        locked_keys: grant_locked(&locked, &device.public(), &context).unwrap(),
        roster_keys: grant_roster(&roster, &device.public(), &context).unwrap(),
    }
}

#[test]
fn code_and_device_key_are_both_needed() {
    let (device, other) = (
        KemSecret::generate().unwrap(),
        KemSecret::generate().unwrap(),
    );
    let signer = SigningKey::generate().unwrap();
    let (code, wrong) = (
        SecretKey::from_bytes([8; 32]),
        SecretKey::from_bytes([9; 32]),
    );
    let grant = grant(&device, &signer, &code, "S01");
    assert_eq!(grant.unlock(&device, &code).unwrap().draw_seed, [2; 32]);
    assert!(matches!(
        grant.unlock(&device, &wrong),
        Err(WireError::Seal(SealError::WrongKey))
    ));
    assert!(matches!(
        grant.unlock(&other, &code),
        Err(WireError::Hpke(_))
    ));
    assert_eq!(grant.roster(&device).unwrap().keys[0].key, [4; 32]);
    assert!(grant.roster(&other).is_err());
}

#[test]
fn a_grant_of_another_site_sitting_or_version_does_not_open() {
    let device = KemSecret::generate().unwrap();
    let signer = SigningKey::generate().unwrap();
    let code = SecretKey::from_bytes([8; 32]);
    let real = grant(&device, &signer, &code, "S01");
    for changed in [
        Grant {
            site: "S02".to_owned(),
            ..real.clone()
        },
        Grant {
            sitting_no: "S2".to_owned(),
            ..real.clone()
        },
        Grant {
            version: 2,
            ..real.clone()
        },
    ] {
        assert!(changed.unlock(&device, &code).is_err());
        assert!(changed.roster(&device).is_err());
    }
}

fn picture() -> Picture {
    Picture {
        attempt_id: vec![1; 16],
        usage: PictureUse::Snapshot,
        taken_ms: 5,
        due_ms: Some(4),
        pattern: true,
        salt: vec![6; 16],
        jpeg: vec![0xff, 0xd8, 0xff],
    }
}

#[test]
fn a_sealed_object_opens_for_the_center_alone_and_names_its_sender() {
    let results = KemSecret::generate().unwrap();
    let device = SigningKey::generate().unwrap();
    let place = ObjectPlace {
        kind: ObjectKind::Picture,
        site: "S01".to_owned(),
        sitting_no: "S1".to_owned(),
        version: 1,
    };
    let (hash, bytes) = seal_object(&picture(), &place, &device, &results.public()).unwrap();
    assert_eq!(hash, fengjuan_wire::hash(&bytes));
    let object = SealedObject::from_bytes(&bytes).unwrap();
    assert_eq!(object.open::<Picture>(&results).unwrap(), picture());
    assert!(
        object
            .open::<Picture>(&KemSecret::generate().unwrap())
            .is_err()
    );
    assert!(
        object.open::<Bundle>(&results).is_err(),
        "a picture is not a bundle"
    );
    let stranger = SigningKey::generate().unwrap().public();
    for changed in [
        SealedObject {
            device: stranger,
            ..object.clone()
        },
        SealedObject {
            sitting_no: "S2".to_owned(),
            ..object.clone()
        },
        SealedObject {
            kind: ObjectKind::Bundle,
            ..object.clone()
        },
        SealedObject {
            version: 2,
            ..object.clone()
        },
    ] {
        assert!(changed.open::<Picture>(&results).is_err());
    }
}

#[test]
fn a_document_signed_for_one_usage_is_not_another() {
    let key = SigningKey::generate().unwrap();
    let signed = picture().sign(&key).unwrap();
    assert!(Picture::verify(&key.public(), &signed).is_ok());
    assert!(matches!(
        Bundle::verify(&key.public(), &signed),
        Err(WireError::Signature(_))
    ));
    assert!(Picture::verify(&SigningKey::generate().unwrap().public(), &signed).is_err());
}
