//! The machine's one upstream: the center itself in direct mode, else the room's hub. The calls of the protocol as a
//! trait, so that the state machines above it are tested against one that fails when it is told to.

mod authority;
mod client;
mod delegation;
mod enrolment;
mod error;
mod objects;
mod site;
mod tls;

pub use authority::Authority;
pub use client::HttpsUpstream;
pub use delegation::DelegationError;
pub use enrolment::{Enrolment, certificate, enrol};
pub(crate) use enrolment::{NS as ENROLMENT, keep, request};
pub use error::UpstreamError;
pub use site::{SiteUpstream, SiteUpstreamParts};
#[cfg(test)]
pub(crate) use tls::self_signed;
pub use tls::{TlsError, client_config};

use fengjuan_envelope::sign::PublicKey;
use fengjuan_wire::Hash32;
use fengjuan_wire::delegation::HubKeys;
use fengjuan_wire::upstream::{
    AttemptEntries, EnrolReply, EnrolRequest, EntriesReply, EntriesRequest, Offer, Orders,
    UploadState,
};
use std::sync::Arc;

/// Upstream's signed time with the boot times between which it was read. The nonce and signature were verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeAnswer {
    pub unix_ms: i64,
    pub sent_boot_ms: i64,
    pub received_boot_ms: i64,
}

/// Takes bytes as they arrive.
pub type Sink<'a> = dyn FnMut(&[u8]) -> std::io::Result<()> + Send + 'a;

/// The calls of the upstream protocol (`fengjuan_wire::upstream`). All of them end within a bounded time.
///
/// # Errors
/// Every call: [`UpstreamError`].
pub trait Upstream: Send + Sync + 'static {
    /// Whose answers count as this upstream's; none while a hub is known by its address alone. It may become another
    /// one when another hub takes over.
    fn authority(&self) -> Option<Arc<Authority>>;
    /// Who may have signed the certificate that this machine keeps, beside the center.
    fn certifiers(&self) -> Vec<PublicKey> {
        let authority = self.authority();
        authority
            .iter()
            .map(|authority| authority.certificates)
            .collect()
    }
    /// The further keys of a machine that means to be a hub; they are part of its request to be enrolled.
    fn hub_keys(&self) -> Option<HubKeys> {
        None
    }
    /// Called once in a run, when the upstream has accepted this machine: what it says of itself may be newer.
    fn renew(&self) -> impl Future<Output = Result<(), UpstreamError>> + Send {
        async { Ok(()) }
    }
    fn enrol(
        &self,
        request: &EnrolRequest,
    ) -> impl Future<Output = Result<EnrolReply, UpstreamError>> + Send;
    /// The signed directory's bytes; the caller verifies them under the root.
    fn directory(&self) -> impl Future<Output = Result<Vec<u8>, UpstreamError>> + Send;
    fn signed_time(&self) -> impl Future<Output = Result<TimeAnswer, UpstreamError>> + Send;
    fn offer(&self) -> impl Future<Output = Result<Offer, UpstreamError>> + Send;
    /// The object's bytes from `from` up to (not including) `to`, handed over as they come; never more than asked
    /// for, and fewer only where the object ends or an error is returned.
    fn fetch_range(
        &self,
        hash: &Hash32,
        from: u64,
        to: u64,
        sink: &mut Sink<'_>,
    ) -> impl Future<Output = Result<(), UpstreamError>> + Send;
    fn upload_state(
        &self,
        hash: &Hash32,
    ) -> impl Future<Output = Result<UploadState, UpstreamError>> + Send;
    fn upload_part(
        &self,
        hash: &Hash32,
        offset: u64,
        total: u64,
        part: Vec<u8>,
    ) -> impl Future<Output = Result<UploadState, UpstreamError>> + Send;
    fn post_entries(
        &self,
        request: &EntriesRequest,
    ) -> impl Future<Output = Result<EntriesReply, UpstreamError>> + Send;
    fn attempt_entries(
        &self,
        attempt_id: &[u8; 16],
    ) -> impl Future<Output = Result<AttemptEntries, UpstreamError>> + Send;
    fn orders(&self) -> impl Future<Output = Result<Orders, UpstreamError>> + Send;
}

#[cfg(test)]
mod tests;
