use crate::day::{Day, Device, SITTING, START_MS};
use crate::protocol::{Caller, app};
use crate::terminal::{MINUTE, Sat, Terminal};
use fengjuan_center::results::{self, CandidateResult, Results, Status};
use fengjuan_core::attempt::Input;
use fengjuan_core::event::Event;
use fengjuan_wire::bundle::{Bundle, Outcome, seal_object};
use fengjuan_wire::upstream::EntriesReply;
use std::fs;

/// A whole day of one candidate up to what is sent; `change` may spoil the bundle before it is sealed.
pub struct Story {
    pub day: Day,
    pub device: Device,
}

impl Story {
    pub fn new() -> Story {
        let day = Day::planned();
        let device = day.approved(1);
        day.issued();
        Story { day, device }
    }

    pub fn terminal(&self) -> Terminal<'_> {
        Terminal::unlocked(&self.day, &self.device, 5)
    }

    pub fn results(&self) -> Results {
        results::open(&self.day.home, SITTING, 99).unwrap()
    }
}

/// One candidate who answers `right` questions rightly and hands in.
fn sat(terminal: &mut Terminal<'_>, right: u32) -> Sat {
    let mut sat = terminal.candidate("C1", 0);
    terminal.identify(&mut sat);
    terminal.confirm(&sat);
    terminal.start(&mut sat, START_MS);
    terminal.answer(&mut sat, right);
    terminal.hand_in(&mut sat, true);
    sat
}

pub async fn replicate(terminal: &Terminal<'_>, device: &Device) -> EntriesReply {
    let caller = Caller {
        app: app(terminal.day),
        device,
    };
    caller
        .post("/v1/entries", &terminal.ledger.request(device, 0))
        .await
        .unwrap()
}

pub async fn send(terminal: &Terminal<'_>, sat: &Sat, bundle: &Bundle) {
    let caller = Caller {
        app: app(terminal.day),
        device: terminal.device,
    };
    for (hash, bytes) in &sat.objects {
        caller.upload(hash, bytes).await;
    }
    let (hash, bytes) = terminal.seal(bundle);
    caller.upload(&hash, &bytes).await;
}

pub fn line<'a>(results: &'a Results, sat: &Sat) -> &'a CandidateResult {
    results
        .candidates
        .iter()
        .find(|line| line.candidate.ticket_no == sat.candidate.ticket_no)
        .unwrap()
}

pub fn codes(results: &Results) -> Vec<&'static str> {
    let mut codes: Vec<&str> = results
        .anomalies
        .iter()
        .map(|anomaly| anomaly.code)
        .collect();
    codes.dedup();
    codes
}

pub const DONE: Outcome = Outcome::Attempted {
    site_half_points: None,
};

#[tokio::test]
async fn a_clean_attempt_is_regraded_without_an_anomaly() {
    let story = Story::new();
    let mut terminal = story.terminal();
    let mut sat = sat(&mut terminal, 83);
    let bundle = terminal.bundle(
        &mut sat,
        Outcome::Attempted {
            site_half_points: Some(166),
        },
    );
    replicate(&terminal, &story.device).await;
    send(&terminal, &sat, &bundle).await;
    let results = story.results();
    assert_eq!(
        codes(&results),
        Vec::<&str>::new(),
        "{:?}",
        results.anomalies
    );
    let line = line(&results, &sat);
    assert_eq!(line.status, Status::Normal);
    let grade = line.grade.as_ref().unwrap();
    assert_eq!((grade.total_half_points, grade.passed), (166, true));
    assert_eq!(
        results
            .candidates
            .iter()
            .filter(|line| line.status == Status::Absent)
            .count(),
        59
    );
    let out = story.day.dir.path().join("out");
    results::export(&results, &out).unwrap();
    let text = fs::read_to_string(out.join("results.csv")).unwrap();
    assert!(
        text.contains(",83,合格,83,"),
        "{}",
        text.lines().nth(1).unwrap()
    );
    assert!(
        !text.contains(&sat.candidate.id_no),
        "a whole ID number was exported"
    );
    assert!(fs::metadata(out.join("results.xlsx")).unwrap().len() > 4000);
    assert!(out.join("anomalies.csv").exists());
}

#[test]
fn the_key_of_one_attempt_is_released_to_an_auditor() {
    let story = Story::new();
    let mut terminal = story.terminal();
    let sat = sat(&mut terminal, 1);
    let out = story.day.dir.path().join("attempt.key");
    let ticket = sat.candidate.ticket_no.clone();
    let release = |ticket: &str, version, out: &std::path::Path| {
        results::release_attempt_key(&story.day.home, SITTING, ticket, version, out)
    };
    let id = release(&ticket, None, &out).unwrap();
    assert_eq!(
        fengjuan_wire::Hash32::from_hex(&fs::read_to_string(&out).unwrap())
            .unwrap()
            .0,
        *sat.key.as_bytes()
    );
    let own: String = sat
        .attempt_id
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(id, own);
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&out).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let other = story.day.dir.path().join("other.key");
    let refused = |ticket: &str, version, out: &std::path::Path| {
        release(ticket, version, out).unwrap_err().code()
    };
    assert_eq!(
        refused(&ticket, None, &out),
        "center.io",
        "nothing is overwritten"
    );
    assert_eq!(refused("0", None, &other), "center.unknown_ticket");
    assert_eq!(refused(&ticket, Some(9), &other), "center.out_of_range");
    assert!(!other.exists());
    // The key that belonged to the first version is still to be had after another issue.
    story.day.issued();
    release(&ticket, Some(1), &other).unwrap();
    assert_eq!(fs::read(&other).unwrap(), fs::read(&out).unwrap());
}

#[tokio::test]
async fn results_are_the_same_with_the_earlier_version_after_a_reissue() {
    let story = Story::new();
    let mut terminal = story.terminal();
    let mut sat = sat(&mut terminal, 50);
    let bundle = terminal.bundle(&mut sat, DONE);
    fengjuan_center::issue::issue(&story.day.home, SITTING, 50).unwrap();
    replicate(&terminal, &story.device).await;
    send(&terminal, &sat, &bundle).await;
    let results = story.results();
    let line = line(&results, &sat);
    assert_eq!(
        (line.status, line.version),
        (Status::Normal, Some(1)),
        "{:?}",
        results.anomalies
    );
    assert!(!line.grade.as_ref().unwrap().passed);
}

#[tokio::test]
async fn absent_not_admitted_and_late_are_told_apart() {
    let story = Story::new();
    let mut terminal = story.terminal();
    let mut refused = terminal.candidate("C1", 1);
    terminal.identify(&mut refused);
    let reason = "证件不符".to_owned();
    terminal.record(
        &refused,
        &Event::NotAdmitted {
            staff_id: "S001".to_owned(),
            reason,
        },
    );
    let mut late = terminal.candidate("C2", 2);
    late.now = START_MS + 16 * MINUTE;
    let refusal = Event::LateRefused {
        arrival_ms: late.now,
        limit_ms: START_MS + 15 * MINUTE,
        staff_id: "S001".to_owned(),
    };
    terminal.record(&late, &refusal);
    let (first, second) = (
        terminal.bundle(&mut refused, Outcome::NotAdmitted {}),
        terminal.bundle(&mut late, Outcome::LateRefused {}),
    );
    replicate(&terminal, &story.device).await;
    send(&terminal, &refused, &first).await;
    send(&terminal, &late, &second).await;
    let results = story.results();
    assert_eq!(line(&results, &refused).status, Status::NotAdmitted);
    assert_eq!(line(&results, &late).status, Status::LateRefused);
    assert_eq!(
        codes(&results),
        Vec::<&str>::new(),
        "{:?}",
        results.anomalies
    );
}

#[tokio::test]
async fn who_was_stamped_and_never_sat_down_is_not_absent() {
    let story = Story::new();
    let second = story.day.approved(2);
    let mut door = story.terminal();
    let mut seat = Terminal::unlocked(&story.day, &second, 6);
    let [no_bundle, said_absent, said_so, never_came] =
        [0, 1, 2, 3].map(|place| door.candidate("C1", place));
    let hash = |sat: &Sat| fengjuan_core::draw::ticket_hash(SITTING, &sat.candidate.ticket_no);
    for sat in [&no_bundle, &said_absent, &said_so] {
        let stamp = Event::Arrived {
            sitting_no: SITTING.to_owned(),
            ticket_hash: hash(sat),
            arrival_ms: sat.now,
            staff_id: "S001".to_owned(),
        };
        door.record(sat, &stamp);
    }
    let mut sent = Vec::new();
    for mut sat in [said_absent, never_came] {
        let absent = Event::Absent {
            sitting_no: SITTING.to_owned(),
            ticket_hash: hash(&sat),
        };
        seat.record(&sat, &absent);
        let bundle = seat.bundle(&mut sat, Outcome::Absent {});
        replicate(&seat, &second).await;
        send(&seat, &sat, &bundle).await;
        sent.push(sat);
    }
    let mut said_so = said_so;
    let never_seated = Event::ArrivedNotSeated {
        sitting_no: SITTING.to_owned(),
        ticket_hash: hash(&said_so),
        arrival_ms: said_so.now,
    };
    door.record(&said_so, &never_seated);
    let bundle = door.bundle(&mut said_so, Outcome::ArrivedNotSeated {});
    replicate(&door, &story.device).await;
    send(&door, &said_so, &bundle).await;
    let results = story.results();
    for sat in [&no_bundle, &sent[0], &said_so] {
        assert_eq!(line(&results, sat).status, Status::ArrivedNotSeated);
    }
    assert_eq!(line(&results, &sent[1]).status, Status::Absent);
    assert_eq!(codes(&results), Vec::<&str>::new());
    let out = story.day.dir.path().join("out");
    results::export(&results, &out).unwrap();
    let text = fs::read_to_string(out.join("results.csv")).unwrap();
    assert_eq!(text.matches(Status::ArrivedNotSeated.zh()).count(), 3);
}

#[tokio::test]
async fn an_attempt_without_its_bundle_is_missed() {
    let story = Story::new();
    let mut terminal = story.terminal();
    let sat = sat(&mut terminal, 10);
    replicate(&terminal, &story.device).await;
    let results = story.results();
    assert_eq!(line(&results, &sat).status, Status::NotReceived);
    assert!(codes(&results).contains(&"results.bundle_missing"));
}

/// Each way to spoil a bundle, and the anomaly that must name it.
type Spoil = (&'static str, fn(&mut Bundle));
const SPOILT: &[Spoil] = &[
    ("results.entries_gap", |bundle| {
        drop(bundle.entries.remove(9))
    }),
    ("results.entries_left_out", |bundle| {
        bundle.entries.truncate(20)
    }),
    ("results.entries_gap", |bundle| bundle.entries.swap(8, 9)),
    ("results.entry_damaged", |bundle| {
        bundle.entries[9].truncate(40)
    }),
    ("results.ledger_differs", |bundle| {
        let last = bundle.entries.len() - 1;
        let end = bundle.entries[last].len() - 1;
        bundle.entries[last][end] ^= 1;
    }),
    ("results.checkpoint", |bundle| {
        bundle.checkpoint = bundle.checkpoint.replacen('/', "+", 1)
    }),
    ("results.score_differs", |bundle| {
        bundle.outcome = Outcome::Attempted {
            site_half_points: Some(199),
        }
    }),
    ("results.outcome", |bundle| {
        bundle.outcome = Outcome::NotAdmitted {}
    }),
    ("results.picture_missing", |bundle| {
        bundle.pictures[0].object = fengjuan_wire::Hash32([1; 32])
    }),
    ("results.picture_differs", |bundle| {
        bundle.pictures[0].salted = fengjuan_wire::Hash32([1; 32])
    }),
    ("results.picture_unlisted", |bundle| {
        bundle.pictures.truncate(1)
    }),
    ("results.wrong_package", |bundle| {
        bundle.package = fengjuan_wire::Hash32([1; 32])
    }),
    ("results.place", |bundle| bundle.site = "S02".to_owned()),
    ("results.unknown_ticket", |bundle| {
        bundle.ticket_no = "1".repeat(16)
    }),
    ("results.entry_foreign", |bundle| {
        bundle.attempt_id = vec![3; 16]
    }),
];

#[tokio::test]
async fn every_spoilt_bundle_is_named_and_never_normal() {
    for (code, spoil) in SPOILT {
        let story = Story::new();
        let mut terminal = story.terminal();
        let mut sat = sat(&mut terminal, 83);
        let mut bundle = terminal.bundle(&mut sat, DONE);
        spoil(&mut bundle);
        replicate(&terminal, &story.device).await;
        send(&terminal, &sat, &bundle).await;
        let results = story.results();
        assert!(
            codes(&results).contains(code),
            "{code}: {:?}",
            results.anomalies
        );
        assert_ne!(line(&results, &sat).status, Status::Normal, "{code}");
    }
}

#[tokio::test]
async fn a_bundle_by_somebody_else_is_not_opened() {
    let story = Story::new();
    let mut terminal = story.terminal();
    let mut sat = sat(&mut terminal, 83);
    let bundle = terminal.bundle(&mut sat, DONE);
    replicate(&terminal, &story.device).await;
    let caller = Caller {
        app: app(&story.day),
        device: &story.device,
    };
    let stranger = Device::new(77);
    let place = terminal.place(fengjuan_wire::bundle::ObjectKind::Bundle);
    let (hash, bytes) = seal_object(
        &bundle,
        &place,
        &stranger.sign,
        &terminal.document.results_key,
    )
    .unwrap();
    caller.upload(&hash, &bytes).await;
    // Sealed to another key than the sitting's.
    let (hash, bytes) =
        seal_object(&bundle, &place, &story.device.sign, &stranger.kem.public()).unwrap();
    caller.upload(&hash, &bytes).await;
    let results = story.results();
    for code in [
        "results.unknown_device",
        "results.unreadable",
        "results.bundle_missing",
    ] {
        assert!(
            codes(&results).contains(&code),
            "{code}: {:?}",
            results.anomalies
        );
    }
    assert_eq!(line(&results, &sat).status, Status::NotReceived);
}

#[tokio::test]
async fn two_devices_with_one_attempt_are_a_fork() {
    let story = Story::new();
    let second = story.day.approved(2);
    let mut one = story.terminal();
    let mut two = Terminal::unlocked(&story.day, &second, 6);
    let (mut sat_one, mut sat_two) = (sat(&mut one, 60), sat(&mut two, 90));
    let (bundle_one, bundle_two) = (
        one.bundle(&mut sat_one, DONE),
        two.bundle(&mut sat_two, DONE),
    );
    replicate(&one, &story.device).await;
    replicate(&two, &second).await;
    send(&one, &sat_one, &bundle_one).await;
    send(&two, &sat_two, &bundle_two).await;
    let results = story.results();
    assert!(
        codes(&results).contains(&"results.two_devices"),
        "{:?}",
        results.anomalies
    );
    assert_eq!(line(&results, &sat_one).status, Status::ToReview);
}

#[tokio::test]
async fn an_addition_counts_and_a_contradiction_is_named() {
    let story = Story::new();
    let mut terminal = story.terminal();
    let mut sat = sat(&mut terminal, 83);
    let first = terminal.bundle(&mut sat, DONE);
    terminal.record(&sat, &Event::FocusBack { after_ms: 5 });
    let second = terminal.bundle(&mut sat, DONE);
    replicate(&terminal, &story.device).await;
    send(&terminal, &sat, &first).await;
    send(&terminal, &sat, &second).await;
    let results = story.results();
    assert_eq!(
        (codes(&results), line(&results, &sat).status),
        (vec!["results.superseded"], Status::Normal),
        "{:?}",
        results.anomalies
    );
    let again = Bundle {
        sealed_ms: 7,
        ..second.clone()
    };
    send(&terminal, &sat, &again).await;
    assert!(codes(&story.results()).contains(&"results.bundles_contradict"));
}

#[tokio::test]
async fn who_came_and_never_began_is_named() {
    let story = Story::new();
    let mut terminal = story.terminal();
    let mut sat = terminal.candidate("C1", 0);
    terminal.identify(&mut sat);
    terminal.confirm(&sat);
    replicate(&terminal, &story.device).await;
    let results = story.results();
    assert_eq!(line(&results, &sat).status, Status::ToReview);
    assert_eq!(line(&results, &sat).grade, None);
    assert!(codes(&results).contains(&"results.never_began"));
}

#[tokio::test]
async fn deviations_and_decisions_are_listed() {
    let story = Story::new();
    let mut terminal = story.terminal();
    let mut sat = terminal.candidate("C1", 0);
    terminal.identify(&mut sat);
    terminal.confirm(&sat);
    terminal.start(&mut sat, START_MS + 4 * MINUTE);
    let from_ms = sat.now + MINUTE;
    sat.now += 3 * MINUTE;
    let to_ms = sat.now;
    let cause = fengjuan_core::event::OutageCause::Power;
    terminal.input(
        &mut sat,
        Input::OutageFound {
            cause,
            from_ms,
            to_ms,
        },
    );
    let credit = Input::Credit {
        credit_ms: MINUTE,
        by: "P001".to_owned(),
        reason: "鼠标故障".to_owned(),
        order: None,
        decision: None,
    };
    terminal.input(&mut sat, credit);
    terminal.record(&sat, &Event::FocusLost {});
    terminal.record(&sat, &Event::DisplaysChanged { count: 2 });
    terminal.hand_in(&mut sat, false);
    let bundle = terminal.bundle(&mut sat, DONE);
    // The center was away: the bundle came by courier, the entries did not.
    send(&terminal, &sat, &bundle).await;
    let results = story.results();
    let found = codes(&results);
    for code in [
        "results.started_late",
        "results.outage",
        "results.outage_undecided",
        "results.credited",
        "results.end_moved",
        "results.unordered_credit",
        "results.not_replicated",
        "results.unwitnessed",
        "results.snapshot_due",
        "results.focus_lost",
        "results.displays_changed",
    ] {
        assert!(found.contains(&code), "{code}: {:?}", results.anomalies);
    }
    let detail = |code: &str| {
        let anomalies = &results.anomalies;
        let found = anomalies.iter().find(|anomaly| anomaly.code == code);
        found.unwrap().detail.clone()
    };
    assert_eq!(detail("results.credited"), "60 s · P001 · — · 鼠标故障");
    assert_eq!(detail("results.end_moved"), "+300 s", "start and credit");
    assert_eq!(
        line(&results, &sat).status,
        Status::ToReview,
        "missing snapshots are severe"
    );
}

#[tokio::test]
async fn an_unconfirmed_person_or_a_wrong_paper_is_severe() {
    let story = Story::new();
    let mut terminal = story.terminal();
    let mut sat = terminal.candidate("C1", 0);
    terminal.identify(&mut sat);
    sat.paper.slots.swap(0, 1);
    terminal.start(&mut sat, START_MS);
    terminal.hand_in(&mut sat, true);
    let bundle = terminal.bundle(&mut sat, DONE);
    replicate(&terminal, &story.device).await;
    send(&terminal, &sat, &bundle).await;
    let results = story.results();
    for code in ["results.unconfirmed", "results.wrong_paper"] {
        assert!(
            codes(&results).contains(&code),
            "{code}: {:?}",
            results.anomalies
        );
    }
    let line = line(&results, &sat);
    assert_eq!(
        (line.status, line.grade.is_none()),
        (Status::ToReview, true)
    );
}

/// A hand-in that two people opened again: what was handed in last holds all of it.
fn reopened(terminal: &mut Terminal<'_>, sat: &mut Sat) {
    let reopen = Input::Reopen {
        staff_id: "P1".to_owned(),
        second: "H1".to_owned(),
        reason: "误点".to_owned(),
        order: None,
        score_shown: false,
    };
    terminal.input(sat, reopen);
}

#[tokio::test]
async fn of_an_attempt_that_was_opened_again_the_newest_bundle_counts() {
    let story = Story::new();
    let mut terminal = story.terminal();
    let mut sat = sat(&mut terminal, 60);
    let first = terminal.bundle(&mut sat, DONE);
    send(&terminal, &sat, &first).await;
    reopened(&mut terminal, &mut sat);
    replicate(&terminal, &story.device).await;
    // What was handed in first is not the whole attempt any more, and the rest has not come.
    let results = story.results();
    assert!(codes(&results).contains(&"results.entries_after"));
    assert_eq!(line(&results, &sat).status, Status::ToReview);

    terminal.answer(&mut sat, 83);
    terminal.hand_in(&mut sat, false);
    replicate(&terminal, &story.device).await;
    let second = terminal.bundle(&mut sat, DONE);
    assert_eq!(second.bundle_no, 2);
    send(&terminal, &sat, &second).await;
    let results = story.results();
    let codes = codes(&results);
    assert!(codes.contains(&"results.superseded") && codes.contains(&"results.reopened"));
    let severe = results
        .anomalies
        .iter()
        .find(|one| one.severity == results::Severity::Severe);
    assert_eq!(severe, None);
    let line = line(&results, &sat);
    assert_eq!(line.status, Status::Normal);
    assert_eq!(line.grade.as_ref().unwrap().total_half_points, 166);
}
