//! From a terminal's data directory: its own ledger, with the cosignatures and receipts that it was given. A terminal
//! has no roll, so such an archive proves nothing about other devices.

use super::{Window, reports, signed_for, write};
use crate::error::ArchiveError;
use crate::format::{ObjectRecord, Scope, Source};
use crate::thin::Checkpoints;
use crate::write::{Content, Written};
use ciborium::Value;
use fengjuan_envelope::{cbor, cose};
use fengjuan_store::{Database, LedgerIdentity, LedgerInfo, LedgerReader, OwnLedger, Reader};
use fengjuan_wire::directory::{DeviceCertificate, KeyDirectory};
use fengjuan_wire::order::Order;
use fengjuan_wire::sitting::SittingDocument;
use fengjuan_wire::{Hash32, Signed};
use std::fs::{self, File};
use std::path::Path;

pub(super) fn with_ledgers<T>(
    data_dir: &Path,
    action: impl FnOnce(&dyn LedgerReader, &[LedgerInfo]) -> Result<T, ArchiveError>,
) -> Result<T, ArchiveError> {
    let reader = Database::read_only(data_dir)?;
    let device = data_dir.display().to_string();
    let identity = LedgerIdentity {
        device,
        device_key: [0; 32],
        origin: String::new(),
    };
    let own = OwnLedger::new(&reader, identity);
    action(&own, &own.ledgers()?)
}

pub(super) fn export(
    data_dir: &Path,
    out: &File,
    scope: &Scope,
    now_ms: i64,
) -> Result<Written, ArchiveError> {
    let reader = Database::read_only(data_dir)?;
    let directory = fs::read(data_dir.join("kit/directory.cose"))?;
    let signed = signed_documents(&reader, data_dir)?;
    let devices = signed_for(DeviceCertificate::USAGE, signed.clone());
    let certificate = devices
        .first()
        .and_then(|bytes| payload::<DeviceCertificate>(bytes))
        .ok_or_else(|| ArchiveError::NotEnrolled(data_dir.display().to_string()))?;
    let keys: KeyDirectory = payload(&directory)
        .ok_or_else(|| ArchiveError::KeyFile("kit/directory.cose".to_owned()))?;
    let sittings = signed_for(SittingDocument::USAGE, signed.clone());
    let identity = LedgerIdentity {
        device: certificate.device_name.clone(),
        device_key: *certificate.sign.as_bytes(),
        origin: keys.ledger_origin(&reader.head()?.ledger_id),
    };
    let own = OwnLedger::new(&reader, identity);
    let infos = own.ledgers()?;
    let window = Window::of(scope, &sittings, &own, &infos)?;
    let record = |row: fengjuan_store::ObjectRow| ObjectRecord {
        hash: Hash32(row.hash),
        kind: row.kind,
        bytes: row.size,
        device: certificate.sign,
        receipt: row.receipt,
    };
    let content = Content {
        source: Source::Terminal,
        scope: scope.clone(),
        made_ms: now_ms,
        directory,
        devices,
        sittings,
        orders: signed_for(Order::USAGE, signed),
        roll: None,
        objects: reader.objects()?.into_iter().map(record).collect(),
        receipts: None,
        checkpoints: Checkpoints::Few,
        reports: reports(&own, &infos, &window, &data_dir.join("objects"))?,
        forks: Vec::new(),
    };
    write(out, &content, &own, &infos, &window)
}

fn payload<T: serde::de::DeserializeOwned>(signed: &[u8]) -> Option<T> {
    cbor::from_slice(&cose::peek_payload(signed).ok()?.2).ok()
}

/// Every signed document that the terminal holds, wherever it keeps it: in its small state, alone or within a
/// record, or as a file beside the packages.
fn signed_documents(reader: &Reader, data_dir: &Path) -> Result<Vec<Vec<u8>>, ArchiveError> {
    const LARGEST_FILE: u64 = 4 << 20;
    let mut found = Vec::new();
    for value in reader.all_values()? {
        collect(&Value::Bytes(value), &mut found, 0);
    }
    for folder in ["packages", "papers", "orders"] {
        let Ok(files) = fs::read_dir(data_dir.join(folder)) else {
            continue;
        };
        for file in files {
            let file = file?;
            if file
                .metadata()
                .is_ok_and(|data| data.is_file() && data.len() <= LARGEST_FILE)
            {
                collect(&Value::Bytes(fs::read(file.path())?), &mut found, 0);
            }
        }
    }
    Ok(found)
}

fn collect(value: &Value, found: &mut Vec<Vec<u8>>, depth: usize) {
    if depth > 8 {
        return;
    }
    match value {
        Value::Bytes(bytes) => match cose::peek_payload(bytes) {
            Ok(_) => found.push(bytes.clone()),
            Err(_) => {
                if let Ok(inner) = cbor::from_slice::<Value>(bytes)
                    && !matches!(inner, Value::Bytes(_))
                {
                    collect(&inner, found, depth + 1);
                }
            }
        },
        Value::Array(items) => items
            .iter()
            .for_each(|item| collect(item, found, depth + 1)),
        Value::Map(entries) => entries
            .iter()
            .for_each(|(_, item)| collect(item, found, depth + 1)),
        _ => {}
    }
}
