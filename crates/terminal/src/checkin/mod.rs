//! Check-in (签到): from a typed number to a person at this seat, with every reason why not.

use fengjuan_core::plan::ExamMs;
use fengjuan_core::roster::Candidate;
use fengjuan_device::refusal::{With, refused};
use fengjuan_device::view::Refused;

/// Why a number does not lead to a seat here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckInError {
    #[error("no sitting is held")]
    NothingHeld,
    #[error("the roster cannot be read on this device")]
    NoRoster,
    #[error("entry opens at {opens_ms}")]
    EntryNotOpen { opens_ms: ExamMs },
    #[error("no candidate has this number")]
    UnknownNumber,
    #[error("the candidate belongs to sitting {sitting_no}")]
    OtherSitting {
        sitting_no: String,
        start_ms: ExamMs,
    },
    #[error("the candidate sits at seat {seat_no}")]
    OtherSeat { seat_no: u32 },
    #[error("the candidate has handed in")]
    AlreadyHandedIn,
    #[error("the candidate was not admitted")]
    NotAdmitted,
    #[error("the candidate was recorded as absent")]
    MarkedAbsent,
    #[error("the candidate was recorded as arrived and never seated")]
    MarkedNotSeated,
    #[error("arrived at {arrival_ms}, after {limit_ms}")]
    Late {
        arrival_ms: ExamMs,
        limit_ms: ExamMs,
    },
    #[error("the candidate's attempt goes on at another terminal")]
    GoesOnElsewhere,
    #[error("the sitting is over")]
    Over,
}

impl From<CheckInError> for Refused {
    fn from(error: CheckInError) -> Refused {
        let refusal = refused(error.code());
        match error {
            CheckInError::EntryNotOpen { opens_ms } => refusal.with("opens_ms", opens_ms),
            CheckInError::OtherSitting {
                sitting_no,
                start_ms,
            } => refusal
                .with("sitting_no", sitting_no)
                .with("start_ms", start_ms),
            CheckInError::OtherSeat { seat_no } => refusal.with("seat_no", seat_no),
            CheckInError::Late {
                arrival_ms,
                limit_ms,
            } => refusal
                .with("arrival_ms", arrival_ms)
                .with("limit_ms", limit_ms),
            _ => refusal,
        }
    }
}

impl CheckInError {
    pub fn code(&self) -> &'static str {
        match self {
            CheckInError::NothingHeld => "checkin.nothing_held",
            CheckInError::NoRoster => "checkin.no_roster",
            CheckInError::EntryNotOpen { .. } => "checkin.entry_not_open",
            CheckInError::UnknownNumber => "checkin.unknown_number",
            CheckInError::OtherSitting { .. } => "checkin.other_sitting",
            CheckInError::OtherSeat { .. } => "checkin.other_seat",
            CheckInError::AlreadyHandedIn => "checkin.already_handed_in",
            CheckInError::NotAdmitted => "checkin.not_admitted",
            CheckInError::MarkedAbsent => "checkin.marked_absent",
            CheckInError::MarkedNotSeated => "checkin.marked_not_seated",
            CheckInError::Late { .. } => "checkin.late",
            CheckInError::GoesOnElsewhere => "checkin.elsewhere",
            CheckInError::Over => "checkin.over",
        }
    }
}

/// A typed ticket or ID number in one form: full-width forms become plain, letters upper case, blanks go.
pub fn normalise_number(typed: &str) -> String {
    typed
        .chars()
        .map(|c| match c {
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
            _ => c,
        })
        .filter(|c| !c.is_whitespace() && *c != '-')
        .map(|c| c.to_ascii_uppercase())
        .collect()
}

/// The candidate who has this ticket or ID number.
pub fn find<'a>(roster: &'a [Candidate], number: &str) -> Option<&'a Candidate> {
    if number.is_empty() {
        return None;
    }
    let is = |known: &str| normalise_number(known) == number;
    roster
        .iter()
        .find(|candidate| is(&candidate.ticket_no) || is(&candidate.id_no))
}

#[cfg(test)]
mod tests {
    use super::*;
    use fengjuan_core::roster::Accommodation;

    fn candidate(ticket_no: &str, id_no: &str) -> Candidate {
        Candidate {
            ticket_no: ticket_no.to_owned(),
            name: String::new(),
            sex: String::new(),
            id_type: String::new(),
            id_no: id_no.to_owned(),
            seat_no: 1,
            class_no: String::new(),
            employer: String::new(),
            training_org: String::new(),
            photo: 0,
            accommodation: Accommodation::default(),
        }
    }

    #[test]
    fn a_person_is_found_by_either_number_however_it_is_typed() {
        let roster = [
            candidate("T-001", "37080219800101123X"),
            candidate("T-002", ""),
        ];
        for typed in [
            "Ｔ－００１",
            "t-001",
            "T001",
            " 37080219800101123x ",
            "３７０８０２１９８００１０１１２３ｘ",
        ] {
            let found = find(&roster, &normalise_number(typed));
            assert_eq!(
                found.map(|c| c.ticket_no.as_str()),
                Some("T-001"),
                "{typed}"
            );
        }
        for typed in ["", " ", "T00", "370802198001011230"] {
            assert!(find(&roster, &normalise_number(typed)).is_none(), "{typed}");
        }
    }
}
