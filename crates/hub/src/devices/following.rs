//! The terminals as another hub of this site has decided about them, taken over by one that follows it: approved ones
//! get a certificate of this hub too, so that they are let in here from the moment at which it takes over.

use super::{Admission, DeviceRefusal, Devices, Terminal, forgotten, row};
use fengjuan_core::event::Hash32;
use fengjuan_core::room::Device;
use fengjuan_device::recorder::Recorder;
use fengjuan_envelope::sign::PublicKey;
use fengjuan_wire::Signed;
use fengjuan_wire::directory::DeviceCertificate;
use fengjuan_wire::follow::{FollowedStanding, FollowedTerminal};
use serde_bytes::ByteBuf;
use std::collections::BTreeSet;
use std::sync::Arc;

impl Devices {
    /// Every terminal that was ever decided about, by its key.
    pub(crate) fn decided(&self) -> Vec<FollowedTerminal> {
        let known = self.known();
        let decided = known
            .terminals
            .values()
            .filter(|one| one.admission != Admission::Asking);
        let followed = |one: &Arc<Terminal>| FollowedTerminal {
            name: one.name.clone(),
            sign: one.sign,
            kem: one.kem,
            machine: one.machine.clone(),
            address: one.address,
            first_ms: one.first_ms,
            decided_ms: one.decided_ms,
            decided_by: one.decided_by.clone(),
            standing: match one.admission {
                Admission::Approved => FollowedStanding::Approved,
                Admission::Revoked => FollowedStanding::Revoked,
                Admission::Asking | Admission::Refused => FollowedStanding::Refused,
            },
            certificate: one.certificate.clone(),
        };
        decided.map(followed).collect()
    }

    /// Takes over what another hub, whose issuer this is, has decided. Gives the terminals that may not speak any more.
    /// Blocks until it is durable.
    ///
    /// # Errors
    /// [`DeviceRefusal`]; nothing has changed then. A terminal whose certificate is not that hub's is left out.
    pub(crate) fn follow(
        &self,
        list: Vec<FollowedTerminal>,
        issuer: &PublicKey,
        recorder: &Recorder,
    ) -> Result<Vec<Device>, DeviceRefusal> {
        let mut changed = Vec::new();
        let of = |theirs: &FollowedTerminal| Hash32(*theirs.sign.as_bytes());
        let theirs: BTreeSet<Device> = list.iter().map(of).collect();
        // One that was turned away, and of which they say nothing any more, may ask again.
        let mut again: Vec<Device> = Vec::new();
        for one in self.list() {
            if one.admission == Admission::Refused && !theirs.contains(&one.device()) {
                again.push(one.device());
            }
        }
        for theirs in list {
            let known = self.get(&of(&theirs));
            if let Some(now) = self.followed(theirs, issuer, known.as_deref())? {
                changed.push(now);
            }
        }
        if changed.is_empty() && again.is_empty() {
            return Ok(Vec::new());
        }
        let mut rows = changed.iter().map(row).collect::<Result<Vec<_>, _>>()?;
        rows.extend(again.iter().map(forgotten));
        recorder.writer().put(rows)?;
        let mut known = self.known_mut();
        again.iter().for_each(|device| known.forget(device));
        let mut out = Vec::new();
        for terminal in changed {
            if terminal.admission == Admission::Revoked {
                out.push(terminal.device());
            }
            known.put(terminal);
        }
        Ok(out)
    }

    /// The terminal as it is from now on; none where nothing changes.
    fn followed(
        &self,
        theirs: FollowedTerminal,
        issuer: &PublicKey,
        known: Option<&Terminal>,
    ) -> Result<Option<Terminal>, DeviceRefusal> {
        let verified = theirs.certificate.as_ref().map(|bytes| {
            let signed = DeviceCertificate::verify(issuer, bytes).ok();
            signed.filter(|one| {
                (one.sign, one.kem) == (theirs.sign, theirs.kem) && one.site == self.site
            })
        });
        let approved = match verified {
            None => None,
            Some(Some(approved)) => Some(approved),
            Some(None) => {
                tracing::error!(name = theirs.name, "a followed terminal is not vouched for");
                return Ok(None);
            }
        };
        let mut now = Terminal {
            name: theirs.name,
            sign: theirs.sign,
            kem: theirs.kem,
            machine: theirs.machine,
            address: theirs.address,
            admission: match (theirs.standing, &approved) {
                (FollowedStanding::Approved, Some(_)) => Admission::Approved,
                (FollowedStanding::Refused, _) => Admission::Refused,
                // Who is let in has a certificate.
                (FollowedStanding::Approved | FollowedStanding::Revoked, _) => Admission::Revoked,
            },
            first_ms: theirs.first_ms,
            decided_ms: theirs.decided_ms,
            decided_by: theirs.decided_by,
            certificate: known.and_then(|known| known.certificate.clone()),
            warning: None,
        };
        match approved {
            None => now.certificate = None,
            Some(approved) if now.certificate.is_none() => {
                now.certificate = Some(ByteBuf::from(approved.sign(&self.keys.issuer)?));
            }
            Some(_) => {}
        }
        let same = known.is_some_and(|known| {
            let known = Terminal {
                warning: None,
                ..known.clone()
            };
            known == now
        });
        Ok((!same).then_some(now))
    }
}
