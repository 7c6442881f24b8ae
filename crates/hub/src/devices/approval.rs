//! What two people decide about a device.

use super::{Admission, DeviceRefusal, Devices, Terminal, row};
use crate::room::Room;
use fengjuan_core::room::Device;
use fengjuan_core::room::seating::Use;
use fengjuan_core::room::station::{Action, Actor, RoomError};
use fengjuan_device::recorder::staff;
use fengjuan_wire::Signed;
use fengjuan_wire::directory::DeviceCertificate;
use serde_bytes::ByteBuf;
use std::net::IpAddr;
use std::sync::Arc;

impl Devices {
    /// The fingerprints on both screens are the same: the terminal gets its certificate, and is on the room's list. The
    /// caller has checked who may ask that.
    ///
    /// # Errors
    /// [`DeviceRefusal`]; nothing has changed then.
    pub fn approve(
        &self,
        room: &Room,
        device: &Device,
        spare: bool,
        actor: &Actor,
    ) -> Result<Arc<Terminal>, DeviceRefusal> {
        let asking = self.get(device).ok_or(DeviceRefusal::Unknown)?;
        match asking.admission {
            Admission::Asking => {}
            Admission::Approved => return Err(DeviceRefusal::Approved),
            Admission::Revoked => return Err(DeviceRefusal::Revoked),
        }
        let now = room.now();
        let certificate = DeviceCertificate {
            device_name: asking.name.clone(),
            site: self.site.clone(),
            sign: asking.sign,
            kem: asking.kem,
            approved_ms: now,
            approved_by: people(actor),
        };
        let approved = Terminal {
            admission: Admission::Approved,
            decided_ms: Some(now),
            decided_by: people(actor),
            certificate: Some(ByteBuf::from(certificate.sign(&self.keys.issuer)?)),
            warning: None,
            ..(*asking).clone()
        };
        let list = Action::List {
            device: *device,
            name: approved.name.clone(),
            spare,
        };
        room.act_with(&list, actor, Vec::new(), vec![row(&approved)?])?;
        self.put(approved)
    }

    /// It is not let in, or not any more. A terminal that is on the room's list is put out of use with it, which two
    /// people do.
    ///
    /// # Errors
    /// [`DeviceRefusal`]; nothing has changed then.
    pub fn revoke(
        &self,
        room: &Room,
        device: &Device,
        actor: &Actor,
    ) -> Result<Arc<Terminal>, DeviceRefusal> {
        let known = self.get(device).ok_or(DeviceRefusal::Unknown)?;
        let revoked = Terminal {
            admission: Admission::Revoked,
            decided_ms: Some(room.now()),
            decided_by: people(actor),
            certificate: None,
            ..(*known).clone()
        };
        let projections = vec![row(&revoked)?];
        let purpose = room.read(|station| station.seating().machine(device).map(|one| one.purpose));
        if purpose.is_some_and(|purpose| purpose != Use::OutOfUse) {
            let out = Action::OutOfUse { device: *device };
            room.act_with(&out, actor, Vec::new(), projections)?;
        } else {
            keep(room, actor, projections)?;
        }
        let revoked = self.put(revoked)?;
        room.lines().close(device);
        Ok(revoked)
    }

    /// The terminal speaks from there now, e.g. after another network card was put in.
    ///
    /// # Errors
    /// [`DeviceRefusal`]; nothing has changed then.
    pub fn move_to(
        &self,
        room: &Room,
        device: &Device,
        address: IpAddr,
        actor: &Actor,
    ) -> Result<Arc<Terminal>, DeviceRefusal> {
        let known = self.get(device).ok_or(DeviceRefusal::Unknown)?;
        let moved = Terminal {
            address,
            ..(*known).clone()
        };
        if moved.admission != Admission::Asking {
            let action = Action::MoveAddress {
                device: *device,
                address: address.to_string(),
            };
            room.act_with(&action, actor, Vec::new(), vec![row(&moved)?])?;
        }
        self.known_mut().elsewhere.remove(device);
        room.lines().close(device);
        self.put(moved)
    }

    fn put(&self, terminal: Terminal) -> Result<Arc<Terminal>, DeviceRefusal> {
        let device = terminal.device();
        self.known_mut().put(terminal);
        self.get(&device).ok_or(DeviceRefusal::Unknown)
    }
}

/// A change of the small state alone.
fn keep(
    room: &Room,
    actor: &Actor,
    projections: Vec<fengjuan_store::Projection>,
) -> Result<(), DeviceRefusal> {
    let by = staff(&actor.person.staff_id);
    let nothing = |_: &_, _: &mut dyn FnMut() -> [u8; 16], _| Ok::<_, RoomError>(Vec::new());
    room.decide(&by, projections, nothing)?;
    Ok(())
}

/// Who decided, for the certificate.
fn people(actor: &Actor) -> String {
    let mut people = actor.person.staff_id.clone();
    if let Some(second) = &actor.second {
        people.push('+');
        people.push_str(&second.staff_id);
    }
    people
}
