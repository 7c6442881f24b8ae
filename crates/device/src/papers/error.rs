use crate::upstream::UpstreamError;
use fengjuan_envelope::RandomError;
use fengjuan_store::StoreError;
use fengjuan_wire::WireError;

/// Why papers are not held. What was held before stays held.
#[derive(Debug, thiserror::Error)]
pub enum PapersError {
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Random(#[from] RandomError),
    #[error("file: {0}")]
    Io(#[from] std::io::Error),
    /// The disk has no room for what the center offers.
    #[error("{needed} bytes are needed, {free} are free")]
    DiskFull { needed: u64, free: u64 },
    /// For another exam site.
    #[error("for site {found}")]
    WrongSite { found: String },
    /// Not signed by the center's issuer.
    #[error("signature does not verify")]
    Signature,
    /// The bytes are not those that the hash names.
    #[error("hash does not fit")]
    Hash,
    /// Shorter than it must be.
    #[error("truncated")]
    Truncated,
    /// Belongs to another sitting, class group or version than the one that names it.
    #[error("belongs to another {0}")]
    Mismatch(&'static str),
    /// Lower than the version that is held.
    #[error("version {found} is older than the held {held}")]
    OlderVersion { found: u32, held: u32 },
    /// A grant for another device.
    #[error("the grant is for another device")]
    OtherDevice,
    /// This device has no grant for the sitting.
    #[error("no grant for this device")]
    NoGrant,
    /// A sitting without all of its packages.
    #[error("not everything that belongs to the sitting is there")]
    Incomplete,
    /// A held package is no longer what was verified.
    #[error("a held package is damaged")]
    Damaged,
    /// Not a format or suite that this program knows.
    #[error("unsupported format {0}")]
    Unsupported(String),
    /// Not a message of this system at all.
    #[error("not readable: {0}")]
    Wire(WireError),
    /// The folder holds nothing for this terminal.
    #[error("nothing for this terminal in the folder")]
    NothingFound,
    /// Another pull or import is running.
    #[error("a pull is running already")]
    Busy,
}

impl PapersError {
    /// Stable name that the screens map to words.
    pub fn code(&self) -> &str {
        match self {
            PapersError::Upstream(error) => error.code(),
            PapersError::Store(error) => error.code(),
            PapersError::Random(error) => error.code(),
            PapersError::Io(_) => "papers.io",
            PapersError::DiskFull { .. } => "papers.disk_full",
            PapersError::WrongSite { .. } => "papers.wrong_site",
            PapersError::Signature => "papers.signature",
            PapersError::Hash => "papers.hash",
            PapersError::Truncated => "papers.truncated",
            PapersError::Mismatch(_) => "papers.mismatch",
            PapersError::OlderVersion { .. } => "papers.older_version",
            PapersError::OtherDevice => "papers.other_device",
            PapersError::NoGrant => "papers.no_grant",
            PapersError::Incomplete => "papers.incomplete",
            PapersError::Damaged => "papers.damaged",
            PapersError::Unsupported(_) => "papers.unsupported",
            PapersError::Wire(_) => "papers.unreadable",
            PapersError::NothingFound => "papers.nothing_found",
            PapersError::Busy => "papers.busy",
        }
    }
}

impl From<WireError> for PapersError {
    fn from(error: WireError) -> PapersError {
        match error {
            WireError::Signature(_) => PapersError::Signature,
            WireError::Damaged("package too short" | "package truncated" | "package length") => {
                PapersError::Truncated
            }
            WireError::Damaged("package hash" | "message hash") => PapersError::Hash,
            WireError::Unsupported(what) => PapersError::Unsupported(what),
            WireError::Mismatch(what) => PapersError::Mismatch(what),
            WireError::Io(error) => PapersError::Io(error),
            WireError::Random(error) => PapersError::Random(error),
            other => PapersError::Wire(other),
        }
    }
}
