//! Objects from the sites: resumable, idempotent, and receipted only when whole, checked and durable.

use super::center::Center;
use super::handlers::hash_of;
use super::refusal::{Cbor, Refused};
use crate::device::Device;
use crate::received::{self, Arrived, Outside};
use crate::{CenterError, files};
use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use fengjuan_wire::Hash32;
use fengjuan_wire::upstream::{LARGEST_OBJECT_BYTES, UPLOAD_PART_BYTES, UploadState};
use serde::Deserialize;
use serde_bytes::ByteBuf;
use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path as FilePath;
use std::sync::{Arc, PoisonError};

/// A terminal sends one object after the other; a broken one must not fill the disk with beginnings.
const MOST_OPEN_PARTS: usize = 64;

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
        if let Some((bytes, receipt)) = received::held(&self.center.database(), &self.hash)? {
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

    /// Uploads that this device has begun and not finished.
    fn open_parts(&self) -> Result<usize, CenterError> {
        let path = self.part_path();
        let (Some(folder), Some(device)) = (path.parent(), path.extension()) else {
            return Ok(0);
        };
        let files = fs::read_dir(folder).map_err(CenterError::io(folder))?;
        let of_device = |name: std::io::Result<fs::DirEntry>| {
            name.is_ok_and(|file| FilePath::new(&file.file_name()).extension() == Some(device))
        };
        Ok(files
            .filter_map(|file| of_device(file).then_some(()))
            .count())
    }

    /// A part that does not begin where the durable bytes end changes nothing: the answer says where to go on.
    fn put(&self, part: Part, body: &[u8]) -> Result<UploadState, Refused> {
        let state = self.state()?;
        if state.receipt.is_some() || part.offset != state.offset {
            return Ok(state);
        }
        let path = self.part_path();
        if state.offset == 0 && self.open_parts()? >= MOST_OPEN_PARTS {
            return Err(Refused::new(
                StatusCode::TOO_MANY_REQUESTS,
                "upload.too_many_open",
                "finish the uploads that are begun",
            ));
        }
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
        let outside = Outside::read(&bytes);
        let whole = fengjuan_wire::hash(&bytes) == self.hash;
        let (true, Some(object)) = (whole, outside) else {
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
        let arrived = Arrived {
            hash: &self.hash,
            bytes: length,
            object: &object,
            uploader: &self.device.sign,
        };
        let Center { home, receipt, .. } = self.center;
        let receipt = received::register(home, &mut self.center.database(), receipt, &arrived)?;
        Ok(UploadState {
            offset: length,
            receipt: Some(ByteBuf::from(receipt)),
        })
    }
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
