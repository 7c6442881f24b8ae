//! Verifying what comes from outside: who signed it, and whether it belongs to this site, sitting and device.

use super::{PapersError, SittingKey};
use crate::identity::DeviceIdentity;
use crate::site_kit::SiteKit;
use fengjuan_envelope::{cose, sign::PublicKey};
use fengjuan_wire::grant::Grant;
use fengjuan_wire::package::VerifiedPackage;
use fengjuan_wire::sitting::SittingDocument;
use fengjuan_wire::{Hash32, SUITE, Signed};
use std::path::Path;

/// A sitting of this site, signed by the issuer.
pub(super) fn verify_sitting(bytes: &[u8], kit: &SiteKit) -> Result<SittingDocument, PapersError> {
    let document = SittingDocument::verify(&kit.directory.issuer, bytes)?;
    if document.suite != SUITE {
        return Err(PapersError::Unsupported(document.suite));
    }
    if document.site != kit.site {
        return Err(PapersError::WrongSite {
            found: document.site,
        });
    }
    let groups = &document.sitting.class_groups;
    let each_has_one = groups.len() == document.packages.len()
        && groups.iter().all(|group| {
            document
                .packages
                .iter()
                .any(|p| p.class_no == group.class_no)
        });
    if !each_has_one {
        return Err(PapersError::Mismatch("class group"));
    }
    Ok(document)
}

/// A hub whose grants a signed sitting accepts, by the key that signs them.
pub(super) struct Delegate {
    pub(super) sitting: SittingKey,
    pub(super) signer: PublicKey,
}

/// A grant for this device, signed by the issuer, or by a hub that this very sitting names.
pub(super) fn verify_grant(
    bytes: &[u8],
    delegates: &[Delegate],
    kit: &SiteKit,
    identity: &DeviceIdentity,
) -> Result<Grant, PapersError> {
    let (_, kid, _) = cose::peek_payload(bytes).map_err(|_| PapersError::Signature)?;
    let issuer = &kit.directory.issuer;
    let signers = delegates.iter().map(|delegate| &delegate.signer);
    let mut by_hub = signers.filter(|signer| signer.key_id() == kid);
    let signer = by_hub.next().unwrap_or(issuer);
    let grant = Grant::verify(signer, bytes)?;
    let names = |delegate: &Delegate| {
        let of = &delegate.sitting;
        delegate.signer == *signer
            && of.sitting_no == grant.sitting_no
            && of.version == grant.version
    };
    if signer != issuer && !delegates.iter().any(names) {
        return Err(PapersError::Signature);
    }
    if grant.site != kit.site {
        return Err(PapersError::WrongSite { found: grant.site });
    }
    if grant.device != identity.public() {
        return Err(PapersError::OtherDevice);
    }
    Ok(grant)
}

/// A package file of this class group of this sitting, whole.
pub(super) fn verify_package(
    path: &Path,
    class_no: &str,
    hash: &Hash32,
    document: &SittingDocument,
    kit: &SiteKit,
) -> Result<(), PapersError> {
    let package = package_of(path, class_no, document, kit)?;
    Ok(package.verify_whole(hash)?)
}

/// A package file whose signed header says that it is of this class group of this sitting. Its messages are not read.
pub(super) fn package_of(
    path: &Path,
    class_no: &str,
    document: &SittingDocument,
    kit: &SiteKit,
) -> Result<VerifiedPackage, PapersError> {
    let package = VerifiedPackage::open(path, &kit.directory.issuer)?;
    let place = &package.header.place;
    if place.site != kit.site {
        return Err(PapersError::WrongSite {
            found: place.site.clone(),
        });
    }
    if place.sitting_no != document.sitting.sitting_no
        || place.plan_no != document.sitting.plan.plan_no
    {
        return Err(PapersError::Mismatch("sitting"));
    }
    if place.version != document.sitting.version {
        return Err(PapersError::Mismatch("version"));
    }
    if place.class_no != class_no {
        return Err(PapersError::Mismatch("class group"));
    }
    Ok(package)
}
