//! Which machine belongs to which sitting. Two sittings may run beside one another in a room; a machine works on one.

use super::draft::Draft;
use super::{Station, track};
use crate::plan::ExamMs;
use crate::room::Device;
use crate::room::command::{Command, CommandBody};
use crate::room::seating::Use;
use std::collections::{BTreeMap, BTreeSet};

impl Station {
    /// Of the sittings that are open here, the one whose keys this machine needs: where somebody sits there or holds an
    /// attempt, that one and no other; else the one that its seat number is dealt in; else, of all, the one whose start
    /// is nearest. `sits_in`: what the machine says itself. None for a machine that is out of use.
    pub fn keys_for<'a>(
        &self,
        device: &Device,
        sits_in: Option<&str>,
        opened: &[&'a str],
        now: ExamMs,
    ) -> Option<&'a str> {
        let machine = self.seating().machine(device);
        if machine.is_some_and(|machine| machine.purpose == Use::OutOfUse) {
            return None;
        }
        let of = |wanted: &dyn Fn(&str) -> bool| {
            let wanted = opened.iter().filter(|sitting_no| wanted(sitting_no));
            wanted
                .min_by_key(|sitting_no| (self.distance_ms(sitting_no, now), **sitting_no))
                .copied()
        };
        if let Some(sits_in) = sits_in {
            return of(&|sitting_no| sitting_no == sits_in);
        }
        let held = held_at(self, device);
        if !held.is_empty() {
            return of(&|sitting_no| held.contains(sitting_no));
        }
        let dealt = dealt_at(self, device, None);
        if dealt.is_empty() {
            return of(&|_| true);
        }
        of(&|sitting_no| dealt.contains(sitting_no))
    }

    fn distance_ms(&self, sitting_no: &str, now: ExamMs) -> i64 {
        let start_ms = self.terms.get(sitting_no).map_or(0, |terms| terms.start_ms);
        let start_ms = start_ms.saturating_add(self.track(sitting_no).postponed_ms);
        start_ms.saturating_sub(now).saturating_abs()
    }
}

/// Whether a machine that works is meant by what is said to a whole sitting. One that is no sitting's is ready for any.
pub(super) fn concerned(station: &Station, device: &Device, sitting_no: &str) -> bool {
    let held = held_at(station, device);
    if !held.is_empty() {
        return held.contains(sitting_no);
    }
    let dealt = dealt_at(station, device, Some(sitting_no));
    dealt.is_empty() || dealt.contains(sitting_no)
}

/// Sittings of which this machine holds an attempt that is not handed in. Who came and never began is gone with the end.
fn held_at(station: &Station, device: &Device) -> BTreeSet<String> {
    let chains = station.leases().chains();
    let here = chains.filter(|(_, chain)| chain.last().is_some_and(|last| last.device == *device));
    here.filter_map(|(attempt, _)| station.attempt(attempt))
        .filter(|standing| !standing.handed_in)
        .filter(|standing| standing.started || !station.track(&standing.sitting_no).ended)
        .map(|standing| standing.sitting_no)
        .collect()
}

/// Sittings that are not ended, and `also`, in which somebody was dealt the number of this machine.
fn dealt_at<'a>(station: &'a Station, device: &Device, also: Option<&str>) -> BTreeSet<&'a str> {
    let machine = station.seating().machine(device);
    let Some(seat_no) = machine.and_then(|machine| machine.seat_no) else {
        return BTreeSet::new();
    };
    let numbers = station.terms.keys().map(String::as_str);
    numbers
        .filter(|no| also == Some(*no) || !station.track(no).ended)
        .filter(|no| station.seating().is_dealt(no, seat_no))
        .collect()
}

/// A machine that belonged to another sitting when one was started or ended hears of it when it is free for it.
pub(super) fn catch_up(draft: &mut Draft) {
    let station = draft.station;
    for (sitting_no, track) in &station.recorded.tracks {
        if track.started.is_none() || track::terms_of(station, sitting_no).is_err() {
            continue;
        }
        let told = Told::of(station, sitting_no);
        for device in station.seating().working() {
            let missed = told.missed(&device, track.ended);
            if missed.is_empty() || !concerned(station, &device, sitting_no) {
                continue;
            }
            for command in missed {
                draft.again(device, command);
            }
        }
    }
}

/// The starts and ends of one sitting: the first of each kind, and who was given it.
#[derive(Default)]
struct Told<'a> {
    start: Option<&'a Command>,
    started: BTreeSet<Device>,
    ends: BTreeMap<Option<&'a str>, (&'a Command, BTreeSet<Device>)>,
}

impl<'a> Told<'a> {
    fn of(station: &'a Station, sitting: &str) -> Told<'a> {
        let mut told = Told::default();
        for one in &station.recorded.issued {
            match &one.command.body {
                CommandBody::Start { sitting_no, .. } if sitting_no == sitting => {
                    told.start.get_or_insert(&one.command);
                    told.started.insert(one.device);
                }
                CommandBody::End {
                    sitting_no,
                    class_no,
                    ..
                } if sitting_no == sitting => {
                    let ends = told.ends.entry(class_no.as_deref());
                    let (_, given) = ends.or_insert((&one.command, BTreeSet::new()));
                    given.insert(one.device);
                }
                _ => {}
            }
        }
        told
    }

    /// Who never heard of a start hears of no end.
    fn missed(&self, device: &Device, ended: bool) -> Vec<&'a Command> {
        let started = self.started.contains(device);
        if !started && ended {
            return Vec::new();
        }
        let over = self.ends.get(&None);
        if over.is_some_and(|(_, given)| given.contains(device)) {
            return Vec::new();
        }
        let start = self.start.filter(|_| !started);
        let ends = self.ends.values();
        let ends = ends.filter(|(_, given)| !given.contains(device));
        start.into_iter().chain(ends.map(|(end, _)| *end)).collect()
    }
}
