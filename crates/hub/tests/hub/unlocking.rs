//! Papers through the hub: pulled once, offered to every terminal, opened by a code that is typed once.

use crate::papers::{self, DRAW_SEED, Issued, SITTING};
use crate::stage::{Stage, Terminal, proctor, until};
use fengjuan_core::event::{Event, Hash32};
use fengjuan_core::plan::Role;
use fengjuan_core::room::rules::Person;
use fengjuan_core::room::station::{Action, Step};
use fengjuan_device::unlock;
use fengjuan_envelope::code::Code;
use fengjuan_wire::entry::Entry;

/// A stage whose hub holds a sitting, with so many terminals.
async fn prepared(terminals: usize) -> (Stage, Issued, Vec<Terminal>) {
    let stage = Stage::open().await;
    let hub = stage.center.book().enrolled[0].clone();
    let issued = papers::issue(&stage.center, &hub, 300_000);
    stage.hub().pull();
    until("the sitting is held", || {
        stage.hub().papers().current(SITTING).is_some()
    })
    .await;
    let mut all = Vec::new();
    for number in 1..=terminals {
        all.push(stage.terminal(&format!("T{number:02}")).await);
    }
    (stage, issued, all)
}

async fn pulled(stage: &Stage, terminal: &Terminal) {
    let room = stage.hub().room();
    until("the grant is made", || {
        room.read(|station| station.track(SITTING).held) == Some(1)
    })
    .await;
    let whole = || {
        terminal
            .papers
            .current(SITTING)
            .is_some_and(|held| held.grant.is_some())
    };
    while !whole() {
        // The grant may be made a moment later than the terminal asks.
        let _ = terminal
            .papers
            .pull(terminal.uplink.upstream(), &|_| {})
            .await;
    }
}

fn recorded(stage: &Stage, kind: &str) -> Vec<(String, Event)> {
    let reader = stage.hub().reader().unwrap();
    let entries = reader.entries(0, 10_000).unwrap();
    let of_kind = entries.iter().filter(|entry| entry.kind == kind);
    let read = of_kind.map(|stored| {
        let entry = Entry::decode(&stored.bytes).unwrap();
        (entry.actor.to_owned(), entry.event(None).unwrap())
    });
    read.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_code_opens_the_papers_on_every_terminal() {
    let (mut stage, issued, mut terminals) = prepared(3).await;
    for terminal in &terminals {
        pulled(&stage, terminal).await;
        let held = terminal.papers.current(SITTING).unwrap();
        assert_eq!(held.packages[0].bytes, issued.package_bytes);
        let roster = terminal.papers.roster(&held).unwrap();
        assert_eq!(
            roster[0].1.len(),
            1,
            "the roster is readable the day before"
        );
    }
    let unlock = |stage: &Stage, groups: &[String]| {
        let done = stage
            .hub()
            .unlocks()
            .unlock(SITTING, groups.to_vec(), &proctor());
        done.map_err(|refused| refused.code)
    };
    let other = Code::generate().unwrap().to_groups();
    assert_eq!(unlock(&stage, &other), Err("unlock.wrong_code".to_owned()));
    assert_eq!(
        unlock(&stage, &issued.code),
        Err("unlock.slowed".to_owned())
    );
    assert_eq!(
        unlock(&stage, &issued.code[..3]),
        Err("unlock.slowed".to_owned())
    );
    let (actor, refused) = recorded(&stage, "app.code_refused").remove(0);
    assert_eq!(actor, "staff:S1");
    assert!(matches!(
        refused,
        Event::CodeRefused {
            wrong_so_far: 1,
            ..
        }
    ));
    let slowing = stage.hub().unlocks().slowing(SITTING);
    let now = || stage.hub().room().now();
    until("the delay is over", || slowing.waits(now()).is_none()).await;
    assert_eq!(unlock(&stage, &issued.code), Ok(()));
    let opened = [(SITTING.to_owned(), DRAW_SEED)];
    for terminal in &terminals {
        until("the keys are there", || terminal.side.keys() == opened).await;
    }
    let step = |stage: &Stage| {
        let room = stage.hub().room();
        room.read(|station| station.step(SITTING, room.now()).0)
    };
    assert_eq!(step(&stage), Step::Unlocked);
    // Whoever comes late, or has lost power, gets them at once.
    terminals[0].disconnect();
    terminals[0].side.forget_keys();
    terminals[0].connect();
    until("they are there again", || {
        terminals[0].side.keys() == opened
    })
    .await;
    let late = stage.terminal("T09").await;
    until("the late one has them", || late.side.keys() == opened).await;
    // The whole room loses power: the code is needed again, and opens everything again.
    stage.stop().await;
    stage.start().await;
    for terminal in &mut terminals {
        terminal.disconnect();
        terminal.side.forget_keys();
        terminal.connect();
        terminal.welcomed().await;
        assert_eq!(terminal.side.keys(), []);
    }
    assert_eq!(
        step(&stage),
        Step::Unlocked,
        "the ledger remembers, the memory does not"
    );
    assert_eq!(stage.hub().unlocks().opened(), []);
    assert_eq!(unlock(&stage, &issued.code), Ok(()));
    for terminal in &terminals {
        until("the keys are there", || terminal.side.keys() == opened).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_hub_gone_the_code_opens_the_papers_at_a_terminal() {
    let (mut stage, issued, terminals) = prepared(2).await;
    pulled(&stage, &terminals[0]).await;
    pulled(&stage, &terminals[1]).await;
    let issuer = stage.hub().kit().directory.issuer;
    stage.stop().await;
    let code = unlock::parse_code(&issued.code, false).unwrap();
    let open = |held_by: &Terminal, opened_by: &Terminal| {
        let held = held_by.papers.current(SITTING).unwrap();
        let me = &opened_by.identity;
        let opened = unlock::open_sitting(&held, &me.kem, &me.public(), &issuer, &code);
        opened.map(|open| *open.draw_seed.as_bytes())
    };
    assert_eq!(open(&terminals[0], &terminals[0]), Ok(DRAW_SEED));
    let refused = open(&terminals[0], &terminals[1]).unwrap_err();
    assert_eq!(
        refused.code(),
        "unlock.no_grant",
        "a grant serves one device"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_code_is_for_who_may_and_when() {
    let (stage, issued, _terminals) = prepared(0).await;
    let mut helper = proctor();
    helper.person.role = fengjuan_core::plan::Role::SystemAdministrator;
    let unlocks = stage.hub().unlocks();
    let room = stage.hub().room();
    until("it is held", || {
        room.read(|station| station.track(SITTING).held) == Some(1)
    })
    .await;
    let refused = unlocks
        .unlock(SITTING, issued.code.clone(), &helper)
        .unwrap_err();
    assert_eq!(refused.code, "room.role");
    let refused = unlocks
        .unlock("Z9", issued.code.clone(), &proctor())
        .unwrap_err();
    assert_eq!(refused.code, "room.not_held");
    assert_eq!(recorded(&stage, "app.code_refused"), []);
}

/// A makeup beside a running sitting: each machine has the keys of its own, and whatever it says again and again changes
/// nothing in that. A machine that is out of use has none.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_open_sittings_each_machine_gets_the_keys_of_its_own() {
    const MAKEUP: &str = "Z2";
    let (stage, first, mut terminals) = prepared(4).await;
    let hub = stage.center.book().enrolled[0].clone();
    let second = papers::issue_sitting(&stage.center, &hub, MAKEUP, 1_000);
    stage.hub().pull();
    let room = stage.hub().room();
    until("both are held", || {
        room.read(|station| [SITTING, MAKEUP].map(|number| station.track(number).held))
            == [Some(1), Some(1)]
    })
    .await;
    room.act(&Action::NumberMachines {}, &proctor()).unwrap();
    for (number, seat_no) in [(SITTING, 1), (MAKEUP, 2)] {
        let roster = [(Hash32([seat_no as u8; 32]), seat_no)];
        let deal = Action::DealByRoster {
            sitting_no: number.to_owned(),
            roster: roster.into_iter().collect(),
        };
        room.act(&deal, &proctor()).unwrap();
    }
    let mut two = proctor();
    two.second = Some(Person {
        staff_id: "H1".to_owned(),
        role: Role::SiteHead,
    });
    two.reason = "主板坏".to_owned();
    let out = Action::OutOfUse {
        device: terminals[3].device(),
    };
    room.act(&out, &two).unwrap();
    for (number, issued) in [(SITTING, &first), (MAKEUP, &second)] {
        let unlocks = stage.hub().unlocks();
        unlocks
            .unlock(number, issued.code.clone(), &proctor())
            .unwrap();
    }
    let keys = |terminal: &Terminal| -> Vec<String> {
        let keys = terminal.side.keys().into_iter();
        keys.map(|(number, _)| number).collect()
    };
    until("each has its own", || {
        keys(&terminals[0]) == [SITTING] && keys(&terminals[1]) == [MAKEUP]
    })
    .await;
    // Nobody is dealt to the third: it is ready for the nearest, which of the two is a matter of a moment.
    until("the third has keys", || !keys(&terminals[2]).is_empty()).await;
    for terminal in &mut terminals {
        terminal.disconnect();
        terminal.side.forget_keys();
        terminal.connect();
    }
    let heard_twice = || {
        let heard = |terminal: &Terminal| {
            let seen = room.seen();
            seen.get(&terminal.device()).map(|seen| seen.heard_ms)
        };
        terminals.iter().map(heard).collect::<Vec<_>>()
    };
    let (mut last, mut beats) = (heard_twice(), 0);
    until("some heartbeats", || {
        let now = heard_twice();
        if now.iter().zip(&last).all(|(now, last)| now > last) {
            (last, beats) = (now, beats + 1);
        }
        beats >= 3
    })
    .await;
    assert_eq!(keys(&terminals[0]), [SITTING]);
    assert_eq!(keys(&terminals[1]), [MAKEUP]);
    assert_eq!(keys(&terminals[2]).len(), 1);
    assert_eq!(keys(&terminals[3]), [""; 0], "out of use");
}

/// Whatever was opened before it, and however soon the code comes.
#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_has_come_counts_at_once() {
    let (stage, first, _terminals) = prepared(0).await;
    let hub = stage.center.book().enrolled[0].clone();
    let (room, unlocks) = (stage.hub().room(), stage.hub().unlocks());
    until("it is held", || {
        room.read(|station| station.track(SITTING).held) == Some(1)
    })
    .await;
    let unlock = |issued: &Issued| {
        let done = unlocks.unlock(SITTING, issued.code.clone(), &proctor());
        done.map_err(|refused| refused.code)
    };
    assert_eq!(unlock(&first), Ok(()));
    assert_eq!(unlocks.opened().len(), 1);
    let second = papers::issue_version(&stage.center, &hub, (SITTING, 2), 1_000);
    stage.hub().pull();
    until("the newer one is held", || {
        let held = stage.hub().papers().current(SITTING);
        held.is_some_and(|held| held.key.version == 2 && held.grant.is_some())
    })
    .await;
    assert_eq!(unlock(&first), Err("unlock.superseded".to_owned()));
    until("the keys of the older one are forgotten", || {
        unlocks.opened().is_empty()
    })
    .await;
    until("nothing of it is open any more", || {
        room.read(|station| !station.track(SITTING).is_unlocked())
    })
    .await;
    let slowing = unlocks.slowing(SITTING);
    until("the delay is over", || slowing.waits(room.now()).is_none()).await;
    assert_eq!(unlock(&second), Ok(()));
    let versions: Vec<u32> = unlocks.opened().iter().map(|key| key.version).collect();
    assert_eq!(versions, [2]);
}
