//! The courier's folder: what the line carries, as files on a stick. Every file is named by the SHA-256 of its bytes in
//! lower-case hex, and is verified by its reader exactly as if it had come over the line.
//!
//! | folder | from → to | files |
//! | --- | --- | --- |
//! | `down` | center → terminal | sitting documents, packages, grants, orders; [`crate::directory::KeyDirectory`], [`crate::directory::DeviceCertificate`], [`crate::enrolment::DeviceRevocation`], [`crate::delegation::HubDelegation`] |
//! | `up` | terminal → center | [`crate::bundle::SealedObject`]; COSE_Sign1 [`crate::report::EquipmentReport`] and [`crate::enrolment::CarriedRequest`] |
//! | `devices` | hub → center | [`crate::directory::DeviceCertificate`]s that the hub's own issuer has signed |
//! | `entries` | terminal → center | [`crate::upstream::EntriesRequest`]; the last of a run carries the checkpoint |
//! | `receipts` | center → terminal | COSE_Sign1 [`crate::bundle::Receipt`], cosigned checkpoints as text |

/// Name of the folder on a stick.
pub const FOLDER: &str = "fengjuan-courier";
pub const DOWN: &str = "down";
pub const DEVICES: &str = "devices";
pub const UP: &str = "up";
pub const ENTRIES: &str = "entries";
pub const RECEIPTS: &str = "receipts";
