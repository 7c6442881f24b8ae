//! Whom a terminal speaks to, and by what right.

use super::*;
use crate::discovery::{Announcement, Announcer, Finder, FoundHub};
use crate::upstream::Upstream;
use fengjuan_envelope::sign::SigningKey;
use fengjuan_wire::Signed;
use fengjuan_wire::directory::device_fingerprint;
use fengjuan_wire::room::{FromHub, LARGEST_FRAME_BYTES};
use tokio_tungstenite::tungstenite::Message;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_known_by_its_address_alone_is_trusted_by_its_delegation_and_pinned() {
    let (center, hub) = delegated().await;
    let mut terminal = Terminal::new(&center, &[&hub]);
    assert_eq!(terminal.uplink.upstream().authority(), None);
    terminal.connect();
    terminal.room(RoomLink::is_on).await;
    let authority = terminal.uplink.upstream().authority().unwrap();
    assert_eq!(authority.server, hub.keys.device.public());
    let hello = hub.state().hellos[0].clone();
    assert_eq!((hello.epoch, hello.taken), (0, 0));
    let kept = terminal.dir.path().join("hub");
    assert_eq!(std::fs::read_dir(&kept).unwrap().count(), 1);
    // At a later start it is pinned without asking anybody.
    let again = SiteUpstream::new(SiteUpstreamParts {
        kit: {
            let mut kit = center.kit("https://127.0.0.1:1");
            kit.hub = Some(HubKit {
                addresses: terminal.uplink.upstream().hubs().to_vec(),
                delegation: None,
            });
            kit
        },
        identity: terminal.identity.clone(),
        recorder: terminal.recorder.clone(),
        data_dir: terminal.dir.path().to_owned(),
    });
    assert_eq!(again.unwrap().authority(), Some(authority));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_reason_not_to_trust_a_hub_is_told_apart() {
    let center = TestCenter::new();
    let signed = |change: fn(&mut HubDelegation), keys: &HubKeys, signer: &SigningKey| {
        let mut delegation = keys.delegation();
        change(&mut delegation);
        Some(delegation.sign(signer).unwrap())
    };
    let stranger = SigningKey::generate().unwrap();
    type Change = fn(&mut HubDelegation);
    let cases: [(Change, bool, &str); 5] = [
        (|_| {}, false, "hub.delegation_false"),
        (
            |one| one.site = "S02".to_owned(),
            true,
            "hub.delegation_other_site",
        ),
        (
            |one| one.center_id = "other".to_owned(),
            true,
            "hub.delegation_other_site",
        ),
        (
            |one| one.not_after_ms = START_MS,
            true,
            "hub.delegation_expired",
        ),
        (
            |one| one.device = SigningKey::from_seed(&[7; 32]).public(),
            true,
            "hub.delegation_not_the_key",
        ),
    ];
    for (change, by_center, code) in cases {
        let keys = HubKeys::new();
        let signer = if by_center { &center.issuer } else { &stranger };
        let shown = signed(change, &keys, signer);
        let hub = TestHub::start(&center, keys).await;
        hub.state().delegation = shown;
        let mut terminal = Terminal::new(&center, &[&hub]);
        terminal.connect();
        terminal.refused(code).await;
        assert!(hub.state().hellos.is_empty(), "{code}");
        assert!(!terminal.dir.path().join("hub").exists(), "nothing is kept");
    }
    let hub = TestHub::start(&center, HubKeys::new()).await;
    hub.state().delegation = None;
    let mut terminal = Terminal::new(&center, &[&hub]);
    terminal.connect();
    terminal.refused("hub.delegation_missing").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_hub_of_the_qr_code_is_the_one_with_that_fingerprint() {
    let (center, hub) = delegated().await;
    let fingerprint = device_fingerprint(&hub.keys.device.public(), &hub.keys.kem.public());
    let meant = |fingerprint: String| {
        move |kit: &mut HubKit| kit.addresses[0].fingerprint = Some(fingerprint)
    };
    let mut terminal = Terminal::with(&center, &[&hub], meant(fingerprint));
    terminal.connect();
    terminal.room(RoomLink::is_on).await;
    let mut other = Terminal::with(&center, &[&hub], meant("0000-0000-0000-0000".to_owned()));
    other.connect();
    other.refused("hub.other_hub").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_has_another_key_than_the_delegation_says_hears_nothing() {
    let (center, hub) = delegated().await;
    // The kit brought another hub's delegation: that one is pinned, and this one cannot show one of its own.
    let other = HubKeys::new().delegation().sign(&center.issuer).unwrap();
    hub.state().delegation = None;
    let mut terminal = Terminal::with(&center, &[&hub], |kit| kit.delegation = Some(other));
    terminal.connect();
    terminal.refused("upstream.pin").await;
    assert!(hub.state().hellos.is_empty());
    // A hub whose machine was replaced shows the center's word for its new key.
    let shown = hub.keys.delegation().sign(&center.issuer).unwrap();
    hub.state().delegation = Some(shown);
    terminal.room(RoomLink::is_on).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_epoch_is_the_hubs_own_and_never_lower_than_one_seen() {
    let (center, hub) = delegated().await;
    let mut terminal = Terminal::new(&center, &[&hub]);
    let rival = Hash32([1; 32]);
    terminal.side().seen.raise(5, rival);
    terminal.side().inbox.raise(5);
    terminal.connect();
    terminal.refused("epoch.lower").await;
    assert_eq!(hub.state().hellos[0].epoch, 5, "the hub hears of it");
    let keys = &hub.keys;
    hub.state().welcome = Some(keys.epoch(5).sign(&keys.issuer).unwrap());
    terminal.refused("epoch.rival").await;
    let mut false_one = keys.epoch(6);
    false_one.site = "S02".to_owned();
    let mut another = keys.epoch(6);
    another.hub = SigningKey::generate().unwrap().public();
    for epoch in [
        keys.epoch(6).sign(&keys.device).unwrap(),
        false_one.sign(&keys.issuer).unwrap(),
        another.sign(&keys.issuer).unwrap(),
    ] {
        hub.state().welcome = Some(epoch);
        terminal.refused("channel.not_authentic").await;
        hub.state().welcome = Some(keys.epoch(4).sign(&keys.issuer).unwrap());
        terminal.refused("epoch.lower").await;
    }
    assert_eq!(terminal.side().seen.epoch(), 5);
    hub.state().welcome = Some(keys.epoch(6).sign(&keys.issuer).unwrap());
    terminal.room(RoomLink::is_on).await;
    assert_eq!(terminal.side().inbox.mark(), Mark { epoch: 6, taken: 0 });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_that_takes_over_is_found_and_spoken_to() {
    let (center, hub) = delegated().await;
    let standby = TestHub::start(&center, HubKeys::new()).await;
    standby.state().refuses = Some("room.standby".to_owned());
    let mut terminal = Terminal::new(&center, &[&hub, &standby]);
    terminal.connect();
    terminal.room(RoomLink::is_on).await;
    terminal.answer(1).await;
    terminal.until(|state| state.replicated == 1).await;
    // The first one dies, and nobody takes over yet.
    hub.state().refuses = Some("room.stopped".to_owned());
    hub.hang_up();
    terminal.refused("room.standby").await;
    let authority = terminal.uplink.upstream().authority().unwrap();
    assert_eq!(
        authority.server,
        hub.keys.device.public(),
        "still the first"
    );
    let keys = &standby.keys;
    standby.state().welcome = Some(keys.epoch(2).sign(&keys.issuer).unwrap());
    standby.state().refuses = None;
    terminal.room(RoomLink::is_on).await;
    terminal.until(|state| state.replicated == 1).await;
    let authority = terminal.uplink.upstream().authority().unwrap();
    assert_eq!(authority.server, keys.device.public());
    assert_eq!(standby.state().entries, terminal.entries(), "told anew");
    // The first one comes back as if nothing had happened, and is not obeyed.
    hub.state().refuses = None;
    standby.state().refuses = Some("room.stopped".to_owned());
    standby.hang_up();
    terminal.refused("epoch.lower").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frame_that_is_too_large_or_nonsense_ends_the_connection_and_nothing_else() {
    let (center, hub) = delegated().await;
    let terminal = Terminal::connected(&center, &hub).await;
    let frames = [
        (
            Message::Binary(vec![0; LARGEST_FRAME_BYTES * 10].into()),
            "channel.too_large",
        ),
        (Message::Binary(vec![0xFF; 3].into()), "channel.malformed"),
        (Message::text("hello"), "channel.malformed"),
    ];
    for (frame, code) in frames {
        hub.say_raw(frame);
        terminal.away(code).await;
        terminal.room(RoomLink::is_on).await;
    }
    let before = hub.state().hellos.len();
    hub.state().welcome = None;
    hub.hang_up();
    hub.until(|state| state.hellos.len() > before).await;
    // It may not begin with anything but its epoch.
    hub.say(&FromHub::Look {});
    terminal.away("channel.malformed").await;
    assert_eq!(terminal.side().lost, 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_turns_the_channel_down_is_told_by_its_code() {
    let (center, hub) = delegated().await;
    hub.state().refuses = Some("upstream.other_address".to_owned());
    let mut terminal = Terminal::new(&center, &[&hub]);
    terminal.connect();
    terminal.refused("upstream.other_address").await;
    assert_eq!(terminal.side().lost, 0, "it was never on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_that_has_another_address_is_found_by_its_voice_and_known_by_its_key() {
    let Some(reach) = crate::discovery::tests::reach() else {
        return;
    };
    let (center, hub) = delegated().await;
    let false_hub = TestHub::start(&center, HubKeys::new()).await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let old = format!("https://{}", closed.local_addr().unwrap());
    drop(closed);
    let signed = hub.state().delegation.clone();
    let mut terminal = Terminal::with(&center, &[&hub], |kit| {
        kit.addresses[0].url = old;
        kit.delegation = signed;
    });
    let delegation = hub.keys.delegation();
    let finder = Finder::start(&delegation.site, reach).unwrap();
    let changes = finder.changes();
    terminal.uplink.upstream().look_around(finder);
    let said = |at: &TestHub| Announcement {
        site: delegation.site.clone(),
        hub_name: delegation.hub_name.clone(),
        fingerprint: device_fingerprint(&delegation.device, &delegation.kem),
        serves: at.url.trim_start_matches("https://").parse().unwrap(),
    };
    let heard = async |url: Option<&str>| {
        let mut changes = changes.clone();
        let at = |found: &Vec<FoundHub>| found.first().and_then(|hub| hub.urls.first().cloned());
        let so = changes.wait_for(|found| at(found).as_deref() == url);
        let waited = tokio::time::timeout(Duration::from_secs(60), so);
        drop(waited.await.expect("never heard").unwrap());
    };
    // Somebody says the hub's name and fingerprint and has not its key.
    let liar = Announcer::start(&said(&false_hub), reach).unwrap();
    heard(Some(&false_hub.url)).await;
    terminal.connect();
    terminal.away("upstream.unreachable").await;
    drop(liar);
    heard(None).await;
    let _voice = Announcer::start(&said(&hub), reach).unwrap();
    heard(Some(&hub.url)).await;
    terminal.room(RoomLink::is_on).await;
    assert!(false_hub.state().hellos.is_empty());
    let site = terminal.uplink.upstream();
    assert_eq!(site.url(), Some(hub.url.clone()), "calls go there too");
}
