//! Enrolment by stick: the request goes up signed, the center's answer comes down and is verified like one over the line.

use super::{NS, SyncError, Uplink, enrolment};
use crate::durable_file;
use crate::identity::DeviceIdentity;
use crate::papers::{courier_root, objects_in, put_object};
use crate::recorder::SYSTEM;
use crate::site_kit::SiteKit;
use crate::upstream::{self, ENROLMENT, Enrolment, Upstream};
use fengjuan_core::event::Event;
use fengjuan_envelope::cose;
use fengjuan_store::{Projection, Reader, StoreError};
use fengjuan_wire::courier::{DOWN, UP};
use fengjuan_wire::delegation::HubDelegation;
use fengjuan_wire::directory::{DeviceCertificate, KeyDirectory};
use fengjuan_wire::enrolment::{CarriedRequest, DeviceRevocation};
use fengjuan_wire::{Signed, WireError, hash};
use std::io;
use std::path::Path;

/// That the request was written to a stick.
const CARRIED: &[u8] = b"carried";
/// The center's word that this device is out of use, as it was signed.
const REVOKED: &[u8] = b"revoked";
const REVOKED_CODE: &str = "enrol.revoked";
/// What enrolment is answered with is far smaller; whatever is larger is a package.
const LARGEST_ANSWER: u64 = 64 * 1024;

/// Why a stick did not enrol this device. Nothing was changed, and what is on the stick stays there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnrolStickError {
    #[error("the stick holds no answer of the center")]
    Nothing,
    #[error("the stick's certificates are for other devices")]
    OtherDevice,
    #[error("this device was approved for site {0}")]
    OtherSite(String),
    /// Signed by another center, or by nobody who may.
    #[error("the answer is not this center's")]
    NotAuthentic,
    /// Bytes that are not what their name says: cut short or changed.
    #[error("a file on the stick is damaged")]
    Damaged,
    #[error("the center has revoked this device")]
    Revoked,
    #[error("folder: {detail}")]
    Folder { detail: String },
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl EnrolStickError {
    pub fn code(&self) -> &'static str {
        match self {
            EnrolStickError::Nothing => "enrol.stick_nothing",
            EnrolStickError::OtherDevice => "enrol.stick_other_device",
            EnrolStickError::OtherSite(_) => "enrol.stick_other_site",
            EnrolStickError::NotAuthentic => "enrol.stick_not_authentic",
            EnrolStickError::Damaged => "enrol.stick_damaged",
            EnrolStickError::Revoked => REVOKED_CODE,
            EnrolStickError::Folder { .. } => "sync.folder",
            EnrolStickError::Store(error) => error.code(),
        }
    }
}

impl From<io::Error> for EnrolStickError {
    fn from(error: io::Error) -> EnrolStickError {
        EnrolStickError::Folder {
            detail: error.to_string(),
        }
    }
}

/// What a stick says to one device.
#[derive(Default)]
struct Found {
    certificate: Option<(DeviceCertificate, Vec<u8>)>,
    revoked: Option<Vec<u8>>,
    directory: Option<Vec<u8>>,
    /// Why nothing else counts, the gravest last.
    not_taken: Option<EnrolStickError>,
}

impl Found {
    fn not_taken(&mut self, why: EnrolStickError) {
        let weight = |why: &EnrolStickError| match why {
            EnrolStickError::OtherDevice => 0,
            EnrolStickError::NotAuthentic => 1,
            EnrolStickError::Damaged => 2,
            _ => 3,
        };
        if self
            .not_taken
            .as_ref()
            .is_none_or(|known| weight(known) < weight(&why))
        {
            self.not_taken = Some(why);
        }
    }

    fn certificate(&mut self, bytes: Vec<u8>, kit: &SiteKit, identity: &DeviceIdentity) {
        let certificate = match DeviceCertificate::verify(&kit.directory.device_ca, &bytes) {
            Ok(certificate) => certificate,
            Err(_) => return self.not_taken(EnrolStickError::NotAuthentic),
        };
        // A stick serves the whole site.
        if certificate.sign != identity.public() || certificate.kem != identity.kem_public() {
            return self.not_taken(EnrolStickError::OtherDevice);
        }
        if certificate.site != kit.site {
            return self.not_taken(EnrolStickError::OtherSite(certificate.site));
        }
        let newer = self
            .certificate
            .as_ref()
            .is_none_or(|(known, _)| known.approved_ms < certificate.approved_ms);
        if newer {
            self.certificate = Some((certificate, bytes));
        }
    }

    fn read(down: &Path, kit: &SiteKit, identity: &DeviceIdentity) -> io::Result<Found> {
        let mut found = Found::default();
        for one in answers(down)? {
            match one {
                None => found.not_taken(EnrolStickError::Damaged),
                Some((usage, bytes)) => match usage.as_str() {
                    DeviceCertificate::USAGE => found.certificate(bytes, kit, identity),
                    DeviceRevocation::USAGE if is_revoked(&bytes, kit, identity) => {
                        found.revoked = Some(bytes);
                    }
                    KeyDirectory::USAGE => found.directory = Some(bytes),
                    _ => {}
                },
            }
        }
        Ok(found)
    }
}

fn is_revoked(bytes: &[u8], kit: &SiteKit, identity: &DeviceIdentity) -> bool {
    DeviceRevocation::verify(&kit.directory.device_ca, bytes)
        .is_ok_and(|word| word.device == identity.public())
}

/// Usage and bytes of a signed object; `None` where the bytes are not what the file's name says.
type Answer = Option<(String, Vec<u8>)>;

/// The small signed objects in `down` by their usage, not verified.
fn answers(down: &Path) -> io::Result<Vec<Answer>> {
    let files = match objects_in(down) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let mut all = Vec::new();
    for (name, path) in files {
        if std::fs::symlink_metadata(&path)?.len() > LARGEST_ANSWER {
            continue;
        }
        let bytes = durable_file::read_small(&path, LARGEST_ANSWER)?;
        if hash(&bytes) != name {
            all.push(None);
        } else if let Ok((usage, _, _)) = cose::peek_payload(&bytes) {
            all.push(Some((usage, bytes)));
        }
    }
    Ok(all)
}

/// How it stands by what sticks brought and took, without a certificate.
pub(super) fn answered(
    reader: &Reader,
    kit: &SiteKit,
    identity: &DeviceIdentity,
) -> Result<Option<Enrolment>, StoreError> {
    if revocation(reader, kit, identity)? {
        return Ok(Some(refused()));
    }
    Ok(reader.get(NS, CARRIED)?.map(|_| Enrolment::Carried))
}

fn revocation(
    reader: &Reader,
    kit: &SiteKit,
    identity: &DeviceIdentity,
) -> Result<bool, StoreError> {
    let word = reader.get(ENROLMENT, REVOKED)?;
    Ok(word.is_some_and(|bytes| is_revoked(&bytes, kit, identity)))
}

fn refused() -> Enrolment {
    Enrolment::Refused {
        code: REVOKED_CODE.to_owned(),
    }
}

impl<U: Upstream> Uplink<U> {
    /// Writes this device's request to be enrolled into the folder's `up`; where one is on its way already, under the
    /// name of that one. Should the upstream be heard after all, it is asked too. True where the file was new.
    ///
    /// # Errors
    /// [`SyncError::Folder`], storage errors.
    pub fn export_enrolment(&self, folder: &Path, device_name: &str) -> Result<bool, SyncError> {
        let on_its_way = matches!(
            self.inner.state.borrow().enrolment,
            Some(Enrolment::Carried | Enrolment::Pending)
        );
        let asked_as = self.asked_as()?.filter(|_| on_its_way);
        let name = asked_as.unwrap_or_else(|| device_name.to_owned());
        let (kit, identity) = (&self.inner.kit, &self.inner.identity);
        let carried = CarriedRequest {
            certifier: kit.directory.device_ca,
            request: upstream::request(&self.inner.upstream, kit, identity, &name),
        };
        let bytes = carried.sign(&identity.sign).map_err(of_wire)?;
        let up = courier_root(folder).join(UP);
        std::fs::create_dir_all(&up)?;
        let written = put_object(&up, &bytes)?;
        durable_file::sync_dir(&up)?;
        self.inner.recorder.writer().put(vec![
            Projection::put(NS, enrolment::ASKED_AS, name.as_bytes()),
            Projection::put(NS, CARRIED, Vec::new()),
        ])?;
        self.inner.state.send_if_modified(|state| {
            let first = state.enrolment.is_none();
            if first {
                state.enrolment = Some(Enrolment::Carried);
            }
            first
        });
        self.nudge();
        Ok(written > 0)
    }

    /// Takes the center's answer from the folder's `down`. True where this device is enrolled by it and was not before;
    /// what else is on the stick does not matter to one that is.
    ///
    /// # Errors
    /// [`EnrolStickError`]. The word that this device was revoked is kept, so that no older stick enrols it again; an
    /// enrolled one is told so and goes on, as it does where the line says it.
    pub fn import_enrolment(&self, folder: &Path) -> Result<bool, EnrolStickError> {
        let result = self.take_enrolment(&courier_root(folder).join(DOWN));
        if let Err(error) = &result {
            tracing::warn!(code = error.code(), %error, "not enrolled by the stick");
            let cause = error.code().to_owned();
            self.inner
                .recorder
                .record(SYSTEM, Event::PullFailed { cause })?;
        }
        result
    }

    fn take_enrolment(&self, down: &Path) -> Result<bool, EnrolStickError> {
        let (kit, identity) = (&self.inner.kit, &self.inner.identity);
        let found = Found::read(down, kit, identity)?;
        if let Some(directory) = &found.directory {
            self.take_directory(directory);
        }
        if let Some(word) = found.revoked {
            let keep = Projection::put(ENROLMENT, REVOKED, word);
            self.inner.recorder.writer().put(vec![keep])?;
        }
        if self.read(|reader| revocation(reader, kit, identity))? {
            self.inner.state.send_if_modified(|state| {
                !state.is_enrolled() && state.enrolment.replace(refused()) != Some(refused())
            });
            return Err(EnrolStickError::Revoked);
        }
        if self.is_enrolled() {
            return Ok(false);
        }
        let Some((certificate, bytes)) = found.certificate else {
            return Err(found.not_taken.unwrap_or(EnrolStickError::Nothing));
        };
        upstream::keep(&self.inner.recorder, identity, &certificate, bytes)?;
        self.inner.state.send_modify(|state| {
            state.enrolment = Some(Enrolment::Approved(Box::new(certificate)));
        });
        self.nudge();
        Ok(true)
    }
}

/// The delegations in the folder's `down`, not verified.
///
/// # Errors
/// The folder cannot be read.
pub fn carried_delegations(folder: &Path) -> io::Result<Vec<Vec<u8>>> {
    let all = answers(&courier_root(folder).join(DOWN))?.into_iter();
    let delegations = all
        .flatten()
        .filter(|(usage, _)| usage == HubDelegation::USAGE);
    Ok(delegations.map(|(_, bytes)| bytes).collect())
}

fn of_wire(error: WireError) -> SyncError {
    SyncError::Folder {
        detail: error.to_string(),
    }
}
