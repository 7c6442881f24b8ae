//! What is held, in memory and in the store. In the store: `papers` / `s<sitting>/<version>` is a [`Record`],
//! `g<sitting>/<version>` the grant as received.

use super::PapersError;
use super::documents::{Delegate, verify_grant, verify_sitting};
use super::held::{HeldPackage, HeldPapers, SittingKey};
use crate::identity::DeviceIdentity;
use crate::site_kit::SiteKit;
use crate::view::HeldState;
use fengjuan_envelope::cbor;
use fengjuan_store::{Projection, Reader, StoreError};
use fengjuan_wire::Hash32;
use fengjuan_wire::grant::Grant;
use fengjuan_wire::sitting::SittingDocument;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

pub(super) const NS: &str = "papers";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    #[serde(with = "serde_bytes")]
    document: Vec<u8>,
    verified_ms: i64,
}

#[derive(Default)]
pub(super) struct Registry {
    sittings: BTreeMap<SittingKey, HeldPapers>,
    /// Grants can come before their sitting.
    grants: BTreeMap<SittingKey, Grant>,
}

impl Registry {
    pub(super) fn load(
        reader: &Reader,
        kit: &SiteKit,
        identity: &DeviceIdentity,
        packages: &Path,
    ) -> Result<Registry, StoreError> {
        let mut registry = Registry::default();
        let rows = reader.scan(NS)?;
        for (key, value) in rows.iter().filter(|(key, _)| key.first() == Some(&b's')) {
            let held = cbor::from_slice::<Record>(value)
                .map_err(|_| PapersError::Damaged)
                .and_then(|record| {
                    let document = verify_sitting(&record.document, kit)?;
                    Ok(held_papers(
                        document,
                        record.document,
                        record.verified_ms,
                        packages,
                    ))
                });
            match held {
                Ok(held) => registry.add(held),
                Err(error) => {
                    let key = String::from_utf8_lossy(key);
                    tracing::error!(%key, code = error.code(), "a held sitting no longer verifies");
                }
            }
        }
        for (key, value) in rows.iter().filter(|(key, _)| key.first() == Some(&b'g')) {
            match verify_grant(value, &registry.delegates(), kit, identity) {
                Ok(grant) => registry.grant(grant),
                Err(error) => {
                    let key = String::from_utf8_lossy(key);
                    tracing::error!(%key, code = error.code(), "a held grant no longer verifies");
                }
            }
        }
        Ok(registry)
    }

    pub(super) fn sittings(&self) -> Vec<Arc<HeldPapers>> {
        let mut all: Vec<Arc<HeldPapers>> = self.sittings.values().cloned().map(Arc::new).collect();
        all.sort_by_key(|held| (held.document.sitting.start_ms, held.key.clone()));
        all
    }

    pub(super) fn sitting(&self, key: &SittingKey) -> Option<&HeldPapers> {
        self.sittings.get(key)
    }

    pub(super) fn newest_version(&self, sitting_no: &str) -> Option<u32> {
        let versions = self
            .sittings
            .keys()
            .filter(|key| key.sitting_no == sitting_no);
        versions.map(|key| key.version).max()
    }

    pub(super) fn has_grant(&self, key: &SittingKey) -> bool {
        self.grants.contains_key(key)
    }

    /// Hubs that a held sitting lets make grants, each with that sitting.
    pub(super) fn delegates(&self) -> Vec<Delegate> {
        let of = |held: &HeldPapers| -> Vec<Delegate> {
            let signers = held.document.delegates.iter();
            let named = signers.map(|signer| Delegate {
                sitting: held.key.clone(),
                signer: *signer,
            });
            named.collect()
        };
        self.sittings.values().flat_map(of).collect()
    }

    pub(super) fn add(&mut self, mut held: HeldPapers) {
        held.grant = self.grants.get(&held.key).cloned();
        self.sittings.insert(held.key.clone(), held);
        let newest: BTreeMap<String, u32> = self
            .sittings
            .keys()
            .map(|key| (key.sitting_no.clone(), key.version))
            .collect();
        for (key, held) in &mut self.sittings {
            held.superseded = newest
                .get(&key.sitting_no)
                .is_some_and(|newest| key.version < *newest);
        }
    }

    pub(super) fn grant(&mut self, grant: Grant) {
        let key = SittingKey {
            sitting_no: grant.sitting_no.clone(),
            version: grant.version,
        };
        if let Some(held) = self.sittings.get_mut(&key) {
            held.grant = Some(grant.clone());
        }
        self.grants.insert(key, grant);
    }

    pub(super) fn set_state(&mut self, hash: &Hash32, state: HeldState) {
        let packages = self
            .sittings
            .values_mut()
            .flat_map(|held| held.packages.iter_mut());
        for package in packages.filter(|package| package.hash == *hash) {
            package.state = state;
        }
    }
}

/// A sitting as it is held. A package file that is missing or of another length is damaged at once.
pub(super) fn held_papers(
    document: SittingDocument,
    document_bytes: Vec<u8>,
    verified_ms: i64,
    packages: &Path,
) -> HeldPapers {
    let held = document.packages.iter().map(|package| {
        let path = packages.join(package.hash.hex());
        let there = std::fs::metadata(&path).is_ok_and(|file| file.len() == package.bytes);
        HeldPackage {
            class_no: package.class_no.clone(),
            hash: package.hash,
            bytes: package.bytes,
            path,
            state: if there {
                HeldState::Held
            } else {
                HeldState::Damaged
            },
            verified_ms,
        }
    });
    HeldPapers {
        key: key_of(&document),
        packages: held.collect(),
        document_hash: fengjuan_wire::hash(&document_bytes),
        document: Arc::new(document),
        document_bytes: Arc::new(document_bytes),
        grant: None,
        superseded: false,
    }
}

pub(super) fn key_of(document: &SittingDocument) -> SittingKey {
    SittingKey {
        sitting_no: document.sitting.sitting_no.clone(),
        version: document.sitting.version,
    }
}

/// The store's row of a held sitting.
pub(super) fn sitting_row(held: &HeldPapers, verified_ms: i64) -> Result<Projection, PapersError> {
    let record = Record {
        document: held.document_bytes.to_vec(),
        verified_ms,
    };
    let value = cbor::to_vec(&record).map_err(fengjuan_wire::WireError::from)?;
    Ok(Projection::put(NS, row_key('s', &held.key), value))
}

pub(super) fn grant_row(key: &SittingKey, bytes: &[u8]) -> Projection {
    Projection::put(NS, row_key('g', key), bytes)
}

pub(super) fn row_key(kind: char, key: &SittingKey) -> Vec<u8> {
    format!("{kind}{}/{:010}", key.sitting_no, key.version).into_bytes()
}
