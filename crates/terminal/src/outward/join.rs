//! At which hub a terminal enrols.

use super::{OutwardSide, refused};
use crate::controller::held::{Enrolment, Outward};
use crate::view::Refused;
use crate::view::desk::{HeardHub, JoinView};
use fengjuan_device::discovery::FoundHub;
use fengjuan_device::site_kit::{HubAddress, SiteKit};
use std::sync::atomic::Ordering;

impl OutwardSide {
    /// At which hub this machine enrols, and which it might.
    pub(super) fn join_view(&self) -> JoinView {
        let site = self.uplink.upstream();
        let heard = site.heard_hubs().into_iter().flat_map(|hub| {
            let FoundHub {
                hub_name,
                fingerprint,
                urls,
            } = hub;
            urls.into_iter().map(move |url| {
                let address = HubAddress {
                    url: url.clone(),
                    fingerprint: Some(fingerprint.clone()),
                };
                HeardHub {
                    hub_name: hub_name.clone(),
                    fingerprint: fingerprint.clone(),
                    text: address.to_text(),
                    url,
                }
            })
        });
        JoinView {
            named: site.hubs().first().map(|hub| hub.url.clone()),
            heard: heard.collect(),
            scan: self.scan.view(),
            restarting: self.begins_anew(),
        }
    }

    /// Named for the next start: what was opened for another upstream is not turned around while it runs.
    pub(super) fn join_hub(&self, text: &str) -> Result<(), Refused> {
        self.may_join()?;
        let address = HubAddress::parse(text).map_err(|error| refused(error.code()))?;
        SiteKit::name_hub(&self.data_dir, &address).map_err(|error| refused(error.code()))?;
        tracing::info!(url = address.url, "a hub is named; the program begins anew");
        self.scan.stop();
        self.begins_anew.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Looks for a station's code with this machine's camera.
    pub(super) fn scan_hub(&self) -> Result<(), Refused> {
        self.may_join()?;
        self.scan.start();
        Ok(())
    }

    fn may_join(&self) -> Result<(), Refused> {
        match self.enrolment() {
            Enrolment::Done => Err(refused("join.enrolled")),
            Enrolment::Open(_) => Ok(()),
        }
    }
}
