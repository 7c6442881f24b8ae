//! What a hub adds to the protocol changes nothing for those that know no hub; and a delegation is believed in its place
//! and time only.
#![allow(clippy::unwrap_used)]

use fengjuan_envelope::cbor;
use fengjuan_envelope::hpke::KemSecret;
use fengjuan_envelope::sign::{PublicKey, SigningKey};
use fengjuan_wire::delegation::{HubDelegation, HubKeys};
use fengjuan_wire::upstream::{EnrolRequest, EntriesRequest};
use fengjuan_wire::{Signed, WireError};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

/// Entries as they were sent before there were hubs.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FormerEntries {
    #[serde(with = "serde_bytes")]
    ledger_id: Vec<u8>,
    from_seq: u64,
    entries: Vec<ByteBuf>,
    checkpoint: Option<String>,
}

fn key(seed: u8) -> PublicKey {
    SigningKey::from_seed(&[seed; 32]).public()
}

#[test]
fn a_terminals_own_entries_read_as_they_always_did() {
    let mut request = EntriesRequest {
        ledger_id: vec![1; 16],
        from_seq: 7,
        entries: vec![ByteBuf::from(vec![2, 3])],
        checkpoint: None,
        device: None,
    };
    let bytes = cbor::to_vec(&request).unwrap();
    let former: FormerEntries = cbor::from_slice(&bytes).unwrap();
    assert_eq!(cbor::to_vec(&former).unwrap(), bytes);
    assert_eq!(cbor::from_slice::<EntriesRequest>(&bytes).unwrap(), request);
    request.device = Some(key(1));
    let bytes = cbor::to_vec(&request).unwrap();
    assert_eq!(cbor::from_slice::<EntriesRequest>(&bytes).unwrap(), request);
    assert!(cbor::from_slice::<FormerEntries>(&bytes).is_err());
}

#[test]
fn only_a_hub_sends_further_keys() {
    let mut request = EnrolRequest {
        device_name: "考试机01".to_owned(),
        site: "S01".to_owned(),
        sign: key(1),
        kem: KemSecret::generate().unwrap().public(),
        machine: vec![3; 32],
        hub: None,
    };
    let plain = cbor::to_vec(&request).unwrap();
    assert!(!plain.windows(3).any(|part| part == b"hub"));
    assert_eq!(cbor::from_slice::<EnrolRequest>(&plain).unwrap(), request);
    request.hub = Some(HubKeys {
        issuer: key(2),
        witness: key(3),
        receipt: key(4),
    });
    let bytes = cbor::to_vec(&request).unwrap();
    assert_eq!(cbor::from_slice::<EnrolRequest>(&bytes).unwrap(), request);
}

#[test]
fn a_delegation_is_believed_for_its_center_site_and_time() {
    let issuer = SigningKey::from_seed(&[9; 32]);
    let delegation = HubDelegation {
        center_id: "jining".to_owned(),
        site: "S01".to_owned(),
        room_no: Some("R01".to_owned()),
        hub_name: "考场管理机".to_owned(),
        device: key(1),
        kem: KemSecret::generate().unwrap().public(),
        issuer: key(2),
        witness: key(3),
        receipt: key(4),
        issued_ms: 10,
        not_after_ms: 20,
    };
    let signed = delegation.sign(&issuer).unwrap();
    let trusted = |center: &str, site: &str, now| {
        HubDelegation::trusted(&issuer.public(), center, site, now, &signed)
    };
    assert_eq!(trusted("jining", "S01", 19).unwrap(), delegation);
    let code = |result: Result<HubDelegation, WireError>| result.unwrap_err().code();
    assert_eq!(code(trusted("weifang", "S01", 19)), "wire.mismatch");
    assert_eq!(code(trusted("jining", "S02", 19)), "wire.mismatch");
    assert_eq!(code(trusted("jining", "S01", 20)), "wire.expired");
    let by_itself = HubDelegation::trusted(&key(2), "jining", "S01", 19, &signed);
    assert_eq!(code(by_itself), "wire.signature");
    assert!(delegation.covers_room("R01") && !delegation.covers_room("R02"));
}
