//! What must hold at the end of a room's day, whatever happened in it; read from the ledgers and from the center.

use super::room::Room;
use crate::plan::SITTING;
use crate::process::{program, run};
use crate::results::Table;
use anyhow::{Context, ensure};
use fengjuan_core::event::{Event, Hash32};
use fengjuan_store::Database;
use fengjuan_wire::entry::Entry;
use rusqlite::{Connection, OpenFlags};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

/// Events of a machine's ledger that are not sealed, in order.
fn events(data: &Path) -> anyhow::Result<Vec<Event>> {
    let reader = Database::read_only(data)?;
    let entries = reader.entries(0, usize::MAX / 2)?;
    let mut events = Vec::new();
    for stored in &entries {
        let entry = Entry::decode(&stored.bytes).context("an entry")?;
        if !entry.sealed {
            events.push(entry.event(None).context("an event")?);
        }
    }
    Ok(events)
}

/// What the stations of a room have decided.
fn decided(room: &Room) -> anyhow::Result<Vec<Event>> {
    let mut all = Vec::new();
    for station in std::iter::once(&room.station).chain(&room.other) {
        all.extend(events(&station.computer.data)?);
    }
    Ok(all)
}

/// All of them, on a room that is closed.
pub fn check(room: &Room) -> anyhow::Result<()> {
    invariant_a_command_is_applied_once(room)?;
    invariant_one_lease_per_attempt(room)?;
    invariant_every_bundle_is_at_the_center_once(room)?;
    invariant_no_acknowledged_answer_is_lost(room)?;
    invariant_the_archive_verifies(room)
}

/// A command that the station issued was taken by its machine at most once, and every machine took what it acknowledged.
fn invariant_a_command_is_applied_once(room: &Room) -> anyhow::Result<()> {
    let station = decided(room)?;
    let mut issued = BTreeSet::new();
    let mut acknowledged = BTreeSet::new();
    for event in &station {
        match event {
            Event::CommandIssued {
                device, epoch, no, ..
            } => ensure!(
                issued.insert((*device, *epoch, *no)),
                "a number given twice"
            ),
            Event::CommandAcknowledged {
                device, epoch, no, ..
            } => ensure!(
                acknowledged.insert((*device, *epoch, *no)),
                "acknowledged twice"
            ),
            _ => {}
        }
    }
    ensure!(!issued.is_empty() && acknowledged.is_subset(&issued));
    let (mut taken, mut ids) = (0, BTreeSet::new());
    for machine in &room.machines {
        let mut last = (0, 0);
        for event in events(&machine.data)? {
            if let Event::CommandTaken {
                epoch,
                no,
                command_id,
                ..
            } = event
            {
                ensure!((epoch, no) > last, "{}: out of order", machine.name);
                last = (epoch, no);
                let new = ids.insert((machine.name.clone(), command_id));
                ensure!(new, "{}: a command done twice", machine.name);
                taken += 1;
            }
        }
    }
    ensure!(
        taken >= acknowledged.len() && taken <= issued.len(),
        "{} issued, {taken} taken, {} acknowledged",
        issued.len(),
        acknowledged.len()
    );
    Ok(())
}

/// One holder for each lease of an attempt, and no lease is given twice.
fn invariant_one_lease_per_attempt(room: &Room) -> anyhow::Result<()> {
    let mut given = BTreeMap::new();
    for event in decided(room)? {
        if let Event::LeaseGiven { given: lease } = event {
            let before = given.insert((lease.attempt, lease.lease), lease.device);
            ensure!(before.is_none(), "lease {} given twice", lease.lease);
        }
    }
    let mut begun: BTreeMap<[u8; 16], Vec<&str>> = BTreeMap::new();
    for machine in &room.machines {
        let reader = Database::read_only(&machine.data)?;
        for stored in reader.entries(0, usize::MAX / 2)? {
            let entry = Entry::decode(&stored.bytes).context("an entry")?;
            if let (Some(attempt), "exam.attempt_started") = (entry.attempt, entry.kind) {
                begun.entry(attempt).or_default().push(&machine.name);
            }
        }
    }
    ensure!(
        begun.len() == room.sitters.len(),
        "{} attempts",
        begun.len()
    );
    for machines in begun.values() {
        ensure!(machines.len() == 1, "begun at {machines:?}");
    }
    Ok(())
}

/// What was sealed in the room is at the center, receipted, and nothing else is.
fn invariant_every_bundle_is_at_the_center_once(room: &Room) -> anyhow::Result<()> {
    let mut sealed: BTreeSet<Hash32> = BTreeSet::new();
    let mut bundles = 0;
    for machine in &room.machines {
        let mut here = BTreeSet::new();
        for event in events(&machine.data)? {
            if let Event::BundleSealed { hash, .. } = event {
                ensure!(here.insert(hash), "{}: sealed twice", machine.name);
                bundles += 1;
            }
        }
        let reader = Database::read_only(&machine.data)?;
        for object in reader.objects()? {
            ensure!(object.receipt.is_some(), "{}: not sent", machine.name);
        }
        sealed.extend(here);
    }
    ensure!(bundles == room.sitters.len(), "{bundles} bundles");
    ensure!(sealed.len() == bundles, "one bundle at two machines");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let center = Connection::open_with_flags(room.center.home.join("center.db"), flags)?;
    for hash in &sealed {
        let sql = "SELECT count(*) FROM received WHERE hash = ?1";
        let count: i64 = center.query_row(sql, [hash.0], |row| row.get(0))?;
        ensure!(count == 1, "a bundle is {count} times at the center");
    }
    let sql = "SELECT count(*) FROM received WHERE kind = 'bundle'";
    let all: i64 = center.query_row(sql, [], |row| row.get(0))?;
    ensure!(all == bundles as i64, "{all} bundles at the center");
    Ok(())
}

/// Everybody has answered everything rightly and was told so: whoever has less has lost an answer.
fn invariant_no_acknowledged_answer_is_lost(room: &Room) -> anyhow::Result<()> {
    let out = room.results()?;
    let table = |name: &str| Table::read(&std::fs::read_to_string(out.join(name))?);
    let people = table("results.csv")?;
    for sitter in &room.sitters {
        let name = sitter.person.name;
        let full = match sitter.acknowledged.len() {
            14 => "16",
            11 => "13",
            other => anyhow::bail!("{name}: a paper of {other} questions"),
        };
        let [state, total, _] = people.came_to(name)?;
        ensure!(
            (state, total) == ("正常", full),
            "{name}: {state} {total}, not {full}"
        );
    }
    let severe = table("anomalies.csv")?.severe()?;
    ensure!(severe.is_empty(), "{severe:?}");
    Ok(())
}

/// Ledgers, witnesses and receipts agree, by a verifier that trusts nobody here.
fn invariant_the_archive_verifies(room: &Room) -> anyhow::Result<()> {
    let archive = room.folder.join("day.fjarchive");
    let audit = program("fengjuan-audit")?;
    run(Command::new(&audit)
        .args(["export", "--sitting", SITTING, "--from"])
        .arg(&room.center.home)
        .arg("--out")
        .arg(&archive))?;
    run(Command::new(&audit)
        .arg("verify")
        .arg(&archive)
        .arg("--root")
        .arg(room.center.root_key()))?;
    Ok(())
}
