//! What an event says, in a line that needs no language: numbers, names and codes. Titles come from the catalogue.

mod attempt;

use crate::index::beijing;
use fengjuan_core::event::{Event, Hash32, OutageCause, PageFault, PageRemedy, PictureUse};
use fengjuan_core::item::OptionSet;
use std::fmt::Write;

/// The hashed ticket of an event that names one.
pub(crate) fn ticket_hash(event: &Event) -> Option<&Hash32> {
    match event {
        Event::Arrived { ticket_hash, .. }
        | Event::Identified { ticket_hash, .. }
        | Event::Absent { ticket_hash, .. }
        | Event::ArrivedNotSeated { ticket_hash, .. } => Some(ticket_hash),
        _ => None,
    }
}

fn short(hash: &Hash32) -> String {
    crate::format::hex(&hash.0[..8])
}

fn clock(ms: i64) -> String {
    let text = beijing(ms);
    text.get(11..).map_or(text.clone(), str::to_owned)
}

/// Seconds with a sign.
fn seconds(ms: i64) -> String {
    format!(
        "{}{}.{:03} s",
        if ms < 0 { "-" } else { "+" },
        ms.unsigned_abs() / 1000,
        ms.unsigned_abs() % 1000
    )
}

fn options(chosen: OptionSet) -> String {
    let letters: String = (0..8u8)
        .filter(|option| chosen.contains(*option))
        .map(|option| char::from(b'A' + option))
        .collect();
    if letters.is_empty() {
        "—".to_owned()
    } else {
        letters
    }
}

fn cause_name(cause: OutageCause) -> &'static str {
    match cause {
        OutageCause::Power => "power",
        OutageCause::Crash => "crash",
        OutageCause::Suspend => "suspend",
        OutageCause::Storage => "storage",
        OutageCause::Clock => "clock",
        OutageCause::Lan => "lan",
        OutageCause::Device => "device",
        OutageCause::CandidateLeft => "candidate left",
        OutageCause::Staff => "staff",
    }
}

fn usage_name(usage: PictureUse) -> &'static str {
    match usage {
        PictureUse::CheckIn => "check_in",
        PictureUse::Snapshot => "snapshot",
    }
}

fn fault_name(fault: PageFault) -> &'static str {
    match fault {
        PageFault::NotPainted => "not_painted",
        PageFault::ProcessEnded => "process_ended",
        PageFault::NotAnswering => "not_answering",
    }
}

fn remedy_name(remedy: PageRemedy) -> &'static str {
    match remedy {
        PageRemedy::Reload => "reload",
        PageRemedy::NewProcess => "new_process",
        PageRemedy::NewWindow => "new_window",
    }
}

fn ordered(order: &Option<Hash32>) -> String {
    order
        .as_ref()
        .map_or_else(String::new, |hash| format!(" order {}", short(hash)))
}

/// Appends the event's facts. Answers and scores are written for whoever could open them, so an index must not hand
/// in sealed events.
pub(crate) fn write(event: &Event, out: &mut String) {
    // Writing to a string cannot fail.
    let _ = system(event, out)
        .or_else(|| application(event, out))
        .or_else(|| entry_of_person(event, out))
        .or_else(|| attempt::beginning(event, out))
        .or_else(|| attempt::interrupted(event, out))
        .or_else(|| attempt::ending(event, out));
}

type Wrote = Option<std::fmt::Result>;

fn system(event: &Event, out: &mut String) -> Wrote {
    Some(match event {
        Event::Started {
            version,
            sqlite,
            reboot,
            ..
        } => {
            write!(out, "{version} sqlite {sqlite} reboot={reboot}")
        }
        Event::Stopped {} | Event::FocusLost {} | Event::RulesAgreed {} => Ok(()),
        Event::WallClockJumped { by_ms } => write!(out, "Δ {}", seconds(*by_ms)),
        Event::Suspended { for_ms } => write!(out, "Δ {}", seconds(*for_ms)),
        Event::ExamClockAnchored {
            offset_ms,
            round_trip_ms,
        } => {
            write!(out, "Δ {} rtt {round_trip_ms} ms", seconds(*offset_ms))
        }
        Event::FocusBack { after_ms }
        | Event::PageBack { after_ms }
        | Event::StorageBack { after_ms } => {
            write!(out, "Δ {}", seconds(*after_ms))
        }
        Event::PageLost {
            fault,
            remedy,
            tries,
        } => {
            write!(
                out,
                "{} → {} ×{tries}",
                fault_name(*fault),
                remedy_name(*remedy)
            )
        }
        Event::DisplaysChanged { count } => write!(out, "{count}"),
        Event::StorageFailed { cause } | Event::PullFailed { cause } => write!(out, "{cause}"),
        Event::DatabaseOpened {
            schema,
            integrity,
            entries,
        } => {
            write!(out, "schema {schema} {integrity} {entries}")
        }
        Event::DatabaseMigrated { from, to, .. } => write!(out, "schema {from} → {to}"),
        Event::ForkSeen {
            at_seq,
            mine,
            theirs,
        } => {
            write!(out, "#{at_seq} {} ≠ {}", short(mine), short(theirs))
        }
        _ => return None,
    })
}

fn application(event: &Event, out: &mut String) -> Wrote {
    Some(match event {
        Event::Enrolled {
            device,
            fingerprint,
        } => write!(out, "{device} {fingerprint}"),
        Event::ObjectHeld { what, hash, bytes } => write!(out, "{what} {} {bytes} B", short(hash)),
        Event::EquipmentChecked {
            report,
            passed,
            warned,
            failed,
            unmeasured,
        } => {
            write!(
                out,
                "✓{passed} !{warned} ✗{failed} ?{unmeasured} {}",
                short(report)
            )
        }
        Event::LoggedIn { staff_id }
        | Event::LoggedOut { staff_id }
        | Event::IdleLocked { staff_id } => write!(out, "{staff_id}"),
        Event::LogInFailed { staff_id, cause } => write!(out, "{staff_id} {cause}"),
        Event::CodeRefused {
            sitting_no,
            cause,
            wrong_so_far,
        } => {
            write!(out, "{sitting_no} {cause} ×{wrong_so_far}")
        }
        Event::Unlocked {
            sitting_no,
            version,
            staff_id,
            second,
        } => {
            let both = second
                .iter()
                .fold(staff_id.clone(), |by, second| by + "+" + second);
            write!(out, "{sitting_no} v{version} {both}")
        }
        Event::Receipted { hash, receipt } | Event::ReceiptedByHub { hash, receipt } => {
            write!(out, "{} ← {}", short(hash), short(receipt))
        }
        Event::OrderReceived { order, order_no } => write!(out, "{order_no} {}", short(order)),
        Event::SeedRevealed { sitting_no, seed } => write!(out, "{sitting_no} {}", seed.hex()),
        _ => return None,
    })
}

fn entry_of_person(event: &Event, out: &mut String) -> Wrote {
    Some(match event {
        Event::Arrived {
            sitting_no,
            arrival_ms,
            staff_id,
            ..
        } => {
            write!(out, "{sitting_no} {} {staff_id}", clock(*arrival_ms))
        }
        Event::Identified {
            sitting_no,
            seat_no,
            ..
        } => write!(out, "{sitting_no} seat {seat_no}"),
        Event::PictureTaken {
            usage,
            hash,
            pattern,
            due_ms,
            ..
        } => {
            let due = due_ms.map_or_else(String::new, |ms| format!(" {}", clock(ms)));
            let pattern = if *pattern { " pattern" } else { "" };
            write!(out, "{}{due}{pattern} {}", usage_name(*usage), short(hash))
        }
        Event::PictureFailed {
            usage,
            cause,
            due_ms,
            attempts,
        } => {
            let due = due_ms.map_or_else(String::new, |ms| format!(" {}", clock(ms)));
            write!(out, "{}{due} {cause} ×{attempts}", usage_name(*usage))
        }
        Event::PictureSkipped { staff_id, reason } | Event::NotAdmitted { staff_id, reason } => {
            write!(out, "{staff_id} {reason}")
        }
        Event::PersonConfirmed {
            staff_id,
            id_document,
            person,
            ticket,
            contraband_clear,
        } => {
            let mark = |done: &bool| if *done { '✓' } else { '✗' };
            let (id, person, ticket) = (mark(id_document), mark(person), mark(ticket));
            write!(
                out,
                "{staff_id} {id}{person}{ticket}{}",
                mark(contraband_clear)
            )
        }
        Event::LateRefused {
            arrival_ms,
            limit_ms,
            staff_id,
        } => {
            write!(
                out,
                "{} > {} {staff_id}",
                clock(*arrival_ms),
                clock(*limit_ms)
            )
        }
        Event::Absent { sitting_no, .. } => write!(out, "{sitting_no}"),
        Event::ArrivedNotSeated {
            sitting_no,
            arrival_ms,
            ..
        } => write!(out, "{sitting_no} {}", clock(*arrival_ms)),
        Event::TutorialDone { skipped } => write!(out, "skipped={skipped}"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(event: Event) -> String {
        let mut out = String::new();
        write(&event, &mut out);
        out
    }

    #[test]
    fn facts_are_short_and_need_no_language() {
        let outage = Event::OutageRecorded {
            outage_no: 1,
            cause: OutageCause::Power,
            from_ms: 1_795_136_400_000,
            to_ms: 1_795_136_461_500,
            proposed_ms: 61_500,
        };
        assert_eq!(of(outage), "#1 power 09:00:00.000 – 09:01:01.500 +61.500 s");
        let answer = Event::AnswerSaved {
            position: 4,
            chosen: OptionSet(0b101),
            flagged: true,
        };
        assert_eq!(of(answer), "5: AC ⚑");
        assert_eq!(of(Event::WallClockJumped { by_ms: -1 }), "Δ -0.001 s");
    }
}
