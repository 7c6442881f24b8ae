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

/// A salted hash of what names this machine: tells two machines with one device key apart without naming either.
/// 32 bytes. Machines that have neither an id nor a network card are not told apart.
pub fn machine_hash(salt: &[u8]) -> Vec<u8> {
    machine_hash_of(Path::new("/"), salt)
}

fn machine_hash_of(root: &Path, salt: &[u8]) -> Vec<u8> {
    let mut input = b"fengjuan/machine/1".to_vec();
    input.extend_from_slice(&(salt.len() as u64).to_be_bytes());
    input.extend_from_slice(salt);
    input.extend_from_slice(machine_name(root).as_bytes());
    fengjuan_envelope::sha256(&input).to_vec()
}

/// The machine's id, else its network cards' addresses.
fn machine_name(root: &Path) -> String {
    let text = |path: &Path| {
        std::fs::read_to_string(path)
            .ok()
            .map(|text| text.trim().to_owned())
    };
    if let Some(id) = text(&root.join("etc/machine-id")).filter(|id| !id.is_empty()) {
        return id;
    }
    let cards = std::fs::read_dir(root.join("sys/class/net"))
        .into_iter()
        .flatten()
        .flatten();
    let mut addresses: Vec<String> = cards
        .filter_map(|card| text(&card.path().join("address")))
        .filter(|address| address.bytes().any(|byte| byte != b'0' && byte != b':'))
        .collect();
    addresses.sort();
    addresses.join(" ")
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
        let machine = |name: &str, path: &str, text: &str| {
            let root = dir.path().join(name);
            std::fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
            std::fs::write(root.join(path), text).unwrap();
            root
        };
        let one = machine("one", "etc/machine-id", "aaaa\n");
        let two = machine("two", "etc/machine-id", "bbbb\n");
        machine("bare", "etc/machine-id", "\n");
        let bare = machine("bare", "sys/class/net/eth0/address", "02:00:00:00:00:01\n");
        let other = machine("other", "sys/class/net/eth0/address", "02:00:00:00:00:02\n");
        let hash = |root: &Path| machine_hash_of(root, b"s");
        let hashes = [hash(&one), hash(&two), hash(&bare), hash(&other)];
        for (at, found) in hashes.iter().enumerate() {
            assert_eq!(found.len(), 32);
            assert!(!hashes[..at].contains(found));
        }
        assert_eq!(hash(&one), hashes[0]);
        assert_ne!(machine_hash_of(&one, b"t"), hashes[0]);
    }
}
