//! Pulling: over the line, resumably, all or nothing a sitting.

use super::documents::{package_of, verify_grant, verify_package, verify_sitting};
use super::fetch::{Meter, Progress, fetch_part, fetch_small};
use super::registry::{grant_row, held_papers, key_of, sitting_row};
use super::{HeldPapers, Papers, PapersError, SittingKey};
use crate::durable_file;
use crate::recorder::SYSTEM;
use crate::upstream::Upstream;
use crate::view::{HeldState, PullState};
use fengjuan_core::event::Event;
use fengjuan_store::Change;
use fengjuan_wire::sitting::{PackageRef, SittingDocument};
use fengjuan_wire::upstream::{Offer, Offered, OfferedKind};
use std::collections::BTreeMap;
use std::path::Path;

/// Room that stays free for the exam itself.
const KEEP_FREE: u64 = 256 * 1024 * 1024;

/// What a pull brought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PullReport {
    /// Sittings that are held now and were not before, or were mended.
    pub sittings: Vec<SittingKey>,
    pub grants: Vec<SittingKey>,
    /// Offered sittings that were not taken, with the reason's code.
    pub refused: Vec<(String, String)>,
}

impl Papers {
    /// Pulls whatever the upstream offers for this site and is not held yet, newest versions only. One sitting that
    /// cannot be taken does not hold back the others; the first reason is the error when nothing else was at fault.
    ///
    /// # Errors
    /// [`PapersError`]. Begun packages stay as parts and go on at the next pull.
    pub async fn pull<U: Upstream>(
        &self,
        upstream: &U,
        progress: &Progress<'_>,
    ) -> Result<PullReport, PapersError> {
        let _one = self.inner.busy.try_lock().map_err(|_| PapersError::Busy)?;
        let result = self.pull_offer(upstream, progress).await;
        match &result {
            Ok(_) => progress(PullState::Done {
                at_ms: self.inner.recorder.exam_now(),
            }),
            Err(error) => {
                self.pull_failed(error);
                let (code, args) = (error.code().to_owned(), BTreeMap::new());
                progress(PullState::Failed { code, args });
            }
        }
        result
    }

    fn pull_failed(&self, error: &PapersError) {
        tracing::warn!(code = error.code(), %error, "pull failed");
        let event = Event::PullFailed {
            cause: error.code().to_owned(),
        };
        if let Err(error) = self.inner.recorder.record(SYSTEM, event) {
            tracing::error!(code = error.code(), "the failed pull could not be recorded");
        }
    }

    async fn pull_offer<U: Upstream>(
        &self,
        upstream: &U,
        progress: &Progress<'_>,
    ) -> Result<PullReport, PapersError> {
        let offer = upstream.offer().await?;
        let mut meter = Meter {
            progress,
            done: 0,
            total: self.missing_bytes(&offer),
        };
        let mut report = PullReport::default();
        let mut first = None;
        for offered in newest(&offer, OfferedKind::Sitting) {
            match self.pull_sitting(upstream, offered, &mut meter).await {
                Ok(true) => report.sittings.push(key(offered)),
                Ok(false) => {}
                Err(PapersError::Upstream(error)) if error.is_link() => return Err(error.into()),
                Err(error) => {
                    report
                        .refused
                        .push((offered.sitting_no.clone(), error.code().to_owned()));
                    first.get_or_insert(error);
                }
            }
        }
        for offered in offer
            .objects
            .iter()
            .filter(|offered| offered.kind == OfferedKind::Grant)
        {
            if self.registry(|registry| registry.has_grant(&key(offered))) {
                continue;
            }
            let bytes = fetch_small(upstream, offered).await?;
            match self.take_grant(&bytes, Some(&key(offered))) {
                Ok(_) => report.grants.push(key(offered)),
                Err(error) => {
                    report
                        .refused
                        .push((offered.sitting_no.clone(), error.code().to_owned()));
                    first.get_or_insert(error);
                }
            }
        }
        first.map_or(Ok(report), Err)
    }

    fn missing_bytes(&self, offer: &Offer) -> u64 {
        let missing = |offered: &&Offered| {
            offered.kind == OfferedKind::Package && !self.package_path(&offered.hash).exists()
        };
        offer
            .objects
            .iter()
            .filter(missing)
            .map(|offered| offered.bytes)
            .sum()
    }

    /// True where something was pulled.
    async fn pull_sitting<U: Upstream>(
        &self,
        upstream: &U,
        offered: &Offered,
        meter: &mut Meter<'_>,
    ) -> Result<bool, PapersError> {
        let known = self.registry(|registry| registry.sitting(&key(offered)).cloned());
        if let Some(held) = &known
            && held.document_hash == offered.hash
        {
            return self.mend(upstream, held, meter).await;
        }
        if known.is_some() {
            // One version is one document; a changed sitting carries a higher one.
            return Err(PapersError::Mismatch("version"));
        }
        let newest = self.registry(|registry| registry.newest_version(&offered.sitting_no));
        if newest.is_some_and(|newest| newest > offered.version) {
            return Ok(false);
        }
        let bytes = fetch_small(upstream, offered).await?;
        let document = verify_sitting(&bytes, &self.inner.kit)?;
        if key_of(&document) != key(offered) {
            return Err(PapersError::Mismatch("sitting"));
        }
        self.room_for(&document)?;
        for package in &document.packages {
            self.pull_package(upstream, &document, package, meter)
                .await?;
        }
        self.hold(document, bytes)?;
        Ok(true)
    }

    /// Brings the damaged packages of a held sitting again.
    async fn mend<U: Upstream>(
        &self,
        upstream: &U,
        held: &HeldPapers,
        meter: &mut Meter<'_>,
    ) -> Result<bool, PapersError> {
        let mut mended = false;
        for (package, file) in held.document.packages.iter().zip(&held.packages) {
            if file.state == HeldState::Damaged {
                self.pull_package(upstream, &held.document, package, meter)
                    .await?;
                self.change(|registry| registry.set_state(&package.hash, HeldState::Held));
                let event = held_event(&held.document, package);
                self.inner.recorder.record(SYSTEM, event)?;
                mended = true;
            }
        }
        Ok(mended)
    }

    /// Refuses to begin what cannot end.
    fn room_for(&self, document: &SittingDocument) -> Result<(), PapersError> {
        let missing = |package: &&PackageRef| !self.package_path(&package.hash).exists();
        let needed: u64 = document
            .packages
            .iter()
            .filter(missing)
            .map(|package| package.bytes)
            .sum();
        let facts = rustix::fs::statvfs(&self.inner.packages).map_err(std::io::Error::from)?;
        let free = facts.f_bavail.saturating_mul(facts.f_frsize);
        if needed > 0 && needed.saturating_add(KEEP_FREE) > free {
            return Err(PapersError::DiskFull { needed, free });
        }
        Ok(())
    }

    async fn pull_package<U: Upstream>(
        &self,
        upstream: &U,
        document: &SittingDocument,
        package: &PackageRef,
        meter: &mut Meter<'_>,
    ) -> Result<(), PapersError> {
        let path = self.package_path(&package.hash);
        if path.exists() && self.verify_file(&path, document, package).await.is_ok() {
            meter.done += package.bytes;
            return Ok(());
        }
        let part = path.with_extension("part");
        let what = format!("{} {}", document.sitting.sitting_no, package.class_no);
        let found = fetch_part(upstream, &part, package, meter, &what).await?;
        let kit = &self.inner.kit;
        // The signed hash speaks for every byte that came, and each is in it: nothing need be read again.
        let fits = package_of(&part, &package.class_no, document, kit).and_then(|_| {
            let whole = found == package.hash;
            whole.then_some(()).ok_or(PapersError::Hash)
        });
        if let Err(error) = fits {
            // Nothing of it can be used: the next pull begins anew instead of failing for ever.
            std::fs::remove_file(&part)?;
            return Err(error);
        }
        durable_file::put_in_place(&part, &path)?;
        meter.done += package.bytes;
        Ok(())
    }

    async fn verify_file(
        &self,
        path: &Path,
        document: &SittingDocument,
        package: &PackageRef,
    ) -> Result<(), PapersError> {
        let (papers, path) = (self.clone(), path.to_owned());
        let (document, package) = (document.clone(), package.clone());
        let verify = move || {
            let (class_no, hash) = (&package.class_no, &package.hash);
            verify_package(&path, class_no, hash, &document, &papers.inner.kit)
        };
        let joined = tokio::task::spawn_blocking(verify).await;
        joined.map_err(|error| std::io::Error::other(error.to_string()))?
    }

    /// Registers a sitting whose packages are all in place and verified.
    pub(super) fn hold(
        &self,
        document: SittingDocument,
        bytes: Vec<u8>,
    ) -> Result<(), PapersError> {
        let now = self.inner.recorder.exam_now();
        let held = held_papers(document, bytes, now, &self.inner.packages);
        if held
            .packages
            .iter()
            .any(|package| package.state != HeldState::Held)
        {
            return Err(PapersError::Incomplete);
        }
        let recorder = &self.inner.recorder;
        let what = format!("sitting {} v{}", held.key.sitting_no, held.key.version);
        let size = held.document_bytes.len() as u64;
        let event = Event::ObjectHeld {
            what,
            hash: held.document_hash,
            bytes: size,
        };
        let mut change = Change::default().entry(recorder.entry(SYSTEM, None, event));
        for package in &held.document.packages {
            let event = held_event(&held.document, package);
            change = change.entry(recorder.entry(SYSTEM, None, event));
        }
        recorder
            .writer()
            .commit(change.project(sitting_row(&held, now)?))?;
        self.change(|registry| registry.add(held));
        Ok(())
    }

    /// Verifies and keeps a grant; `expected` is what it was offered as. False where it was known.
    pub(super) fn take_grant(
        &self,
        bytes: &[u8],
        expected: Option<&SittingKey>,
    ) -> Result<SittingKey, PapersError> {
        let delegates = self.registry(|registry| registry.delegates());
        let grant = verify_grant(bytes, &delegates, &self.inner.kit, &self.inner.identity)?;
        let key = SittingKey {
            sitting_no: grant.sitting_no.clone(),
            version: grant.version,
        };
        if expected.is_some_and(|expected| *expected != key) {
            return Err(PapersError::Mismatch("sitting"));
        }
        if !self.registry(|registry| registry.has_grant(&key)) {
            let event = Event::ObjectHeld {
                what: format!("grant {} v{}", key.sitting_no, key.version),
                hash: fengjuan_wire::hash(bytes),
                bytes: bytes.len() as u64,
            };
            let row = grant_row(&key, bytes);
            self.inner
                .recorder
                .record_with(SYSTEM, None, event, vec![row])?;
            self.change(|registry| registry.grant(grant));
        }
        Ok(key)
    }
}

fn key(offered: &Offered) -> SittingKey {
    SittingKey {
        sitting_no: offered.sitting_no.clone(),
        version: offered.version,
    }
}

fn held_event(document: &SittingDocument, package: &PackageRef) -> Event {
    let sitting = &document.sitting;
    let what = format!(
        "package {} v{} {}",
        sitting.sitting_no, sitting.version, package.class_no
    );
    Event::ObjectHeld {
        what,
        hash: package.hash,
        bytes: package.bytes,
    }
}

/// The newest offered version of each sitting.
fn newest(offer: &Offer, kind: OfferedKind) -> Vec<&Offered> {
    let mut newest: BTreeMap<&str, &Offered> = BTreeMap::new();
    for offered in offer.objects.iter().filter(|offered| offered.kind == kind) {
        let known = newest.entry(&offered.sitting_no).or_insert(offered);
        if known.version < offered.version {
            *known = offered;
        }
    }
    newest.into_values().collect()
}
