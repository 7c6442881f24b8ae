//! The page: which screen, the bar at the top, and the parts of the station's page put together.

use super::books::Book;
use super::snapshot::Snapshot;
use super::{Shown, State, Station};
use crate::view::{StationFacts, StationPage, StationScreen, StationStanding, StationView};
use fengjuan_core::clock::ClockQuality;
use fengjuan_core::room::epoch::Role as Runs;
use fengjuan_device::refusal::{With, notice};
use fengjuan_device::staff::name;
use fengjuan_device::stick;
use fengjuan_device::upstream::Enrolment;
use fengjuan_device::view::{
    ClockTrust, ClockView, EnrolState, EnrolView, LinkState, LogInView, Notice, PullState,
    StaffName, Tone,
};

/// A page is made anew at least this often, since what blocks a step may be the hour alone.
const STALE_MS: i64 = 1_000;

impl Station {
    /// Makes the page from everything that is known now.
    pub(super) fn make(&self, state: &mut State) -> StationPage {
        let room = *self.hub.room().changes().borrow();
        state.refresh(&self.hub);
        let mut page = self.draw(state);
        let same = state
            .shown
            .as_ref()
            .is_some_and(|shown| looks_same(&shown.page, &page));
        if !same {
            state.revision += 1;
        }
        page.revision = state.revision;
        let boot_ms = self.boot_ms();
        state.shown = Some(Shown {
            page: page.clone(),
            room,
            boot_ms,
        });
        page
    }

    /// Makes the page where something may have changed. True where it looks another way now.
    pub(super) fn look_again(&self) -> bool {
        let mut state = self.state();
        let (room, boot_ms) = (*self.hub.room().changes().borrow(), self.boot_ms());
        let fresh = state
            .shown
            .as_ref()
            .is_some_and(|shown| shown.room == room && boot_ms - shown.boot_ms < STALE_MS);
        if fresh {
            return false;
        }
        let before = state.revision;
        self.make(&mut state).revision != before
    }

    fn draw(&self, state: &mut State) -> StationPage {
        let books = state.books.books.clone();
        let room = Snapshot::take(&self.hub, &books);
        let book = state.selected(&self.hub);
        let screen = self.screen(state, &room, book.as_deref());
        StationPage {
            revision: 0,
            clock: self.clock(&room),
            station: self.facts(state, &room, book.as_deref()),
            screen,
            banner: self.banner(state, &room),
        }
    }

    fn clock(&self, room: &Snapshot) -> ClockView {
        let recorder = self.hub.recorder();
        let trust = match recorder.clock().quality() {
            ClockQuality::Anchored => ClockTrust::Anchored,
            ClockQuality::CarriedOver => ClockTrust::Carried,
            ClockQuality::RtcFlagged { .. } => ClockTrust::Unverified,
        };
        ClockView {
            exam_ms: room.now,
            utc_offset_min: recorder.machine().utc_offset_min(),
            trust,
        }
    }

    fn facts(&self, state: &State, room: &Snapshot, book: Option<&Book>) -> StationFacts {
        let sync = self.hub.sync();
        let sync = sync.borrow();
        let working: Vec<_> = room.seating.working().collect();
        let heard = working.iter().filter(|device| room.in_contact(device));
        let sitting = book.map(Book::sitting);
        StationFacts {
            hub_name: self.hub_name(),
            site: self.hub.kit().site.clone(),
            room_name: sitting.map_or_else(String::new, |one| one.room_name.clone()),
            plan_name: sitting.map_or_else(String::new, |one| one.plan.name.clone()),
            standing: self.standing(room),
            epoch: room.epoch,
            others: self.others(matches!(room.role, Runs::Commanding { .. })),
            never_followed: self.hub.room().course().is_alone(),
            center: sync.link,
            unsent: sync.unsent,
            terminals_heard: u32::try_from(heard.count()).unwrap_or(u32::MAX),
            terminals_known: u32::try_from(working.len()).unwrap_or(u32::MAX),
            witnessed_ms: sync.witnessed_ms,
            people: state.desk.user.iter().cloned().collect(),
            idle_locked: state.desk.locked,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// A station that has run the room once is told from one that never did, also where it follows the other now.
    fn standing(&self, room: &Snapshot) -> StationStanding {
        match room.role {
            Runs::Commanding { .. } => StationStanding::Commanding,
            Runs::Standby { .. } if !self.hub.room().course().ran => StationStanding::Standby,
            Runs::Standby { .. } | Runs::Stopped { .. } => StationStanding::Stopped,
        }
    }

    fn hub_name(&self) -> String {
        if let Some(delegated) = self.hub.delegation() {
            return delegated.delegation.hub_name.clone();
        }
        self.hub.asked_as().ok().flatten().unwrap_or_default()
    }

    /// One sentence at most, the worst.
    fn banner(&self, state: &State, room: &Snapshot) -> Option<Notice> {
        let standing = self.standing(room);
        if standing == StationStanding::Stopped {
            return Some(notice("station.stopped", Tone::Red).with("epoch", room.epoch));
        }
        if let Some(cause) = self.hub.trouble().first() {
            return Some(notice("station.trouble", Tone::Red).with("cause", cause));
        }
        match self.hub.delegation() {
            None if self.has_begun(state, room) => {
                return Some(notice("station.no_delegation", Tone::Amber));
            }
            Some(held) if room.now >= held.delegation.not_after_ms => {
                return Some(notice("station.delegation_expired", Tone::Red));
            }
            _ => {}
        }
        if standing == StationStanding::Standby {
            return Some(notice("station.standby", Tone::Blue));
        }
        let locked = state.desk.locked && state.desk.user.is_none();
        locked.then(|| notice("station.locked", Tone::Blue))
    }

    /// Papers are here, or machines: then the room is shown whatever the center says.
    fn has_begun(&self, state: &State, room: &Snapshot) -> bool {
        !state.books.books.is_empty() || !room.seating.machines().is_empty()
    }

    fn screen(&self, state: &mut State, room: &Snapshot, book: Option<&Book>) -> StationScreen {
        if self.hub.delegation().is_none() && !self.has_begun(state, room) {
            return StationScreen::Enrol(self.enrol_view(true));
        }
        let staff: Vec<StaffName> = self.everyone(state, book);
        let nobody = state.desk.user.is_none() && !state.desk.locked && !staff.is_empty();
        // Whatever happens in a room that is running is seen without anybody's name.
        let runs = |day: &super::snapshot::Day| day.track.started.is_some() && !day.track.ended;
        if nobody && !room.days.values().any(runs) {
            return StationScreen::LogIn(LogInView {
                staff,
                locked_until_ms: None,
            });
        }
        StationScreen::Station(self.station_view(state, room, book))
    }

    fn everyone(&self, state: &State, book: Option<&Book>) -> Vec<StaffName> {
        let everyone = state.books.everyone(book.map(Book::number));
        everyone.into_iter().map(name).collect()
    }

    fn station_view(&self, state: &mut State, room: &Snapshot, book: Option<&Book>) -> StationView {
        let seats = state.seats(room, book);
        let tracks = state.books.books.clone();
        let tracks = tracks.iter().map(|one| self.track(state, room, one));
        let sittings = tracks.collect();
        StationView {
            user: state.desk.user.clone(),
            tab: state.desk.tab,
            day: self.day(state, room, book),
            sittings,
            sitting_no: book.map(|book| book.number().to_owned()),
            next: self.next_step(state, room, book, &seats),
            alerts: self.alerts(state, room, &seats),
            unlock: self.unlock_tab(state, room, book),
            papers: self.papers_tab(state, room, book),
            devices: self.devices_view(state, room, book),
            seating: self.seating_view(state, room, book),
            log: self.log_view(state, room, book),
            room: self.room_view(state, room, book, &seats),
        }
    }

    /// `looked`: somebody looks at the sticks that are plugged in.
    pub(super) fn enrol_view(&self, looked: bool) -> EnrolView {
        let folders = if looked { stick::mounted() } else { Vec::new() };
        let (courier, written_to) = {
            let work = self.work();
            (work.courier.clone(), work.written_to.clone())
        };
        let sync = self.hub.sync();
        let sync = sync.borrow();
        let (enrol, failure) = match &sync.enrolment {
            Some(Enrolment::Approved(_)) => (EnrolState::Approved, sync.last_error.clone()),
            Some(Enrolment::Pending) => (EnrolState::Pending, sync.last_error.clone()),
            Some(Enrolment::Refused { code }) => (EnrolState::Refused, Some(code.clone())),
            // Whoever goes by stick knows that there is no line.
            Some(Enrolment::Carried) if sync.link == LinkState::Offline => {
                (EnrolState::Carried, None)
            }
            Some(Enrolment::Carried) => (EnrolState::Carried, sync.last_error.clone()),
            None => (EnrolState::NotAsked, sync.last_error.clone()),
        };
        EnrolView {
            center_name: self.hub.kit().directory.center_name.clone(),
            center_url: self.hub.kit().url.clone(),
            device_name: self.hub.asked_as().ok().flatten().unwrap_or_default(),
            fingerprint: self.hub.identity().fingerprint(),
            state: enrol,
            failure,
            courier_folders: folders,
            courier: courier.unwrap_or(PullState::Idle {}),
            written_to,
            join: None,
        }
    }
}

/// Whether two pages look the same: a revision or a later moment alone is no change.
fn looks_same(last: &StationPage, now: &StationPage) -> bool {
    let strip = |page: &StationPage| {
        let mut page = page.clone();
        page.revision = 0;
        page.clock.exam_ms = 0;
        page
    };
    strip(last) == strip(now)
}
