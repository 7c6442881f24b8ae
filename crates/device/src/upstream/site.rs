//! The upstream that a site kit names: the center, or one of the room's hubs.
//!
//! A hub may be known by its address alone. Whoever answers there then shows its delegation, which must be the center's
//! word for the very key that was proven; from then on that key is pinned, and the delegation is kept for later starts.

use super::client::shown_delegation;
use super::delegation::{self, Kept};
use super::{
    Authority, DelegationError, HttpsUpstream, Sink, TimeAnswer, TlsError, Upstream, UpstreamError,
};
use crate::discovery::{Finder, FoundHub};
use crate::identity::DeviceIdentity;
use crate::recorder::Recorder;
use crate::site_kit::{HubAddress, HubKit, SiteKit};
use fengjuan_core::plan::ExamMs;
use fengjuan_envelope::sign::PublicKey;
use fengjuan_wire::Hash32;
use fengjuan_wire::delegation::HubDelegation;
use fengjuan_wire::directory::device_fingerprint;
use fengjuan_wire::upstream::{
    AttemptEntries, EnrolReply, EnrolRequest, EntriesReply, EntriesRequest, Offer, Orders,
    UploadState,
};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// What a [`SiteUpstream`] is made of.
pub struct SiteUpstreamParts {
    pub kit: SiteKit,
    pub identity: Arc<DeviceIdentity>,
    pub recorder: Recorder,
    pub data_dir: PathBuf,
}

/// The upstream of a site's machine. Clones share everything.
#[derive(Clone)]
pub struct SiteUpstream {
    inner: Arc<Inner>,
}

struct Inner {
    kit: SiteKit,
    identity: Arc<DeviceIdentity>,
    recorder: Recorder,
    kept: Kept,
    chosen: Mutex<Chosen>,
    /// One search at a time.
    search: tokio::sync::Mutex<()>,
    /// Who is heard on the local network, where somebody listens.
    finder: OnceLock<Finder>,
}

/// Which upstream is spoken to.
#[derive(Default)]
struct Chosen {
    /// Place of the hub among the kit's addresses; 0 for the center.
    at: usize,
    client: Option<Arc<HttpsUpstream>>,
    /// Outlives the client: what was signed stays verified while nobody answers.
    authority: Option<Arc<Authority>>,
    /// Somebody with another key answered at the pinned address.
    doubted: bool,
}

impl SiteUpstream {
    /// No connection is made. A hub whose delegation is held is pinned at once.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn new(parts: SiteUpstreamParts) -> Result<SiteUpstream, TlsError> {
        let SiteUpstreamParts {
            kit,
            identity,
            recorder,
            data_dir,
        } = parts;
        let inner = Inner {
            kept: Kept::new(&data_dir),
            kit,
            identity,
            recorder,
            chosen: Mutex::default(),
            search: tokio::sync::Mutex::default(),
            finder: OnceLock::new(),
        };
        let site = SiteUpstream {
            inner: Arc::new(inner),
        };
        let found = match &site.inner.kit.hub {
            None => Some(site.https(Authority::center(&site.inner.kit))?),
            Some(hub) => match hub
                .addresses
                .first()
                .and_then(|first| site.held(first).ok())
            {
                Some((delegation, url)) => Some(site.https(Authority::hub(delegation, &url))?),
                None => None,
            },
        };
        if let Some(found) = found {
            site.choose(0, Arc::new(found));
        }
        Ok(site)
    }

    /// The kit's hubs, in the order in which they are tried; none in direct mode.
    pub fn hubs(&self) -> &[HubAddress] {
        let hub = self.inner.kit.hub.as_ref();
        hub.map_or(&[], |hub: &HubKit| &hub.addresses)
    }

    /// Where the chosen upstream is.
    pub(crate) fn url(&self) -> Option<String> {
        let chosen = self.chosen();
        chosen.client.as_ref().map(|client| client.url())
    }

    /// Which of [`SiteUpstream::hubs`] is spoken to.
    pub(crate) fn chosen_hub(&self) -> usize {
        self.chosen().at
    }

    /// A trusted client of this hub, found if need be. Nothing is switched.
    ///
    /// # Errors
    /// [`UpstreamError`].
    pub(crate) async fn hub_client(&self, at: usize) -> Result<Arc<HttpsUpstream>, UpstreamError> {
        if self.chosen_hub() == at {
            return self.client().await;
        }
        let address = self.hubs().get(at).ok_or(DelegationError::Missing)?.clone();
        Ok(Arc::new(self.find(&address, false).await?))
    }

    /// A client of this hub, for a hub that speaks to another one. `fresh`: the hub must show its delegation anew.
    ///
    /// # Errors
    /// [`UpstreamError`].
    pub async fn hub_at(&self, at: usize, fresh: bool) -> Result<HttpsUpstream, UpstreamError> {
        let address = self.hubs().get(at).ok_or(DelegationError::Missing)?;
        self.find(address, fresh).await
    }

    /// From now on hubs that are heard on the local network are known, and may stand in where a known one has moved.
    pub fn look_around(&self, finder: Finder) {
        // The first one stays.
        let _ = self.inner.finder.set(finder);
    }

    /// Hubs of this site that are heard on the local network. Nothing of it is trusted.
    pub fn heard_hubs(&self) -> Vec<FoundHub> {
        let finder = self.inner.finder.get();
        finder.map_or_else(Vec::new, Finder::found)
    }

    /// A known hub that is heard under another address and answers there with its own key: a discovered address is only
    /// an address, so what pins the hub pins it there too.
    pub(crate) async fn moved(&self, at: usize) -> Option<Arc<HttpsUpstream>> {
        let address = self.hubs().get(at)?;
        let (delegation, url) = self.held(address).ok()?;
        let meant = device_fingerprint(&delegation.device, &delegation.kem);
        let mut heard = self.heard_hubs().into_iter();
        let heard = heard.find(|hub| hub.fingerprint == meant)?;
        for elsewhere in heard.urls.into_iter().filter(|heard| *heard != url) {
            let authority = Authority::hub(delegation.clone(), &elsewhere);
            let client = self.trusted_https(authority).ok()?;
            match client.delegation().await {
                Ok(_) => {
                    tracing::info!(hub = delegation.hub_name, "a hub has another address");
                    return Some(Arc::new(client));
                }
                Err(error) => tracing::debug!(code = error.code(), "not at a heard address"),
            }
        }
        None
    }

    /// From now on this one is spoken to.
    pub(crate) fn choose(&self, at: usize, client: Arc<HttpsUpstream>) {
        let authority = client.authority();
        *self.chosen() = Chosen {
            at,
            client: Some(client),
            authority,
            doubted: false,
        };
    }

    /// The client of the chosen upstream; a hub is looked for where its delegation is not held, or no longer good.
    async fn client(&self) -> Result<Arc<HttpsUpstream>, UpstreamError> {
        if let Some(client) = self.good() {
            return Ok(client);
        }
        let _one = self.inner.search.lock().await;
        if let Some(client) = self.good() {
            return Ok(client);
        }
        let (at, doubted) = {
            let chosen = self.chosen();
            (chosen.at, chosen.doubted)
        };
        let address = self.hubs().get(at).ok_or(DelegationError::Missing)?.clone();
        let client = Arc::new(self.find(&address, doubted).await?);
        self.choose(at, client.clone());
        Ok(client)
    }

    fn good(&self) -> Option<Arc<HttpsUpstream>> {
        let chosen = self.chosen();
        let client = chosen.client.clone().filter(|_| !chosen.doubted)?;
        let authority = chosen.authority.as_ref()?;
        let now = self.now();
        let in_time = |hub: &HubDelegation| now < hub.not_after_ms;
        authority.hub.as_ref().is_none_or(in_time).then_some(client)
    }

    /// A client of the hub at this address: by what is held, or else by what it shows.
    async fn find(
        &self,
        address: &HubAddress,
        fresh: bool,
    ) -> Result<HttpsUpstream, UpstreamError> {
        if !fresh && let Ok((delegation, url)) = self.held(address) {
            return self.trusted_https(Authority::hub(delegation, &url));
        }
        let shown = shown_delegation(&address.url, &self.inner.identity).await;
        let (bytes, server) = shown.map_err(|error| match error {
            UpstreamError::Refused { .. } => DelegationError::Missing.into(),
            other => other,
        })?;
        let kit = &self.inner.kit;
        let delegation = delegation::trusted_of(kit, address, self.now(), &bytes, server)?;
        tracing::info!(
            hub = delegation.hub_name,
            "a hub is trusted by its delegation"
        );
        self.inner.kept.write(address, &bytes)?;
        self.trusted_https(Authority::hub(delegation, &address.url))
    }

    /// The newest delegation that is held for an address, and still good.
    fn held(&self, address: &HubAddress) -> Result<(HubDelegation, String), DelegationError> {
        let given = self.inner.kit.hub.as_ref();
        let given = given.and_then(|hub| hub.delegation.clone());
        // What the kit brought is for the first of its hubs.
        let first = self.hubs().first() == Some(address);
        let candidates = [self.inner.kept.read(address), given.filter(|_| first)];
        let (kit, now) = (&self.inner.kit, self.now());
        let good = candidates.iter().flatten();
        let good = good.filter_map(|bytes| delegation::trusted(kit, address, now, bytes).ok());
        let newest = good.max_by_key(|delegation| delegation.issued_ms);
        let newest = newest.ok_or(DelegationError::Missing)?;
        Ok((newest, address.url.clone()))
    }

    fn https(&self, authority: Authority) -> Result<HttpsUpstream, TlsError> {
        let machine = self.inner.recorder.machine().clone();
        HttpsUpstream::new(authority, &self.inner.identity, machine)
    }

    fn trusted_https(&self, authority: Authority) -> Result<HttpsUpstream, UpstreamError> {
        let made = self.https(authority);
        made.map_err(|error| UpstreamError::malformed(error.to_string()))
    }

    /// Looks at how a call went: another key at a hub's address may be its new one.
    fn noted<T>(&self, answer: Result<T, UpstreamError>) -> Result<T, UpstreamError> {
        if matches!(answer, Err(UpstreamError::Pin)) {
            self.doubt();
        }
        answer
    }

    /// Whoever answers at the hub's address has another key: it must show its delegation anew.
    pub(crate) fn doubt(&self) {
        self.chosen().doubted = self.inner.kit.hub.is_some();
    }

    fn now(&self) -> ExamMs {
        self.inner.recorder.exam_now()
    }

    fn chosen(&self) -> MutexGuard<'_, Chosen> {
        let chosen = self.inner.chosen.lock();
        chosen.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Upstream for SiteUpstream {
    fn authority(&self) -> Option<Arc<Authority>> {
        self.chosen().authority.clone()
    }

    fn certifiers(&self) -> Vec<PublicKey> {
        let kit = &self.inner.kit;
        let given = kit.hub.as_ref().and_then(|hub| hub.delegation.as_deref());
        let mut certifiers = self.inner.kept.certifiers(kit, given);
        certifiers.extend(self.authority().iter().map(|by| by.certificates));
        certifiers
    }

    /// Takes over a newer delegation of the hub that is spoken to.
    async fn renew(&self) -> Result<(), UpstreamError> {
        let at = self.chosen_hub();
        let Some(address) = self.hubs().get(at).cloned() else {
            return Ok(());
        };
        let client = self.client().await?;
        let bytes = self.noted(client.delegation().await)?;
        let Some(known) = client.authority() else {
            return Ok(());
        };
        let (kit, server) = (&self.inner.kit, Some(known.server));
        let shown = delegation::trusted_of(kit, &address, self.now(), &bytes, server)?;
        let newer = |hub: &HubDelegation| hub.issued_ms < shown.issued_ms;
        if known.hub.as_ref().is_some_and(newer) {
            self.inner.kept.write(&address, &bytes)?;
            let client = self.trusted_https(Authority::hub(shown, &address.url))?;
            self.choose(at, Arc::new(client));
        }
        Ok(())
    }

    async fn enrol(&self, request: &EnrolRequest) -> Result<EnrolReply, UpstreamError> {
        self.noted(self.client().await?.enrol(request).await)
    }

    async fn directory(&self) -> Result<Vec<u8>, UpstreamError> {
        self.noted(self.client().await?.directory().await)
    }

    async fn signed_time(&self) -> Result<TimeAnswer, UpstreamError> {
        self.noted(self.client().await?.signed_time().await)
    }

    async fn offer(&self) -> Result<Offer, UpstreamError> {
        self.noted(self.client().await?.offer().await)
    }

    async fn fetch_range(
        &self,
        hash: &Hash32,
        from: u64,
        to: u64,
        sink: &mut Sink<'_>,
    ) -> Result<(), UpstreamError> {
        let client = self.client().await?;
        self.noted(client.fetch_range(hash, from, to, sink).await)
    }

    async fn upload_state(&self, hash: &Hash32) -> Result<UploadState, UpstreamError> {
        self.noted(self.client().await?.upload_state(hash).await)
    }

    async fn upload_part(
        &self,
        hash: &Hash32,
        offset: u64,
        total: u64,
        part: Vec<u8>,
    ) -> Result<UploadState, UpstreamError> {
        let client = self.client().await?;
        self.noted(client.upload_part(hash, offset, total, part).await)
    }

    async fn post_entries(&self, request: &EntriesRequest) -> Result<EntriesReply, UpstreamError> {
        self.noted(self.client().await?.post_entries(request).await)
    }

    async fn attempt_entries(
        &self,
        attempt_id: &[u8; 16],
    ) -> Result<AttemptEntries, UpstreamError> {
        let client = self.client().await?;
        self.noted(client.attempt_entries(attempt_id).await)
    }

    async fn orders(&self) -> Result<Orders, UpstreamError> {
        self.noted(self.client().await?.orders().await)
    }
}
