//! Two hubs: the standby follows, and takes over when the first is gone; terminals switch by themselves, and nothing
//! that was acknowledged is lost.

use crate::forwarding::seal;
use crate::papers::{self, SITTING};
use crate::stage::{Stage, Terminal, proctor, until};
use fengjuan_core::room::follow::Follows;
use fengjuan_core::room::station::{Action, Actor};
use fengjuan_device::identity::DeviceIdentity;
use fengjuan_device::machine::RealMachine;
use fengjuan_device::upstream::{Authority, HttpsUpstream, Upstream};
use fengjuan_envelope::sign::SigningKey;
use fengjuan_hub::Hub;
use fengjuan_hub::devices::Admission;
use fengjuan_wire::Signed;
use fengjuan_wire::delegation::HubDelegation;
use fengjuan_wire::follow::{FollowRequest, Holds};
use fengjuan_wire::room::Epoch;
use serde_bytes::ByteBuf;
use std::sync::Arc;

/// Both hubs run, and the second one has all that the first has.
async fn following() -> Stage {
    let mut stage = Stage::open().await;
    stage.start_standby().await;
    caught_up(stage.standby(), stage.hub()).await;
    stage
}

/// What the leader has written by now is followed.
async fn caught_up(follower: &Hub, leader: &Hub) {
    let size = leader.reader().unwrap().size().unwrap();
    let device = leader.room().me();
    until("what was decided is followed", || {
        let followed = follower.room().course().followed();
        followed.is_some_and(|one| one.size >= size)
    })
    .await;
    until("it says so", || {
        let now_ms = follower.recorder().machine().boot_ms();
        let peers = follower.peers().stand(now_ms);
        peers
            .iter()
            .any(|peer| peer.device == device && peer.leader == Follows::Current)
    })
    .await;
}

fn held_of(hub: &Hub, terminal: &Terminal) -> u64 {
    let replicas = hub.replicas().unwrap();
    replicas.size(&terminal.ledger).unwrap_or(0)
}

fn settled(hub: &Hub, terminal: &Terminal) -> bool {
    hub.room().read(|station| {
        let commands: Vec<_> = station.commands_of(&terminal.device()).collect();
        !commands.is_empty() && commands.iter().all(|one| one.outcome == Some(None))
    })
}

fn number_machines(hub: &Hub) {
    let events = hub.room().act(&Action::NumberMachines {}, &proctor());
    assert!(!events.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_takes_over_and_the_terminals_go_on_there() {
    let mut stage = following().await;
    let one = stage.terminal("T01").await;
    let mut two = stage.terminal("T02").await;
    two.disconnect();
    let gone = two.device();
    until("two is away", || {
        !stage.hub().room().lines().is_connected(&gone)
    })
    .await;
    number_machines(stage.hub());
    until("one has done it", || settled(stage.hub(), &one)).await;
    let mut size = 0;
    for _ in 0..50 {
        size = one.record();
    }
    until("all is acknowledged", || one.replicated() >= size).await;
    until("and followed", || held_of(stage.standby(), &one) >= size).await;
    caught_up(stage.standby(), stage.hub()).await;
    until("the first one knows that it is followed", || {
        let now_ms = stage.hub().recorder().machine().boot_ms();
        let peers = stage.hub().peers().stand(now_ms);
        peers.iter().any(|peer| peer.follower == Follows::Current)
    })
    .await;
    let standby = stage.standby();
    let admission = |terminal: &Terminal| standby.devices().get(&terminal.device());
    for terminal in [&one, &two] {
        assert_eq!(admission(terminal).unwrap().admission, Admission::Approved);
    }
    let refused = standby.room().act(&Action::NumberMachines {}, &proctor());
    assert_eq!(refused.unwrap_err().code(), "room.not_commanding");
    assert_eq!(one.side.epoch(), 1, "nobody has switched");

    stage.kill(false).await;
    for _ in 0..50 {
        size = one.record();
    }
    let raised = stage.standby().room().take_over(&proctor()).unwrap();
    assert_eq!(raised.len(), 1);
    until("one obeys the second hub", || one.side.epoch() == 2).await;
    until("it has all", || held_of(stage.standby(), &one) >= size).await;
    // What waited for two is given again, once.
    two.connect();
    until("two has done it", || settled(stage.standby(), &two)).await;
    until("nothing waits for one", || settled(stage.standby(), &one)).await;
    assert_eq!((one.side.done().len(), two.side.done().len()), (1, 1));
    assert_eq!(stage.standby().replicas().unwrap().forks().unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_hub_coming_back_stops_and_follows_and_may_take_over_again() {
    let mut stage = following().await;
    let terminal = stage.terminal("T01").await;
    number_machines(stage.hub());
    until("it is done", || settled(stage.hub(), &terminal)).await;
    caught_up(stage.standby(), stage.hub()).await;
    stage.kill(false).await;
    stage.standby().room().take_over(&proctor()).unwrap();
    until("it obeys the second hub", || terminal.side.epoch() == 2).await;
    stage.start().await;
    until("the first one has stopped", || {
        stage.hub().room().raised().is_none()
    })
    .await;
    let refused = stage
        .hub()
        .room()
        .act(&Action::NumberMachines {}, &proctor());
    assert_eq!(refused.unwrap_err().code(), "room.not_commanding");
    caught_up(stage.hub(), stage.standby()).await;
    let heard = stage
        .hub()
        .room()
        .read(|station| station.standing().heard());
    assert_eq!(heard, 2);
    let device = terminal.device();
    assert!(stage.standby().room().lines().is_connected(&device));
    let before = stage
        .standby()
        .room()
        .read(|station| station.recorded().clone());

    // It takes over again, and says the same after a restart: what both have decided is one history.
    stage.hub().room().take_over(&proctor()).unwrap();
    until("the second one has stopped", || {
        stage.standby().room().raised().is_none()
    })
    .await;
    until("the terminal obeys the first", || {
        terminal.side.epoch() == 3
    })
    .await;
    until("it is connected there", || {
        stage.hub().room().lines().is_connected(&device)
    })
    .await;
    let seating = |hub: &Hub| hub.room().read(|station| station.seating().clone());
    let now = seating(stage.hub());
    stage.stop().await;
    stage.start().await;
    assert_eq!(
        stage.hub().room().raised().map(|raised| raised.epoch),
        Some(3)
    );
    assert_eq!(seating(stage.hub()), now);
    assert_eq!(terminal.side.done().len(), 1);
    caught_up(stage.standby(), stage.hub()).await;
    let after = stage
        .standby()
        .room()
        .read(|station| station.recorded().clone());
    assert_ne!(before, after, "it follows the first again");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_standby_lacks_comes_from_the_terminals() {
    let mut stage = following().await;
    let terminal = stage.terminal("T01").await;
    until("it is known there", || {
        let known = stage.standby().devices().get(&terminal.device());
        known.is_some()
    })
    .await;
    // The standby is away: the first hub alone acknowledges, and then it is gone.
    stage.kill(true).await;
    stage.center.away().await;
    let mut size = 0;
    for _ in 0..100 {
        size = terminal.record();
    }
    let picture = seal(&stage, &terminal, 40_000);
    until("all is acknowledged", || terminal.replicated() >= size).await;
    until("the picture is at the hub", || {
        let state = terminal.uplink.state();
        state.borrow().at_hub.contains(&picture)
    })
    .await;
    stage.kill(false).await;
    stage.start_standby().await;
    assert!(held_of(stage.standby(), &terminal) < size);
    stage.standby().room().take_over(&proctor()).unwrap();
    until("it has all", || held_of(stage.standby(), &terminal) >= size).await;
    until("the picture is there", || {
        let reader = stage.standby().reader().unwrap();
        reader.object(&picture.0).unwrap().is_some()
    })
    .await;
    assert_eq!(stage.standby().replicas().unwrap().forks().unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_and_papers_are_followed_and_the_code_is_typed_again() {
    let mut stage = following().await;
    // The center has made a grant for the first hub alone.
    let hub = stage.center.book().enrolled[0].clone();
    let issued = papers::issue(&stage.center, &hub, 300_000);
    stage.hub().pull();
    let terminal = stage.terminal("T01").await;
    let picture = seal(&stage, &terminal, 40_000);
    let whole = |hub: &Hub| {
        let held = hub.papers().current(SITTING);
        held.is_some_and(|held| held.grant.is_some())
    };
    until("the first hub holds it", || whole(stage.hub())).await;
    until("the second one too, with a grant", || {
        whole(stage.standby())
    })
    .await;
    until("the picture is followed", || {
        let reader = stage.standby().reader().unwrap();
        reader.object(&picture.0).unwrap().is_some()
    })
    .await;
    let held = |terminal: &Terminal| terminal.papers.current(SITTING).is_some();
    while !held(&terminal) {
        let upstream = terminal.uplink.upstream();
        let _ = terminal.papers.pull(upstream, &|_| {}).await;
    }
    let unlock = |hub: &Hub| {
        hub.unlocks()
            .unlock(SITTING, issued.code.clone(), &proctor())
    };
    unlock(stage.hub()).unwrap();
    until("it has the keys", || terminal.side.keys().len() == 1).await;
    caught_up(stage.standby(), stage.hub()).await;
    let unlocked = |hub: &Hub| hub.room().read(|station| station.track(SITTING).unlocked);
    assert_eq!(unlocked(stage.standby()), Some(1));
    assert_eq!(stage.standby().unlocks().opened(), []);

    stage.kill(false).await;
    stage.standby().room().take_over(&proctor()).unwrap();
    until("it obeys the second hub", || terminal.side.epoch() == 2).await;
    assert_eq!(terminal.side.keys().len(), 1, "it goes on with what it has");
    terminal.side.forget_keys();
    unlock(stage.standby()).unwrap();
    until("they come from there", || terminal.side.keys().len() == 1).await;
}

/// A delegation of this center for a hub with these keys.
fn delegated(stage: &Stage, identity: &DeviceIdentity, room_no: &str) -> HubDelegation {
    let own = stage.hub().delegation().unwrap().delegation.clone();
    let key = || SigningKey::generate().unwrap().public();
    HubDelegation {
        room_no: Some(room_no.to_owned()),
        hub_name: "H9".to_owned(),
        device: identity.public(),
        kem: identity.kem_public(),
        issuer: key(),
        witness: key(),
        receipt: key(),
        ..own
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_follows_without_the_centers_word_for_the_same_room() {
    let stage = Stage::open().await;
    let terminal = stage.terminal("T01").await;
    let other = stage.terminal("T02").await;
    let picture = seal(&stage, &terminal, 40_000);
    until("the picture is at the hub", || {
        let reader = stage.hub().reader().unwrap();
        reader.object(&picture.0).unwrap().is_some()
    })
    .await;
    let identity = DeviceIdentity::open(&stage.dir.path().join("rogue")).unwrap();
    let authority = || {
        let hub = stage.hub().delegation().unwrap().delegation.clone();
        Authority::hub(hub, &format!("https://{}", stage.address))
    };
    let client = |identity: &DeviceIdentity| {
        let machine = Arc::new(RealMachine::new().unwrap());
        HttpsUpstream::new(authority(), identity, machine).unwrap()
    };
    let rogue = client(&identity);
    let ask = async |delegation: Vec<u8>| {
        let request = FollowRequest {
            delegation: ByteBuf::from(delegation),
            epoch: None,
            holds: Some(Holds::default()),
        };
        let answer = rogue.follow(&request).await;
        answer.map_err(|error| error.code().to_owned())
    };
    let signed = |delegation: &HubDelegation, issuer: &SigningKey| delegation.sign(issuer).unwrap();
    let center = &stage.center.keys.issuer;
    let mine = delegated(&stage, &identity, "R1");
    let refused = |code: &str| Err(code.to_owned());
    let false_one = signed(&mine, &SigningKey::generate().unwrap());
    assert_eq!(ask(false_one).await, refused("hub.delegation_false"));
    assert_eq!(ask(vec![1, 2, 3]).await, refused("hub.delegation_false"));
    let elsewhere = signed(&delegated(&stage, &identity, "R2"), center);
    assert_eq!(ask(elsewhere).await, refused("hub.other_room"));
    let expired = HubDelegation {
        not_after_ms: 1,
        ..mine.clone()
    };
    let expired = signed(&expired, center);
    assert_eq!(ask(expired).await, refused("hub.delegation_expired"));
    let of_site = HubDelegation {
        site: "S02".to_owned(),
        ..mine.clone()
    };
    let of_site = signed(&of_site, center);
    assert_eq!(ask(of_site).await, refused("hub.delegation_other_site"));
    // Whoever has seen another hub's delegation still lacks its key.
    let stolen = stage.hub().delegation().unwrap().bytes.clone();
    assert_eq!(ask(stolen).await, refused("hub.delegation_not_the_key"));
    let fetch = async |client: &HttpsUpstream| {
        let fetched = client
            .fetch_range(&picture, 0, 10, &mut |_: &[u8]| Ok(()))
            .await;
        fetched.map_err(|error| error.code().to_owned())
    };
    let unknown = "upstream.unknown_device".to_owned();
    assert_eq!(fetch(&rogue).await, Err(unknown));
    let theirs = client(&other.identity);
    let nothing = "object.unknown".to_owned();
    assert_eq!(fetch(&theirs).await, Err(nothing));

    // With the center's word it follows, and may do nothing that a terminal does.
    let reply = ask(signed(&mine, center)).await.unwrap();
    assert_eq!(reply.news.unwrap().objects.len(), 1);
    assert_eq!(fetch(&rogue).await, Ok(()));
    let entries = rogue.attempt_entries(&[1; 16]).await.unwrap_err();
    assert_eq!(entries.code(), "upstream.unknown_device");
    // An epoch that is not its own changes nothing.
    let epoch = Epoch {
        site: mine.site.clone(),
        room_no: "R1".to_owned(),
        epoch: 9,
        hub: mine.device,
        raised_ms: 1,
        raised_by: String::new(),
    };
    let request = FollowRequest {
        delegation: ByteBuf::from(signed(&mine, center)),
        epoch: Some(ByteBuf::from(epoch.sign(center).unwrap())),
        holds: None,
    };
    let answer = rogue.follow(&request).await.unwrap_err();
    assert_eq!(answer.code(), "hub.epoch_false");
    assert!(stage.hub().room().raised().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_that_never_reached_the_first_hub_takes_over_by_two_people_alone_and_far_above() {
    let mut stage = Stage::open().await;
    let mut terminal = stage.terminal("T01").await;
    let seen = terminal.side.epoch();
    assert_eq!(seen, 1);
    // The first hub dies before the second one has ever heard it.
    terminal.disconnect();
    stage.kill(false).await;
    stage.start_standby().await;
    let one = Actor {
        second: None,
        ..proctor()
    };
    let room = stage.standby().room();
    let refused = room.take_over(&one).unwrap_err();
    assert_eq!(refused.code(), "room.never_followed");
    assert!(room.raised().is_none());
    let same = Actor {
        second: Some(proctor().person),
        ..proctor()
    };
    assert_eq!(
        room.take_over(&same).unwrap_err().code(),
        "room.same_person"
    );
    room.take_over(&proctor()).unwrap();
    let raised = room.raised().unwrap().epoch;
    assert!((1_000..2_001).contains(&raised), "{raised}");
    // The first one comes back, hears of it, and stops.
    stage.start().await;
    until("the first one stops", || {
        stage.hub().room().raised().is_none()
    })
    .await;
    assert_eq!(stage.standby().room().raised().unwrap().epoch, raised);
}
