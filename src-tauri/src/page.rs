//! Keeps the page on the screen: a page that stays blank, or whose process ends or hangs, is brought back by the program.

use crate::options::Options;
use crate::role::Role;
use crate::window;
use fengjuan_core::event::PageRemedy;
use fengjuan_terminal::controller::WindowEvent;
use fengjuan_terminal::page_watch::PageWatch;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tauri::AppHandle;

/// How often the page is looked after.
const LOOK: Duration = Duration::from_millis(250);

/// The page of the one window.
pub struct Page {
    pub options: Options,
    watch: Mutex<PageWatch>,
    opened: Instant,
    /// The old window is closing, and the next look opens another one.
    renewing: AtomicBool,
}

impl Page {
    pub fn new(options: Options) -> Page {
        Page {
            options,
            watch: Mutex::new(PageWatch::new(0)),
            opened: Instant::now(),
            renewing: AtomicBool::new(false),
        }
    }

    fn watch(&self) -> MutexGuard<'_, PageWatch> {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now_ms(&self) -> i64 {
        i64::try_from(self.opened.elapsed().as_millis()).unwrap_or(i64::MAX)
    }

    pub fn painted(&self, role: &Role) {
        let after_ms = self.watch().painted(self.now_ms());
        if let Some(after_ms) = after_ms {
            tracing::info!(after_ms, "page back");
            role.window_event(WindowEvent::PageBack { after_ms });
        }
    }

    pub fn process_ended(&self) {
        self.watch().process_ended(self.now_ms());
    }

    /// Whether the program goes on without a window for a moment.
    pub fn is_renewing(&self) -> bool {
        self.renewing.load(Ordering::Acquire)
    }

    pub fn set_renewing(&self, renewing: bool) {
        self.renewing.store(renewing, Ordering::Release);
    }
}

/// Looks after the page until the program ends.
pub async fn keep(app: AppHandle, page: Arc<Page>, role: Role) {
    let mut every = tokio::time::interval(LOOK);
    loop {
        every.tick().await;
        if page.is_renewing() {
            on_main(&app, |app| window::open_again(&app));
        }
        let lost = page.watch().tick(page.now_ms());
        let Some(lost) = lost else { continue };
        tracing::warn!(fault = ?lost.fault, remedy = ?lost.remedy, tries = lost.tries, "page lost");
        on_main(&app, move |app| restore(&app, lost.remedy));
        let role = role.clone();
        // The page comes back even where the disk is slow to take the entry.
        tokio::task::spawn_blocking(move || {
            role.window_event(WindowEvent::PageLost {
                fault: lost.fault,
                remedy: lost.remedy,
                tries: lost.tries,
            });
        });
    }
}

fn on_main(app: &AppHandle, act: impl FnOnce(AppHandle) + Send + 'static) {
    let handle = app.clone();
    if let Err(error) = app.run_on_main_thread(move || act(handle)) {
        tracing::error!(%error, "the window layer does not answer");
    }
}

fn restore(app: &AppHandle, remedy: PageRemedy) {
    let done = match remedy {
        PageRemedy::Reload => window::load(app, false),
        PageRemedy::NewProcess => window::load(app, true),
        PageRemedy::NewWindow => window::renew(app),
    };
    if let Err(error) = done {
        tracing::error!(%error, "the page could not be restored");
    }
}
