//! What was issued, version by version, opened with the sitting's results key.

use crate::{CenterError, Home, issue};
use fengjuan_core::item::{AnswerKeys, ItemIndexEntry};
use fengjuan_core::roster::Candidate;
use fengjuan_envelope::hpke::KemSecret;
use fengjuan_envelope::secret::SecretKey;
use fengjuan_wire::Hash32;
use fengjuan_wire::package::{AllPackageKeys, VerifiedPackage};
use fengjuan_wire::sitting::SittingDocument;
use rusqlite::Connection;
use std::collections::BTreeMap;

/// One version of the sitting.
pub(super) struct Book {
    pub document: SittingDocument,
    /// By class group.
    pub packages: BTreeMap<String, OpenPackage>,
}

/// One class group's package with what grading needs.
pub(super) struct OpenPackage {
    pub hash: Hash32,
    pub keys: AllPackageKeys,
    pub index: Vec<ItemIndexEntry>,
    pub answers: AnswerKeys,
    pub roster: Vec<Candidate>,
}

pub(super) struct Books {
    versions: BTreeMap<u32, Book>,
    newest: Book,
}

impl Books {
    pub fn open(
        home: &Home,
        conn: &Connection,
        sitting_no: &str,
        latest: u32,
        results: &KemSecret,
    ) -> Result<Books, CenterError> {
        let mut versions = BTreeMap::new();
        for version in 1..latest {
            versions.insert(
                version,
                Book::open(home, conn, sitting_no, version, results)?,
            );
        }
        Ok(Books {
            versions,
            newest: Book::open(home, conn, sitting_no, latest, results)?,
        })
    }

    pub fn newest(&self) -> &Book {
        &self.newest
    }

    pub fn version(&self, version: u32) -> Option<&Book> {
        if version == self.newest.document.sitting.version {
            Some(&self.newest)
        } else {
            self.versions.get(&version)
        }
    }
}

impl Book {
    fn open(
        home: &Home,
        conn: &Connection,
        sitting_no: &str,
        version: u32,
        results: &KemSecret,
    ) -> Result<Book, CenterError> {
        let document = issue::document(home, conn, sitting_no, version)?;
        let mut packages = BTreeMap::new();
        for reference in &document.packages {
            let package =
                VerifiedPackage::open(&home.object(&reference.hash), &home.directory().issuer)?;
            let keys = package.center_keys(results)?;
            let paper = SecretKey::from_bytes(keys.paper_key);
            let open = OpenPackage {
                hash: reference.hash,
                index: package.index(&paper)?,
                answers: package.answers(&SecretKey::from_bytes(keys.answers_key))?,
                roster: package.roster(&SecretKey::from_bytes(keys.roster_key))?,
                keys,
            };
            packages.insert(reference.class_no.clone(), open);
        }
        Ok(Book { document, packages })
    }

    /// Everybody on the roster with the name of the class group, by seat.
    pub fn people(&self) -> Vec<(Candidate, String)> {
        let mut people = Vec::new();
        for (class_no, package) in &self.packages {
            let name = self
                .document
                .sitting
                .class_group(class_no)
                .map(|class| class.name.clone())
                .unwrap_or_default();
            people.extend(
                package
                    .roster
                    .iter()
                    .map(|candidate| (candidate.clone(), name.clone())),
            );
        }
        people.sort_by_key(|(candidate, _)| (candidate.seat_no, candidate.ticket_no.clone()));
        people
    }
}
