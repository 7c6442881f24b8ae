//! Refusals as the page gets them: a stable code and its arguments, never words.

use crate::unlock::UnlockError;
use crate::view::{Notice, Refused, Tone};
use fengjuan_core::attempt::AttemptError;
use fengjuan_core::draw::DrawError;
use fengjuan_core::room::fence::Fenced;
use fengjuan_core::seat::SeatRefusal;
use fengjuan_core::start::StartRefusal;
use fengjuan_store::StoreError;
use fengjuan_wire::WireError;
use std::collections::BTreeMap;

/// What an action gives.
pub type Answer<T = ()> = Result<T, Refused>;

/// A refusal without arguments.
pub fn refused(code: &str) -> Refused {
    Refused {
        code: code.to_owned(),
        args: BTreeMap::new(),
    }
}

/// A notice without arguments.
pub fn notice(code: &str, tone: Tone) -> Notice {
    Notice {
        code: code.to_owned(),
        args: BTreeMap::new(),
        tone,
    }
}

/// Adds an argument.
pub trait With: Sized {
    fn with(self, key: &str, value: impl ToString) -> Self;
}

impl With for Refused {
    fn with(mut self, key: &str, value: impl ToString) -> Self {
        self.args.insert(key.to_owned(), value.to_string());
        self
    }
}

impl With for Notice {
    fn with(mut self, key: &str, value: impl ToString) -> Self {
        self.args.insert(key.to_owned(), value.to_string());
        self
    }
}

impl From<SeatRefusal> for Refused {
    fn from(error: SeatRefusal) -> Refused {
        let refusal = refused(error.code());
        match error {
            SeatRefusal::EntryNotOpen { opens_ms } => refusal.with("opens_ms", opens_ms),
            SeatRefusal::Late {
                arrival_ms,
                limit_ms,
            } => refusal
                .with("arrival_ms", arrival_ms)
                .with("limit_ms", limit_ms),
            SeatRefusal::NotStarted { start_ms } => refusal.with("start_ms", start_ms),
            SeatRefusal::NotAbsentYet { limit_ms } => refusal.with("limit_ms", limit_ms),
            SeatRefusal::HasArrived { arrival_ms } => refusal.with("arrival_ms", arrival_ms),
            _ => refusal,
        }
    }
}

impl From<AttemptError> for Refused {
    fn from(error: AttemptError) -> Refused {
        let refusal = refused(error.code());
        match error {
            AttemptError::TooEarly { until_ms } => refusal.with("until_ms", until_ms),
            AttemptError::TimeUp { limit_ms } => refusal.with("limit_ms", limit_ms),
            AttemptError::CreditOutOfRange { most_ms } => {
                refusal.with("most_minutes", most_ms / 60_000)
            }
            AttemptError::OutageUndecided { outage_no } => refusal.with("outage_no", outage_no),
            _ => refusal,
        }
    }
}

impl From<Fenced> for Refused {
    fn from(error: Fenced) -> Refused {
        refused(error.code())
    }
}

impl From<StartRefusal> for Refused {
    fn from(error: StartRefusal) -> Refused {
        let refusal = refused(error.code());
        match error {
            StartRefusal::TooEarly { planned_ms } => refusal.with("planned_ms", planned_ms),
            StartRefusal::TooLate { limit_ms } => refusal.with("limit_ms", limit_ms),
        }
    }
}

impl From<UnlockError> for Refused {
    fn from(error: UnlockError) -> Refused {
        let refusal = refused(error.code());
        match error {
            UnlockError::NotCompleteGroup { group } => refusal.with("group", group + 1),
            UnlockError::TooEarly { opens_ms } => refusal.with("opens_ms", opens_ms),
            UnlockError::OtherSitting { sitting_no } => refusal.with("sitting_no", sitting_no),
            UnlockError::DamagedPackage { class_no } => refusal.with("class_no", class_no),
            _ => refusal,
        }
    }
}

impl From<DrawError> for Refused {
    fn from(error: DrawError) -> Refused {
        refused(error.code())
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Refused {
        tracing::error!(code = error.code(), "{error}");
        refused(error.code())
    }
}

impl From<WireError> for Refused {
    fn from(error: WireError) -> Refused {
        tracing::error!(code = error.code(), "{error}");
        refused(error.code())
    }
}
