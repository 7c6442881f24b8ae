//! Entries on their way up.

use super::*;
use crate::test_center::HubState;
use fengjuan_wire::room::FromTerminal;
use fengjuan_wire::upstream::EntriesReply;
use std::time::Instant;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn entries_go_up_as_soon_as_they_are_durable_and_nothing_asks_for_it() {
    let (center, hub) = delegated().await;
    let terminal = Terminal::connected(&center, &hub).await;
    for number in 0..20 {
        terminal.answer(number).await;
        let durable = terminal.entries().len();
        let written = Instant::now();
        hub.until(|state| state.entries.len() == durable).await;
        println!("{number}: {} µs", written.elapsed().as_micros());
    }
    assert_eq!(hub.state().entries, terminal.entries());
    terminal.until(|state| state.replicated == 20).await;
    // Each was sent once, and no frame carried a checkpoint.
    let requests = hub.state().requests.clone();
    let sent: usize = requests.iter().map(|request| request.entries.len()).sum();
    assert_eq!(sent, 20);
    assert!(requests.iter().all(|request| request.checkpoint.is_none()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_frame_is_on_its_way_and_the_next_one_carries_all_that_came_meanwhile() {
    let (center, hub) = delegated().await;
    let terminal = Terminal::connected(&center, &hub).await;
    hub.state().holds_answers = true;
    terminal.answer(0).await;
    // The hub may not have been told yet where the ledger begins: that is an exchange of its own.
    hub.until(|state| state.in_flight == 1).await;
    for number in 1..50 {
        terminal.answer(number).await;
    }
    let before = hub.state().requests.len();
    hub.answer();
    hub.until(|state| state.requests.len() == before + 1).await;
    hub.state().holds_answers = false;
    hub.answer();
    hub.until(|state| state.entries.len() == 50).await;
    assert_eq!(hub.state().most_in_flight, 1);
    assert_eq!(hub.state().entries, terminal.entries());
    assert!(
        hub.state().requests.len() <= before + 2,
        "not one frame for each entry"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_lost_connection_nothing_acknowledged_is_sent_twice() {
    let (center, hub) = delegated().await;
    let terminal = Terminal::connected(&center, &hub).await;
    for number in 0..10 {
        terminal.answer(number).await;
    }
    terminal.until(|state| state.replicated == 10).await;
    // An answer that the hub wrote down and could not acknowledge.
    hub.state().holds_answers = true;
    terminal.answer(10).await;
    hub.until(|state| state.entries.len() == 11).await;
    let before = hub.state().requests.len();
    hub.state().holds_answers = false;
    hub.hang_up();
    terminal.until(|state| state.replicated == 11).await;
    let again = hub.state().requests[before..].to_vec();
    assert_eq!(
        (again.len(), again[0].from_seq, again[0].entries.len()),
        (1, 10, 1)
    );
    assert_eq!(hub.state().entries, terminal.entries());
    assert_eq!(terminal.side().lost, 1);
    // While the hub is away, everything goes on here.
    hub.state().refuses = Some("room.stopped".to_owned());
    hub.hang_up();
    terminal.refused("room.stopped").await;
    for number in 11..20 {
        terminal.answer(number).await;
    }
    hub.state().refuses = None;
    hub.until(|state| state.entries.len() == 20).await;
    let total: usize = hub
        .state()
        .requests
        .iter()
        .map(|request| request.entries.len())
        .sum();
    assert_eq!(total, 21, "one was sent again, whose answer was lost");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_that_holds_less_is_sent_the_rest_and_a_fork_is_recorded_while_the_room_goes_on() {
    let (center, hub) = delegated().await;
    let terminal = Terminal::connected(&center, &hub).await;
    for number in 0..5 {
        terminal.answer(number).await;
    }
    terminal.until(|state| state.replicated == 5).await;
    hub.state().entries.truncate(2);
    terminal.answer(5).await;
    hub.until(|state| state.entries.len() == 6).await;
    assert_eq!(hub.state().entries, terminal.entries());
    let held = Hash32([6; 32]);
    hub.state().reply = Some(EntriesReply::Fork { at_seq: 3, held });
    terminal.answer(6).await;
    terminal.until(|state| state.forked_at == Some(3)).await;
    let mut sizes = terminal.recorder.writer().sizes();
    sizes.wait_for(|size| *size == 8).await.unwrap();
    let entries = terminal.database.reader().unwrap().entries(0, 100).unwrap();
    let forks = entries.iter().filter(|entry| entry.kind == "db.fork_seen");
    assert_eq!(forks.count(), 1);
    let device = terminal.identity.public();
    let mark = Mark { epoch: 1, taken: 1 };
    hub.command(&hub.keys.command(&device, mark, 1));
    hub.until(|state| state.acknowledged().len() == 1).await;
    assert!(
        terminal
            .uplink
            .state()
            .borrow()
            .room
            .as_ref()
            .unwrap()
            .is_on()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_that_holds_more_than_there_is_has_found_a_ledger_that_was_put_back() {
    let (center, hub) = delegated().await;
    let terminal = Terminal::connected(&center, &hub).await;
    hub.state().reply = Some(EntriesReply::Stored {
        size: 7,
        cosigned: None,
    });
    terminal.answer(0).await;
    terminal.until(|state| state.forked_at.is_some()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_machine_says_how_it_is_at_once_when_something_changed() {
    let (center, hub) = delegated().await;
    let terminal = Terminal::connected(&center, &hub).await;
    let beats = |heard: &[FromTerminal]| {
        let beats = heard
            .iter()
            .filter(|said| matches!(said, FromTerminal::Beat(_)));
        beats.count()
    };
    hub.until(|state| beats(&state.heard) == 1).await;
    terminal.channel.as_ref().unwrap().beat_soon();
    hub.until(|state| beats(&state.heard) == 2).await;
}

/// A hub that takes everything and says nothing: its silence ends the connection, and the terminal tries again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stalled_hub_is_left_and_tried_again() {
    let (center, hub) = delegated().await;
    let shown = hub.state().welcome.take();
    let mut terminal = Terminal::new(&center, &[&hub]);
    terminal.connect_with(Duration::from_millis(300));
    terminal.away("channel.silent").await;
    hub.until(|state| state.hellos.len() >= 2).await;
    assert_eq!(terminal.side().lost, 0, "it was never on");
    // One that answers pings, and no entries.
    hub.state().welcome = shown;
    hub.state().holds_answers = true;
    terminal.room(RoomLink::is_on).await;
    terminal.answer(0).await;
    terminal.away("channel.silent").await;
    hub.state().holds_answers = false;
    terminal.until(|state| state.replicated == 1).await;
    assert_eq!(hub.state().entries, terminal.entries());
    assert_eq!(hub.state().most_in_flight, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn small_pictures_are_said_once_on_each_connection() {
    let (center, hub) = delegated().await;
    let terminal = Terminal::connected(&center, &hub).await;
    let picture = |taken_ms| SmallPicture {
        sitting_no: "K1".to_owned(),
        attempt_id: vec![1; 16],
        usage: fengjuan_core::event::PictureUse::Snapshot,
        taken_ms,
        pattern: false,
        jpeg: vec![0xff, 0xd8, 0xff],
    };
    let times = |state: &HubState| -> Vec<i64> {
        let said = state.heard.iter().filter_map(|said| match said {
            FromTerminal::Picture(picture) => Some(picture.taken_ms),
            _ => None,
        });
        said.collect()
    };
    for taken_ms in [1, 2] {
        terminal.side().pictures.push(picture(taken_ms));
        terminal.channel.as_ref().unwrap().beat_soon();
        hub.until(|state| times(state).last() == Some(&taken_ms))
            .await;
    }
    assert_eq!(times(&hub.state()), [1, 2]);
    // A hub that has lost its memory gets them again.
    hub.hang_up();
    hub.until(|state| state.hellos.len() == 2).await;
    terminal.room(RoomLink::is_on).await;
    terminal.channel.as_ref().unwrap().beat_soon();
    hub.until(|state| times(state).len() == 4).await;
    assert_eq!(times(&hub.state()), [1, 2, 1, 2]);
}
