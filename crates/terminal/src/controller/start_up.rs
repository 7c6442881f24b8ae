//! Putting a terminal together: from an opened store, what it finds there, and the outward half.

use super::day;
use super::held::Outward;
use super::room::Post;
use super::small_pictures::SmallPictures;
use super::state::{Desk, Shared, State, Surface};
use super::terminal::Terminal;
use super::{Config, Ports};
use crate::sealing::DeviceKeys;
use crate::view::desk::DeskTab;
use fengjuan_core::clock::{Resumption, Tick};
use fengjuan_core::event::Event;
use fengjuan_device::recorder::{Recorder, SYSTEM};
use fengjuan_store::{Change, Database, Opened, StoreError};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tokio::sync::watch;

/// Everything that a terminal is made of.
pub struct Parts {
    pub config: Config,
    pub ports: Ports,
    pub keys: DeviceKeys,
    pub database: Database,
    pub opened: Opened,
    pub recorder: Recorder,
    pub resumption: Resumption,
    /// The tick that was the last before this start.
    pub last_tick: Option<Tick>,
    pub outward: Arc<dyn Outward>,
}

impl Terminal {
    /// Records the start, and finds the way back to whoever sat here.
    ///
    /// # Errors
    /// Storage errors; the database file is kept as it is.
    pub fn assemble(parts: Parts) -> Result<Arc<Terminal>, StoreError> {
        record_start(&parts)?;
        let reader = parts.database.reader()?;
        let chosen = day::selected(&reader)?;
        let post = Post::load(&reader)?;
        let last_tick_ms = parts.last_tick.map(|tick| tick.exam_ms);
        let boot_ms = parts.ports.machine.boot_ms();
        let shared = Arc::new(Shared {
            config: parts.config,
            ports: parts.ports,
            keys: parts.keys,
            recorder: parts.recorder,
            outward: parts.outward,
            database: parts.database,
        });
        let mut state = State {
            shared: Arc::clone(&shared),
            reader,
            revision: 1,
            surface: Surface::Candidate,
            identifying: false,
            desk: Desk {
                user: None,
                tab: DeskTab::Papers,
                last_action_ms: boot_ms,
                unlocking: false,
                unlock_refused: None,
                slowed: None,
            },
            chosen,
            held_revision: 0,
            active: None,
            unlocked: None,
            visit: None,
            run: None,
            small: SmallPictures::default(),
            scores: BTreeMap::new(),
            pause: None,
            trouble: None,
            lost: None,
            reserve_used: !parts.opened.reserve,
            camera_worked: false,
            resumption: parts.resumption,
            unfocused: None,
            clock_offset_ms: None,
            last_view: None,
            last_housekeeping_ms: i64::MIN / 2,
            post,
            speaks: None,
            staged: None,
            moved_here: None,
        };
        state.restore_visit(last_tick_ms)?;
        state.choose_sitting()?;
        let now = state.now();
        state.seal_leftovers(now);
        let (revision, _) = watch::channel(state.revision);
        let terminal = Terminal {
            shared,
            state: Mutex::new(state),
            revision,
            displays: Mutex::default(),
        };
        Ok(Arc::new(terminal))
    }
}

fn record_start(parts: &Parts) -> Result<(), StoreError> {
    let recorder = &parts.recorder;
    let opened = &parts.opened;
    let started = Event::Started {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        sqlite: fengjuan_store::sqlite_version().to_owned(),
        reboot: !parts.resumption.same_boot && parts.last_tick.is_some(),
        last_tick_ms: parts.last_tick.map(|tick| tick.exam_ms),
    };
    let database = Event::DatabaseOpened {
        schema: opened.schema,
        integrity: opened.integrity.clone(),
        entries: opened.entries,
    };
    let mut change = Change::default()
        .entry(recorder.entry(SYSTEM, None, started))
        .entry(recorder.entry(SYSTEM, None, database));
    if let Some(migrated) = &opened.migrated {
        let event = Event::DatabaseMigrated {
            from: migrated.from,
            to: migrated.to,
            backup: migrated
                .backup
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default(),
        };
        change = change.entry(recorder.entry(SYSTEM, None, event));
    }
    recorder.writer().commit(change)?;
    Ok(())
}
