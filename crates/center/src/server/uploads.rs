//! Sealed objects from the sites: resumable, idempotent, and receipted only when whole, checked and durable.

use super::center::Center;
use super::handlers::hash_of;
use super::refusal::{Cbor, Refused};
use crate::device::Device;
use crate::{CenterError, files};
use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use fengjuan_wire::bundle::{ObjectKind, Receipt, SealedObject};
use fengjuan_wire::upstream::{LARGEST_OBJECT_BYTES, UPLOAD_PART_BYTES, UploadState};
use fengjuan_wire::{Hash32, Signed};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use serde::Deserialize;
use serde_bytes::ByteBuf;
use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path as FilePath;
use std::sync::{Arc, PoisonError};

#[derive(Clone, Copy, Deserialize)]
pub(super) struct Part {
    offset: u64,
    total: u64,
}

pub(super) async fn state(
    State(center): State<Arc<Center>>,
    Extension(device): Extension<Arc<Device>>,
    Path(hash): Path<String>,
) -> Result<Cbor<UploadState>, Refused> {
    let hash = hash_of(&hash)?;
    center
        .off_thread(move |center| {
            Ok(Cbor(
                Upload {
                    center,
                    device: &device,
                    hash,
                }
                .state()?,
            ))
        })
        .await
}

pub(super) async fn put(
    State(center): State<Arc<Center>>,
    Extension(device): Extension<Arc<Device>>,
    Path(hash): Path<String>,
    Query(part): Query<Part>,
    body: Bytes,
) -> Result<Cbor<UploadState>, Refused> {
    let hash = hash_of(&hash)?;
    if part.total == 0 || part.total > LARGEST_OBJECT_BYTES {
        return Err(Refused::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "upload.total",
            "1 byte to 64 MiB",
        ));
    }
    if body.len() > UPLOAD_PART_BYTES {
        return Err(Refused::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "upload.part",
            "256 KiB at most",
        ));
    }
    let end = part.offset.checked_add(body.len() as u64);
    if end.is_none_or(|end| end > part.total) {
        return Err(Refused::bad(
            "upload.beyond_total",
            "the part ends beyond the total",
        ));
    }
    center
        .off_thread(move |center| {
            let lock = center
                .upload_lock(&hash)
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let state = Upload {
                center,
                device: &device,
                hash,
            }
            .put(part, &body);
            drop(lock);
            Ok(Cbor(state?))
        })
        .await
}

struct Upload<'a> {
    center: &'a Center,
    device: &'a Device,
    hash: Hash32,
}

impl Upload<'_> {
    fn state(&self) -> Result<UploadState, Refused> {
        if let Some((bytes, receipt)) = held(&self.center.database(), &self.hash)? {
            return Ok(UploadState {
                offset: bytes,
                receipt: Some(ByteBuf::from(receipt)),
            });
        }
        Ok(UploadState {
            offset: self.durable(),
            receipt: None,
        })
    }

    fn part_path(&self) -> std::path::PathBuf {
        self.center
            .home
            .received_part(&self.hash, &self.device.sign)
    }

    /// Every byte of a part file was synced before it was acknowledged; bytes beyond that, left by a power cut, are
    /// found out by the hash.
    fn durable(&self) -> u64 {
        fs::metadata(self.part_path()).map_or(0, |found| found.len())
    }

    /// A part that does not begin where the durable bytes end changes nothing: the answer says where to go on.
    fn put(&self, part: Part, body: &[u8]) -> Result<UploadState, Refused> {
        let state = self.state()?;
        if state.receipt.is_some() || part.offset != state.offset {
            return Ok(state);
        }
        let path = self.part_path();
        let have = if body.is_empty() {
            state.offset
        } else {
            append(&path, state.offset, body)?
        };
        if have < part.total {
            return Ok(UploadState {
                offset: have,
                receipt: None,
            });
        }
        self.complete(&path, have)
    }

    fn complete(&self, path: &FilePath, length: u64) -> Result<UploadState, Refused> {
        let bytes = fs::read(path).map_err(CenterError::io(path))?;
        let sealed = SealedObject::from_bytes(&bytes);
        let whole = fengjuan_wire::hash(&bytes) == self.hash;
        let (true, Ok(object)) = (whole, sealed) else {
            // What does not make the object is of no use; the next upload starts afresh.
            fs::remove_file(path).map_err(CenterError::io(path))?;
            let code = if whole {
                "upload.not_an_object"
            } else {
                "upload.hash"
            };
            return Err(Refused::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                code,
                "the whole upload was dropped",
            ));
        };
        files::rename_durably(path, &self.center.home.received(&self.hash))?;
        let receipt = self.register(&object, length)?;
        Ok(UploadState {
            offset: length,
            receipt: Some(ByteBuf::from(receipt)),
        })
    }

    fn register(&self, object: &SealedObject, length: u64) -> Result<Vec<u8>, CenterError> {
        let now_ms = crate::now_ms();
        let mut conn = self.center.database();
        let change = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if let Some((_, receipt)) = held(&change, &self.hash)? {
            return Ok(receipt);
        }
        let sql = "SELECT coalesce(max(position), 0) + 1 FROM received";
        let position: i64 = change.query_row(sql, [], |row| row.get(0))?;
        let receipt = Receipt {
            object: self.hash,
            bytes: length,
            received_ms: now_ms,
            position: position as u64,
            receiver: self.center.home.directory().center_id.clone(),
        };
        let receipt = receipt.sign(&self.center.receipt)?;
        change.execute(
            "INSERT INTO received (position, hash, bytes, received_ms, kind, site, sitting_no, version, device, uploader, receipt) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            params![
                position,
                self.hash.0,
                length as i64,
                now_ms,
                kind_name(object.kind),
                object.site,
                object.sitting_no,
                object.version,
                object.device.as_bytes(),
                self.device.sign.as_bytes(),
                receipt
            ],
        )?;
        change.commit()?;
        tracing::info!(
            position,
            kind = kind_name(object.kind),
            bytes = length,
            "object received"
        );
        Ok(receipt)
    }
}

pub(crate) fn kind_name(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::Bundle => "bundle",
        ObjectKind::Picture => "picture",
        ObjectKind::Report => "report",
    }
}

fn held(conn: &Connection, hash: &Hash32) -> Result<Option<(u64, Vec<u8>)>, CenterError> {
    let sql = "SELECT bytes, receipt FROM received WHERE hash = ?1";
    let row = conn.query_row(sql, [hash.0], |row| {
        Ok((row.get::<_, i64>(0)? as u64, row.get(1)?))
    });
    Ok(row.optional()?)
}

/// Appends and syncs; what a failed write left behind is cut off again.
fn append(path: &FilePath, offset: u64, body: &[u8]) -> Result<u64, CenterError> {
    let new = offset == 0;
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(CenterError::io(path))?;
    let written = file
        .seek(SeekFrom::Start(offset))
        .and_then(|_| file.write_all(body))
        .and_then(|()| file.sync_all());
    if let Err(error) = written {
        let _ = file.set_len(offset);
        return Err(CenterError::io(path)(error));
    }
    if new && let Some(folder) = path.parent() {
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(CenterError::io(folder))?;
    }
    Ok(offset + body.len() as u64)
}
