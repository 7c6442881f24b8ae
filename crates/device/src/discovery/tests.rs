//! A real responder and a real browser on the loopback interface of this machine, on a port of their own.

use super::*;
use std::net::UdpSocket;
use std::time::Duration;

fn announcement(name: &str, site: &str, fingerprint: &str) -> Announcement {
    Announcement {
        site: site.to_owned(),
        hub_name: name.to_owned(),
        fingerprint: fingerprint.to_owned(),
        serves: SocketAddr::from(([127, 0, 0, 1], 8443)),
    }
}

/// A port that nobody has, where multicast reaches the loopback interface at all.
pub(crate) fn reach() -> Option<Reach> {
    let socket = UdpSocket::bind(("0.0.0.0", 0)).unwrap();
    let port = socket.local_addr().unwrap().port();
    let (group, this) = ([224, 0, 0, 251].into(), [127, 0, 0, 1].into());
    socket
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    let sender = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
    let joined = socket.join_multicast_v4(&group, &this);
    let heard = joined
        .and_then(|()| sender.send_to(b"?", (group, port)))
        .and_then(|_| socket.recv(&mut [0; 4]));
    match heard {
        Ok(_) => Some(Reach::Machine { port }),
        Err(error) => {
            println!("skipped: no multicast on the loopback interface here: {error}");
            None
        }
    }
}

async fn until(finder: &Finder, wanted: impl FnMut(&Vec<FoundHub>) -> bool) -> Vec<FoundHub> {
    let mut changes = finder.changes();
    let waited = tokio::time::timeout(Duration::from_secs(60), changes.wait_for(wanted));
    waited.await.expect("never so").unwrap().clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_hubs_of_a_site_are_heard_and_missed_when_they_go() {
    let Some(reach) = reach() else { return };
    let start = |name, site, fp| Announcer::start(&announcement(name, site, fp), reach).unwrap();
    let _stranger = start("别处", "S02", "2222-2222-2222-2222");
    let _false = start("X", "S01", "no fingerprint");
    let one = start("考场管理机一", "S01", "1111-1111-1111-1111");
    let finder = Finder::start("S01", reach).unwrap();
    let found = until(&finder, |found| !found.is_empty()).await;
    assert_eq!(
        found,
        [FoundHub {
            hub_name: "考场管理机一".to_owned(),
            fingerprint: "1111-1111-1111-1111".to_owned(),
            urls: vec!["https://127.0.0.1:8443".to_owned()],
        }]
    );
    let _standby = start("考场管理机二", "S01", "3333-3333-3333-3333");
    let found = until(&finder, |found| found.len() == 2).await;
    assert_eq!(found[1].hub_name, "考场管理机二");
    drop(one);
    let found = until(&finder, |found| found.len() == 1).await;
    assert_eq!(found[0].hub_name, "考场管理机二");
}

/// What somebody on the network says, read by a machine of the site S01.
fn heard(said: &[(&str, &str)], ips: &str, reach: Reach) -> Option<FoundHub> {
    let service = ServiceInfo::new(SERVICE, "x", "x.local.", ips, 8443, said).unwrap();
    read(&service.as_resolved_service(), ("S01", reach))
}

const SAID: [(&str, &str); 3] = [("v", "1"), ("site", "S01"), ("fp", "1111-1111-1111-1111")];

#[test]
fn nobody_sends_a_machine_out_of_the_local_network() {
    let at = |ips: &str| heard(&SAID, ips, Reach::Room).map(|hub| hub.urls);
    let urls = |urls: &[&str]| Some(urls.iter().map(|url| (*url).to_owned()).collect::<Vec<_>>());
    assert_eq!(at("10.0.0.2"), urls(&["https://10.0.0.2:8443"]));
    assert_eq!(
        at("203.0.113.9,169.254.3.4,192.168.6.10"),
        urls(&["https://169.254.3.4:8443", "https://192.168.6.10:8443"])
    );
    for outside in [
        "203.0.113.9",
        "127.0.0.1",
        "0.0.0.0",
        "224.0.0.251",
        "255.255.255.255",
    ] {
        assert_eq!(at(outside), None, "{outside}");
    }
    let machine = Reach::Machine { port: 1 };
    assert!(heard(&SAID, "127.0.0.1", machine).is_some());
    assert_eq!(heard(&SAID, "10.0.0.2", machine), None);
    let many: Vec<String> = (1..100).map(|n| format!("10.0.0.{n}")).collect();
    assert_eq!(at(&many.join(",")).unwrap().len(), MOST_ADDRESSES);
}

#[test]
fn a_name_hides_and_turns_nothing() {
    let name = |said: &str| {
        let all = [&SAID[..], &[("name", said)]].concat();
        heard(&all, "10.0.0.2", Reach::Room).unwrap().hub_name
    };
    assert_eq!(name("第 2 考场管理机（备）"), "第 2 考场管理机（备）");
    assert_eq!(name("a\u{202e}b\u{200b}c\nd\u{7}e\u{2066}"), "abcde");
    assert_eq!(name(&"长".repeat(60)), "长".repeat(40));
    assert_eq!(name(""), "");
}

#[test]
fn who_says_another_ones_fingerprint_takes_no_address_from_it() {
    let hub = |fingerprint: &str, url: &str| FoundHub {
        hub_name: String::new(),
        fingerprint: fingerprint.to_owned(),
        urls: vec![url.to_owned()],
    };
    let heard = [hub("B", "1"), hub("A", "2"), hub("B", "3"), hub("B", "1")];
    let found = by_fingerprint(heard.iter());
    assert_eq!(found.len(), 2);
    assert_eq!(found[1].urls, ["1", "3"]);
    let crowd: Vec<FoundHub> = (0..60).map(|n| hub(&format!("{n:02}"), "1")).collect();
    assert_eq!(by_fingerprint(crowd.iter()).len(), MOST_HUBS);
}

proptest::proptest! {
    #[test]
    fn whatever_is_said_is_read_or_left_alone(
        said in proptest::collection::vec(("v|site|fp|name|[a-z]{1,9}", "1|S01|\\PC{0,60}"), 0..8),
        ip: [u8; 4],
    ) {
        let said: Vec<(&str, &str)> = said.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let ip = Ipv4Addr::from(ip).to_string();
        if let Some(hub) = heard(&said, &ip, Reach::Room) {
            let text = HubAddress { url: hub.urls[0].clone(), fingerprint: Some(hub.fingerprint) }.to_text();
            proptest::prop_assert!(HubAddress::parse(&text).is_ok());
        }
    }
}

#[test]
fn a_site_on_one_machine_and_one_that_switched_it_off_hear_and_say_nothing() {
    let center = crate::test_center::TestCenter::new();
    let mut kit = center.kit("https://127.0.0.1:1");
    assert_eq!(Reach::of(&kit), None);
    kit.hub = Some(crate::site_kit::HubKit {
        addresses: vec![HubAddress::parse("https://10.0.0.2:8443").unwrap()],
        delegation: None,
    });
    assert_eq!(Reach::of(&kit), Some(Reach::Room));
    kit.discovery = false;
    assert_eq!(Reach::of(&kit), None);
    for url in [
        "https://localhost:1",
        "https://[::1]:1",
        "https://127.9.9.9",
    ] {
        assert!(is_of_this_machine(url), "{url}");
    }
    assert!(!is_of_this_machine("https://center.example:1"));
}
