//! Commands and keys on their way down.

use super::*;
use fengjuan_envelope::sign::SigningKey;
use fengjuan_wire::Signed;
use fengjuan_wire::grant::SittingKeys;
use fengjuan_wire::room::{FromHub, KeysPlace, RoomKeys, SealedRoomKeys};
use serde_bytes::ByteBuf;

fn mark(epoch: u64, taken: u64) -> Mark {
    Mark { epoch, taken }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_are_taken_in_order_and_a_repeated_one_is_acknowledged_again() {
    let (center, hub) = delegated().await;
    let terminal = Terminal::connected(&center, &hub).await;
    let device = terminal.identity.public();
    let command = |no| hub.keys.command(&device, mark(1, no), no as u32);
    for no in [1, 2, 2, 1, 3] {
        hub.command(&command(no));
    }
    hub.until(|state| state.acknowledged().len() == 5).await;
    assert_eq!(hub.state().acknowledged(), [1, 2, 2, 1, 3]);
    assert_eq!(terminal.side().done, [1, 2, 3], "each was done once");
    // After a lost connection the terminal says where it stands; what was not acknowledged is sent again.
    hub.hang_up();
    hub.until(|state| state.hellos.len() == 2).await;
    let hellos = hub.state().hellos.clone();
    assert_eq!(hellos[1].taken, 3);
    assert_eq!(hellos[0].run_id, hellos[1].run_id);
    terminal.room(RoomLink::is_on).await;
    hub.command(&command(3));
    hub.until(|state| state.acknowledged().len() == 6).await;
    assert_eq!(terminal.side().done, [1, 2, 3]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_command_is_asked_for_by_saying_again_where_it_stands() {
    let (center, hub) = delegated().await;
    let terminal = Terminal::connected(&center, &hub).await;
    let device = terminal.identity.public();
    hub.command(&hub.keys.command(&device, mark(1, 2), 2));
    hub.until(|state| state.hellos.len() == 2).await;
    assert_eq!(hub.state().hellos[1].taken, 0);
    assert_eq!(hub.state().acknowledged(), [0; 0]);
    terminal.room(RoomLink::is_on).await;
    for no in [1, 2] {
        hub.command(&hub.keys.command(&device, mark(1, no), no as u32));
    }
    hub.until(|state| state.acknowledged().len() == 2).await;
    assert_eq!(terminal.side().done, [1, 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_of_a_stranger_another_device_or_another_epoch_is_never_done() {
    let (center, hub) = delegated().await;
    let terminal = Terminal::connected(&center, &hub).await;
    let device = terminal.identity.public();
    let good = hub.keys.command(&device, mark(1, 1), 1);
    let mut elsewhere = good.clone();
    elsewhere.site = "S02".to_owned();
    let other = SigningKey::generate().unwrap();
    let for_another = hub.keys.command(&other.public(), mark(1, 1), 1);
    let cases = [
        (good.sign(&other).unwrap(), "channel.not_authentic"),
        (
            good.sign(&hub.keys.device).unwrap(),
            "channel.not_authentic",
        ),
        (
            elsewhere.sign(&hub.keys.issuer).unwrap(),
            "channel.not_authentic",
        ),
        (
            for_another.sign(&hub.keys.issuer).unwrap(),
            "channel.not_authentic",
        ),
        (
            hub.keys
                .command(&device, mark(2, 1), 1)
                .sign(&hub.keys.issuer)
                .unwrap(),
            "epoch.lower",
        ),
    ];
    for (bytes, code) in cases {
        hub.say(&FromHub::Command(ByteBuf::from(bytes)));
        terminal.refused(code).await;
        terminal.room(RoomLink::is_on).await;
    }
    assert_eq!(terminal.side().done, [0; 0]);
    assert_eq!(hub.state().acknowledged(), [0; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_cannot_be_written_down_waits_and_holds_its_place() {
    let (center, hub) = delegated().await;
    let terminal = Terminal::connected(&center, &hub).await;
    terminal.side().full = 2;
    let device = terminal.identity.public();
    for no in [1, 2] {
        hub.command(&hub.keys.command(&device, mark(1, no), 1));
    }
    hub.until(|state| state.acknowledged().len() == 2).await;
    assert_eq!(terminal.side().done, [1, 2]);
    assert_eq!(hub.state().hellos.len(), 1, "over the same connection");
}

fn keys() -> SittingKeys {
    SittingKeys {
        snapshot_seed: [5; 32],
        draw_seed: [4; 32],
        packages: Vec::new(),
    }
}

fn message(sealed: &SealedRoomKeys, signer: &SigningKey) -> FromHub {
    FromHub::Keys(RoomKeys {
        sitting_no: "K1".to_owned(),
        version: 1,
        signed: sealed.sign(signer).unwrap(),
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_open_on_their_own_terminal_in_their_own_place_only() {
    let (center, hub) = delegated().await;
    let terminal = Terminal::connected(&center, &hub).await;
    let place = KeysPlace {
        site: "S01".to_owned(),
        sitting_no: "K1".to_owned(),
        version: 1,
        device: terminal.identity.public(),
        epoch: 1,
    };
    let kem = terminal.identity.kem_public();
    let sealed = place.clone().seal(&keys(), &kem).unwrap();
    let mut moved = sealed.clone();
    moved.version = 2;
    let mut renamed = sealed.clone();
    renamed.epoch = 2;
    let for_another = place.clone().seal(&keys(), &hub.keys.kem.public()).unwrap();
    let (issuer, device) = (&hub.keys.issuer, &hub.keys.device);
    let refused = [
        message(&sealed, device),
        message(&moved, issuer),
        message(&renamed, issuer),
        message(&for_another, issuer),
    ];
    for keys in &refused {
        hub.say(keys);
        terminal.refused("channel.not_authentic").await;
        terminal.room(RoomLink::is_on).await;
    }
    assert!(terminal.side().keys.is_empty());
    hub.say(&message(&sealed, issuer));
    // What comes later is done later.
    let command = hub.keys.command(&terminal.identity.public(), mark(1, 1), 1);
    hub.command(&command);
    hub.until(|state| state.acknowledged().len() == 1).await;
    let opened = terminal.side().keys.clone();
    assert_eq!(opened, [("K1".to_owned(), 1, [4; 32])]);
    hub.say(&FromHub::Look {});
    hub.command(&command);
    hub.until(|state| state.acknowledged().len() == 2).await;
    assert_eq!(terminal.side().looks, 1);
}
