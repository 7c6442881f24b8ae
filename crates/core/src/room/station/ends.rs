//! The end of a sitting, machine by machine: ordered is not ended.

use super::{Issued, Station};
use crate::room::Device;
use crate::room::command::CommandBody;

/// What a machine answers that has ended before.
pub(super) const ENDED_THERE: &str = "sitting.already_ended";

/// Machines where the end was ordered and has not come, and another order would help: they refused it, or somebody
/// answers there whom a plain end does not hand in, or who came after it.
pub(super) fn still_open(
    station: &Station,
    sitting_no: &str,
    class_no: Option<&str>,
) -> Vec<Device> {
    let open = |device: &Device| match last_end(station, device, sitting_no, class_no) {
        Some((Some(Some(code)), _)) => code != ENDED_THERE,
        // It goes on to whoever waits for it, whatever became of the machine meanwhile.
        Some((_, true)) => false,
        Some((_, false)) | None => answers_at(station, device, sitting_no, class_no),
    };
    station.seating().working().filter(open).collect()
}

/// What came of the last end that this machine was given, and whether it was forced.
fn last_end<'a>(
    station: &'a Station,
    device: &Device,
    sitting_no: &str,
    class_no: Option<&str>,
) -> Option<(&'a Option<Option<String>>, bool)> {
    let theirs = station.recorded.issued.iter().rev();
    let mut ends = theirs
        .filter(|one| one.device == *device)
        .filter_map(|one| {
            let forced = end_of(one, sitting_no, class_no)?;
            Some((&one.outcome, forced))
        });
    ends.next()
}

fn end_of(one: &Issued, sitting_no: &str, class_no: Option<&str>) -> Option<bool> {
    match &one.command.body {
        CommandBody::End {
            sitting_no: sitting,
            class_no: class,
            forced,
        } if sitting == sitting_no && (class.is_none() || class.as_deref() == class_no) => {
            Some(*forced)
        }
        _ => None,
    }
}

fn answers_at(
    station: &Station,
    device: &Device,
    sitting_no: &str,
    class_no: Option<&str>,
) -> bool {
    station.leases().chains().any(|(attempt, chain)| {
        let here = chain.last().is_some_and(|last| last.device == *device);
        here && station.attempt(attempt).is_some_and(|standing| {
            standing.answering
                && standing.sitting_no == sitting_no
                && class_no.is_none_or(|class| standing.class_no.as_deref() == Some(class))
        })
    })
}

/// Whether a later command does what an earlier one was refused.
pub(super) fn covers(later: &CommandBody, refused: &CommandBody) -> bool {
    match (later, refused) {
        (
            CommandBody::End {
                sitting_no,
                class_no,
                ..
            },
            CommandBody::End {
                sitting_no: sitting,
                class_no: class,
                ..
            },
        ) => sitting_no == sitting && (class_no.is_none() || class_no == class),
        _ => later == refused,
    }
}
