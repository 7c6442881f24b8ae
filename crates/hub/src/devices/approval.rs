//! What two people decide about a device.

use super::{Admission, DeviceRefusal, Devices, Terminal, forgotten, row};
use crate::room::Room;
use fengjuan_core::room::Device;
use fengjuan_core::room::station::{Action, Actor};
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
            Admission::Refused => return Err(DeviceRefusal::Refused),
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

    /// A terminal that asks is turned away. [`Devices::let_ask_again`] takes that back.
    ///
    /// # Errors
    /// [`DeviceRefusal`]; nothing has changed then.
    pub fn refuse(
        &self,
        room: &Room,
        device: &Device,
        actor: &Actor,
    ) -> Result<Arc<Terminal>, DeviceRefusal> {
        let asking = self.get(device).ok_or(DeviceRefusal::Unknown)?;
        match asking.admission {
            Admission::Asking => {}
            Admission::Approved => return Err(DeviceRefusal::Approved),
            Admission::Refused => return Err(DeviceRefusal::Refused),
            Admission::Revoked => return Err(DeviceRefusal::Revoked),
        }
        let refused = Terminal {
            admission: Admission::Refused,
            decided_ms: Some(room.now()),
            decided_by: people(actor),
            ..(*asking).clone()
        };
        let action = Action::Refuse {
            device: *device,
            name: refused.name.clone(),
        };
        room.act_with(&action, actor, Vec::new(), vec![row(&refused)?])?;
        self.put(refused)
    }

    /// A terminal that was turned away may ask again, as if it had never asked.
    ///
    /// # Errors
    /// [`DeviceRefusal`]; nothing has changed then.
    pub fn let_ask_again(
        &self,
        room: &Room,
        device: &Device,
        actor: &Actor,
    ) -> Result<(), DeviceRefusal> {
        let refused = self.get(device).ok_or(DeviceRefusal::Unknown)?;
        if refused.admission != Admission::Refused {
            return Err(DeviceRefusal::NotRefused);
        }
        let action = Action::LetAskAgain {
            device: *device,
            name: refused.name.clone(),
        };
        room.act_with(&action, actor, Vec::new(), vec![forgotten(device)])?;
        self.known_mut().forget(device);
        Ok(())
    }

    /// Everybody who asks is forgotten. Who is still there asks again by itself.
    ///
    /// # Errors
    /// [`DeviceRefusal`]; nothing has changed then.
    pub fn forget_asking(&self, room: &Room, actor: &Actor) -> Result<(), DeviceRefusal> {
        let asking = self.list().into_iter();
        let asking = asking.filter(|one| one.admission == Admission::Asking);
        let asking: Vec<Device> = asking.map(|one| one.device()).collect();
        let action = Action::ForgetAsking {
            machines: u32::try_from(asking.len()).unwrap_or(u32::MAX),
        };
        room.act(&action, actor)?;
        let mut known = self.known_mut();
        for device in asking {
            // One that was approved or turned away meanwhile stays.
            let asks = |one: &Arc<Terminal>| one.admission == Admission::Asking;
            if known.terminals.get(&device).is_some_and(asks) {
                known.forget(&device);
            }
        }
        Ok(())
    }

    /// An approved terminal is not let in any more, which two people decide: it is out of use with that, and its keys stay
    /// refused. The certificate is kept, for what it has sealed.
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
        match known.admission {
            Admission::Approved => {}
            Admission::Asking | Admission::Refused => return Err(DeviceRefusal::NotApproved),
            Admission::Revoked => return Err(DeviceRefusal::Revoked),
        }
        let revoked = Terminal {
            admission: Admission::Revoked,
            decided_ms: Some(room.now()),
            decided_by: people(actor),
            ..(*known).clone()
        };
        let action = Action::Revoke { device: *device };
        room.act_with(&action, actor, Vec::new(), vec![row(&revoked)?])?;
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

/// Who decided, for the certificate.
fn people(actor: &Actor) -> String {
    let mut people = actor.person.staff_id.clone();
    if let Some(second) = &actor.second {
        people.push('+');
        people.push_str(&second.staff_id);
    }
    people
}
