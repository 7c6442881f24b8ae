use super::{Issued, START_MS, TestCenter};
use crate::upstream::{Authority, Sink, TimeAnswer, Upstream, UpstreamError};
use fengjuan_envelope::note;
use fengjuan_envelope::sign::{PublicKey, SigningKey};
use fengjuan_wire::bundle::Receipt;
use fengjuan_wire::order::Order;
use fengjuan_wire::upstream::*;
use fengjuan_wire::{Hash32, Signed};
use serde_bytes::ByteBuf;
use std::collections::BTreeMap;
use std::sync::Mutex;

/// Most of one object in one answer.
const LONGEST_ANSWER: u64 = 1024 * 1024;

/// An upstream in memory. `cut_after` breaks the line after so many more bytes in either direction; the bytes before
/// that have arrived.
pub(crate) struct FakeUpstream {
    pub center: TestCenter,
    pub state: Mutex<FakeState>,
}

#[derive(Default)]
pub(crate) struct FakeState {
    pub offline: bool,
    /// Speaks as this hub; else as the center.
    pub hub: Option<Authority>,
    /// Its keys, where it signs with its own.
    pub hub_receipt: Option<SigningKey>,
    pub hub_witness: Option<SigningKey>,
    /// Every call is refused with this code.
    pub turned_away: Option<String>,
    pub cut_after: Option<u64>,
    /// Sent instead of what the object really is.
    pub lies: BTreeMap<Hash32, Vec<u8>>,
    pub objects: BTreeMap<Hash32, Vec<u8>>,
    pub offered: Vec<Offered>,
    pub approved: Option<Vec<u8>>,
    pub uploads: BTreeMap<Hash32, Vec<u8>>,
    pub received: Vec<Hash32>,
    /// A receipt by another key, or for another object.
    pub false_receipts: bool,
    pub refuse_uploads: Option<String>,
    pub entries: Vec<Vec<u8>>,
    pub orders: Vec<Vec<u8>>,
    pub unix_ms: i64,
    pub device: Option<PublicKey>,
    pub origin: String,
    pub fork_at: Option<u64>,
    pub calls: u32,
    pub fetched: u64,
}

impl FakeUpstream {
    pub(crate) fn new(center: TestCenter) -> FakeUpstream {
        let state = FakeState {
            unix_ms: START_MS,
            ..Default::default()
        };
        FakeUpstream {
            center,
            state: Mutex::new(state),
        }
    }

    pub(crate) fn offer_all(&self, issued: &Issued) {
        let mut state = self.state.lock().unwrap();
        state.objects.extend(issued.objects.clone());
        state.offered.extend(issued.offered.clone());
    }

    pub(crate) fn order(&self, order: &Order) {
        let bytes = order.sign(&self.center.issuer).unwrap();
        self.state.lock().unwrap().orders.push(bytes);
    }

    fn call(&self) -> Result<std::sync::MutexGuard<'_, FakeState>, UpstreamError> {
        let mut state = self.state.lock().unwrap();
        state.calls += 1;
        if state.offline {
            return Err(UpstreamError::Unreachable {
                detail: "test".to_owned(),
            });
        }
        if let Some(code) = state.turned_away.clone() {
            return Err(UpstreamError::Refused { status: 403, code });
        }
        Ok(state)
    }

    fn upload_answer(
        &self,
        state: &mut FakeState,
        hash: &Hash32,
        total: Option<u64>,
    ) -> UploadState {
        let offset = state.uploads.get(hash).map_or(0, Vec::len) as u64;
        let whole = total == Some(offset) || state.received.contains(hash);
        if whole && !state.received.contains(hash) {
            assert_eq!(
                fengjuan_wire::hash(&state.uploads[hash]),
                *hash,
                "bytes arrived as they were"
            );
            state.received.push(*hash);
        }
        let position = state.received.iter().position(|known| known == hash);
        let receipt = position.map(|position| {
            let object = if state.false_receipts {
                Hash32([9; 32])
            } else {
                *hash
            };
            let receipt = Receipt {
                object,
                bytes: offset,
                received_ms: state.unix_ms,
                position: position as u64,
                receiver: "jining".to_owned(),
            };
            let key = state.hub_receipt.as_ref().unwrap_or(&self.center.receipt);
            ByteBuf::from(receipt.sign(key).unwrap())
        });
        UploadState { offset, receipt }
    }
}

fn cut(state: &mut FakeState, wanted: usize) -> (usize, bool) {
    match state.cut_after.as_mut() {
        Some(left) if (*left as usize) < wanted => {
            let arrived = *left as usize;
            state.cut_after = None;
            (arrived, true)
        }
        Some(left) => {
            *left -= wanted as u64;
            (wanted, false)
        }
        None => (wanted, false),
    }
}

fn broken() -> UpstreamError {
    UpstreamError::Unreachable {
        detail: "cut".to_owned(),
    }
}

impl Upstream for FakeUpstream {
    fn authority(&self) -> Option<std::sync::Arc<Authority>> {
        let state = self.state.lock().unwrap();
        let hub = state.hub.clone();
        let center = || Authority::center(&self.center.kit("https://127.0.0.1:1"));
        Some(std::sync::Arc::new(hub.unwrap_or_else(center)))
    }

    async fn enrol(&self, request: &EnrolRequest) -> Result<EnrolReply, UpstreamError> {
        let state = self.call()?;
        Ok(match &state.approved {
            Some(certificate) => EnrolReply::Approved {
                certificate: certificate.clone(),
            },
            None => EnrolReply::Pending {
                fingerprint: fengjuan_wire::directory::device_fingerprint(
                    &request.sign,
                    &request.kem,
                ),
            },
        })
    }

    async fn directory(&self) -> Result<Vec<u8>, UpstreamError> {
        drop(self.call()?);
        Ok(self.center.directory_bytes())
    }

    async fn signed_time(&self) -> Result<TimeAnswer, UpstreamError> {
        let unix_ms = self.call()?.unix_ms;
        Ok(TimeAnswer {
            unix_ms,
            sent_boot_ms: 10_000,
            received_boot_ms: 10_000,
        })
    }

    async fn offer(&self) -> Result<Offer, UpstreamError> {
        Ok(Offer {
            objects: self.call()?.offered.clone(),
        })
    }

    async fn fetch_range(
        &self,
        hash: &Hash32,
        from: u64,
        to: u64,
        sink: &mut Sink<'_>,
    ) -> Result<(), UpstreamError> {
        let mut state = self.call()?;
        let object = state.lies.get(hash).or(state.objects.get(hash)).cloned();
        let object = object.ok_or(UpstreamError::Refused {
            status: 404,
            code: "upstream.unknown_object".to_owned(),
        })?;
        // As a real one: a long range is answered with its beginning.
        let to = to.min(from + LONGEST_ANSWER);
        let slice = &object[(from as usize).min(object.len())..(to as usize).min(object.len())];
        let (arrived, is_cut) = cut(&mut state, slice.len());
        state.fetched += arrived as u64;
        drop(state);
        for chunk in slice[..arrived].chunks(7_001) {
            sink(chunk).map_err(|error| UpstreamError::storage(&error))?;
        }
        if is_cut { Err(broken()) } else { Ok(()) }
    }

    async fn upload_state(&self, hash: &Hash32) -> Result<UploadState, UpstreamError> {
        let mut state = self.call()?;
        Ok(self.upload_answer(&mut state, hash, None))
    }

    async fn upload_part(
        &self,
        hash: &Hash32,
        offset: u64,
        total: u64,
        part: Vec<u8>,
    ) -> Result<UploadState, UpstreamError> {
        let mut state = self.call()?;
        assert!(
            part.len() <= UPLOAD_PART_BYTES,
            "parts are no longer than agreed"
        );
        if let Some(code) = &state.refuse_uploads {
            return Err(UpstreamError::Refused {
                status: 400,
                code: code.clone(),
            });
        }
        let (arrived, is_cut) = cut(&mut state, part.len());
        let have = state.uploads.entry(*hash).or_default();
        if have.len() as u64 == offset {
            have.extend_from_slice(&part[..arrived]);
        }
        if is_cut {
            return Err(broken());
        }
        Ok(self.upload_answer(&mut state, hash, Some(total)))
    }

    async fn post_entries(&self, request: &EntriesRequest) -> Result<EntriesReply, UpstreamError> {
        let mut state = self.call()?;
        if let Some(at_seq) = state.fork_at {
            return Ok(EntriesReply::Fork {
                at_seq,
                held: Hash32([6; 32]),
            });
        }
        let have = state.entries.len() as u64;
        if request.from_seq > have {
            return Ok(EntriesReply::Gap { have });
        }
        let known = (have - request.from_seq) as usize;
        for entry in request.entries.iter().skip(known) {
            state.entries.push(entry.to_vec());
        }
        let whole = request.from_seq + request.entries.len() as u64 == state.entries.len() as u64;
        let cosigned = request.checkpoint.as_ref().filter(|_| whole).map(|text| {
            let device = state.device.unwrap();
            let verified = note::verify(text, &state.origin, &device, None).unwrap();
            let leaves: Vec<_> = state
                .entries
                .iter()
                .map(|entry| fengjuan_envelope::merkle::leaf_hash(entry))
                .collect();
            assert_eq!(verified.checkpoint.size, leaves.len() as u64);
            assert_eq!(
                verified.checkpoint.root,
                fengjuan_envelope::merkle::root_of(&leaves)
            );
            let hub = state.hub.as_ref().map(|hub| hub.witness_name.clone());
            let name = hub.unwrap_or_else(|| self.center.directory.witness_name());
            let key = state.hub_witness.as_ref().unwrap_or(&self.center.witness);
            note::cosign(text, &name, key, (START_MS / 1000) as u64).unwrap()
        });
        Ok(EntriesReply::Stored {
            size: state.entries.len() as u64,
            cosigned,
        })
    }

    async fn attempt_entries(&self, _: &[u8; 16]) -> Result<AttemptEntries, UpstreamError> {
        drop(self.call()?);
        Ok(AttemptEntries {
            entries: Vec::new(),
        })
    }

    async fn orders(&self) -> Result<Orders, UpstreamError> {
        let orders = self
            .call()?
            .orders
            .iter()
            .cloned()
            .map(ByteBuf::from)
            .collect();
        Ok(Orders { orders })
    }
}
