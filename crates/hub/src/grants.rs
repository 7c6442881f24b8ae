//! Grants (授权) that this hub makes as a delegate of the center: the locked keys of a sitting, wrapped for each of its
//! terminals without knowing the code, so that a code typed at a terminal opens its papers with the hub gone.

use crate::devices::Terminal;
use crate::keys::Keyring;
use fengjuan_core::event::Hash32;
use fengjuan_core::room::Device;
use fengjuan_device::identity::DeviceIdentity;
use fengjuan_device::papers::{HeldPapers, Papers, SittingKey};
use fengjuan_store::{Projection, Reader, StoreError, Writer};
use fengjuan_wire::grant::{self, Grant, sitting_context};
use fengjuan_wire::upstream::{Offered, OfferedKind};
use fengjuan_wire::{Signed, WireError};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

const NS: &str = "grants";

/// One grant as it was signed.
#[derive(Clone, Debug)]
struct Made {
    hash: Hash32,
    bytes: Arc<Vec<u8>>,
}

type Book = BTreeMap<(Device, SittingKey), Made>;

/// The grants of all terminals.
pub struct Grants {
    keys: Arc<Keyring>,
    made: RwLock<Book>,
}

/// Why a grant was not made.
#[derive(Debug, thiserror::Error)]
pub enum GrantError {
    #[error(transparent)]
    Wire(#[from] WireError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl GrantError {
    pub fn code(&self) -> &'static str {
        match self {
            GrantError::Wire(error) => error.code(),
            GrantError::Store(error) => error.code(),
        }
    }
}

impl Grants {
    /// # Errors
    /// Storage errors. A grant that does not verify is left out, and made again.
    pub fn open(reader: &Reader, keys: Arc<Keyring>) -> Result<Grants, StoreError> {
        let issuer = keys.issuer.public();
        let mut made = Book::new();
        for (_, bytes) in reader.scan(NS)? {
            match Grant::verify(&issuer, &bytes) {
                Ok(grant) => drop(put(&mut made, &grant, bytes)),
                Err(error) => tracing::error!(%error, "a grant no longer verifies"),
            }
        }
        Ok(Grants {
            keys,
            made: RwLock::new(made),
        })
    }

    /// Makes what is missing: for every held sitting that names this hub, and each of these devices. How many were
    /// made. Blocks until they are durable.
    ///
    /// # Errors
    /// [`GrantError`]; what was made before it stays.
    pub fn make_missing(
        &self,
        papers: &Papers,
        terminals: &[Arc<Terminal>],
        identity: &DeviceIdentity,
        writer: &Writer,
    ) -> Result<usize, GrantError> {
        let issuer = self.keys.issuer.public();
        let mut made = Vec::new();
        for held in papers.held() {
            let Some(own) = &held.grant else { continue };
            if !held.document.delegates.contains(&issuer) {
                continue;
            }
            let missing = |terminal: &&Arc<Terminal>| !self.has(&terminal.device(), &held.key);
            let missing: Vec<_> = terminals.iter().filter(missing).collect();
            if missing.is_empty() {
                continue;
            }
            let (locked, roster) = (own.locked(&identity.kem)?, own.roster(&identity.kem)?);
            for terminal in missing {
                made.push(self.grant(&held, terminal, &locked, &roster)?);
            }
        }
        if made.is_empty() {
            return Ok(0);
        }
        let rows = made.iter().map(|(grant, bytes)| row(grant, bytes));
        writer.put(rows.collect())?;
        let count = made.len();
        let mut book = self.made.write().unwrap_or_else(PoisonError::into_inner);
        for (grant, bytes) in made {
            put(&mut book, &grant, bytes);
        }
        Ok(count)
    }

    fn grant(
        &self,
        held: &HeldPapers,
        terminal: &Terminal,
        locked: &[u8],
        roster: &grant::RosterKeys,
    ) -> Result<(Grant, Vec<u8>), WireError> {
        let SittingKey {
            sitting_no,
            version,
        } = &held.key;
        let site = &held.document.site;
        let context = sitting_context(site, sitting_no, *version)?;
        let grant = Grant {
            site: site.clone(),
            sitting_no: sitting_no.clone(),
            version: *version,
            device: terminal.sign,
            locked_keys: grant::grant_locked(locked, &terminal.kem, &context)?,
            roster_keys: grant::grant_roster(roster, &terminal.kem, &context)?,
        };
        let bytes = grant.sign(&self.keys.issuer)?;
        Ok((grant, bytes))
    }

    fn has(&self, device: &Device, key: &SittingKey) -> bool {
        let book = self.made.read().unwrap_or_else(PoisonError::into_inner);
        book.contains_key(&(*device, key.clone()))
    }

    /// What is offered to one terminal.
    pub fn offered(&self, device: &Device) -> Vec<Offered> {
        let book = self.made.read().unwrap_or_else(PoisonError::into_inner);
        let theirs = book.iter().filter(|((whose, _), _)| whose == device);
        let offered = theirs.map(|((_, key), made)| Offered {
            kind: OfferedKind::Grant,
            hash: made.hash,
            bytes: made.bytes.len() as u64,
            sitting_no: key.sitting_no.clone(),
            version: key.version,
        });
        offered.collect()
    }

    /// A grant's bytes, for its own terminal alone.
    pub fn bytes(&self, device: &Device, hash: &Hash32) -> Option<Arc<Vec<u8>>> {
        let book = self.made.read().unwrap_or_else(PoisonError::into_inner);
        let found = book
            .iter()
            .find(|((whose, _), made)| whose == device && made.hash == *hash);
        found.map(|(_, made)| made.bytes.clone())
    }
}

fn put(book: &mut Book, grant: &Grant, bytes: Vec<u8>) -> Option<Made> {
    let key = SittingKey {
        sitting_no: grant.sitting_no.clone(),
        version: grant.version,
    };
    let made = Made {
        hash: grant::grant_hash(&bytes),
        bytes: Arc::new(bytes),
    };
    book.insert((Hash32(*grant.device.as_bytes()), key), made)
}

fn row(grant: &Grant, bytes: &[u8]) -> Projection {
    let mut key = grant.device.as_bytes().to_vec();
    key.extend_from_slice(format!("{}/{:010}", grant.sitting_no, grant.version).as_bytes());
    Projection::put(NS, key, bytes)
}
