//! Results of a sitting: every sealed bundle is opened, checked against the ledger that the device replicated, its
//! paper drawn again, its attempt replayed and graded anew. What does not fit is listed; no score is changed by hand.

mod anomaly;
mod attempt;
mod attempt_key;
mod books;
mod export;
mod incoming;
mod leases;
mod ledger;
mod pictures;

pub use anomaly::{Anomaly, Severity};
pub use attempt_key::release_attempt_key;
pub use export::export;

use crate::{CenterError, Home, issue, order};
use books::Books;
use fengjuan_core::grading::Grade;
use fengjuan_core::plan::Sitting;
use fengjuan_core::room::lease::LeaseGiven;
use fengjuan_core::roster::Candidate;
use fengjuan_envelope::hpke::KemSecret;
use fengjuan_envelope::sign::PublicKey;
use fengjuan_store::replica::Replica;
use fengjuan_wire::Hash32;
use fengjuan_wire::bundle::Outcome;
use fengjuan_wire::order::Order;
use incoming::Received;
use rusqlite::Connection;
use std::collections::{BTreeMap, BTreeSet};

/// What became of one candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    Normal,
    /// A severe anomaly that a person must look at first, whether there is a score or none.
    ToReview,
    Absent,
    /// The arrival was stamped, and nobody sat down at a machine.
    ArrivedNotSeated,
    NotAdmitted,
    LateRefused,
    /// The ledger shows an attempt, but no readable bundle of it has arrived.
    NotReceived,
}

impl Status {
    pub fn zh(self) -> &'static str {
        match self {
            Status::Normal => "正常",
            Status::ToReview => "待核查",
            Status::Absent => "缺考",
            Status::ArrivedNotSeated => "到场未入座",
            Status::NotAdmitted => "证件不符未入场",
            Status::LateRefused => "迟到未入场",
            Status::NotReceived => "答卷未收到",
        }
    }
    pub fn en(self) -> &'static str {
        match self {
            Status::Normal => "normal",
            Status::ToReview => "to review",
            Status::Absent => "absent",
            Status::ArrivedNotSeated => "arrived, never sat down",
            Status::NotAdmitted => "not admitted",
            Status::LateRefused => "late, refused",
            Status::NotReceived => "not received",
        }
    }
}

/// One line of the results. Holds no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CandidateResult {
    pub candidate: Candidate,
    pub class_name: String,
    pub status: Status,
    pub grade: Option<Grade>,
    /// The terminal's own score, where it made one.
    pub site_half_points: Option<u32>,
    pub started_ms: Option<i64>,
    pub handed_in_ms: Option<i64>,
    pub device: Option<String>,
    /// Version that the attempt was made with.
    pub version: Option<u32>,
}

/// A sitting's results and everything that was odd about it.
#[derive(Clone, Debug)]
pub struct Results {
    pub sitting: Sitting,
    pub made_ms: i64,
    pub candidates: Vec<CandidateResult>,
    pub anomalies: Vec<Anomaly>,
}

impl Results {
    pub fn anomalies_of(&self, ticket_no: &str) -> impl Iterator<Item = &Anomaly> {
        self.anomalies
            .iter()
            .filter(move |anomaly| anomaly.ticket_no.as_deref() == Some(ticket_no))
    }

    /// Counts for a summary: Chinese, English, number.
    pub fn totals(&self) -> Vec<(&'static str, &'static str, usize)> {
        let count = |status| {
            self.candidates
                .iter()
                .filter(|line| line.status == status)
                .count()
        };
        let passed =
            |line: &&CandidateResult| line.grade.as_ref().is_some_and(|grade| grade.passed);
        let graded = self
            .candidates
            .iter()
            .filter(|line| line.grade.is_some())
            .count();
        vec![
            ("考生", "candidates", self.candidates.len()),
            ("有成绩", "graded", graded),
            (
                "合格",
                "passed",
                self.candidates.iter().filter(passed).count(),
            ),
            ("待核查", "to review", count(Status::ToReview)),
            ("缺考", "absent", count(Status::Absent)),
            (
                "到场未入座",
                "arrived, never sat down",
                count(Status::ArrivedNotSeated),
            ),
            ("证件不符未入场", "not admitted", count(Status::NotAdmitted)),
            ("迟到未入场", "late, refused", count(Status::LateRefused)),
            ("答卷未收到", "not received", count(Status::NotReceived)),
            (
                "异常与偏差",
                "anomalies and deviations",
                self.anomalies.len(),
            ),
        ]
    }
}

/// What all checks look at.
struct Desk<'a> {
    home: &'a Home,
    conn: &'a Connection,
    results_key: KemSecret,
    books: Books,
    orders: Vec<(Hash32, Order)>,
    /// Leases of the rooms' stations, once they were read.
    leases: Option<Vec<LeaseGiven>>,
    anomalies: Vec<Anomaly>,
}

/// Opens everything that has arrived of a sitting, whichever issued version it was made with.
pub fn open(home: &Home, sitting_no: &str, now_ms: i64) -> Result<Results, CenterError> {
    let conn = home.database()?;
    let latest = issue::latest(&conn, sitting_no)?;
    let results_key = home.keys().results(sitting_no)?;
    let books = Books::open(home, &conn, sitting_no, latest, &results_key)?;
    let orders = order::of_sitting(home, &conn, sitting_no)?;
    let mut desk = Desk {
        home,
        conn: &conn,
        results_key,
        books,
        orders,
        leases: None,
        anomalies: Vec::new(),
    };
    let sitting = desk.books.newest().document.sitting.clone();
    let received = desk.read_received(sitting_no)?;
    let mut by_ticket: BTreeMap<String, Vec<Received>> = BTreeMap::new();
    for bundle in received {
        by_ticket
            .entry(bundle.bundle.ticket_no.clone())
            .or_default()
            .push(bundle);
    }
    let mut lines = Vec::new();
    for (candidate, class_name) in desk.books.newest().people() {
        let bundles = by_ticket.remove(&candidate.ticket_no).unwrap_or_default();
        lines.push(desk.line(candidate, class_name, bundles)?);
    }
    for bundle in by_ticket.into_values().flatten() {
        desk.report(Anomaly::severe("results.unknown_ticket").device(&bundle.device.name));
    }
    desk.sitting_deviations(sitting_no)?;
    desk.forks(&sitting.plan.site)?;
    let mut anomalies = desk.anomalies;
    anomalies
        .sort_by(|a, b| (&a.ticket_no, a.code, &a.detail).cmp(&(&b.ticket_no, b.code, &b.detail)));
    anomalies.dedup();
    for line in &mut lines {
        let severe = |anomaly: &Anomaly| {
            anomaly.severity == Severity::Severe
                && anomaly.ticket_no.as_deref() == Some(&line.candidate.ticket_no)
        };
        if line.status == Status::Normal && anomalies.iter().any(severe) {
            line.status = Status::ToReview;
        }
    }
    Ok(Results {
        sitting,
        made_ms: now_ms,
        candidates: lines,
        anomalies,
    })
}

impl Desk<'_> {
    fn report(&mut self, anomaly: Anomaly) {
        self.anomalies.push(anomaly);
    }

    /// One candidate's line, from the last bundle of the attempt or from what there is.
    fn line(
        &mut self,
        candidate: Candidate,
        class_name: String,
        bundles: Vec<Received>,
    ) -> Result<CandidateResult, CenterError> {
        let ticket_no = candidate.ticket_no.clone();
        let mut line = CandidateResult {
            candidate,
            class_name,
            status: Status::Absent,
            grade: None,
            site_half_points: None,
            started_ms: None,
            handed_in_ms: None,
            device: None,
            version: None,
        };
        let Some(chosen) = self.choose(&ticket_no, bundles) else {
            if self.ledger_shows(&line.candidate, "exam.attempt_started")? {
                line.status = Status::NotReceived;
                self.report(Anomaly::severe("results.bundle_missing").ticket(&ticket_no));
            } else if self.ledger_shows(&line.candidate, "exam.identified")? {
                // Somebody sat there: that is never an absence, whatever nobody wrote down of it.
                line.status = Status::ToReview;
                self.report(Anomaly::severe("results.never_began").ticket(&ticket_no));
            } else if self.ledger_shows(&line.candidate, "exam.arrived")? {
                line.status = Status::ArrivedNotSeated;
            }
            return Ok(line);
        };
        line.device = Some(chosen.device.name.clone());
        line.version = Some(chosen.bundle.version);
        let events = self.check_ledger(&chosen)?;
        match chosen.bundle.outcome {
            Outcome::Attempted { site_half_points } => {
                line.site_half_points = site_half_points;
                line.status = Status::Normal;
                self.examine(&chosen, &events, &mut line)?;
            }
            // The terminal of their seat saw nobody; another one may have seen the person, or have the stamp.
            Outcome::Absent {} if self.ledger_shows(&line.candidate, "exam.identified")? => {
                line.status = Status::ToReview;
                self.report(Anomaly::severe("results.never_began").ticket(&ticket_no));
            }
            Outcome::Absent {} if self.ledger_shows(&line.candidate, "exam.arrived")? => {
                line.status = Status::ArrivedNotSeated;
            }
            Outcome::Absent {} => line.status = Status::Absent,
            Outcome::ArrivedNotSeated {} => line.status = Status::ArrivedNotSeated,
            Outcome::NotAdmitted {} => line.status = Status::NotAdmitted,
            Outcome::LateRefused {} => line.status = Status::LateRefused,
        }
        self.check_outcome(&chosen, &events);
        self.check_pictures(&chosen, &events)?;
        Ok(line)
    }

    /// The bundle that counts: an attempt before any other outcome, then the highest lease and number. Whatever else there is
    /// of another device or with the same number is an anomaly.
    fn choose(&mut self, ticket_no: &str, mut bundles: Vec<Received>) -> Option<Received> {
        let attempted =
            |received: &Received| matches!(received.bundle.outcome, Outcome::Attempted { .. });
        // A terminal at which a candidate never sat down may list them as absent, or as arrived and never seated, while
        // they sit at another.
        let says = |received: &Received| match received.bundle.outcome {
            Outcome::Absent {} => 0,
            Outcome::ArrivedNotSeated {} => 1,
            _ => 2,
        };
        let most = bundles.iter().map(says).max();
        bundles.retain(|received| Some(says(received)) == most);
        bundles.sort_by_key(|received| {
            (
                attempted(received),
                received.bundle.lease,
                received.bundle.bundle_no,
                received.position,
            )
        });
        let chosen = bundles.pop()?;
        let (earlier, bundles): (Vec<Received>, Vec<Received>) = bundles
            .into_iter()
            .partition(|other| Desk::is_earlier_lease(&chosen, other));
        for other in earlier.iter().filter(|other| attempted(other)) {
            self.report_earlier(ticket_no, other);
        }
        let attempts: Vec<&Received> = bundles
            .iter()
            .filter(|received| attempted(received))
            .collect();
        let ledgers: BTreeSet<&Vec<u8>> = attempts
            .iter()
            .map(|received| &received.bundle.ledger_id)
            .collect();
        if attempted(&chosen)
            && ledgers
                .iter()
                .any(|ledger| **ledger != chosen.bundle.ledger_id)
        {
            self.report(
                Anomaly::severe("results.two_devices")
                    .ticket(ticket_no)
                    .device(&chosen.device.name),
            );
        }
        for other in bundles
            .iter()
            .filter(|other| other.bundle.ledger_id == chosen.bundle.ledger_id)
        {
            let same_number = other.bundle.bundle_no == chosen.bundle.bundle_no;
            let grew = chosen.bundle.entries.starts_with(&other.bundle.entries);
            if same_number || !grew {
                self.report(
                    Anomaly::severe("results.bundles_contradict")
                        .ticket(ticket_no)
                        .device(&chosen.device.name),
                );
            } else {
                // 恢复误交卷: what was handed in first is part of what was handed in last.
                self.report(
                    Anomaly::note("results.superseded")
                        .ticket(ticket_no)
                        .device(&other.device.name)
                        .detail(format!(
                            "№{} → №{}",
                            other.bundle.bundle_no, chosen.bundle.bundle_no
                        )),
                );
            }
        }
        Some(chosen)
    }

    fn ledger_shows(&self, candidate: &Candidate, kind: &str) -> Result<bool, CenterError> {
        let sitting = &self.books.newest().document.sitting;
        let attempt_no = sitting
            .class_group(&candidate.class_no)
            .map_or(1, |class| class.attempt_no);
        let id =
            fengjuan_core::draw::attempt_id(&sitting.sitting_no, &candidate.ticket_no, attempt_no);
        let entries = Replica::new(self.conn).entries_of_attempt(&id)?;
        Ok(entries.iter().any(|(_, entry)| entry.kind == kind))
    }

    /// Forks and second ledgers of the site's devices: two truths of one machine.
    fn forks(&mut self, site: &str) -> Result<(), CenterError> {
        let of_site = |conn: &Connection, key: &PublicKey| -> Result<Option<String>, CenterError> {
            Ok(crate::device::find(conn, key)?
                .filter(|device| device.site == site)
                .map(|device| device.name))
        };
        let replica = Replica::new(self.conn);
        let mut found = Vec::new();
        for line in replica.roll()? {
            let key = PublicKey::from_bytes(line.identity.device_key);
            if let Some(name) = of_site(self.conn, &key)?.filter(|_| line.forks > 0) {
                found.push(
                    Anomaly::severe("results.fork")
                        .device(&name)
                        .detail(format!("{}", line.forks)),
                );
            }
        }
        let mut statement = self
            .conn
            .prepare("SELECT DISTINCT sign, kind FROM device_alerts")?;
        let alerts = statement.query_map([], |row| {
            Ok((row.get::<_, [u8; 32]>(0)?, row.get::<_, String>(1)?))
        })?;
        for alert in alerts {
            let (sign, kind) = alert?;
            if let Some(name) =
                of_site(self.conn, &PublicKey::from_bytes(sign))?.filter(|_| kind != "fork")
            {
                found.push(
                    Anomaly::severe("results.device_alert")
                        .device(&name)
                        .detail(kind),
                );
            }
        }
        self.anomalies.extend(found);
        Ok(())
    }
}
