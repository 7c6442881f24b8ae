//! Who may speak to a hub, and what happens to everybody else.

use crate::center::SITE;
use crate::forwarding::seal;
use crate::raw;
use crate::stage::{Stage, Terminal, proctor, until};
use fengjuan_core::event::Hash32;
use fengjuan_core::room::alert::Alert;
use fengjuan_device::identity::DeviceIdentity;
use fengjuan_device::machine::RealMachine;
use fengjuan_device::upstream::{Authority, Enrolment, HttpsUpstream, Upstream};
use fengjuan_envelope::sign::SigningKey;
use fengjuan_hub::devices::Admission;
use fengjuan_wire::upstream::{EnrolReply, EnrolRequest};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

fn strangers(stage: &Stage) -> Vec<(Hash32, String)> {
    stage.hub().room().read(|station| {
        let open = station.alerts().worst_first();
        let stranger = |alert: &Alert| match alert {
            Alert::Stranger { device, code } => Some((*device, code.clone())),
            _ => None,
        };
        open.iter().filter_map(|one| stranger(&one.alert)).collect()
    })
}

async fn asked(stage: &Stage, key: &SigningKey, from: IpAddr, what: &str) -> (u16, String) {
    let server = stage.hub().identity().public();
    let mut stream = raw::connect(key, &server, stage.address, from)
        .await
        .unwrap();
    raw::ask(&mut stream, &format!("GET {what}"), b"").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_is_let_in_by_two_people_and_made_known_to_the_center() {
    let stage = Stage::open().await;
    let folder = stage.dir.path().join("T01");
    let terminal = Terminal::open(&folder, &stage.center, &stage.hubs(), "T01");
    let (hub, device) = (stage.hub(), terminal.device());
    until("it asks", || hub.devices().get(&device).is_some()).await;
    let known = hub.devices().get(&device).unwrap();
    assert_eq!(known.admission, Admission::Asking);
    assert_eq!(known.fingerprint(), terminal.identity.fingerprint());
    let key = &terminal.identity.sign;
    let refused = asked(&stage, key, HERE, "/v1/offer").await;
    assert_eq!(refused, (403, "upstream.device_pending".to_owned()));
    assert_eq!(
        strangers(&stage),
        [],
        "whoever waits for two people is no alert"
    );
    stage.admit(&terminal).await;
    terminal.welcomed().await;
    assert_eq!(terminal.side.epoch(), 1);
    let enrolment = terminal.uplink.state().borrow().enrolment.clone();
    let Some(Enrolment::Approved(certificate)) = enrolment else {
        panic!("not approved");
    };
    assert_eq!(certificate.approved_by, "S1+S2");
    until("the center knows it", || {
        let book = stage.center.book();
        book.vouched
            .iter()
            .any(|one| one.sign == terminal.identity.public())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_and_devices_that_moved_or_were_revoked_are_refused_and_alerted() {
    let stage = Stage::open().await;
    let stranger = SigningKey::generate().unwrap();
    let refused = asked(&stage, &stranger, HERE, "/v1/orders").await;
    assert_eq!(refused, (403, "upstream.unknown_device".to_owned()));
    let terminal = stage.terminal("T01").await;
    let key = &terminal.identity.sign;
    assert_eq!(asked(&stage, key, HERE, "/v1/orders").await.0, 200);
    let refused = asked(&stage, key, ELSEWHERE, "/v1/orders").await;
    assert_eq!(refused, (403, "upstream.other_address".to_owned()));
    let unknown = Hash32(*stranger.public().as_bytes());
    let expected = [
        (unknown, "upstream.unknown_device".to_owned()),
        (terminal.device(), "upstream.other_address".to_owned()),
    ];
    until("both are alerts", || strangers(&stage) == expected).await;
    // People look at it, and let it speak from there.
    let (hub, device) = (stage.hub(), terminal.device());
    hub.devices()
        .move_to(hub.room(), &device, ELSEWHERE, &proctor())
        .unwrap();
    assert_eq!(asked(&stage, key, ELSEWHERE, "/v1/orders").await.0, 200);
    hub.devices()
        .revoke(hub.room(), &device, &proctor())
        .unwrap();
    let refused = asked(&stage, key, ELSEWHERE, "/v1/orders").await;
    assert_eq!(refused, (403, "upstream.device_revoked".to_owned()));
    assert!(!hub.room().lines().is_connected(&device));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_speak_outlives_a_restart() {
    let mut stage = Stage::open().await;
    let (one, two) = (stage.terminal("T01").await, stage.terminal("T02").await);
    let hub = stage.hub();
    hub.devices()
        .revoke(hub.room(), &two.device(), &proctor())
        .unwrap();
    stage.stop().await;
    stage.start().await;
    let hub = stage.hub();
    let admission = |terminal: &Terminal| hub.devices().get(&terminal.device()).unwrap().admission;
    assert_eq!(admission(&one), Admission::Approved);
    assert_eq!(admission(&two), Admission::Revoked);
    one.welcomed().await;
    let refused = asked(&stage, &two.identity.sign, HERE, "/v1/orders").await;
    assert_eq!(refused.1, "upstream.device_revoked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cloned_machine_is_refused_and_alerted() {
    let stage = Stage::open().await;
    let terminal = stage.terminal("T01").await;
    let delegation = stage.hub().delegation().unwrap().delegation.clone();
    let url = format!("https://{}", stage.address);
    let machine = Arc::new(RealMachine::new().unwrap());
    let client = HttpsUpstream::new(
        Authority::hub(delegation, &url),
        &terminal.identity,
        machine,
    );
    let cloned = EnrolRequest {
        device_name: "T01".to_owned(),
        site: SITE.to_owned(),
        sign: terminal.identity.public(),
        kem: terminal.identity.kem_public(),
        machine: vec![1; 32],
        hub: None,
    };
    let reply = client.unwrap().enrol(&cloned).await.unwrap();
    let code = "enrol.key_on_two_machines".to_owned();
    assert_eq!(reply, EnrolReply::Refused { code: code.clone() });
    let expected = [(terminal.device(), code)];
    until("it is an alert", || strangers(&stage) == expected).await;
    // Another device's key cannot be named.
    let other = DeviceIdentity::open(&stage.dir.path().join("other")).unwrap();
    let lent = EnrolRequest {
        sign: other.public(),
        ..cloned
    };
    let (url, machine) = (
        format!("https://{}", stage.address),
        RealMachine::new().unwrap(),
    );
    let delegation = stage.hub().delegation().unwrap().delegation.clone();
    let authority = Authority::hub(delegation, &url);
    let client = HttpsUpstream::new(authority, &terminal.identity, Arc::new(machine)).unwrap();
    let refused = client.enrol(&lent).await.unwrap_err();
    assert_eq!(refused.code(), "enrol.key_not_proven");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_revoked_terminal_has_left_reaches_a_center_that_never_knew_it() {
    let mut stage = Stage::open().await;
    stage.center.away().await;
    let terminal = stage.terminal("T01").await;
    let picture = seal(&stage, &terminal, 2_000);
    let size = terminal.record();
    until("all is at the hub", || {
        let here = stage.hub().here_only().contains_key(&picture);
        here && stage.replicated(&terminal) >= size
    })
    .await;
    let key = terminal.identity.public();
    assert!(stage.center.book().vouched.is_empty(), "it was never told");
    let hub = stage.hub();
    hub.devices()
        .revoke(hub.room(), &terminal.device(), &proctor())
        .unwrap();
    stage.center.back();
    until("the center has all of it", || {
        let entries = stage.center.entries_of(&key).len() as u64;
        let book = stage.center.book();
        entries >= size && book.objects.iter().any(|(hash, _)| *hash == picture)
    })
    .await;
    let book = stage.center.book();
    assert!(book.revoked.iter().any(|one| one.device == key), "marked");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_unknown_keys_silence_no_alert_about_a_known_machine() {
    let stage = Stage::open().await;
    let terminal = stage.terminal("T01").await;
    let (hub, device) = (stage.hub(), terminal.device());
    for _ in 0..60 {
        let stranger = SigningKey::generate().unwrap();
        asked(&stage, &stranger, HERE, "/v1/orders").await;
    }
    until("they are alerts, and no more than say something", || {
        strangers(&stage).len() == 50
    })
    .await;
    // They go on trying, each with a key that nobody has seen.
    let (server, address) = (hub.identity().public(), stage.address);
    let rogue = tokio::spawn(async move {
        loop {
            let stranger = SigningKey::generate().unwrap();
            if let Ok(mut stream) = raw::connect(&stranger, &server, address, HERE).await {
                raw::ask(&mut stream, "GET /v1/orders", b"").await;
            }
        }
    });
    hub.devices()
        .revoke(hub.room(), &device, &proctor())
        .unwrap();
    let refused = asked(&stage, &terminal.identity.sign, HERE, "/v1/orders").await;
    let revoked = "upstream.device_revoked".to_owned();
    assert_eq!(refused, (403, revoked.clone()));
    until("it is an alert all the same", || {
        strangers(&stage).contains(&(device, revoked.clone()))
    })
    .await;
    rogue.abort();
}
