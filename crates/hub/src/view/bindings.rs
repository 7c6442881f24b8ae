//! The station page's types, generated from the Rust ones into one committed file; a test regenerates and compares it.

use super::action::*;
use super::codes::CODES;
use super::room::*;
use super::seat::*;
use super::tabs::*;
use super::*;
use fengjuan_core::event::PictureUse;
use ts_rs::TS;

macro_rules! declarations {
    ($($ty:ty),+ $(,)?) => {{
        let config = ts_rs::Config::default();
        let mut out = String::from(
            "// Generated from crates/hub/src/view. Do not edit: run scripts/bindings.\n\
             import type {\n  BrokenView,\n  ClockView,\n  EnrolView,\n  EquipmentView,\n  LinkState,\n  LogInView,\n  Notice,\n  \
             OutageCause,\n  PapersView,\n  Refused,\n  SecondPerson,\n  StaffName,\n} from './bindings'\n",
        );
        out.push_str(&codes());
        $( out.push_str("\nexport "); out.push_str(&<$ty as TS>::decl(&config)); out.push('\n'); )+
        out
    }};
}

/// Every code of a notice that the station itself makes, so that the page has words for each.
fn codes() -> String {
    let quoted: Vec<String> = CODES.iter().map(|code| format!("'{code}'")).collect();
    let lines: Vec<String> = quoted.chunks(4).map(|few| few.join(", ")).collect();
    format!(
        "\nexport const stationCodes = [\n  {},\n] as const\n",
        lines.join(",\n  ")
    )
}

/// The text of `ui/src/station-bindings.ts`.
pub fn bindings() -> String {
    declarations![
        StationPage,
        StationFacts,
        StationStanding,
        OtherStation,
        CopyState,
        StationScreen,
        StationView,
        StationTab,
        DayStep,
        RoomStep,
        TrackState,
        SittingTrack,
        SittingStep,
        SittingStepName,
        NextStep,
        NextAction,
        AlertRow,
        Acknowledged,
        StationOutcome,
        RoomView,
        RoomClass,
        SeatTile,
        MachineState,
        TileState,
        TileAlert,
        TileAlertKind,
        Progress,
        SeatCounts,
        SeatFilter,
        SeatPanel,
        PanelCandidate,
        PictureUse,
        PanelPicture,
        PanelTrouble,
        PanelOutage,
        HistoryRow,
        SeatDeed,
        SeatDeedName,
        SpareMachine,
        UnlockTab,
        StationUnlock,
        UnlockClass,
        PapersTab,
        DevicesView,
        JoiningView,
        AskingDevice,
        DeviceRow,
        RefusedDevice,
        SeatingView,
        DoorRow,
        LogView,
        LogRow,
        StaffRow,
        AwaitedRow,
        Phone,
        ActionScope,
        StationAction,
    ]
}

#[cfg(test)]
mod tests {
    /// `FJ_WRITE_BINDINGS=1` writes the file instead of comparing.
    #[test]
    fn committed_bindings_are_the_generated_ones() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../ui/src/station-bindings.ts"
        );
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
