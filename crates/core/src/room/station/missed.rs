//! What a machine has missed: it was listed late, came back into use, or refused the start because it had no papers.

use super::draft::Draft;
use super::{Issued, RoomError, Station, Track, ends};
use crate::plan::ExamMs;
use crate::room::Device;
use crate::room::command::{Authority, Command, CommandBody, Scope};

/// A machine that comes late, or comes back, hears of what it missed: the same decisions as all others, so that time
/// which an attempt has had elsewhere is known by its decision if it goes on here.
pub(super) fn catch_up(draft: &mut Draft, device: Device) {
    let station = draft.station;
    for sitting_no in station.seating().published() {
        let mut told = station.commands_of(&device);
        let known = told.any(|one| {
            matches!(&one.command.body, CommandBody::Seats { sitting_no: no, .. } if no == sitting_no)
        });
        if let Some(dealt) = station.seating().published_deal(sitting_no)
            && !known
        {
            let sitting_no = sitting_no.clone();
            draft.tell(device, CommandBody::Seats { sitting_no, dealt });
        }
    }
    for (sitting_no, track) in &station.recorded.tracks {
        if track.ended {
            continue;
        }
        let given: Vec<&Command> = station
            .commands_of(&device)
            .map(|one| &one.command)
            .collect();
        let postponed = given
            .iter()
            .filter_map(|one| postponed_by(&one.body, sitting_no));
        let mut missed_ms = track.postponed_ms - postponed.sum::<i64>();
        for command in standing(station, sitting_no) {
            let known = given.iter().any(|one| same_decision(one, command));
            let by_ms = postponed_by(&command.body, sitting_no);
            // The start brings its own moment.
            let with_start = by_ms.is_some() && track.started.is_some();
            if !known && !with_start {
                missed_ms -= by_ms.unwrap_or(0);
                draft.again(device, command);
            }
        }
        let starts = |one: &&Command| matches!(&one.body, CommandBody::Start { sitting_no: no, .. } if no == sitting_no);
        match track.started {
            Some(start) if !given.iter().any(starts) => {
                tell_start(draft, sitting_no, track, start, device);
            }
            // Where nobody was told when it was decided.
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

fn postponed_by(body: &CommandBody, sitting: &str) -> Option<i64> {
    match body {
        CommandBody::Postpone {
            sitting_no, by_ms, ..
        } if sitting_no == sitting => Some(*by_ms),
        _ => None,
    }
}

/// What was decided for many of this sitting and still holds, each decision once.
fn standing<'a>(station: &'a Station, sitting: &str) -> Vec<&'a Command> {
    let mut standing: Vec<&Command> = Vec::new();
    for one in &station.recorded.issued {
        let command = &one.command;
        if standing.iter().any(|known| same_decision(known, command)) {
            continue;
        }
        match &command.body {
            CommandBody::Resume { scope } if for_many(scope, sitting) => {
                standing.retain(|known| !matches!(&known.body, CommandBody::Suspend { scope: one } if one == scope));
            }
            CommandBody::Credit { scope, .. } | CommandBody::Suspend { scope } => {
                standing.extend(for_many(scope, sitting).then_some(command));
            }
            CommandBody::Postpone { sitting_no, .. }
            | CommandBody::PatternCamera { sitting_no } => {
                standing.extend((sitting_no == sitting).then_some(command));
            }
            _ => {}
        }
    }
    standing
}

/// What was credited to class groups and to the whole room, all in all.
pub(super) fn credited_to_many_ms(station: &Station, sitting: &str) -> i64 {
    let standing = standing(station, sitting).into_iter();
    let credits = standing.map(|command| match &command.body {
        CommandBody::Credit { credit_ms, .. } => *credit_ms,
        _ => 0,
    });
    credits.fold(0, i64::saturating_add)
}

fn for_many(scope: &Scope, sitting: &str) -> bool {
    match scope {
        Scope::Attempt { .. } => false,
        Scope::ClassGroup { sitting_no, .. } | Scope::Room { sitting_no } => sitting_no == sitting,
    }
}

/// Whether two machines were told the same, each by a command of its own.
fn same_decision(one: &Command, other: &Command) -> bool {
    let Command {
        command_id: _,
        issued_ms,
        by,
        second,
        reason,
        body,
    } = one;
    *issued_ms == other.issued_ms
        && *by == other.by
        && *second == other.second
        && *reason == other.reason
        && *body == other.body
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
