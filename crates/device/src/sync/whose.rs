//! Whose word counts, and what becomes of what was done when it is another one's.

use super::{Run, Uplink};
use crate::upstream::{Authority, Upstream};
use fengjuan_store::StoreError;
use std::sync::Arc;

impl<U: Upstream> Uplink<U> {
    /// Whose signed answers count: the center's always, and those of the hub that is spoken to.
    pub(super) fn authorities(&self) -> Vec<Arc<Authority>> {
        let center = Arc::new(Authority::center(&self.inner.kit));
        std::iter::once(center).chain(self.hub()).collect()
    }

    pub(super) fn hub(&self) -> Option<Arc<Authority>> {
        let authority = self.inner.upstream.authority();
        authority.filter(|authority| authority.hub.is_some())
    }

    /// Another upstream than before holds nothing yet that this run has sent.
    pub(crate) fn look_whose(&self) -> Result<(), StoreError> {
        let Some(authority) = self.inner.upstream.authority() else {
            return Ok(());
        };
        let before = self.run().of.replace(authority.server);
        if before.is_some_and(|before| before != authority.server) {
            tracing::info!(url = authority.url, "another upstream from now on");
            *self.run() = Run {
                of: Some(authority.server),
                nudged: true,
                ..Run::default()
            };
            self.inner.state.send_modify(|state| {
                state.replicated = 0;
                state.at_hub.clear();
            });
            self.look()?;
        }
        Ok(())
    }
}
