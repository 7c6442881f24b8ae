//! The hub's own upstream, the center: the same calls as any device's, and besides them those of a hub.

use crate::keys::Keyring;
use fengjuan_device::identity::DeviceIdentity;
use fengjuan_device::machine::Machine;
use fengjuan_device::site_kit::SiteKit;
use fengjuan_device::upstream::{
    Authority, HttpsUpstream, Sink, TimeAnswer, TlsError, Upstream, UpstreamError,
};
use fengjuan_wire::Hash32;
use fengjuan_wire::delegation::HubKeys;
use fengjuan_wire::upstream::{
    AttemptEntries, EnrolReply, EnrolRequest, EntriesReply, EntriesRequest, Offer, Orders,
    UploadState,
};
use std::sync::Arc;

/// The center over mutual TLS, asked by a hub.
pub struct ToCenter {
    https: HttpsUpstream,
    keys: HubKeys,
}

impl ToCenter {
    /// No connection is made yet.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn new(
        kit: &SiteKit,
        identity: &DeviceIdentity,
        keys: &Keyring,
        machine: Arc<dyn Machine>,
    ) -> Result<ToCenter, TlsError> {
        Ok(ToCenter {
            https: HttpsUpstream::new(Authority::center(kit), identity, machine)?,
            keys: keys.public(),
        })
    }

    /// The calls that only hubs make.
    pub fn https(&self) -> &HttpsUpstream {
        &self.https
    }
}

impl Upstream for ToCenter {
    fn authority(&self) -> Option<Arc<Authority>> {
        self.https.authority()
    }

    fn hub_keys(&self) -> Option<HubKeys> {
        Some(self.keys.clone())
    }

    async fn enrol(&self, request: &EnrolRequest) -> Result<EnrolReply, UpstreamError> {
        self.https.enrol(request).await
    }

    async fn directory(&self) -> Result<Vec<u8>, UpstreamError> {
        self.https.directory().await
    }

    async fn signed_time(&self) -> Result<TimeAnswer, UpstreamError> {
        self.https.signed_time().await
    }

    async fn offer(&self) -> Result<Offer, UpstreamError> {
        self.https.offer().await
    }

    async fn fetch_range(
        &self,
        hash: &Hash32,
        from: u64,
        to: u64,
        sink: &mut Sink<'_>,
    ) -> Result<(), UpstreamError> {
        self.https.fetch_range(hash, from, to, sink).await
    }

    async fn upload_state(&self, hash: &Hash32) -> Result<UploadState, UpstreamError> {
        self.https.upload_state(hash).await
    }

    async fn upload_part(
        &self,
        hash: &Hash32,
        offset: u64,
        total: u64,
        part: Vec<u8>,
    ) -> Result<UploadState, UpstreamError> {
        self.https.upload_part(hash, offset, total, part).await
    }

    async fn post_entries(&self, request: &EntriesRequest) -> Result<EntriesReply, UpstreamError> {
        self.https.post_entries(request).await
    }

    async fn attempt_entries(
        &self,
        attempt_id: &[u8; 16],
    ) -> Result<AttemptEntries, UpstreamError> {
        self.https.attempt_entries(attempt_id).await
    }

    async fn orders(&self) -> Result<Orders, UpstreamError> {
        self.https.orders().await
    }
}
