//! The page's way in. Each command is one line over the terminal; the view goes out whenever it changes.

use crate::page::Page;
use crate::role::Role;
use fengjuan_hub::station;
use fengjuan_hub::view::action::StationAction;
use fengjuan_hub::view::{StationOutcome, StationPage};
use fengjuan_terminal::front::Front;
use fengjuan_terminal::view::action::{CandidateAction, DeskAction, SeatAction};
use fengjuan_terminal::view::desk::CodeGroupView;
use fengjuan_terminal::view::{Outcome, View};
use serde::Serialize;
use std::sync::Arc;
use tauri::{AppHandle, Emitter, State};
use tokio::sync::watch;

type Shared<'a> = State<'a, Arc<Front>>;
type Room<'a> = State<'a, Arc<station::Front>>;

/// As what this window was opened.
#[tauri::command]
pub fn role(role: State<'_, Role>) -> &'static str {
    role.name()
}

#[tauri::command]
pub fn view(terminal: Shared<'_>) -> View {
    terminal.view()
}

#[tauri::command(async)]
pub fn candidate(terminal: Shared<'_>, action: CandidateAction) -> Outcome {
    terminal.candidate(action)
}

#[tauri::command(async)]
pub fn seat(terminal: Shared<'_>, action: SeatAction) -> Outcome {
    terminal.seat(action)
}

#[tauri::command(async)]
pub fn desk(terminal: Shared<'_>, action: DeskAction) -> Outcome {
    terminal.desk(action)
}

#[tauri::command]
pub fn code_group(index: usize, typed: String) -> CodeGroupView {
    fengjuan_device::unlock::code_group(index, &typed)
}

/// The page has just been painted.
#[tauri::command(async)]
pub fn painted(role: State<'_, Role>, page: State<'_, Arc<Page>>) {
    page.painted(&role);
}

#[tauri::command(async)]
pub fn station_page(station: Room<'_>) -> StationPage {
    station.page()
}

#[tauri::command(async)]
pub fn station_action(station: Room<'_>, action: StationAction) -> StationOutcome {
    station.act(action)
}

/// Sends what is shown to the page after every change, until the window closes.
pub fn push(app: AppHandle, role: &Role) {
    match role.clone() {
        Role::Terminal(terminal) => {
            let changes = terminal.subscribe();
            tokio::spawn(follow(app, "view", changes, move || terminal.view()));
        }
        Role::Station(station) => {
            let changes = station.subscribe();
            tokio::spawn(follow(app, "station", changes, move || station.page()));
        }
    }
}

async fn follow<T: Serialize + Clone>(
    app: AppHandle,
    event: &'static str,
    mut changes: watch::Receiver<u64>,
    shown: impl Fn() -> T + Send + 'static,
) {
    while changes.changed().await.is_ok() {
        if let Err(error) = app.emit(event, shown()) {
            tracing::warn!(%error, "the page did not take what is shown");
        }
    }
}
