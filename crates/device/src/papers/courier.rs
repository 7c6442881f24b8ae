//! The same objects by hand: a folder `fengjuan-courier` with `down` (from the center), `up`, `entries` (to the
//! center) and `receipts` (back from it), every file named by the hash of its bytes. Whatever comes from a stick is
//! verified exactly as what comes over the line.

use super::documents::{verify_package, verify_sitting};
use super::registry::{key_of, row_key};
use super::{HeldPapers, Papers, PapersError, SittingKey};
use crate::durable_file;
use crate::recorder::SYSTEM;
use fengjuan_core::event::Event;
use fengjuan_envelope::cose;
use fengjuan_wire::courier::DOWN;
pub use fengjuan_wire::courier::FOLDER;
use fengjuan_wire::delegation::HubDelegation;
use fengjuan_wire::directory::{DeviceCertificate, KeyDirectory};
use fengjuan_wire::enrolment::DeviceRevocation;
use fengjuan_wire::grant::Grant;
use fengjuan_wire::order::Order;
use fengjuan_wire::sitting::SittingDocument;
use fengjuan_wire::upstream::LARGEST_BODY_BYTES;
use fengjuan_wire::{Hash32, Signed};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

const PACKAGE_MAGIC: &[u8] = b"FJPKG1\0\n";

/// What an import found in `down`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CourierReport {
    pub sittings: Vec<SittingKey>,
    pub grants: Vec<SittingKey>,
    /// COSE_Sign1 orders, not verified yet.
    pub orders: Vec<Vec<u8>>,
    /// File name and code of what was not taken.
    pub refused: Vec<(String, String)>,
}

/// What is in `down`, by the hash that its bytes really have.
#[derive(Default)]
struct Found {
    packages: BTreeMap<Hash32, PathBuf>,
    sittings: Vec<(Hash32, Vec<u8>)>,
    grants: Vec<Vec<u8>>,
    orders: Vec<Vec<u8>>,
    refused: Vec<(String, PapersError)>,
}

/// The courier's folder in `folder`, or `folder` itself where it is one.
pub fn courier_root(folder: &Path) -> PathBuf {
    if folder.file_name().is_some_and(|name| name == FOLDER) {
        folder.to_owned()
    } else {
        folder.join(FOLDER)
    }
}

/// Places one and two levels below `roots` (such as `/media`, `/run/media`, `/mnt`) that hold a courier's folder or are
/// mounted, so that a stick which was never used is offered too.
pub fn find_couriers(roots: &[PathBuf]) -> Vec<PathBuf> {
    let dirs = |dir: &PathBuf| -> Vec<PathBuf> {
        let items = std::fs::read_dir(dir).into_iter().flatten().flatten();
        items
            .filter(|item| item.file_type().is_ok_and(|kind| kind.is_dir()))
            .map(|item| item.path())
            .collect()
    };
    let mut found: Vec<PathBuf> = roots.iter().flat_map(dirs).collect();
    found.extend(found.iter().flat_map(dirs).collect::<Vec<_>>());
    found.retain(|dir| dir.join(FOLDER).is_dir() || is_mounted(dir));
    found.sort();
    found
}

/// A folder on another device than the one that it lies in.
fn is_mounted(dir: &Path) -> bool {
    let device = |path: &Path| std::fs::symlink_metadata(path).map(|facts| facts.dev());
    let above = dir.parent().map(device);
    matches!((device(dir), above), (Ok(own), Some(Ok(above))) if own != above)
}

impl Papers {
    /// Takes whatever in the folder is for this terminal. Reads and copies packages: not for a thread that answers.
    ///
    /// # Errors
    /// [`PapersError::NothingFound`]; where nothing at all was taken, the first reason. What was held stays held.
    pub fn import(&self, folder: &Path) -> Result<CourierReport, PapersError> {
        let _one = self.inner.busy.try_lock().map_err(|_| PapersError::Busy)?;
        let result = self.import_down(&courier_root(folder).join(DOWN));
        if let Err(error) = &result {
            tracing::warn!(code = error.code(), %error, "courier import failed");
            let event = Event::PullFailed {
                cause: error.code().to_owned(),
            };
            self.inner.recorder.record(SYSTEM, event)?;
        }
        result
    }

    fn import_down(&self, down: &Path) -> Result<CourierReport, PapersError> {
        let mut found = scan(down)?;
        let mut report = CourierReport {
            orders: std::mem::take(&mut found.orders),
            ..Default::default()
        };
        let mut refused = std::mem::take(&mut found.refused);
        for (hash, bytes) in &found.sittings {
            match self.import_sitting(hash, bytes, &found.packages) {
                Ok(Some(key)) => report.sittings.push(key),
                Ok(None) => {}
                Err(error) => refused.push((hash.hex(), error)),
            }
        }
        for bytes in &found.grants {
            match self.take_grant(bytes, None) {
                Ok(key) => report.grants.push(key),
                // A stick serves the whole room.
                Err(PapersError::OtherDevice) => {}
                Err(error) => refused.push((fengjuan_wire::hash(bytes).hex(), error)),
            }
        }
        let codes = refused
            .iter()
            .map(|(name, error)| (name.clone(), error.code().to_owned()));
        report.refused = codes.collect();
        let nothing =
            report.sittings.is_empty() && report.grants.is_empty() && report.orders.is_empty();
        match refused.into_iter().next() {
            Some((_, error)) if nothing => Err(error),
            _ => Ok(report),
        }
    }

    /// `None` where it is held already and whole.
    fn import_sitting(
        &self,
        hash: &Hash32,
        bytes: &[u8],
        packages: &BTreeMap<Hash32, PathBuf>,
    ) -> Result<Option<SittingKey>, PapersError> {
        let document = verify_sitting(bytes, &self.inner.kit)?;
        let key = key_of(&document);
        let known = self.registry(|registry| registry.sitting(&key).cloned());
        if let Some(known) = &known {
            if known.document_hash != *hash {
                return Err(PapersError::Mismatch("version"));
            }
            return self.mend_from(known, packages);
        }
        let newest = self.registry(|registry| registry.newest_version(&key.sitting_no));
        if let Some(held) = newest.filter(|held| *held > key.version) {
            return Err(PapersError::OlderVersion {
                found: key.version,
                held,
            });
        }
        for package in &document.packages {
            self.copy_package(&document, &package.class_no, &package.hash, packages)?;
        }
        self.hold(document, bytes.to_vec())?;
        Ok(Some(key))
    }

    fn mend_from(
        &self,
        held: &HeldPapers,
        packages: &BTreeMap<Hash32, PathBuf>,
    ) -> Result<Option<SittingKey>, PapersError> {
        use crate::view::HeldState::{Damaged, Held};
        let mut mended = false;
        for package in held
            .packages
            .iter()
            .filter(|package| package.state == Damaged)
        {
            self.copy_package(&held.document, &package.class_no, &package.hash, packages)?;
            self.change(|registry| registry.set_state(&package.hash, Held));
            mended = true;
        }
        Ok(mended.then(|| held.key.clone()))
    }

    fn copy_package(
        &self,
        document: &SittingDocument,
        class_no: &str,
        hash: &Hash32,
        packages: &BTreeMap<Hash32, PathBuf>,
    ) -> Result<(), PapersError> {
        let path = self.package_path(hash);
        let kit = &self.inner.kit;
        if path.exists() && verify_package(&path, class_no, hash, document, kit).is_ok() {
            return Ok(());
        }
        let source = packages.get(hash).ok_or(PapersError::Incomplete)?;
        // Before anything is copied: a giant must not fill the disk first.
        let signed = document
            .packages
            .iter()
            .find(|package| package.hash == *hash);
        let there = std::fs::symlink_metadata(source)?.len();
        match signed.map(|package| there.cmp(&package.bytes)) {
            Some(Ordering::Equal) => {}
            Some(Ordering::Less) => return Err(PapersError::Truncated),
            Some(Ordering::Greater) | None => return Err(PapersError::Hash),
        }
        // A name of its own, so that a part that the line has begun is not lost.
        let part = path.with_extension("courier");
        let copied = (|| -> Result<(), PapersError> {
            std::fs::copy(source, &part)?;
            verify_package(&part, class_no, hash, document, kit)?;
            File::open(&part)?.sync_all()?;
            Ok(durable_file::put_in_place(&part, &path)?)
        })();
        if copied.is_err() {
            // Best effort: the next import writes over it.
            let _ = std::fs::remove_file(&part);
        }
        copied
    }

    /// Writes the held documents, grants and packages into the folder's `down`. Returns how many files were new.
    ///
    /// # Errors
    /// [`PapersError::Io`], [`PapersError::Store`].
    pub fn export(&self, folder: &Path) -> Result<usize, PapersError> {
        let down = courier_root(folder).join(DOWN);
        std::fs::create_dir_all(&down)?;
        let mut written = 0;
        for held in self.held() {
            written += put_object(&down, &held.document_bytes)?;
            let grant =
                self.read(|reader| reader.get(super::registry::NS, &row_key('g', &held.key)))?;
            if let Some(bytes) = grant {
                written += put_object(&down, &bytes)?;
            }
            for package in &held.packages {
                written += copy_object(&package.path, &down, &package.hash)?;
            }
        }
        durable_file::sync_dir(&down)?;
        Ok(written)
    }
}

/// Writes an object under its hash; 1 where it was not there.
///
/// # Errors
/// I/O errors.
pub fn put_object(dir: &Path, bytes: &[u8]) -> io::Result<usize> {
    let path = dir.join(fengjuan_wire::hash(bytes).hex());
    if std::fs::metadata(&path).is_ok_and(|file| file.len() == bytes.len() as u64) {
        return Ok(0);
    }
    durable_file::replace(&path, bytes)?;
    Ok(1)
}

fn copy_object(source: &Path, dir: &Path, hash: &Hash32) -> io::Result<usize> {
    let path = dir.join(hash.hex());
    if std::fs::metadata(&path).is_ok_and(|file| file.len() > 0) {
        return Ok(0);
    }
    let part = path.with_extension("part");
    std::fs::copy(source, &part)?;
    File::open(&part)?.sync_all()?;
    durable_file::put_in_place(&part, &path)?;
    Ok(1)
}

/// The objects of a folder: regular files named by 64 hex digits.
///
/// # Errors
/// I/O errors.
pub fn objects_in(dir: &Path) -> io::Result<Vec<(Hash32, PathBuf)>> {
    let mut objects = Vec::new();
    for item in std::fs::read_dir(dir)? {
        let item = item?;
        let hash = item.file_name().to_str().and_then(Hash32::from_hex);
        if let (Some(hash), true) = (hash, item.file_type()?.is_file()) {
            objects.push((hash, item.path()));
        }
    }
    objects.sort();
    Ok(objects)
}

fn scan(down: &Path) -> Result<Found, PapersError> {
    let mut found = Found::default();
    let objects = match objects_in(down) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(PapersError::NothingFound),
        other => Ok(other?),
    }?;
    if objects.is_empty() {
        return Err(PapersError::NothingFound);
    }
    for (hash, path) in objects {
        match sort(&mut found, hash, path) {
            Ok(()) => {}
            Err(error) => found.refused.push((hash.hex(), error)),
        }
    }
    found.sittings.sort();
    Ok(found)
}

fn sort(found: &mut Found, hash: Hash32, path: PathBuf) -> Result<(), PapersError> {
    let mut front = [0u8; 8];
    let mut file = File::open(&path)?;
    file.read_exact(&mut front)
        .map_err(|_| PapersError::Truncated)?;
    if front == *PACKAGE_MAGIC {
        // Its hash is checked when the copy is verified.
        found.packages.insert(hash, path);
        return Ok(());
    }
    let bytes = durable_file::read_small(&path, LARGEST_BODY_BYTES as u64)?;
    if fengjuan_wire::hash(&bytes) != hash {
        return Err(PapersError::Hash);
    }
    let (usage, _, _) = cose::peek_payload(&bytes).map_err(|_| PapersError::Signature)?;
    match usage.as_str() {
        SittingDocument::USAGE => found.sittings.push((hash, bytes)),
        Grant::USAGE => found.grants.push(bytes),
        Order::USAGE => found.orders.push(bytes),
        // Enrolment takes these (`Uplink::import_enrolment`).
        KeyDirectory::USAGE
        | DeviceCertificate::USAGE
        | DeviceRevocation::USAGE
        | HubDelegation::USAGE => {}
        _ => return Err(PapersError::Unsupported(usage)),
    }
    Ok(())
}
