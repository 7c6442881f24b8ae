//! What is trusted of an upstream: the keys behind its answers, each for one usage.

use crate::site_kit::SiteKit;
use fengjuan_envelope::sign::PublicKey;
use fengjuan_wire::delegation::HubDelegation;

/// The center by its key directory, or a hub by its delegation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    /// `https://host:port`, without a slash at the end.
    pub url: String,
    /// The only key that its TLS certificate may hold.
    pub server: PublicKey,
    /// Signs time and receipts.
    pub receipt: PublicKey,
    /// Cosigns checkpoints under this name.
    pub witness_name: String,
    pub witness: PublicKey,
    /// Signs device certificates.
    pub certificates: PublicKey,
    /// None: the center itself.
    pub hub: Option<HubDelegation>,
}

impl Authority {
    pub fn center(kit: &SiteKit) -> Authority {
        let directory = &kit.directory;
        Authority {
            url: kit.url.clone(),
            server: directory.tls_server,
            receipt: directory.receipt,
            witness_name: directory.witness_name(),
            witness: directory.witness,
            certificates: directory.device_ca,
            hub: None,
        }
    }

    /// A hub whose delegation was verified.
    pub fn hub(delegation: HubDelegation, url: &str) -> Authority {
        Authority {
            url: url.to_owned(),
            server: delegation.device,
            receipt: delegation.receipt,
            witness_name: delegation.witness_name(),
            witness: delegation.witness,
            certificates: delegation.issuer,
            hub: Some(delegation),
        }
    }
}
