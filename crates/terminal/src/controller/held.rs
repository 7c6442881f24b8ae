//! What the exam day needs of the outward half: the sittings that are held, and the acts that are passed on.

use crate::view::desk::{EquipmentView, PullState};
use crate::view::{LinkState, Refused};
use fengjuan_core::event::Hash32;
use fengjuan_device::papers::HeldPapers;
use fengjuan_device::refusal::refused;
use fengjuan_device::sync::RoomLink;
use std::path::PathBuf;
use std::sync::Arc;

/// Acts of the desk that concern the world outside this room.
#[derive(Clone, Debug)]
pub enum OutwardAct {
    Enrol {
        device_name: String,
    },
    EnrolByStick {
        device_name: String,
        folder: PathBuf,
    },
    /// By the text of its QR code or its bare address.
    JoinHub {
        text: String,
    },
    /// Looks for a station's QR code with the camera.
    ScanHub,
    StopScan,
    Pull,
    CourierImport {
        folder: PathBuf,
    },
    CourierExport {
        folder: PathBuf,
    },
    /// Asked of the equipment check, whose report names who asked.
    CheckEquipment {
        staff_id: Option<String>,
    },
    SaveReport {
        folder: PathBuf,
    },
    SyncNow,
}

/// Where enrolment stands.
#[derive(Clone, Debug, PartialEq)]
pub enum Enrolment {
    Done,
    Open(Box<crate::view::desk::EnrolView>),
}

/// The outward half as the exam day sees it. Every function returns at once; work goes on elsewhere.
pub trait Outward: Send + Sync {
    /// All held sittings, every version.
    fn held(&self) -> Vec<Arc<HeldPapers>>;
    /// Rises when [`Outward::held`] would give something else.
    fn held_revision(&self) -> u64;
    /// A held package could not be read: the next pull or stick is to bring it again.
    fn package_damaged(&self, hash: &Hash32);
    /// Something happened that should be witnessed soon.
    fn nudge(&self);
    /// Signs the ledger's head: origin, size and root as a C2SP checkpoint.
    ///
    /// # Errors
    /// Why it could not be signed, for the log.
    fn checkpoint(&self) -> Result<String, fengjuan_store::StoreError>;
    /// The name under which this device enrols, and its site.
    fn device(&self) -> (String, String);
    fn link(&self) -> LinkState;
    fn enrolment(&self) -> Enrolment;
    fn pull_state(&self) -> PullState;
    fn courier_folders(&self) -> Vec<String>;
    fn exported_to(&self) -> Option<String>;
    fn equipment(&self) -> EquipmentView;
    /// Size and moment of the last cosigned checkpoint.
    fn witnessed(&self) -> (u64, Option<i64>);
    /// The code of an object's last failed upload.
    fn last_failure(&self, object: &Hash32) -> Option<String>;
    /// Another hub was named: the program must begin anew to speak to it.
    fn begins_anew(&self) -> bool {
        false
    }
    /// What the camera sees while it looks for a station's QR code.
    fn scan_picture(&self) -> Option<Vec<u8>> {
        None
    }
    /// The room channel to the hub; none in direct mode.
    fn room(&self) -> Option<RoomLink> {
        None
    }
    /// The entries of an attempt as the upstream holds them, from every ledger. Waits for the answer: not under a lock.
    ///
    /// # Errors
    /// Why they did not come. With `moved.unreachable` they may later; with any other code they never will.
    fn attempt_entries(&self, _: &[u8; 16]) -> Result<Vec<Vec<u8>>, Refused> {
        Err(refused("moved.unreachable"))
    }
    /// Begins an act.
    ///
    /// # Errors
    /// Why it cannot even begin.
    fn act(&self, act: OutwardAct) -> Result<(), Refused>;
    /// Ends what goes on elsewhere.
    fn stop(&self);
}
