//! The machine under the terminal, behind a port: its clocks and its boot. Everything else in this crate learns the
//! time from here, so that a test can suspend, reboot and set back a machine in a line.

pub mod simulated;

use rustix::time::{ClockId, clock_gettime};
use std::path::Path;

/// Clocks and boot of a machine. All times in milliseconds.
pub trait Machine: Send + Sync {
    /// The kernel's random id of this boot; another one means that the machine has rebooted.
    fn boot_id(&self) -> [u8; 16];
    /// CLOCK_BOOTTIME: since boot, runs on in suspend, cannot be set.
    fn boot_ms(&self) -> i64;
    /// CLOCK_MONOTONIC: as boot time, but stands still in suspend.
    fn monotonic_ms(&self) -> i64;
    /// The wall clock, since 1970 UTC. Anybody may have set it to anything.
    fn wall_ms(&self) -> i64;
    /// Local time minus UTC, in minutes, for printing only.
    fn utc_offset_min(&self) -> i32;
}

/// This computer.
pub struct RealMachine {
    boot_id: [u8; 16],
}

/// The kernel does not say which boot this is, so an outage could not be told from a reboot.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the kernel's boot id: {detail}")]
pub struct NoBootId {
    detail: String,
}

impl NoBootId {
    pub fn code(&self) -> &'static str {
        "machine.no_boot_id"
    }
}

impl RealMachine {
    /// # Errors
    /// [`NoBootId`] where `/proc` is not what it is on Linux.
    pub fn new() -> Result<RealMachine, NoBootId> {
        let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").map_err(|error| {
            NoBootId {
                detail: error.to_string(),
            }
        })?;
        let boot_id = parse_uuid(&text).ok_or_else(|| NoBootId {
            detail: "not a UUID".to_owned(),
        })?;
        Ok(RealMachine { boot_id })
    }
}

impl Machine for RealMachine {
    fn boot_id(&self) -> [u8; 16] {
        self.boot_id
    }
    fn boot_ms(&self) -> i64 {
        read(ClockId::Boottime)
    }
    fn monotonic_ms(&self) -> i64 {
        read(ClockId::Monotonic)
    }
    fn wall_ms(&self) -> i64 {
        read(ClockId::Realtime)
    }
    fn utc_offset_min(&self) -> i32 {
        chrono::Local::now().offset().local_minus_utc() / 60
    }
}

fn read(clock: ClockId) -> i64 {
    let time = clock_gettime(clock);
    time.tv_sec
        .saturating_mul(1000)
        .saturating_add(time.tv_nsec / 1_000_000)
}

fn parse_uuid(text: &str) -> Option<[u8; 16]> {
    let digits: Vec<u8> = text.trim().bytes().filter(|byte| *byte != b'-').collect();
    if digits.len() != 32 {
        return None;
    }
    let mut id = [0u8; 16];
    for (slot, pair) in id.iter_mut().zip(digits.chunks(2)) {
        *slot = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(id)
}

/// A salted hash of the machine's own id: tells two machines with one device key apart without naming either.
/// Empty where the machine has no id (then only the key speaks for it).
pub fn machine_hash(salt: &[u8]) -> Vec<u8> {
    machine_hash_of(Path::new("/etc/machine-id"), salt)
}

pub(crate) fn machine_hash_of(file: &Path, salt: &[u8]) -> Vec<u8> {
    let Ok(id) = std::fs::read_to_string(file) else {
        return Vec::new();
    };
    let mut input = b"fengjuan/machine/1".to_vec();
    input.extend_from_slice(&(salt.len() as u64).to_be_bytes());
    input.extend_from_slice(salt);
    input.extend_from_slice(id.trim().as_bytes());
    fengjuan_envelope::sha256(&input).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_computer_has_a_boot_and_clocks_that_agree() {
        let machine = RealMachine::new().unwrap();
        assert_ne!(machine.boot_id(), [0; 16]);
        assert_eq!(machine.boot_id(), RealMachine::new().unwrap().boot_id());
        assert!(machine.boot_ms() > 0);
        assert!(
            machine.boot_ms() + 5 >= machine.monotonic_ms(),
            "boot time includes suspends"
        );
        assert!(machine.wall_ms() > 1_700_000_000_000);
    }

    #[test]
    fn a_boot_id_is_a_uuid_or_nothing() {
        assert_eq!(
            parse_uuid("01020304-0506-0708-090a-0b0c0d0e0f10\n").unwrap()[15],
            16
        );
        assert_eq!(parse_uuid("01020304"), None);
        assert_eq!(parse_uuid("zz020304-0506-0708-090a-0b0c0d0e0f10"), None);
    }

    #[test]
    fn two_machines_with_one_salt_differ_and_one_machine_stays_itself() {
        let dir = tempfile::tempdir().unwrap();
        let (one, two) = (dir.path().join("one"), dir.path().join("two"));
        std::fs::write(&one, "aaaa\n").unwrap();
        std::fs::write(&two, "bbbb\n").unwrap();
        assert_eq!(machine_hash_of(&one, b"s"), machine_hash_of(&one, b"s"));
        assert_ne!(machine_hash_of(&one, b"s"), machine_hash_of(&two, b"s"));
        assert_ne!(machine_hash_of(&one, b"s"), machine_hash_of(&one, b"t"));
        assert!(machine_hash_of(&dir.path().join("none"), b"s").is_empty());
    }
}
