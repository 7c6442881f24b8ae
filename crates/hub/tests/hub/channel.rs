//! The room channel: entries up, commands down, each once, over lost lines and restarts of the hub.

use crate::stage::{Stage, Terminal, proctor, until};
use fengjuan_core::room::contact::Contact;
use fengjuan_core::room::station::Action;

/// Every machine without a number gets one and is told of it.
fn number_machines(stage: &Stage) {
    let events = stage
        .hub()
        .room()
        .act(&Action::NumberMachines {}, &proctor());
    assert!(!events.unwrap().is_empty());
}

/// Whether every command of this terminal is acknowledged in the hub's ledger.
fn settled(stage: &Stage, terminal: &Terminal) -> bool {
    stage.hub().room().read(|station| {
        let commands: Vec<_> = station.commands_of(&terminal.device()).collect();
        !commands.is_empty() && commands.iter().all(|one| one.outcome == Some(None))
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_acknowledged_is_durable_and_outlives_the_hub() {
    let mut stage = Stage::open().await;
    let terminal = stage.terminal("T01").await;
    let mut size = 0;
    for _ in 0..50 {
        size = terminal.record();
    }
    until("all is acknowledged", || terminal.replicated() >= size).await;
    assert!(stage.replicated(&terminal) >= size);
    stage.stop().await;
    assert!(Stage::replicated_in(&stage.data(), &terminal) >= size);
    // The hub is away: the candidate goes on, and everything is there afterwards.
    for _ in 0..50 {
        size = terminal.record();
    }
    stage.start().await;
    until("what was written meanwhile is there", || {
        terminal.replicated() >= size
    })
    .await;
    assert!(stage.replicated(&terminal) >= size);
    let forks = stage.hub().replicas().unwrap().forks().unwrap();
    assert_eq!(forks, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_is_done_once_whatever_happens_to_lines_and_hubs() {
    let mut stage = Stage::open().await;
    let mut one = stage.terminal("T01").await;
    let two = stage.terminal("T02").await;
    one.disconnect();
    let gone = one.device();
    until("one is away", || {
        !stage.hub().room().lines().is_connected(&gone)
    })
    .await;
    number_machines(&stage);
    until("two has done it", || two.side.done().len() == 1).await;
    until("and it is in the ledger", || settled(&stage, &two)).await;
    assert_eq!(one.side.done().len(), 0);
    // The hub restarts before one hears of it.
    stage.stop().await;
    stage.start().await;
    one.connect();
    until("one has done it too", || one.side.done().len() == 1).await;
    until("and it is in the ledger", || settled(&stage, &one)).await;
    two.welcomed().await;
    // Whatever is said again is done no more.
    for _ in 0..3 {
        one.disconnect();
        one.connect();
        one.welcomed().await;
    }
    assert_eq!((one.side.done().len(), two.side.done().len()), (1, 1));
    assert_eq!(
        two.side.heard(),
        1,
        "what is acknowledged is not sent again"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn contact_is_known_and_a_lost_one_is_out_of_contact() {
    let stage = Stage::open().await;
    let mut terminal = stage.terminal("T01").await;
    let (room, device) = (stage.hub().room(), terminal.device());
    let contact = || room.read(|station| station.contact(&device));
    until("it is heard", || contact() == Contact::InContact).await;
    until("it says how it is", || room.seen()[&device].beat.is_some()).await;
    terminal.disconnect();
    until("it is silent", || {
        matches!(contact(), Contact::OutOfContact { .. })
    })
    .await;
    terminal.connect();
    until("it is heard again", || contact() == Contact::InContact).await;
}
