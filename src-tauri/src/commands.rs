//! The page's way in. Each command is one line over the terminal; the view goes out whenever it changes.

use crate::page::Page;
use fengjuan_terminal::front::Front;
use fengjuan_terminal::view::action::{CandidateAction, DeskAction, SeatAction};
use fengjuan_terminal::view::desk::CodeGroupView;
use fengjuan_terminal::view::{Outcome, View};
use std::sync::Arc;
use tauri::{AppHandle, Emitter, State};

type Shared<'a> = State<'a, Arc<Front>>;

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
pub fn code_group(terminal: Shared<'_>, index: usize, typed: String) -> CodeGroupView {
    terminal.code_group(index, &typed)
}

/// The page has just been painted.
#[tauri::command(async)]
pub fn painted(terminal: Shared<'_>, page: State<'_, Arc<Page>>) {
    page.painted(&terminal);
}

/// Sends the view to the page after every change, until the window closes.
pub fn push_views(app: AppHandle, terminal: Arc<Front>) {
    let mut changes = terminal.subscribe();
    tokio::spawn(async move {
        while changes.changed().await.is_ok() {
            if let Err(error) = app.emit("view", terminal.view()) {
                tracing::warn!(%error, "the page did not take a view");
            }
        }
    });
}
