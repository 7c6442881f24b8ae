//! Everything that is signed by the center: keys, devices, sittings, orders, receipts, and the witness's roll.

use super::finding::{Detail, Finding, Refusal, Wrong};
use super::hubs::{Hubs, is_delegation};
use super::layout::{self, Layout};
use crate::format::{ForkRecord, LedgerHead, hex};
use fengjuan_envelope::cbor;
use fengjuan_envelope::sign::PublicKey;
use fengjuan_wire::directory::{DeviceCertificate, KeyDirectory};
use fengjuan_wire::order::Order;
use fengjuan_wire::sitting::SittingDocument;
use fengjuan_wire::upstream::Roll;
use fengjuan_wire::{Hash32, SUITE, Signed};
use std::collections::{HashMap, HashSet};

pub(crate) struct Documents {
    pub(crate) directory: KeyDirectory,
    pub(crate) devices: HashMap<PublicKey, DeviceCertificate>,
    pub(crate) hubs: Hubs,
    pub(crate) sittings: Vec<SittingDocument>,
    /// Hashes of the signed orders.
    pub(crate) orders: HashSet<Hash32>,
    /// The first of them; any is red.
    pub(crate) fork: Option<ForkRecord>,
    pub(crate) roll: Option<Roll>,
}

pub(crate) fn read(layout: &Layout<'_>, root: &PublicKey) -> Result<Documents, Refusal> {
    let invalid = |wrong: Wrong, section: &str, error: &dyn std::fmt::Display| {
        Finding::new(wrong).section(section).found(error)
    };
    let (source, name) = (layout.source, &layout.directory.name);
    let bytes = layout::small(source, &layout.directory)?;
    let directory = KeyDirectory::verify(root, &bytes)
        .map_err(|error| invalid(Wrong::DirectoryInvalid, name, &error))?;
    if layout.manifest.center_id != directory.center_id {
        let refusal = Finding::new(Wrong::ManifestMismatch).section(name);
        return Err(refusal.differs(&directory.center_id, &layout.manifest.center_id));
    }
    let mut hubs = Hubs::read(layout, &directory)?;
    let mut devices = HashMap::new();
    layout::each_record(source, &layout.devices, |bytes| {
        let section = &layout.devices.name;
        if is_delegation(bytes) {
            return Ok(());
        }
        let certificate = match DeviceCertificate::verify(&directory.device_ca, bytes) {
            Ok(certificate) => certificate,
            Err(error) => hubs.certificate(section, bytes).map_err(|mut refusal| {
                if refusal.wrong == Wrong::CertificateInvalid {
                    refusal.found = error.to_string();
                }
                refusal
            })?,
        };
        let key = certificate.sign;
        match devices.insert(key, certificate) {
            None => Ok(()),
            Some(_) => Err(Finding::new(Wrong::CertificateTwice)
                .section(section)
                .found(key.to_hex())),
        }
    })?;
    let mut sittings = Vec::new();
    layout::each_record(source, &layout.sittings, |bytes| {
        let section = &layout.sittings.name;
        let document = SittingDocument::verify(&directory.issuer, bytes)
            .map_err(|error| invalid(Wrong::SittingInvalid, section, &error))?;
        if document.suite != SUITE {
            return Err(Finding::new(Wrong::SittingInvalid)
                .section(section)
                .differs(SUITE, document.suite));
        }
        sittings.push(document);
        Ok(())
    })?;
    let mut orders = HashSet::new();
    layout::each_record(source, &layout.orders, |bytes| {
        Order::verify(&directory.issuer, bytes)
            .map_err(|error| invalid(Wrong::OrderInvalid, &layout.orders.name, &error))?;
        orders.insert(fengjuan_wire::hash(bytes));
        Ok(())
    })?;
    Ok(Documents {
        fork: read_forks(layout)?,
        roll: read_roll(layout, &directory)?,
        directory,
        devices,
        hubs,
        sittings,
        orders,
    })
}

fn read_forks(layout: &Layout<'_>) -> Result<Option<ForkRecord>, Refusal> {
    let mut first = None;
    layout::each_record(layout.source, &layout.forks, |bytes| {
        let fork = cbor::from_slice(bytes).map_err(|error| {
            Finding::new(Wrong::SectionMalformed)
                .section(&layout.forks.name)
                .found(error)
        })?;
        first.get_or_insert(fork);
        Ok(())
    })?;
    Ok(first)
}

fn read_roll(layout: &Layout<'_>, directory: &KeyDirectory) -> Result<Option<Roll>, Refusal> {
    let Some(found) = &layout.roll else {
        return Ok(None);
    };
    let refusal = || Finding::new(Wrong::RollInvalid).section(&found.name);
    let roll = Roll::verify(&directory.witness, &layout::small(layout.source, found)?)
        .map_err(|error| refusal().found(error))?;
    if roll.center_id != directory.center_id {
        return Err(refusal().differs(&directory.center_id, &roll.center_id));
    }
    let mut seen = HashSet::new();
    for line in &roll.ledgers {
        if line.ledger_id.len() != 16 || !seen.insert(&line.ledger_id) {
            return Err(refusal().found(hex(&line.ledger_id)));
        }
    }
    Ok(Some(roll))
}

impl Documents {
    /// The versions of a sitting, each with its number in the archive.
    pub(crate) fn sittings_of<'s>(
        &'s self,
        sitting_no: &'s str,
    ) -> impl Iterator<Item = (u32, &'s SittingDocument)> {
        (0..)
            .zip(&self.sittings)
            .filter(move |(_, document)| document.sitting.sitting_no == sitting_no)
    }

    /// Every ledger of the roll is here.
    pub(crate) fn all_rolled_are_here(&self, heads: &[LedgerHead]) -> Result<(), Refusal> {
        let Some(roll) = &self.roll else {
            return Ok(());
        };
        for line in &roll.ledgers {
            if !heads
                .iter()
                .any(|head| head.ledger_id[..] == line.ledger_id[..])
            {
                let mut refusal = Finding::new(Wrong::LedgerMissing);
                refusal.ledger = Some(hex(&line.ledger_id));
                refusal.device = Some(line.device_name.clone());
                return Err(refusal.differs(line.size, "—"));
            }
        }
        Ok(())
    }

    /// Forks, by the witness's evidence or by its roll. They are told last: everything else of such an archive may be
    /// in order.
    pub(crate) fn no_forks(&self) -> Result<(), Refusal> {
        if let Some(fork) = &self.fork {
            let mut refusal = Finding::new(Wrong::ForkListed)
                .section(crate::format::FORKS)
                .seq(fork.seq);
            refusal.ledger = Some(hex(&fork.ledger_id));
            return Err(refusal.differs(fork.mine.hex(), fork.theirs.hex()));
        }
        let forked = self
            .roll
            .iter()
            .flat_map(|roll| &roll.ledgers)
            .find(|line| line.forks > 0);
        match forked {
            None => Ok(()),
            Some(line) => {
                let mut refusal = Finding::new(Wrong::ForkListed).section(crate::format::ROLL);
                refusal.ledger = Some(hex(&line.ledger_id));
                refusal.device = Some(line.device_name.clone());
                Err(refusal.differs(0, line.forks))
            }
        }
    }
}
