//! Asking the upstream to be known to it, and what it answers.

use super::{Inner, NS, SyncError, Uplink};
use crate::upstream::{self, Enrolment, Upstream};
use fengjuan_store::{Projection, StoreError};

pub(super) const ASKED_AS: &[u8] = b"device_name";

impl<U: Upstream> Uplink<U> {
    /// Remembers that somebody wants this device enrolled under a name, and asks soon.
    ///
    /// # Errors
    /// Storage errors.
    pub fn ask_to_enrol(&self, device_name: &str) -> Result<(), StoreError> {
        let name = Projection::put(NS, ASKED_AS, device_name.as_bytes());
        self.inner.recorder.writer().put(vec![name])?;
        self.run().enrolled = false;
        self.nudge();
        Ok(())
    }

    /// The name under which enrolment was asked for, if it was.
    ///
    /// # Errors
    /// Storage errors.
    pub fn asked_as(&self) -> Result<Option<String>, StoreError> {
        let name = self.read(|reader| reader.get(NS, ASKED_AS))?;
        Ok(name.and_then(|name| String::from_utf8(name).ok()))
    }

    pub(super) fn is_enrolled(&self) -> bool {
        self.inner.state.borrow().is_enrolled()
    }

    /// Asks once a run, so that the center sees a cloned key, and until the answer is yes.
    pub(super) async fn enrolled(&self) -> Result<bool, SyncError> {
        if self.run().enrolled {
            return Ok(true);
        }
        let Some(name) = self.asked_as()? else {
            return Ok(false);
        };
        let Inner {
            upstream,
            recorder,
            kit,
            identity,
            ..
        } = &*self.inner;
        let signers: Vec<_> = upstream
            .authority()
            .iter()
            .map(|by| by.certificates)
            .collect();
        let recorded = self
            .read(|reader| upstream::certificate(reader, &signers, &kit.site, identity))?
            .is_some();
        let answer = upstream::enrol(upstream, recorder, kit, identity, &name, recorded).await?;
        let approved = matches!(answer, Enrolment::Approved(_));
        if let (Enrolment::Refused { code }, true) = (&answer, self.is_enrolled()) {
            tracing::error!(code, "the upstream no longer accepts this device");
        }
        // An approval that the center has signed stands on this machine: a running exam is not shown the door.
        self.inner.state.send_modify(|state| {
            if approved || !state.is_enrolled() {
                state.enrolment = Some(answer);
            }
        });
        if approved {
            self.renew_directory().await;
            if let Err(error) = self.inner.upstream.renew().await {
                tracing::warn!(code = error.code(), %error, "what the upstream says of itself is not newer");
            }
        }
        self.run().enrolled = approved;
        Ok(approved)
    }

    /// A newer directory is used from the next start on.
    async fn renew_directory(&self) {
        if let Ok(bytes) = self.inner.upstream.directory().await {
            self.take_directory(&bytes);
        }
    }

    pub(super) fn take_directory(&self, bytes: &[u8]) {
        match self
            .inner
            .kit
            .clone()
            .renew_directory(&self.inner.data_dir, bytes)
        {
            Ok(false) => {}
            Ok(true) => tracing::info!("a newer key directory is used from the next start on"),
            Err(error) => {
                tracing::warn!(code = error.code(), %error, "offered key directory refused")
            }
        }
    }
}
