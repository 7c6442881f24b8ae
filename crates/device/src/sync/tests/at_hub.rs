//! Behind a hub: its receipts and cosignatures count for what they are, and the center's alone are green.

use super::*;
use crate::test_center::HubKeys;
use crate::upstream::Authority;
use fengjuan_wire::bundle::Receipt;

/// A terminal whose upstream is a hub.
fn behind_a_hub() -> (Terminal, HubKeys) {
    let terminal = Terminal::new();
    let keys = HubKeys::new();
    {
        let mut fake = terminal.fake();
        fake.hub = Some(Authority::hub(keys.delegation(), "https://127.0.0.1:2"));
        fake.hub_receipt = Some(SigningKey::from_seed(&keys.receipt.seed()));
        fake.hub_witness = Some(SigningKey::from_seed(&keys.witness.seed()));
        let mut certificate = keys.certificate(&terminal.sync.inner.identity);
        std::mem::swap(fake.approved.as_mut().unwrap(), &mut certificate);
    }
    (terminal, keys)
}

fn receipt_of(terminal: &Terminal, hash: &Hash32) -> Option<Vec<u8>> {
    let reader = terminal.database.reader().unwrap();
    reader.object(&hash.0).unwrap().unwrap().receipt
}

#[test]
fn a_hub_approves_witnesses_and_takes_objects_in() {
    let (terminal, keys) = behind_a_hub();
    let hash = terminal.store_object(1_000, 1);
    terminal.pass().unwrap();
    let state = terminal.state();
    assert_eq!((state.link, state.unsent), (LinkState::Online, 0));
    assert_eq!(state.at_hub, [hash].into());
    assert_eq!(receipt_of(&terminal, &hash), None, "not green");
    assert_eq!(state.witnessed_size, state.ledger_size);
    assert_eq!(state.replicated, state.ledger_size);
    assert_eq!(terminal.count("app.receipted_by_hub"), 1);
    assert_eq!(terminal.count("app.receipted"), 0);
    let signers = [keys.issuer.public()];
    let (reader, identity) = (
        terminal.database.reader().unwrap(),
        &terminal.sync.inner.identity,
    );
    let certificate = upstream::certificate(&reader, &signers, "S01", identity).unwrap();
    assert!(certificate.is_some());
    // Nothing is uploaded again, and the hub is not asked in every pass.
    let received = terminal.fake().received.len();
    terminal.pass().unwrap();
    assert_eq!(terminal.fake().received.len(), received);
    assert_eq!(terminal.count("app.receipted_by_hub"), 1);
    assert_eq!(terminal.count("app.receipted"), 0);
}

#[test]
fn the_centers_receipt_comes_through_the_hub_and_only_then_it_is_green() {
    let (terminal, _) = behind_a_hub();
    let objects = [terminal.store_object(10, 1), terminal.store_object(10, 2)];
    terminal.pass().unwrap();
    assert_eq!(terminal.state().at_hub.len(), 2);
    // The hub has the center's receipts now, and says so.
    terminal.fake().hub_receipt = None;
    terminal.sync.look_soon();
    terminal.pass().unwrap();
    let state = terminal.state();
    assert_eq!((state.unsent, state.at_hub.len()), (0, 0));
    for hash in objects {
        let receipt = receipt_of(&terminal, &hash).unwrap();
        let center = terminal.sync.upstream().center.directory.receipt;
        assert_eq!(Receipt::verify(&center, &receipt).unwrap().object, hash);
    }
    assert_eq!(terminal.count("app.receipted_by_hub"), 2);
    assert_eq!(terminal.count("app.receipted"), 2);
}

#[test]
fn another_hub_is_told_and_given_everything_anew() {
    let (terminal, _) = behind_a_hub();
    let hash = terminal.store_object(10, 1);
    terminal.pass().unwrap();
    let other = HubKeys::new();
    {
        let mut fake = terminal.fake();
        fake.hub = Some(Authority::hub(other.delegation(), "https://127.0.0.1:3"));
        fake.hub_receipt = Some(SigningKey::from_seed(&other.receipt.seed()));
        fake.hub_witness = Some(SigningKey::from_seed(&other.witness.seed()));
        fake.approved = Some(other.certificate(&terminal.sync.inner.identity));
        fake.entries.clear();
        fake.uploads.clear();
        fake.received.clear();
    }
    terminal.pass().unwrap();
    let state = terminal.state();
    assert_eq!((state.unsent, &state.at_hub), (0, &[hash].into()));
    assert_eq!(terminal.fake().received, [hash]);
    assert_eq!(terminal.fake().entries.len() as u64, state.ledger_size);
    assert_eq!(state.witnessed_size, state.ledger_size);
    // A stranger's receipt is none.
    let second = terminal.store_object(10, 2);
    terminal.fake().hub_receipt = Some(SigningKey::generate().unwrap());
    assert_eq!(terminal.pass().unwrap_err().code(), "sync.receipt");
    assert_eq!(terminal.state().unsent, 1);
    assert_eq!(receipt_of(&terminal, &second), None);
}
