//! The sitting that this terminal works on: its document, roster and packages as far as they can be read without the
//! code, and what the ledger says of each candidate.

use super::day::SittingDay;
use super::seats::SeatRecord;
use crate::sealing::DeviceKeys;
use fengjuan_core::draw;
use fengjuan_core::event::Hash32;
use fengjuan_core::plan::{ExamMs, Sitting};
use fengjuan_core::roster::Candidate;
use fengjuan_core::seat::SeatRules;
use fengjuan_device::papers::HeldPapers;
use fengjuan_device::unlock;
use fengjuan_envelope::secret::{SecretBytes, SecretKey};
use fengjuan_store::{Reader, StoreError};
use fengjuan_wire::package::VerifiedPackage;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How long after its last end a sitting stays the one that the terminal shows, if nobody ended it.
const LINGER_MS: i64 = 60 * 60_000;

/// A class group's package as far as the device's own key opens it.
struct ReadableClass {
    package: VerifiedPackage,
    roster_key: SecretKey,
}

/// The active sitting.
pub struct Active {
    pub held: Arc<HeldPapers>,
    pub day: SittingDay,
    /// All candidates of all class groups.
    pub roster: Vec<Candidate>,
    /// By ticket number.
    pub seats: BTreeMap<String, SeatRecord>,
    readable: BTreeMap<String, ReadableClass>,
}

impl Active {
    /// Loads a held sitting with what the ledger knows of it. A package that cannot be read leaves its candidates out.
    ///
    /// # Errors
    /// Storage errors.
    pub fn load(
        held: Arc<HeldPapers>,
        keys: &DeviceKeys,
        reader: &Reader,
    ) -> Result<Active, StoreError> {
        let sitting_no = held.document.sitting.sitting_no.clone();
        let mut active = Active {
            day: SittingDay::load(reader, &sitting_no)?,
            roster: Vec::new(),
            seats: BTreeMap::new(),
            readable: BTreeMap::new(),
            held,
        };
        active.read_rosters(keys);
        for candidate in active.roster.clone() {
            let Some(attempt_id) = active.attempt_id(&candidate) else {
                continue;
            };
            let entries = super::moved::history(reader, &attempt_id)?;
            let rules = active.rules_for(&candidate.ticket_no);
            let record = SeatRecord::replay(attempt_id, rules, &entries).map_err(|error| {
                StoreError::Encode {
                    detail: error.to_string(),
                }
            })?;
            active.seats.insert(candidate.ticket_no, record);
        }
        Ok(active)
    }

    fn read_rosters(&mut self, keys: &DeviceKeys) {
        let Some(grant) = &self.held.grant else {
            return;
        };
        let roster_keys = match grant.roster(&keys.kem) {
            Ok(roster_keys) => roster_keys,
            Err(error) => {
                tracing::warn!(code = error.code(), "the roster keys cannot be opened");
                return;
            }
        };
        for roster_key in &roster_keys.keys {
            let class_no = &roster_key.class_no;
            let Some(file) = self.held.package(class_no) else {
                continue;
            };
            let key = SecretKey::from_bytes(roster_key.key);
            let read = unlock::open_package(&self.held, class_no, &file.path, &keys.issuer)
                .and_then(|package| Ok((package.roster(&key)?, package)));
            match read {
                Ok((candidates, package)) => {
                    self.roster.extend(candidates);
                    let readable = ReadableClass {
                        package,
                        roster_key: key,
                    };
                    self.readable.insert(class_no.clone(), readable);
                }
                Err(error) => {
                    tracing::warn!(code = error.code(), class_no, "a roster cannot be read")
                }
            }
        }
    }

    pub fn sitting(&self) -> &Sitting {
        &self.held.document.sitting
    }

    pub fn sitting_no(&self) -> &str {
        &self.held.document.sitting.sitting_no
    }

    pub fn candidate(&self, ticket_no: &str) -> Option<&Candidate> {
        self.roster
            .iter()
            .find(|candidate| candidate.ticket_no == ticket_no)
    }

    /// Where a candidate sits: as the station has published it, else by the roster.
    pub fn seat_of(&self, candidate: &Candidate) -> u32 {
        let ticket = self.ticket_hash(&candidate.ticket_no);
        let mut dealt = self.day.dealt.iter();
        let published = dealt.find(|(one, _)| *one == ticket);
        published.map_or(candidate.seat_no, |(_, seat_no)| *seat_no)
    }

    pub fn attempt_id(&self, candidate: &Candidate) -> Option<[u8; 16]> {
        let class = self.sitting().class_group(&candidate.class_no)?;
        Some(draw::attempt_id(
            self.sitting_no(),
            &candidate.ticket_no,
            class.attempt_no,
        ))
    }

    pub fn ticket_hash(&self, ticket_no: &str) -> Hash32 {
        draw::ticket_hash(self.sitting_no(), ticket_no)
    }

    pub fn rules_for(&self, ticket_no: &str) -> SeatRules {
        let mut rules = SeatRules::of(self.sitting());
        rules.start_ms += self.day.postponed_ms;
        rules.late_limit_ms += self.day.postponed_ms;
        rules.late_allowed = self.day.late_allowed.contains(&self.ticket_hash(ticket_no));
        rules
    }

    /// JPEG bytes of a registered photo; `None` where it cannot be read.
    pub fn photo(&self, candidate: &Candidate) -> Option<SecretBytes> {
        let readable = self.readable.get(&candidate.class_no)?;
        let photo = readable
            .package
            .photo(candidate.photo, &readable.roster_key);
        photo
            .inspect_err(|error| tracing::warn!(code = error.code(), "a photo cannot be read"))
            .ok()
    }

    /// The hash by which the sitting names a class group's package.
    pub fn package_hash(&self, class_no: &str) -> Option<Hash32> {
        let packages = &self.held.document.packages;
        packages
            .iter()
            .find(|package| package.class_no == class_no)
            .map(|package| package.hash)
    }

    /// The candidate whose attempt is open here, if one is.
    pub fn open_ticket(&self) -> Option<&str> {
        self.seats
            .iter()
            .find(|(_, seat)| seat.open())
            .map(|(ticket_no, _)| ticket_no.as_str())
    }

    pub fn entry_opens_ms(&self) -> ExamMs {
        self.sitting().entry_opens_ms()
    }

    pub fn planned_start_ms(&self) -> ExamMs {
        self.sitting().start_ms + self.day.postponed_ms
    }

    pub fn late_limit_ms(&self) -> ExamMs {
        self.planned_start_ms() + i64::from(self.sitting().entry.late_limit_min) * 60_000
    }

    pub fn latest_start_ms(&self) -> ExamMs {
        self.planned_start_ms() + i64::from(self.sitting().entry.start_delay_limit_min) * 60_000
    }

    /// When no attempt of this sitting can still run here, as far as plan, accommodations and credits say now.
    pub fn last_end_ms(&self) -> ExamMs {
        let extra = self
            .roster
            .iter()
            .map(|candidate| candidate.accommodation.extra_minutes)
            .max();
        let moved_ms = match self.day.start {
            Some(start) => start.moved_ms(),
            None => i64::from(self.sitting().entry.start_delay_limit_min) * 60_000,
        };
        let planned = self.sitting().last_end_ms() + self.day.postponed_ms + moved_ms;
        let planned = planned + i64::from(extra.unwrap_or(0)) * 60_000;
        let credited = self.seats.values().filter_map(SeatRecord::ends_ms).max();
        planned.max(credited.unwrap_or(planned))
    }

    /// When no attempt of this sitting can still run at the whole site: a neighbour may have started as late as the plan
    /// allows, have the longest minutes, every ordered credit, and an outage of the most that the plan credits.
    pub fn site_runs_until_ms(&self) -> ExamMs {
        let sitting = self.sitting();
        let extra = self
            .roster
            .iter()
            .map(|candidate| candidate.accommodation.extra_minutes)
            .max();
        let minutes = i64::from(sitting.entry.start_delay_limit_min)
            + i64::from(extra.unwrap_or(0))
            + i64::from(sitting.outage_credit_cap_min);
        let latest = sitting.last_end_ms()
            + self.day.postponed_ms
            + self.day.ordered_ms()
            + minutes * 60_000;
        latest.max(self.last_end_ms())
    }

    /// Ended by a proctor, or its time has passed with nobody left.
    pub fn over(&self, now: ExamMs) -> bool {
        self.open_ticket().is_none() && (self.day.ended_ms.is_some() || now >= self.last_end_ms())
    }
}

/// Which held sitting the terminal works on: the one that was chosen while it lasts, else the nearest that is not over.
/// Of several versions the newest. `day` is what this terminal remembers of a sitting.
pub fn choose<'a>(
    held: &'a [Arc<HeldPapers>],
    chosen: Option<&str>,
    now: ExamMs,
    day: impl Fn(&str) -> SittingDay,
) -> Option<&'a Arc<HeldPapers>> {
    let newest = || held.iter().filter(|held| !held.superseded);
    let lasts = |held: &Arc<HeldPapers>, day: &SittingDay| {
        now < held.document.sitting.last_end_ms() + day.postponed_ms + LINGER_MS
    };
    let chosen =
        chosen.and_then(|sitting_no| newest().find(|held| held.key.sitting_no == sitting_no));
    if let Some(held) = chosen {
        let day = day(&held.key.sitting_no);
        // An ended sitting is worked on again where somebody chooses it to type the code, so that its seed can be
        // revealed.
        if day.seed_wanted() || (day.ended_ms.is_none() && lasts(held, &day)) {
            return Some(held);
        }
    }
    let start = |held: &&Arc<HeldPapers>| held.document.sitting.start_ms;
    let ahead = newest().filter(|held| {
        let day = day(&held.key.sitting_no);
        day.ended_ms.is_none() && lasts(held, &day)
    });
    ahead
        .min_by_key(start)
        .or_else(|| newest().max_by_key(start))
}
