//! What an auditor needs: archives of ledgers, a verifier that trusts nothing but the center's public root, the
//! timeline of one attempt, and a report on retention. Nothing here deletes or changes an entry.
//!
//! The format is described in [`format`]; [`write_archive`] and [`verify`] are its two ends.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod entries;
pub mod export;
mod facts;
pub mod format;
mod index;
pub mod retention;
mod source;
mod tar;
pub mod timeline;
mod verify;
mod write;

pub use format::{ForkRecord, LedgerHead, Manifest, ObjectRecord, Scope, Source};
pub use source::ReadAt;
pub use verify::{
    Finding, LedgerSummary, NotProven, RollSummary, Summary, Verdict, VerifyOptions, Wrong, verify,
};
pub use write::{ArchiveError, Content, Keep, Written, write_archive};
