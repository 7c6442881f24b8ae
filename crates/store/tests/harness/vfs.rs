//! A shim over SQLite's own unix VFS that records every write and sync, and fails those that it is told to.
//! It is the process's default VFS from the first [`install`], so the store under test runs unchanged.
#![allow(unsafe_code)]

use rusqlite::ffi;
use std::collections::HashMap;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// What happened to a file, named by the last part of its path; or an acknowledgement, noted by the test.
#[derive(Clone, Debug)]
pub enum Event {
    Write {
        file: String,
        at: usize,
        data: Vec<u8>,
    },
    Truncate {
        file: String,
        size: usize,
    },
    Sync {
        file: String,
    },
    Acknowledged {
        seq: u64,
        leaf: [u8; 32],
    },
}

/// Which of the coming writes, truncations and syncs fail, counted from the moment of [`fail`].
#[derive(Clone, Copy, Debug)]
pub struct Faults {
    pub from: u64,
    pub until: u64,
    /// True: `SQLITE_FULL`; false: the I/O error of the call.
    pub full: bool,
}

#[derive(Default)]
struct Shim {
    log: Option<Vec<Event>>,
    faults: Option<Faults>,
    calls: u64,
    failed: u64,
    /// Open files by the address of their handle: SQLite's own methods, and the name.
    open: HashMap<usize, (usize, String)>,
}

fn shim() -> MutexGuard<'static, Shim> {
    static SHIM: OnceLock<Mutex<Shim>> = OnceLock::new();
    SHIM.get_or_init(Mutex::default)
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
}

pub fn start_recording() {
    shim().log = Some(Vec::new());
}

pub fn stop_recording() -> Vec<Event> {
    shim().log.take().unwrap_or_default()
}

pub fn note(event: Event) {
    if let Some(log) = &mut shim().log {
        log.push(event);
    }
}

pub fn fail(faults: Faults) {
    let mut shim = shim();
    (shim.faults, shim.calls, shim.failed) = (Some(faults), 0, 0);
}

/// Ends the faults; how many calls there were, and how many of them failed.
pub fn heal() -> (u64, u64) {
    let mut shim = shim();
    shim.faults = None;
    (shim.calls, shim.failed)
}

/// Puts the shim before the default VFS of this process. While the answer lives, no other test records or fails calls:
/// the shim is one for all threads.
pub fn install() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        // SAFETY: the default VFS exists after initialisation and is never freed; the copy keeps its application
        // data, which is all that the unix functions take from it, and lives for ever.
        unsafe {
            assert_eq!(ffi::sqlite3_initialize(), ffi::SQLITE_OK);
            let real = ffi::sqlite3_vfs_find(std::ptr::null());
            assert!(!real.is_null());
            REAL_OPEN.get_or_init(|| (*real).xOpen);
            let mut copy = std::ptr::read(real);
            copy.pNext = std::ptr::null_mut();
            copy.zName = CString::new("recorder").unwrap_or_default().into_raw();
            copy.xOpen = Some(open);
            assert_eq!(
                ffi::sqlite3_vfs_register(Box::into_raw(Box::new(copy)), 1),
                ffi::SQLITE_OK
            );
        }
    });
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

type Open = unsafe extern "C" fn(
    *mut ffi::sqlite3_vfs,
    *const c_char,
    *mut ffi::sqlite3_file,
    c_int,
    *mut c_int,
) -> c_int;
static REAL_OPEN: OnceLock<Option<Open>> = OnceLock::new();

unsafe extern "C" fn open(
    vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    let Some(Some(real)) = REAL_OPEN.get() else {
        return ffi::SQLITE_ERROR;
    };
    // SAFETY: the arguments are SQLite's own, handed on unchanged; after success `file` holds a method table that
    // is valid while the file is open, and the table that takes its place is leaked, so it outlives the file.
    unsafe {
        let code = real(vfs, name, file, flags, out);
        if code == ffi::SQLITE_OK && !name.is_null() && !(*file).pMethods.is_null() {
            let methods = (*file).pMethods;
            let path = CStr::from_ptr(name).to_string_lossy();
            let last = path.rsplit('/').next().unwrap_or_default().to_owned();
            shim().open.insert(file as usize, (methods as usize, last));
            let mut table = std::ptr::read(methods);
            table.xClose = Some(close);
            table.xWrite = Some(write);
            table.xTruncate = Some(truncate);
            table.xSync = Some(sync);
            (*file).pMethods = Box::leak(Box::new(table));
        }
        code
    }
}

/// SQLite's own methods for the file, its name, and whether this call has to fail.
fn call(
    file: *mut ffi::sqlite3_file,
    counted: bool,
) -> (&'static ffi::sqlite3_io_methods, String, Option<bool>) {
    let mut shim = shim();
    let (methods, name) = shim.open.get(&(file as usize)).cloned().unwrap_or_default();
    assert_ne!(methods, 0, "a call on a file that is not open");
    let mut fails = None;
    if counted && let Some(faults) = shim.faults {
        if (faults.from..faults.until).contains(&shim.calls) {
            fails = Some(faults.full);
            shim.failed += 1;
        }
        shim.calls += 1;
    }
    // SAFETY: the unix VFS keeps its method tables in statics.
    (
        unsafe { &*(methods as *const ffi::sqlite3_io_methods) },
        name,
        fails,
    )
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    let (methods, ..) = call(file, false);
    shim().open.remove(&(file as usize));
    // SAFETY: SQLite's own function on SQLite's own file, as in the three below.
    methods
        .xClose
        .map_or(ffi::SQLITE_ERROR, |real| unsafe { real(file) })
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    data: *const c_void,
    size: c_int,
    at: i64,
) -> c_int {
    let (methods, name, fails) = call(file, true);
    let Some(real) = methods.xWrite else {
        return ffi::SQLITE_ERROR;
    };
    if let Some(full) = fails {
        // A full disk takes a part of the write before it refuses.
        // SAFETY: half of a valid buffer is valid.
        unsafe { real(file, data, size / 2, at) };
        return if full {
            ffi::SQLITE_FULL
        } else {
            ffi::SQLITE_IOERR_WRITE
        };
    }
    // SAFETY: as above; SQLite gives `size` readable bytes at `data`.
    let code = unsafe { real(file, data, size, at) };
    if code == ffi::SQLITE_OK {
        let data = unsafe { std::slice::from_raw_parts(data.cast::<u8>(), size as usize) }.to_vec();
        note(Event::Write {
            file: name,
            at: at as usize,
            data,
        });
    }
    code
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: i64) -> c_int {
    let (methods, name, fails) = call(file, true);
    if fails.is_some() {
        return ffi::SQLITE_IOERR_TRUNCATE;
    }
    // SAFETY: as above.
    let code = methods
        .xTruncate
        .map_or(ffi::SQLITE_ERROR, |real| unsafe { real(file, size) });
    if code == ffi::SQLITE_OK {
        note(Event::Truncate {
            file: name,
            size: size as usize,
        });
    }
    code
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, flags: c_int) -> c_int {
    let (methods, name, fails) = call(file, true);
    if let Some(full) = fails {
        return if full {
            ffi::SQLITE_FULL
        } else {
            ffi::SQLITE_IOERR_FSYNC
        };
    }
    // SAFETY: as above.
    let code = methods
        .xSync
        .map_or(ffi::SQLITE_ERROR, |real| unsafe { real(file, flags) });
    if code == ffi::SQLITE_OK {
        note(Event::Sync { file: name });
    }
    code
}
