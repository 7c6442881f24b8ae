//! The terminal's side of the leases (围栏): whether it may write an attempt, and under which lease.

use serde::{Deserialize, Serialize};

/// Why a terminal may not write an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fenced {
    #[error("the attempt goes on elsewhere under lease {lease}")]
    Elsewhere { lease: u64 },
    #[error("this terminal holds no lease of the attempt")]
    NoLease,
}

impl Fenced {
    pub fn code(&self) -> &'static str {
        match self {
            Fenced::Elsewhere { .. } => "lease.fenced",
            Fenced::NoLease => "lease.none",
        }
    }
}

/// A terminal's side of one attempt's leases; folded from its own ledger, asked before every entry of the attempt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fence {
    /// The lease under which it writes. 0: none.
    held: u64,
    /// The lease under which another terminal holds the attempt. 0: none known.
    elsewhere: u64,
}

impl Fence {
    /// The candidate identified here: lease 1, until a station says otherwise.
    pub fn identified(&mut self) {
        if self.held == 0 && self.elsewhere == 0 {
            self.held = 1;
        }
    }

    /// The lease for the header of the next entry.
    ///
    /// # Errors
    /// [`Fenced`]: the attempt is read-only here.
    pub fn may_write(&self) -> Result<u64, Fenced> {
        if self.elsewhere > 0 && self.elsewhere >= self.held {
            return Err(Fenced::Elsewhere {
                lease: self.elsewhere,
            });
        }
        if self.held == 0 {
            return Err(Fenced::NoLease);
        }
        Ok(self.held)
    }

    /// Whether a lease given to this terminal is new. One that is not higher than all that it knows is refused: with
    /// the same number somebody else holds the attempt.
    pub fn may_take(&self, lease: u64) -> bool {
        lease > self.held && lease > self.elsewhere
    }

    /// A lease given to this terminal is durable.
    pub fn take(&mut self, lease: u64) {
        if self.may_take(lease) {
            self.held = lease;
        }
    }

    /// Whether a fence says something new. One below the lease that this terminal holds is out of date.
    pub fn may_fence(&self, lease: u64) -> bool {
        lease >= self.held && lease > self.elsewhere
    }

    /// A fence is durable.
    pub fn fence(&mut self, lease: u64) {
        if self.may_fence(lease) {
            self.elsewhere = lease;
        }
    }

    /// The lease under which it last wrote, or 0.
    pub fn held(&self) -> u64 {
        self.held
    }
}
