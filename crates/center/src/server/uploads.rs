//! Objects from the sites: resumable, idempotent, and receipted only when whole, checked and durable.

use super::center::Center;
use super::hubs;
use crate::device::Device;
use crate::files;
use crate::received::{self, Arrived, Outside};
use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use fengjuan_serve::parts::{Part, PartFile, Progress};
use fengjuan_serve::{Cbor, Refused, hash_of};
use fengjuan_wire::Hash32;
use fengjuan_wire::upstream::UploadState;
use serde_bytes::ByteBuf;
use std::sync::{Arc, PoisonError};

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
    part.check(body.len())?;
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
    /// An object that was received before.
    fn held(&self) -> Result<Option<UploadState>, Refused> {
        let held = received::held(&self.center.database(), &self.hash)?;
        Ok(held.map(|(offset, receipt)| UploadState {
            offset,
            receipt: Some(ByteBuf::from(receipt)),
        }))
    }

    fn state(&self) -> Result<UploadState, Refused> {
        if let Some(state) = self.held()? {
            return Ok(state);
        }
        Ok(UploadState {
            offset: self.part().durable(),
            receipt: None,
        })
    }

    fn part(&self) -> PartFile {
        let Upload {
            center,
            device,
            hash,
        } = self;
        PartFile::at(center.home.received_part(hash, &device.sign))
    }

    fn put(&self, part: Part, body: &[u8]) -> Result<UploadState, Refused> {
        if let Some(state) = self.held()? {
            return Ok(state);
        }
        let file = self.part();
        match file.take(&self.hash, part, body)? {
            Progress::Part(offset) => Ok(UploadState {
                offset,
                receipt: None,
            }),
            Progress::Whole(bytes) => self.complete(&file, &bytes),
        }
    }

    fn complete(&self, file: &PartFile, bytes: &[u8]) -> Result<UploadState, Refused> {
        let Some(object) = Outside::read(bytes) else {
            return Err(file.dropped("upload.not_an_object"));
        };
        let allowed = hubs::may_bring(
            self.center,
            &self.center.database(),
            self.device,
            &object.device,
            &object.sitting_no,
        );
        if let Err(refused) = allowed {
            file.remove()?;
            return Err(refused);
        }
        let length = bytes.len() as u64;
        files::rename_durably(file.path(), &self.center.home.received(&self.hash))?;
        let arrived = Arrived {
            hash: &self.hash,
            bytes: length,
            object: &object,
            uploader: &self.device.sign,
            now_ms: self.center.now_ms(),
        };
        let Center { home, receipt, .. } = self.center;
        let receipt = received::register(home, &mut self.center.database(), receipt, &arrived)?;
        Ok(UploadState {
            offset: length,
            receipt: Some(ByteBuf::from(receipt)),
        })
    }
}
