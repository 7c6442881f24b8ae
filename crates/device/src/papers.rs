//! The papers on this machine: what the center offers for this site is pulled, verified whole, and only then held.
//! Everything is ciphertext; nothing here knows a code.
//!
//! A sitting is held all or nothing: its signed document and every package, or none of it. What was begun stays in
//! `packages/<hash>.part` and goes on from there the next time.

mod courier;
mod documents;
mod error;
mod fetch;
mod held;
mod pull;
mod registry;

pub use courier::courier_root;
pub use courier::{CourierReport, FOLDER as COURIER_FOLDER, find_couriers};
pub use courier::{objects_in, put_object};
pub use error::PapersError;
pub use held::short_hash;
pub use held::{HeldPackage, HeldPapers, SittingKey};
pub use pull::PullReport;

use crate::identity::DeviceIdentity;
use crate::recorder::Recorder;
use crate::site_kit::SiteKit;
use crate::view::HeldState;
use fengjuan_core::roster::Candidate;
use fengjuan_envelope::secret::SecretBytes;
use fengjuan_store::{Reader, StoreError};
use fengjuan_wire::Hash32;
use registry::Registry;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// The papers of one terminal. Clones share everything.
#[derive(Clone)]
pub struct Papers {
    inner: Arc<Inner>,
}

struct Inner {
    kit: SiteKit,
    identity: Arc<DeviceIdentity>,
    recorder: Recorder,
    reader: Mutex<Reader>,
    packages: PathBuf,
    registry: RwLock<Registry>,
    revision: AtomicU64,
    /// One pull or import at a time.
    busy: tokio::sync::Mutex<()>,
}

impl Papers {
    /// What is held, from the store. Signatures are verified again; packages are looked at by name and length only
    /// ([`Papers::verify_held`] reads them).
    ///
    /// # Errors
    /// [`PapersError::Store`], [`PapersError::Io`]. A document that no longer verifies is left out, and logged.
    pub fn open(
        data_dir: &Path,
        kit: SiteKit,
        identity: Arc<DeviceIdentity>,
        recorder: Recorder,
        reader: Reader,
    ) -> Result<Papers, PapersError> {
        let packages = data_dir.join("packages");
        std::fs::create_dir_all(&packages)?;
        let registry = Registry::load(&reader, &kit, &identity, &packages)?;
        let inner = Inner {
            kit,
            identity,
            recorder,
            reader: Mutex::new(reader),
            packages,
            registry: RwLock::new(registry),
            revision: AtomicU64::new(1),
            busy: tokio::sync::Mutex::new(()),
        };
        Ok(Papers {
            inner: Arc::new(inner),
        })
    }

    /// Every held sitting in every version, by start, number and version.
    pub fn held(&self) -> Vec<Arc<HeldPapers>> {
        self.registry(|registry| registry.sittings())
    }

    /// The newest version of a sitting.
    pub fn current(&self, sitting_no: &str) -> Option<Arc<HeldPapers>> {
        self.held()
            .into_iter()
            .find(|held| held.key.sitting_no == sitting_no && !held.superseded)
    }

    /// One version of a sitting.
    pub fn at(&self, key: &SittingKey) -> Option<Arc<HeldPapers>> {
        self.held().into_iter().find(|held| held.key == *key)
    }

    /// Rises when [`Papers::held`] gives something else.
    pub fn revision(&self) -> u64 {
        self.inner.revision.load(Ordering::Acquire)
    }

    /// The candidates of a sitting by class group, readable the day before by an enrolled device.
    ///
    /// # Errors
    /// [`PapersError::NoGrant`], [`PapersError::Damaged`], [`PapersError::Wire`].
    pub fn roster(&self, held: &HeldPapers) -> Result<Vec<(String, Vec<Candidate>)>, PapersError> {
        let grant = held.grant.as_ref().ok_or(PapersError::NoGrant)?;
        let keys = grant.roster(&self.inner.identity.kem)?;
        let mut classes = Vec::with_capacity(held.packages.len());
        for package in &held.packages {
            let key = held::roster_key(&keys, &package.class_no)?;
            let opened = package.open(&self.inner.kit.directory.issuer)?;
            classes.push((package.class_no.clone(), opened.roster(&key)?));
        }
        Ok(classes)
    }

    /// The JPEG bytes of a registered photo; for memory only.
    ///
    /// # Errors
    /// As [`Papers::roster`].
    pub fn photo(
        &self,
        held: &HeldPapers,
        class_no: &str,
        number: u32,
    ) -> Result<SecretBytes, PapersError> {
        let grant = held.grant.as_ref().ok_or(PapersError::NoGrant)?;
        let key = held::roster_key(&grant.roster(&self.inner.identity.kem)?, class_no)?;
        let package = held.package(class_no).ok_or(PapersError::Incomplete)?;
        Ok(package
            .open(&self.inner.kit.directory.issuer)?
            .photo(number, &key)?)
    }

    /// Reads every held package whole, and marks the damaged ones so that the next pull brings them again. Reads
    /// hundreds of megabytes: not for a thread that answers.
    ///
    /// # Errors
    /// Storage errors of the register. A damaged package is an answer.
    pub fn verify_held(&self) -> Result<Vec<(SittingKey, Hash32, HeldState)>, PapersError> {
        let mut found = Vec::new();
        for held in self.held() {
            for package in &held.packages {
                let state = match package.verify_whole(&held.document, &self.inner.kit) {
                    Ok(()) => HeldState::Held,
                    Err(_) => HeldState::Damaged,
                };
                if state != package.state {
                    self.change(|registry| registry.set_state(&package.hash, state));
                }
                found.push((held.key.clone(), package.hash, state));
            }
        }
        Ok(found)
    }

    /// Marks a package damaged that somebody could not read.
    pub fn mark_damaged(&self, hash: &Hash32) {
        let held = self.held();
        let mut packages = held.iter().flat_map(|held| &held.packages);
        let news =
            packages.any(|package| package.hash == *hash && package.state != HeldState::Damaged);
        if news {
            tracing::error!(hash = %hash.hex(), "a held package cannot be read");
            self.change(|registry| registry.set_state(hash, HeldState::Damaged));
        }
    }

    fn registry<T>(&self, read: impl FnOnce(&Registry) -> T) -> T {
        read(
            &self
                .inner
                .registry
                .read()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    fn change<T>(&self, change: impl FnOnce(&mut Registry) -> T) -> T {
        let changed = change(
            &mut self
                .inner
                .registry
                .write()
                .unwrap_or_else(PoisonError::into_inner),
        );
        self.inner.revision.fetch_add(1, Ordering::AcqRel);
        changed
    }

    fn read<T>(
        &self,
        read: impl FnOnce(&Reader) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        read(
            &self
                .inner
                .reader
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    fn package_path(&self, hash: &Hash32) -> PathBuf {
        self.inner.packages.join(hash.hex())
    }
}

#[cfg(test)]
mod tests;
