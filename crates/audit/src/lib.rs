//! What an auditor needs: archives of ledgers, a verifier that trusts nothing but the center's public root, the
//! timeline of one attempt, and a report on retention. Nothing here deletes or changes an entry.
//!
//! The format is described in [`format`]; [`write_archive`] and [`verify`] are its two ends.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod entries;
mod error;
pub mod export;
mod facts;
pub mod format;
mod index;
mod receipts;
pub mod retention;
mod sorted;
mod source;
mod tar;
mod thin;
pub mod timeline;
mod verify;
mod write;

pub use error::ArchiveError;
pub use format::{ForkRecord, LedgerHead, Manifest, ObjectRecord, ReceiptList, Scope, Source};
pub use source::ReadAt;
pub use thin::Checkpoints;
pub use verify::{
    Finding, LedgerSummary, NotProven, RollSummary, Summary, Verdict, VerifyOptions, Wrong, verify,
};
pub use write::{Content, Keep, Written, write_archive};
