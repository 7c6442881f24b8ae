use super::PapersError;
use crate::site_kit::SiteKit;
use crate::view::{self, HeldClass, HeldState};
use fengjuan_envelope::secret::SecretKey;
use fengjuan_envelope::sign::PublicKey;
use fengjuan_wire::Hash32;
use fengjuan_wire::grant::{Grant, RosterKeys};
use fengjuan_wire::package::VerifiedPackage;
use fengjuan_wire::sitting::SittingDocument;
use std::path::PathBuf;
use std::sync::Arc;

/// One issued version of a sitting.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SittingKey {
    pub sitting_no: String,
    pub version: u32,
}

/// A verified sitting with all that belongs to it.
#[derive(Clone, Debug)]
pub struct HeldPapers {
    pub key: SittingKey,
    pub document: Arc<SittingDocument>,
    pub document_hash: Hash32,
    /// The signed document as received.
    pub document_bytes: Arc<Vec<u8>>,
    /// This device's grant, where it has one.
    pub grant: Option<Grant>,
    /// In the order of the document.
    pub packages: Vec<HeldPackage>,
    /// A newer version of the same sitting is held.
    pub superseded: bool,
}

/// A package file that was verified whole when it came.
#[derive(Clone, Debug)]
pub struct HeldPackage {
    pub class_no: String,
    pub hash: Hash32,
    pub bytes: u64,
    pub path: PathBuf,
    pub state: HeldState,
    /// Exam time of the verification.
    pub verified_ms: i64,
}

impl HeldPapers {
    pub fn package(&self, class_no: &str) -> Option<&HeldPackage> {
        self.packages
            .iter()
            .find(|package| package.class_no == class_no)
    }

    /// What the desk shows; `candidates` are counted by the caller, who may open the roster.
    pub fn view(&self, candidates: impl Fn(&str) -> u32, selected: bool) -> view::HeldSitting {
        let sitting = &self.document.sitting;
        let class = |package: &HeldPackage| {
            let group = sitting.class_group(&package.class_no);
            HeldClass {
                class_no: package.class_no.clone(),
                name: group.map_or_else(String::new, |group| group.name.clone()),
                subject: group.map_or_else(String::new, |group| group.subject.clone()),
                minutes: group.map_or(0, |group| group.minutes),
                candidates: candidates(&package.class_no),
                bytes: package.bytes,
                state: package.state,
                verified_ms: Some(package.verified_ms),
                short_hash: short_hash(&package.hash),
            }
        };
        view::HeldSitting {
            sitting_no: self.key.sitting_no.clone(),
            version: self.key.version,
            plan_name: sitting.plan.name.clone(),
            room_name: sitting.room_name.clone(),
            start_ms: sitting.start_ms,
            classes: self.packages.iter().map(class).collect(),
            granted: self.grant.is_some(),
            superseded: self.superseded,
            selected,
        }
    }
}

impl HeldPackage {
    /// # Errors
    /// [`PapersError::Signature`], [`PapersError::Truncated`] and the like.
    pub fn open(&self, issuer: &PublicKey) -> Result<VerifiedPackage, PapersError> {
        Ok(VerifiedPackage::open(&self.path, issuer)?)
    }

    /// Reads every byte: signature, place, lengths and hashes.
    ///
    /// # Errors
    /// What does not fit.
    pub fn verify_whole(
        &self,
        document: &SittingDocument,
        kit: &SiteKit,
    ) -> Result<(), PapersError> {
        super::documents::verify_package(&self.path, &self.class_no, &self.hash, document, kit)
    }
}

/// The key of one class group's roster.
pub(super) fn roster_key(keys: &RosterKeys, class_no: &str) -> Result<SecretKey, PapersError> {
    let key = keys.keys.iter().find(|key| key.class_no == class_no);
    Ok(SecretKey::from_bytes(key.ok_or(PapersError::NoGrant)?.key))
}

/// The first 16 hex digits in groups of four.
pub fn short_hash(hash: &Hash32) -> String {
    let hex = hash.hex();
    [&hex[0..4], &hex[4..8], &hex[8..12], &hex[12..16]].join(" ")
}
