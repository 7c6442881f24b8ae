use crate::fault::Faults;
use fengjuan_envelope::RandomError;
use fengjuan_envelope::cbor::CborError;
use fengjuan_envelope::hpke::HpkeError;
use fengjuan_envelope::kdf::KdfError;
use fengjuan_serve::Refused;
use fengjuan_store::StoreError;
use fengjuan_wire::WireError;
use std::path::{Path, PathBuf};

/// Why the center did not do what it was asked. Nothing is ever done by halves.
#[derive(Debug, thiserror::Error)]
pub enum CenterError {
    #[error("{} already holds a center", .0.display())]
    AlreadyInitialised(PathBuf),
    #[error("{} holds no center", .0.display())]
    NotInitialised(PathBuf),
    #[error("{what} may hold only letters, digits, '-' and '_', 1 to 40 of them")]
    BadName { what: &'static str },
    #[error("key file {}: {detail}", path.display())]
    KeyFile { path: PathBuf, detail: &'static str },
    #[error("{}: {source}", path.display())]
    Io {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("database: {0}")]
    Database(#[from] rusqlite::Error),
    #[error("the database is of version {found}, this program knows {known}")]
    NewerDatabase { found: u32, known: u32 },
    #[error("{} faults in the imported files", .0.list.len())]
    Faults(Faults),
    #[error("no sitting {0}")]
    UnknownSitting(String),
    #[error("sitting {0} has not been issued")]
    NotIssued(String),
    #[error("no device with fingerprint {0}")]
    UnknownDevice(String),
    #[error("device {0} was revoked")]
    DeviceRevoked(String),
    #[error("device {0} has sent no hub's keys")]
    NotAHub(String),
    #[error("hub {0} has no delegation")]
    NotDelegated(String),
    #[error("the last day of a delegation is no day, past, or too far ahead")]
    BadLastDay,
    #[error("no sitting is planned in room {room_no} of site {site}")]
    UnknownRoom { site: String, room_no: String },
    #[error("device {0} is not approved")]
    DeviceNotApproved(String),
    #[error("the slip may be printed from {from_ms}")]
    TooEarlyToRelease { from_ms: i64 },
    #[error("sitting {0} has a code for each of two persons, and neither half was named")]
    HalfNotNamed(String),
    #[error("sitting {0} has one code, not two halves")]
    OneCodeOnly(String),
    /// Both halves in one hand would make one person of two.
    #[error("the other half went to the same person at {at_ms}")]
    SamePerson { to: String, at_ms: i64 },
    #[error("device {fingerprint} is of site {site}, where the sitting is not")]
    DeviceOfAnotherSite { fingerprint: String, site: String },
    #[error("sitting {0} is over and is no longer offered")]
    SittingOver(String),
    #[error("no candidate with ticket {0} in the sitting")]
    UnknownTicket(String),
    #[error("no class group {0} in the sitting")]
    UnknownClass(String),
    #[error("{0} is missing or empty")]
    Missing(&'static str),
    #[error("{what} is out of range")]
    OutOfRange { what: &'static str },
    #[error("{} is not a folder", .0.display())]
    NotAFolder(PathBuf),
    #[error("{} holds nothing from terminals", .0.display())]
    NothingOnStick(PathBuf),
    #[error("{0} files on the stick were not taken")]
    NotAllTaken(usize),
    /// A step failed, was logged, and is named by its code.
    #[error("the center could not do it: {0}")]
    AtFault(&'static str),
    #[error("damaged at the center: {0}")]
    Damaged(&'static str),
    #[error("TLS: {0}")]
    Tls(String),
    #[error("spreadsheet: {0}")]
    Spreadsheet(String),
    #[error(transparent)]
    Wire(#[from] WireError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Kdf(#[from] KdfError),
    #[error(transparent)]
    Random(#[from] RandomError),
}

impl CenterError {
    /// Stable name that words are looked up by.
    pub fn code(&self) -> &'static str {
        match self {
            CenterError::AlreadyInitialised(_) => "center.already_initialised",
            CenterError::NotInitialised(_) => "center.not_initialised",
            CenterError::BadName { .. } => "center.bad_name",
            CenterError::KeyFile { .. } => "center.key_file",
            CenterError::Io { .. } => "center.io",
            CenterError::Database(_) => "center.database",
            CenterError::NewerDatabase { .. } => "center.newer_database",
            CenterError::Faults(_) => "center.faults",
            CenterError::UnknownSitting(_) => "center.unknown_sitting",
            CenterError::NotIssued(_) => "center.not_issued",
            CenterError::UnknownDevice(_) => "center.unknown_device",
            CenterError::DeviceRevoked(_) => "center.device_revoked",
            CenterError::NotAHub(_) => "center.not_a_hub",
            CenterError::NotDelegated(_) => "center.not_delegated",
            CenterError::BadLastDay => "center.bad_last_day",
            CenterError::UnknownRoom { .. } => "center.unknown_room",
            CenterError::DeviceNotApproved(_) => "center.device_not_approved",
            CenterError::TooEarlyToRelease { .. } => "center.too_early_to_release",
            CenterError::HalfNotNamed(_) => "center.half_not_named",
            CenterError::OneCodeOnly(_) => "center.one_code_only",
            CenterError::SamePerson { .. } => "center.same_person",
            CenterError::DeviceOfAnotherSite { .. } => "center.device_of_another_site",
            CenterError::SittingOver(_) => "center.sitting_over",
            CenterError::UnknownTicket(_) => "center.unknown_ticket",
            CenterError::UnknownClass(_) => "center.unknown_class",
            CenterError::Missing(_) => "center.missing",
            CenterError::OutOfRange { .. } => "center.out_of_range",
            CenterError::NotAFolder(_) => "center.not_a_folder",
            CenterError::NothingOnStick(_) => "center.nothing_on_stick",
            CenterError::NotAllTaken(_) => "center.not_all_taken",
            CenterError::AtFault(code) => code,
            CenterError::Damaged(_) => "center.damaged",
            CenterError::Tls(_) => "center.tls",
            CenterError::Spreadsheet(_) => "center.spreadsheet",
            CenterError::Wire(error) => error.code(),
            CenterError::Store(error) => error.code(),
            CenterError::Kdf(error) => error.code(),
            CenterError::Random(error) => error.code(),
        }
    }

    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> CenterError + '_ {
        move |source| CenterError::Io {
            path: path.to_owned(),
            source,
        }
    }
}

/// What goes wrong at the center is logged there in full; the device learns only that it did.
impl From<CenterError> for Refused {
    fn from(error: CenterError) -> Refused {
        Refused::fault(&error)
    }
}

impl From<CborError> for CenterError {
    fn from(error: CborError) -> CenterError {
        CenterError::Wire(error.into())
    }
}

impl From<HpkeError> for CenterError {
    fn from(error: HpkeError) -> CenterError {
        CenterError::Wire(error.into())
    }
}

impl From<rust_xlsxwriter::XlsxError> for CenterError {
    fn from(error: rust_xlsxwriter::XlsxError) -> CenterError {
        CenterError::Spreadsheet(error.to_string())
    }
}
