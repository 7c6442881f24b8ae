//! What a machine has missed: it was listed late, came back into use, or refused the start because it had no papers.

use super::draft::Draft;
use super::{Issued, RoomError, Station, Track, ends};
use crate::plan::ExamMs;
use crate::room::Device;
use crate::room::command::{Authority, CommandBody};

/// A machine that comes late, or comes back, hears of what it missed.
pub(super) fn catch_up(draft: &mut Draft, device: Device) {
    let station = draft.station;
    for (sitting_no, track) in &station.recorded.tracks {
        let (mut started, mut postponed_ms) = (false, 0i64);
        for one in station.commands_of(&device) {
            match &one.command.body {
                CommandBody::Start { sitting_no: no, .. } => started |= no == sitting_no,
                CommandBody::Postpone {
                    sitting_no: no,
                    by_ms,
                    ..
                } if no == sitting_no => postponed_ms = postponed_ms.saturating_add(*by_ms),
                _ => {}
            }
        }
        let missed_ms = track.postponed_ms - postponed_ms;
        match track.started {
            Some(start) if !track.ended && !started => {
                tell_start(draft, sitting_no, track, start, device);
            }
            None if missed_ms > 0 => draft.tell(
                device,
                CommandBody::Postpone {
                    sitting_no: sitting_no.clone(),
                    by_ms: missed_ms,
                    authority: Authority::Pending { phone: None },
                },
            ),
            _ => {}
        }
    }
}

/// A refusal is for good, so the start is a new command, with the moments of the whole room: whoever begins late keeps
/// the common end. What else the machine refused of this sitting goes before it.
pub(super) fn start_again(
    draft: &mut Draft,
    sitting_no: &str,
    device: Device,
) -> Result<(), RoomError> {
    let station = draft.station;
    let track = station.track(sitting_no);
    let start = track.started.ok_or(RoomError::NotStarted)?;
    if track.ended {
        return Err(RoomError::AlreadyEnded);
    }
    if start_refused(station, sitting_no, &device).is_none() {
        return Err(RoomError::AlreadyStarted);
    }
    let mut bodies: Vec<&CommandBody> = Vec::new();
    for (place, one) in station.recorded.issued.iter().enumerate() {
        let body = &one.command.body;
        let theirs = one.device == device && matches!(one.outcome, Some(Some(_)));
        if theirs && before_start(body, sitting_no) && !bodies.contains(&body) {
            let again = done_since(station, place);
            bodies.extend((!again).then_some(body));
        }
    }
    for body in bodies {
        draft.tell(device, body.clone());
    }
    tell_start(draft, sitting_no, &track, start, device);
    Ok(())
}

/// The last start that this machine was given was refused.
pub(super) fn start_refused<'a>(
    station: &'a Station,
    sitting_no: &str,
    device: &Device,
) -> Option<&'a str> {
    let track = station.recorded.tracks.get(sitting_no)?;
    let start = |one: &&Issued| {
        one.device == *device
            && matches!(&one.command.body, CommandBody::Start { sitting_no: no, .. } if no == sitting_no)
    };
    let last = station.recorded.issued.iter().rev().find(start)?;
    let refusal = last.outcome.as_ref()?.as_deref()?;
    (!track.ended).then_some(refusal)
}

/// Whether the same was done at the same machine after it was refused there.
pub(super) fn done_since(station: &Station, place: usize) -> bool {
    let issued = &station.recorded.issued;
    issued.get(place).is_some_and(|refused| {
        issued[place + 1..].iter().any(|one| {
            one.device == refused.device
                && one.outcome == Some(None)
                && ends::covers(&one.command.body, &refused.command.body)
        })
    })
}

/// Class groups that were ended before are so there as well.
fn tell_start(
    draft: &mut Draft,
    sitting_no: &str,
    track: &Track,
    (planned_ms, at_ms): (ExamMs, ExamMs),
    device: Device,
) {
    draft.tell(
        device,
        CommandBody::Start {
            sitting_no: sitting_no.to_owned(),
            planned_ms,
            at_ms,
        },
    );
    for class_no in &track.ended_classes {
        draft.tell(
            device,
            CommandBody::End {
                sitting_no: sitting_no.to_owned(),
                class_no: Some(class_no.clone()),
                forced: false,
            },
        );
    }
}

/// Said of somebody, or of the whole sitting, before anybody begins.
fn before_start(body: &CommandBody, sitting: &str) -> bool {
    match body {
        CommandBody::Arrive { sitting_no, .. }
        | CommandBody::LateEntry { sitting_no, .. }
        | CommandBody::PatternCamera { sitting_no } => sitting_no == sitting,
        _ => false,
    }
}
