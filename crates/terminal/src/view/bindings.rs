//! The page's types, generated from the Rust ones into one committed file; a test regenerates and compares it.

use super::action::*;
use super::candidate::*;
use super::desk::*;
use super::*;
use fengjuan_core::event::{HandInKind, OutageCause};
use fengjuan_core::plan::{AttemptType, ItemType, Role};
use fengjuan_core::roster::TextSize;

macro_rules! declarations {
    ($($ty:ty),+ $(,)?) => {{
        let config = ts_rs::Config::default();
        let mut out = String::from("// Generated from crates/terminal/src/view. Do not edit: run scripts/bindings.\n");
        $( out.push_str("\nexport "); out.push_str(&<$ty as TS>::decl(&config)); out.push('\n'); )+
        out
    }};
}

/// The text of `ui/src/bindings.ts`.
pub fn bindings() -> String {
    declarations![
        View,
        Screen,
        BrokenView,
        ClockView,
        ClockTrust,
        DeviceView,
        LinkState,
        Notice,
        Tone,
        Refused,
        Outcome,
        StandbyView,
        EntryState,
        IdentifyView,
        PersonFacts,
        PersonView,
        CameraView,
        ArrivalView,
        StaffConfirmView,
        ConfirmReason,
        StaffName,
        SecondPerson,
        RulesView,
        TutorialView,
        WaitingView,
        ExamView,
        QuestionView,
        OptionView,
        SheetCell,
        SheetSection,
        Counts,
        HandInView,
        SuspendedView,
        HandedInView,
        ScoreView,
        TypeScore,
        NotSittingView,
        NotSittingOutcome,
        EnrolView,
        JoinView,
        ScanView,
        HeardHub,
        EnrolState,
        LogInView,
        DeskView,
        DeskTab,
        TrackStep,
        Step,
        StepState,
        PapersView,
        HeldSitting,
        HeldClass,
        HeldState,
        PullState,
        EquipmentView,
        CheckRow,
        Check,
        Verdict,
        UnlockView,
        UnlockState,
        CodeGroupView,
        SpellingView,
        CodeGroupState,
        SittingView,
        CandidateRow,
        SeatState,
        OutageRow,
        RecordsView,
        ObjectRow,
        ObjectRowKind,
        CandidateAction,
        SeatAction,
        DeskAction,
        TextSize,
        AttemptType,
        ItemType,
        Role,
        HandInKind,
        OutageCause,
    ]
}

#[cfg(test)]
mod tests {
    /// `FJ_WRITE_BINDINGS=1` writes the file instead of comparing.
    #[test]
    fn committed_bindings_are_the_generated_ones() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../ui/src/bindings.ts");
        let generated = super::bindings();
        if std::env::var_os("FJ_WRITE_BINDINGS").is_some() {
            std::fs::write(path, &generated).unwrap();
        }
        assert_eq!(
            std::fs::read_to_string(path).unwrap(),
            generated,
            "run scripts/bindings"
        );
    }
}
