//! One worker per device in the whole process, and a deadline for whoever waits for it.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::CameraFault;

type Holders = BTreeMap<String, Arc<AtomicBool>>;

/// Devices that a worker holds, each with the mark that nobody waits for that worker any more.
static HOLDERS: Mutex<Holders> = Mutex::new(BTreeMap::new());

fn holders() -> MutexGuard<'static, Holders> {
    // The map is whole after every statement, so a panic elsewhere leaves nothing half done.
    HOLDERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The right to open one device; ends when the worker that owns it ends.
pub(crate) struct Lease {
    device: String,
    given_up: Arc<AtomicBool>,
}

impl Lease {
    fn claim(device: &str) -> Result<Self, CameraFault> {
        let mut held = holders();
        if let Some(given_up) = held.get(device) {
            return Err(if given_up.load(Ordering::Acquire) {
                CameraFault::Stalled
            } else {
                CameraFault::Busy
            });
        }
        let given_up = Arc::new(AtomicBool::new(false));
        held.insert(device.to_owned(), Arc::clone(&given_up));
        Ok(Self {
            device: device.to_owned(),
            given_up,
        })
    }

    /// True when the deadline has passed: let go of the device at the next chance.
    pub(crate) fn given_up(&self) -> bool {
        self.given_up.load(Ordering::Acquire)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        holders().remove(&self.device);
    }
}

/// Runs `job` on a thread of its own and waits for it until `deadline`.
///
/// A thread blocked in a driver cannot be ended from outside, so after the deadline it is left
/// alone, still holding its lease: opening the device beside it would only break both.
pub(crate) fn within<T: Send + 'static>(
    device: &str,
    deadline: Duration,
    job: impl FnOnce(&Lease) -> Result<T, CameraFault> + Send + 'static,
) -> Result<T, CameraFault> {
    let lease = Lease::claim(device)?;
    let given_up = Arc::clone(&lease.given_up);
    let (answer, answers) = mpsc::sync_channel(1);
    thread::Builder::new()
        .name(format!("camera {device}"))
        .spawn(move || {
            let outcome = catch_unwind(AssertUnwindSafe(|| job(&lease)))
                .unwrap_or_else(|_| Err(CameraFault::Broken("the camera library panicked".into())));
            // The lease ends before the answer is given, so the next call finds the device free.
            drop(lease);
            // Nobody listens after the deadline; the picture is then dropped.
            let _ = answer.send(outcome);
        })
        .map_err(|cause| CameraFault::Broken(format!("no thread for the camera: {cause}")))?;
    match answers.recv_timeout(deadline) {
        Ok(outcome) => outcome,
        Err(RecvTimeoutError::Timeout) => {
            given_up.store(true, Ordering::Release);
            tracing::warn!(device, "the camera passed its deadline");
            Err(CameraFault::Stalled)
        }
        Err(RecvTimeoutError::Disconnected) => Err(CameraFault::Broken(
            "the camera's thread ended early".into(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;
    use std::time::Instant;

    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn a_panic_in_the_library_is_an_answer_and_frees_the_device() {
        let fault = within("panics", LONG, |_| -> Result<(), _> {
            panic!("on purpose")
        });
        assert!(matches!(fault, Err(CameraFault::Broken(_))), "{fault:?}");
        assert_eq!(within("panics", LONG, |_| Ok(7)), Ok(7));
    }

    #[test]
    fn a_device_in_use_is_busy_and_another_is_not() {
        let (started, has_started) = channel();
        let (go_on, may_go_on) = channel::<()>();
        let first = thread::spawn(move || {
            within("in use", LONG, move |_| {
                started.send(()).unwrap();
                may_go_on.recv().unwrap();
                Ok(1)
            })
        });
        has_started.recv().unwrap();
        assert_eq!(within("in use", LONG, |_| Ok(2)), Err(CameraFault::Busy));
        assert_eq!(within("another", LONG, |_| Ok(3)), Ok(3));
        go_on.send(()).unwrap();
        assert_eq!(first.join().unwrap(), Ok(1));
        assert_eq!(within("in use", LONG, |_| Ok(4)), Ok(4));
    }

    #[test]
    fn a_hanging_device_is_stalled_quickly_until_it_lets_go() {
        let (go_on, may_go_on) = channel::<()>();
        let (told, was_told) = channel();
        let stalled = within("hangs", Duration::from_millis(30), move |lease| {
            may_go_on.recv().unwrap();
            told.send(lease.given_up()).unwrap();
            Ok(())
        });
        assert_eq!(stalled, Err(CameraFault::Stalled));
        let asked = Instant::now();
        for _ in 0..100 {
            let again = within("hangs", LONG, |_| -> Result<(), _> {
                panic!("opened twice")
            });
            assert_eq!(again, Err(CameraFault::Stalled));
        }
        assert!(asked.elapsed() < Duration::from_secs(5));
        go_on.send(()).unwrap();
        assert!(
            was_told.recv().unwrap(),
            "the worker is told that nobody waits"
        );
        let until = Instant::now() + LONG;
        while within("hangs", LONG, |_| Ok(())).is_err() {
            assert!(Instant::now() < until, "the device was never free again");
            thread::yield_now();
        }
    }
}
