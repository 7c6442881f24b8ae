use crate::upstream::UpstreamError;
use fengjuan_store::StoreError;

/// Why a pass did not do everything.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SyncError {
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The receipt is not the receiver's, or is for something else. The object stays "not sent".
    #[error("receipt refused: {detail}")]
    Receipt { detail: String },
    /// The cosignature is not the witness's, or is for something else.
    #[error("cosignature refused: {detail}")]
    Cosignature { detail: String },
    /// An order that the center's issuer did not sign, or for another site.
    #[error("order refused: {detail}")]
    Order { detail: String },
    /// The upstream holds a different entry at a place of this ledger. Recorded; needs people.
    #[error("the ledger has forked at entry {at_seq}")]
    Forked { at_seq: u64 },
    /// The folder cannot be read or written.
    #[error("folder: {detail}")]
    Folder { detail: String },
}

impl SyncError {
    pub fn code(&self) -> &str {
        match self {
            SyncError::Upstream(error) => error.code(),
            SyncError::Store(error) => error.code(),
            SyncError::Receipt { .. } => "sync.receipt",
            SyncError::Cosignature { .. } => "sync.cosignature",
            SyncError::Order { .. } => "sync.order",
            SyncError::Forked { .. } => "sync.forked",
            SyncError::Folder { .. } => "sync.folder",
        }
    }

    /// True where the upstream does not know this device, or no longer.
    pub fn is_not_enrolled(&self) -> bool {
        const CODES: [&str; 4] = [
            "upstream.unknown_device",
            "upstream.device_pending",
            "upstream.device_refused",
            "upstream.device_revoked",
        ];
        matches!(self, SyncError::Upstream(UpstreamError::Refused { code, .. }) if CODES.contains(&code.as_str()))
    }

    /// True where the upstream was not heard.
    pub fn is_link(&self) -> bool {
        matches!(self, SyncError::Upstream(error) if error.is_link())
    }
}

impl From<std::io::Error> for SyncError {
    fn from(error: std::io::Error) -> SyncError {
        SyncError::Folder {
            detail: error.to_string(),
        }
    }
}
