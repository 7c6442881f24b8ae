//! What a hub may do for its terminals: make them known, and bring and read what is theirs. The center lets it by a
//! delegation, for its site and room, and until it expires.

use super::center::Center;
use crate::alert::{self, AlertKind};
use crate::device::{self, Device, DeviceState};
use crate::hub::{self, Standing};
use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use fengjuan_core::event::Event;
use fengjuan_core::plan::ExamMs;
use fengjuan_core::room::alert::Alert;
use fengjuan_envelope::sign::PublicKey;
use fengjuan_serve::{Cbor, Refused, read, signed};
use fengjuan_wire::delegation::HubDelegation;
use fengjuan_wire::entry::Entry;
use fengjuan_wire::upstream::{EntriesRequest, VouchedDevices, VouchedReply};
use rusqlite::{Connection, TransactionBehavior};
use serde_bytes::ByteBuf;
use std::sync::Arc;

const MOST_CERTIFICATES: usize = 500;

const EXPIRED: &str = "hub.delegation_expired";

/// A hub's own delegation.
pub(super) async fn delegation(
    State(center): State<Arc<Center>>,
    Extension(device): Extension<Arc<Device>>,
) -> Result<Response, Refused> {
    center
        .with_database(move |center, conn| {
            delegated(center, conn, &device)?.in_force(center.now_ms())?;
            let newest = hub::signed_delegation(conn, &device.sign)?;
            let (bytes, _) = newest.ok_or_else(|| Refused::forbidden("hub.no_delegation"))?;
            Ok(signed(bytes))
        })
        .await
}

/// Terminals that a hub has approved become known here.
pub(super) async fn devices(
    State(center): State<Arc<Center>>,
    Extension(device): Extension<Arc<Device>>,
    body: Bytes,
) -> Result<Cbor<VouchedReply>, Refused> {
    let request: VouchedDevices = read(&body)?;
    if request.certificates.len().max(request.revoked.len()) > MOST_CERTIFICATES {
        let code = "hub.too_many_devices";
        return Err(Refused::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            code,
            "500 at once",
        ));
    }
    center
        .with_database(move |center, conn| {
            let now_ms = center.now_ms();
            let acting = delegated(center, conn, &device)?;
            acting.in_force(now_ms)?;
            let change = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let certificates = request.certificates.iter();
            let devices = certificates
                .map(|certificate| hub::vouch(&change, &acting.0, certificate, now_ms))
                .collect::<Result<Vec<_>, _>>()?;
            for revoked in &request.revoked {
                hub::take_back(&change, &acting.0, revoked)?;
            }
            change.commit()?;
            let refused = devices.iter().filter(|line| line.refused.is_some()).count();
            tracing::info!(
                hub = device.name,
                devices = devices.len(),
                refused,
                "a hub vouches for devices"
            );
            Ok(Cbor(VouchedReply { devices }))
        })
        .await
}

/// A delegation that stands; whether it has expired is asked for the moment in question.
struct Acting(Box<HubDelegation>);

impl Acting {
    fn in_force(&self, at: ExamMs) -> Result<(), Refused> {
        if at < self.0.not_after_ms {
            Ok(())
        } else {
            Err(Refused::forbidden(EXPIRED))
        }
    }

    /// A sitting that the center does not know is nobody's room.
    fn covers(&self, conn: &Connection, sitting_no: &str) -> Result<(), Refused> {
        match hub::room_of(conn, sitting_no)? {
            Some(room_no) if !self.0.covers_room(&room_no) => {
                Err(Refused::forbidden("hub.other_room"))
            }
            _ => Ok(()),
        }
    }
}

fn delegated(center: &Center, conn: &Connection, device: &Device) -> Result<Acting, Refused> {
    match hub::standing(&center.home, conn, &device.sign)? {
        Standing::Undelegated => Err(Refused::forbidden("hub.no_delegation")),
        Standing::Withdrawn => Err(Refused::forbidden("hub.delegation_revoked")),
        Standing::Delegated(delegation) if delegation.site != device.site => {
            Err(Refused::forbidden("hub.other_site"))
        }
        Standing::Delegated(delegation) => Ok(Acting(delegation)),
    }
}

/// Whose ledger the entries are: the caller's own, or that of a terminal of the caller's, who is a hub. Entries are
/// judged by their own time, so that what a hub had taken in before its delegation expired can still be brought.
pub(super) fn owner(
    center: &Center,
    conn: &Connection,
    caller: &Arc<Device>,
    request: &EntriesRequest,
) -> Result<Arc<Device>, Refused> {
    let Some(named) = request.device.filter(|named| *named != caller.sign) else {
        return Ok(caller.clone());
    };
    let acting = delegated(center, conn, caller)?;
    for bytes in &request.entries {
        let Ok(entry) = Entry::decode(bytes) else {
            continue;
        };
        // An entry that names no time is judged by the time at which it is brought.
        acting.in_force(entry.exam_ms.unwrap_or_else(|| center.now_ms()))?;
        if let Some(sitting_no) = sitting_of(&entry) {
            acting.covers(conn, &sitting_no)?;
        }
    }
    Ok(Arc::new(terminal_of(conn, caller, &named)?))
}

/// A device of the hub's site that it may speak for: one that this hub vouches for, whoever else has approved it.
fn terminal_of(conn: &Connection, hub: &Device, sign: &PublicKey) -> Result<Device, Refused> {
    let unknown = || Refused::forbidden("hub.unknown_device");
    let device = device::find(conn, sign)?.ok_or_else(unknown)?;
    if device.site != hub.site {
        return Err(Refused::forbidden("hub.other_site"));
    }
    match device.state {
        DeviceState::Revoked => Err(Refused::forbidden("upstream.device_revoked")),
        DeviceState::Approved | DeviceState::Vouched
            if hub::is_vouched_by(conn, sign, &hub.sign)? =>
        {
            Ok(device)
        }
        DeviceState::Approved | DeviceState::Vouched | DeviceState::Pending => Err(unknown()),
    }
}

/// Whether a caller may bring an object that another device has sealed. Only hubs are asked: what any other device
/// brings is judged with the results, by who has signed it.
pub(super) fn may_bring(
    center: &Center,
    conn: &Connection,
    caller: &Device,
    sealed_by: &PublicKey,
    sitting_no: &str,
) -> Result<(), Refused> {
    if *sealed_by == caller.sign || hub::keys_of(conn, &caller.sign)?.is_none() {
        return Ok(());
    }
    let acting = delegated(center, conn, caller)?;
    // As an entry by its own time: what was sealed in a sitting comes late where the hub was away, and that sitting's end
    // is the last moment at which it can have been.
    let sealed_by_ms = hub::end_of(conn, sitting_no)?.unwrap_or(ExamMs::MAX);
    acting.in_force(center.now_ms().min(sealed_by_ms))?;
    terminal_of(conn, caller, sealed_by)?;
    acting.covers(conn, sitting_no)
}

/// Whether a hub may read the entries of an attempt in this sitting. Any other device is judged by its grant alone.
pub(super) fn may_read(
    center: &Center,
    conn: &Connection,
    caller: &Device,
    sitting_no: &str,
) -> Result<(), Refused> {
    if hub::keys_of(conn, &caller.sign)?.is_none() {
        return Ok(());
    }
    let acting = delegated(center, conn, caller)?;
    acting.in_force(center.now_ms())?;
    acting.covers(conn, sitting_no)
}

/// A hub sees first where a terminal's disk went back in time: it holds what the terminal lost, and a terminal that it
/// refuses sends the center nothing. What it has written of that is an alert of the terminal here too.
pub(super) fn alerts_told(
    center: &Center,
    conn: &Connection,
    hub: &Device,
    entries: &[ByteBuf],
    now_ms: i64,
) -> Result<(), Refused> {
    // Anybody may write what they like into their own ledger.
    let is_hub = hub::keys_of(conn, &hub.sign)?.is_some();
    if !is_hub || delegated(center, conn, hub).is_err() {
        return Ok(());
    }
    for bytes in entries {
        let Ok(entry) = Entry::decode(bytes) else {
            continue;
        };
        let (kind, named, detail) = match entry.event(None) {
            Ok(Event::AlertRaised { alert, .. }) => match alert {
                Alert::WentBack { device } => (AlertKind::RolledBack, device, String::new()),
                Alert::Fork { device, at_seq } => {
                    (AlertKind::Fork, device, format!("entry {at_seq}, "))
                }
                _ => continue,
            },
            _ => continue,
        };
        let sign = PublicKey::from_bytes(named.0);
        if terminal_of(conn, hub, &sign).is_ok() {
            let detail = format!("{detail}told by {}", hub.name);
            alert::record(conn, &sign, kind, &detail, now_ms)?;
        }
    }
    Ok(())
}

/// The sitting that an entry of an attempt names.
pub(super) fn sitting_of(entry: &Entry<'_>) -> Option<String> {
    let named = [
        "exam.arrived",
        "exam.identified",
        "exam.absent",
        "exam.arrived_not_seated",
        "exam.attempt_started",
    ];
    if entry.sealed || !named.contains(&entry.kind) {
        return None;
    }
    match entry.event(None).ok()? {
        Event::AttemptStarted { sitting_no, .. }
        | Event::Arrived { sitting_no, .. }
        | Event::Identified { sitting_no, .. }
        | Event::Absent { sitting_no, .. }
        | Event::ArrivedNotSeated { sitting_no, .. } => Some(sitting_no),
        _ => None,
    }
}
