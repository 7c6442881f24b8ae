//! Code, papers, machines and seats.

use super::books::Book;
use super::refusal::{beforehand, of_room};
use super::seats::machine_state;
use super::snapshot::Snapshot;
use super::{State, Station};
use crate::devices::{Admission, Terminal};
use crate::view::StationTab;
use crate::view::tabs::*;
use fengjuan_core::plan::Staff;
use fengjuan_core::room::rules::{Deed, rule_of};
use fengjuan_core::room::seating::Use;
use fengjuan_device::papers::{HeldPapers, short_hash};
use fengjuan_device::refusal::{With, notice};
use fengjuan_device::site_kit::HubAddress;
use fengjuan_device::staff::name;
use fengjuan_device::stick;
use fengjuan_device::view::{Check, EquipmentView, Notice, PapersView, StaffName, Tone};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

impl Station {
    pub(super) fn unlock_tab(
        &self,
        state: &State,
        room: &Snapshot,
        book: Option<&Book>,
    ) -> UnlockTab {
        let slowing = book.map(|book| self.hub.unlocks().slowing(book.number()));
        let slowing = slowing.unwrap_or_default();
        let key = book.map(|book| &book.held.key);
        let has = |device| {
            let seen = room.seen.get(device);
            let seen = seen.filter(|_| room.in_contact(device));
            seen.zip(key).is_some_and(|(seen, key)| {
                let mut unlocked = seen.unlocked.iter();
                unlocked.any(|one| one.sitting_no == key.sitting_no && one.version == key.version)
            })
        };
        let working: Vec<_> = room.seating.working().collect();
        let opened = working.iter().filter(|device| has(device)).count();
        UnlockTab {
            state: book.map_or(StationUnlock::NothingHeld, |book| {
                self.unlock_state(room, book)
            }),
            wrong_so_far: slowing.wrong,
            wait_until_ms: slowing.waits(room.now),
            opens_ms: book.map(|book| book.sitting().entry_opens_ms()),
            two_person: book.is_some_and(|book| book.sitting().two_person_code),
            second_person: book.map_or_else(Vec::new, |book| other_halves(state, book)),
            refused: state.desk.unlock_refused.clone(),
            opened: u32::try_from(opened).unwrap_or(u32::MAX),
            terminals: u32::try_from(working.len()).unwrap_or(u32::MAX),
            classes: book.map_or_else(Vec::new, classes),
        }
    }

    fn unlock_state(&self, room: &Snapshot, book: &Book) -> StationUnlock {
        let day = room.days.get(book.number());
        let over = day.is_some_and(|day| day.unlock_over);
        if self.hub.unlocks().working() {
            StationUnlock::Working
        } else if over {
            StationUnlock::Over
        } else if self.is_open(book) {
            StationUnlock::Unlocked
        } else if self.code_needed_again(room, book) {
            StationUnlock::NeededAgain
        } else if room.now < book.sitting().entry_opens_ms() {
            StationUnlock::TooEarly
        } else {
            StationUnlock::Ready
        }
    }

    pub(super) fn papers_tab(
        &self,
        state: &State,
        room: &Snapshot,
        book: Option<&Book>,
    ) -> PapersTab {
        let current: Vec<_> = state
            .books
            .books
            .iter()
            .map(|book| &book.held.key)
            .collect();
        let total: u64 = state.books.books.iter().map(|book| book.bytes()).sum();
        let working: Vec<_> = room.seating.working().collect();
        let (mut whole, mut done) = (0, 0);
        for device in &working {
            let beat = room.seen.get(device).and_then(|seen| seen.beat.as_ref());
            let Some(beat) = beat else { continue };
            let holds = |key: &&&fengjuan_device::papers::SittingKey| {
                let mut held = beat.held.iter();
                held.any(|one| one.sitting_no == key.sitting_no && one.version == key.version)
            };
            if current.iter().filter(holds).count() == current.len() {
                whole += 1;
                done += total;
            } else {
                done += beat.pulling.map_or(0, |(done, _)| done).min(total);
            }
        }
        let terminals = u32::try_from(working.len()).unwrap_or(u32::MAX);
        PapersTab {
            own: self.papers_view(state, book),
            terminals_whole: whole,
            terminals,
            done_bytes: done,
            total_bytes: total * u64::from(terminals),
        }
    }

    fn papers_view(&self, state: &State, book: Option<&Book>) -> PapersView {
        let view = |held: &Arc<HeldPapers>| {
            let own = state.books.of(&held.key.sitting_no);
            let own = own.filter(|book| book.held.key == held.key);
            let candidates = |class_no: &str| {
                let people = own.map(|book| book.people.iter()).into_iter().flatten();
                let theirs = people.filter(|one| one.candidate.class_no == class_no);
                u32::try_from(theirs.count()).unwrap_or(u32::MAX)
            };
            let selected = book.is_some_and(|book| book.held.key == held.key);
            held.view(candidates, selected)
        };
        // Mounted sticks are looked for only while somebody looks at them.
        let looked = state.desk.tab == StationTab::Papers;
        let courier_folders = if looked { stick::mounted() } else { Vec::new() };
        let courier = self.work().courier.clone();
        PapersView {
            held: self.hub.papers().held().iter().map(view).collect(),
            pull: courier.unwrap_or_else(|| self.hub.pull_state()),
            courier_folders,
        }
    }

    pub(super) fn devices_view(
        &self,
        state: &State,
        room: &Snapshot,
        book: Option<&Book>,
    ) -> DevicesView {
        let list = self.hub.devices().list();
        let asking = self.hub.devices().asking(room.now);
        let known = list
            .iter()
            .filter(|one| matches!(one.admission, Admission::Approved | Admission::Revoked));
        let refused = list.iter();
        let refused = refused.filter(|one| one.admission == Admission::Refused);
        let next = (1..).find(|seat_no| room.seating.at(*seat_no).is_none());
        let looked = state.desk.tab == StationTab::Devices;
        let known = known.map(|one| self.known(room, book, one, looked));
        let mut known: Vec<DeviceRow> = known.collect();
        // As they stand in the room; whatever has no number comes last.
        known.sort_by_key(|row| row.seat_no.unwrap_or(u32::MAX));
        DevicesView {
            joining: self.joining(),
            asking: asking.iter().map(|one| asks(one)).collect(),
            known,
            refused: refused.map(|one| turned_away(state, one)).collect(),
            next_seat_no: next.unwrap_or(1),
            own_equipment: self.equipment_view(),
            center: self.enrol_view(false),
        }
    }

    /// A station needs no camera.
    pub(super) fn equipment_view(&self) -> EquipmentView {
        let mut view = self.equipment.view();
        view.rows.retain(|row| row.check != Check::Camera);
        view
    }

    fn joining(&self) -> JoiningView {
        let fingerprint = self.hub.identity().fingerprint();
        let url = self.hub.address().map(reachable);
        let url = url.map_or_else(String::new, |address| format!("https://{address}"));
        let address = HubAddress {
            url: url.clone(),
            fingerprint: Some(fingerprint.clone()),
        };
        let qr_text = if url.is_empty() {
            String::new()
        } else {
            address.to_text()
        };
        JoiningView {
            url,
            qr_text,
            fingerprint,
        }
    }

    /// `looked`: somebody looks at the numbers that change with every answer.
    fn known(
        &self,
        room: &Snapshot,
        book: Option<&Book>,
        terminal: &Terminal,
        looked: bool,
    ) -> DeviceRow {
        let device = terminal.device();
        let seen = room.seen.get(&device);
        let beat = seen.and_then(|seen| seen.beat.as_ref());
        let key = book.map(|book| &book.held.key);
        let same = |one: &fengjuan_wire::room::UnlockedSitting| {
            key.is_some_and(|key| one.sitting_no == key.sitting_no && one.version == key.version)
        };
        let heard = room.in_contact(&device);
        let from = self.hub.devices().elsewhere(&device);
        let held = self.hub.room().held_of(&device);
        let held = seen.and_then(|seen| held.iter().find(|(ledger, _)| *ledger == seen.ledger_id));
        let replicated = held.filter(|_| looked).map_or(0, |(_, size)| *size);
        // What a terminal last said of its ledger may be older than what it has sent since.
        let said = seen.filter(|_| looked).map_or(0, |seen| seen.ledger_size);
        DeviceRow {
            device: device.hex(),
            device_name: terminal.name.clone(),
            short_fingerprint: terminal.fingerprint().chars().take(9).collect(),
            address: terminal.address.to_string(),
            asks_from: from.map(|from| from.to_string()),
            seat_no: room.number_of(&device),
            machine: machine_state(room, &device),
            heard_ms: seen.filter(|_| looked || !heard).map(|seen| seen.heard_ms),
            papers_whole: beat.is_some_and(|beat| beat.held.iter().any(same)),
            unlocked: seen.is_some_and(|seen| seen.unlocked.iter().any(same)),
            failed_checks: beat.and_then(|beat| beat.failed_checks),
            ledger_size: said.max(replicated),
            replicated,
            unsent: beat.map_or(0, |beat| beat.unsent),
            note: note(
                room,
                terminal,
                from,
                beat.and_then(|beat| beat.failed_checks),
            ),
            revoked: terminal.admission == Admission::Revoked,
        }
    }

    pub(super) fn seating_view(
        &self,
        state: &State,
        room: &Snapshot,
        book: Option<&Book>,
    ) -> SeatingView {
        let working = room.seating.working().count();
        let candidates = book.map_or(0, Book::candidates);
        let enough = room.seating.enough_for(candidates);
        let moments = book.map(|book| state.log.moments(book.number()));
        SeatingView {
            published_ms: moments.and_then(|moments| moments.published_ms),
            random: book.is_some_and(|book| book.roster_seats().is_none()),
            working_machines: u32::try_from(working).unwrap_or(u32::MAX),
            candidates,
            blocked_by: enough.err().map(|error| beforehand(of_room(&error.into()))),
            door_list: book.map_or_else(Vec::new, |book| door_list(room, book)),
        }
    }
}

/// Everybody of this sitting who may unlock, but whoever is logged in.
fn other_halves(state: &State, book: &Book) -> Vec<StaffName> {
    let here = state.desk.user.as_ref().map(|user| &user.staff_id);
    let named = |person: &&Staff| {
        state
            .books
            .person_of(book.number(), &person.staff_id)
            .is_some()
    };
    let may = |person: &&Staff| rule_of(Deed::Unlock).may.contains(&person.role);
    let everyone = state.books.everyone(Some(book.number())).into_iter();
    let others = everyone.filter(named).filter(may);
    let others = others.filter(|person| Some(&person.staff_id) != here);
    others.map(name).collect()
}

fn classes(book: &Book) -> Vec<UnlockClass> {
    let classes = book.sitting().class_groups.iter();
    let class = |group: &fengjuan_core::plan::ClassGroup| {
        let people = book.people.iter();
        let theirs = people.filter(|one| one.candidate.class_no == group.class_no);
        let package = book.held.package(&group.class_no);
        UnlockClass {
            name: group.name.clone(),
            subject: group.subject.clone(),
            minutes: group.minutes,
            candidates: u32::try_from(theirs.count()).unwrap_or(u32::MAX),
            short_hash: package.map_or_else(String::new, |package| short_hash(&package.hash)),
        }
    };
    classes.map(class).collect()
}

fn asks(terminal: &Terminal) -> AskingDevice {
    let warning = terminal.warning.as_deref();
    AskingDevice {
        device: terminal.device().hex(),
        device_name: terminal.name.clone(),
        fingerprint: terminal.fingerprint(),
        address: terminal.address.to_string(),
        since_ms: terminal.first_ms,
        warning: warning.map(|code| notice(code, Tone::Red)),
    }
}

fn turned_away(state: &State, terminal: &Terminal) -> RefusedDevice {
    RefusedDevice {
        device: terminal.device().hex(),
        device_name: terminal.name.clone(),
        short_fingerprint: terminal.fingerprint().chars().take(9).collect(),
        address: terminal.address.to_string(),
        refused_ms: terminal.decided_ms.unwrap_or(terminal.first_ms),
        by: state.named(&terminal.decided_by),
    }
}

fn note(
    room: &Snapshot,
    terminal: &Terminal,
    from: Option<IpAddr>,
    failed: Option<u32>,
) -> Option<Notice> {
    let machine = room.seating.machine(&terminal.device());
    if terminal.admission == Admission::Revoked {
        return Some(notice("machine.revoked", Tone::Red));
    }
    if machine.is_some_and(|machine| machine.purpose == Use::OutOfUse) {
        return Some(notice("machine.out_of_use", Tone::Amber));
    }
    if let Some(code) = &terminal.warning {
        return Some(notice(code, Tone::Red));
    }
    if let Some(from) = from {
        return Some(notice("machine.other_address", Tone::Amber).with("address", from));
    }
    let failed = failed.filter(|failed| *failed > 0)?;
    Some(notice("machine.failed_checks", Tone::Amber).with("failed", failed))
}

/// For the door: by seat, without what only staff may know.
fn door_list(room: &Snapshot, book: &Book) -> Vec<DoorRow> {
    let published = room.seating.is_published(book.number());
    let row = |one: &super::books::Entrant| {
        let dealt = room.seating.seat_of(book.number(), &one.ticket);
        DoorRow {
            seat_no: dealt.filter(|_| published),
            name: one.candidate.name.clone(),
            masked_ticket: masked(&one.candidate.ticket_no),
            class_name: one.class_name.clone(),
        }
    };
    let mut rows: Vec<DoorRow> = book.people.iter().map(row).collect();
    rows.sort_by(|one, two| {
        let place = |row: &DoorRow| (row.seat_no.unwrap_or(u32::MAX), row.masked_ticket.clone());
        place(one).cmp(&place(two))
    });
    rows
}

/// All but the last four characters are covered.
fn masked(ticket_no: &str) -> String {
    let hidden = ticket_no.chars().count().saturating_sub(4);
    let cover = |(place, symbol)| if place < hidden { '*' } else { symbol };
    ticket_no.chars().enumerate().map(cover).collect()
}

/// An address that terminals can reach: where the hub listens everywhere, the first of this machine's own.
fn reachable(listens: SocketAddr) -> SocketAddr {
    if !listens.ip().is_unspecified() {
        return listens;
    }
    let table = std::fs::read_to_string("/proc/net/fib_trie").unwrap_or_default();
    let own = own_addresses(&table)
        .into_iter()
        .find(|ip| !ip.is_loopback());
    own.map_or(listens, |ip| SocketAddr::new(ip, listens.port()))
}

/// The addresses of this machine in the kernel's table of routes: each a leaf that is followed by `/32 host LOCAL`.
fn own_addresses(table: &str) -> Vec<IpAddr> {
    let lines: Vec<&str> = table.lines().map(str::trim).collect();
    let own = lines.windows(2).filter_map(|pair| {
        let [leaf, kind] = pair else { return None };
        let address = leaf.strip_prefix("|-- ")?.parse().ok()?;
        kind.contains("/32 host LOCAL").then_some(address)
    });
    let mut own: Vec<IpAddr> = own.collect();
    own.dedup();
    own
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_addresses_are_read_from_the_kernels_table() {
        let table = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 10.1.2.0\n        /24 link UNICAST\n     \
                     |-- 10.1.2.7\n        /32 host LOCAL\n     |-- 127.0.0.1\n        /32 host LOCAL\n";
        let found = own_addresses(table);
        assert_eq!(
            found,
            ["10.1.2.7", "127.0.0.1"].map(|ip| ip.parse::<IpAddr>().unwrap())
        );
        assert_eq!(own_addresses(""), Vec::<IpAddr>::new());
    }

    #[test]
    fn a_door_list_shows_the_end_of_a_ticket_number() {
        assert_eq!(masked("3708112026001"), "*********6001");
        assert_eq!(masked("123"), "123");
    }
}
