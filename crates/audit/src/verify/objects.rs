//! Objects and reports: what the ledgers name, what lies here, and what the center has given receipts for must agree. The
//! facts are sorted by the hash that they are about.

use super::documents::Documents;
use super::finding::{Detail, Finding, NotProven, Refusal, Wrong};
use super::gather::{At, Judged, Places};
use super::layout::refuse_sorting;
use crate::format;
use crate::sorted::Sorter;
use fengjuan_wire::Hash32;
use std::collections::{HashMap, HashSet};

mod read;

pub(crate) use read::check_receipt;

const BUNDLE: u8 = 0;
const PICTURE: u8 = 1;
const REPORT: u8 = 2;

/// One thing that is said of a hash.
pub(super) enum Fact {
    /// It lies here, of this kind, by the device with this number, with a receipt of this hash.
    Here {
        kind: u8,
        device: u32,
        receipt: Option<Hash32>,
    },
    /// A ledger names it as a bundle.
    Bundle(At),
    /// A ledger names it as a picture or another object.
    Named,
    /// It lies here as a report that the device with this number has signed.
    ReportHere(u32),
    /// A ledger names it as a report.
    Report(At),
    /// A device verified a receipt for it.
    Receipted(At, Hash32),
    /// An entry relies on this order.
    Order,
}

const HERE: u8 = 0;
const NAMED_BUNDLE: u8 = 1;
const NAMED: u8 = 2;
const RECEIPTED: u8 = 3;
const ORDER: u8 = 4;
/// Before those that name it.
const REPORT_HERE: u8 = 5;
const NAMED_REPORT: u8 = 6;

/// Set beside the kind where there is a receipt.
const WITH_RECEIPT: u8 = 1 << 7;

/// Hash, kind of fact, ledger or device, place, kind of object, hash of the receipt.
const WIDTH: usize = 32 + 1 + 4 + 8 + 1 + 32;

fn record(hash: &Hash32, fact: &Fact) -> [u8; WIDTH] {
    let nowhere = At { ledger: 0, seq: 0 };
    let none = Hash32([0; 32]);
    let (what, at, kind, receipt) = match fact {
        Fact::Here {
            kind,
            device,
            receipt,
        } => {
            let at = At {
                ledger: *device,
                seq: 0,
            };
            let with = receipt.map_or(0, |_| WITH_RECEIPT);
            (HERE, at, kind | with, receipt.unwrap_or(none))
        }
        Fact::Bundle(at) => (NAMED_BUNDLE, *at, 0, none),
        Fact::Named => (NAMED, nowhere, 0, none),
        Fact::ReportHere(device) => {
            let at = At {
                ledger: *device,
                seq: 0,
            };
            (REPORT_HERE, at, 0, none)
        }
        Fact::Report(at) => (NAMED_REPORT, *at, 0, none),
        Fact::Receipted(at, receipt) => (RECEIPTED, *at, 0, *receipt),
        Fact::Order => (ORDER, nowhere, 0, none),
    };
    let mut bytes = [0; WIDTH];
    bytes[..32].copy_from_slice(&hash.0);
    bytes[32] = what;
    bytes[33..37].copy_from_slice(&at.ledger.to_be_bytes());
    bytes[37..45].copy_from_slice(&at.seq.to_be_bytes());
    bytes[45] = kind;
    bytes[46..].copy_from_slice(&receipt.0);
    bytes
}

fn told(bytes: &[u8; WIDTH]) -> (Hash32, Fact) {
    fn part<const N: usize>(bytes: &[u8; WIDTH], from: usize) -> [u8; N] {
        let mut part = [0; N];
        part.copy_from_slice(&bytes[from..from + N]);
        part
    }
    let at = At {
        ledger: u32::from_be_bytes(part(bytes, 33)),
        seq: u64::from_be_bytes(part(bytes, 37)),
    };
    let receipt = Hash32(part(bytes, 46));
    let fact = match bytes[32] {
        HERE => Fact::Here {
            kind: bytes[45] & !WITH_RECEIPT,
            device: at.ledger,
            receipt: (bytes[45] & WITH_RECEIPT != 0).then_some(receipt),
        },
        NAMED_BUNDLE => Fact::Bundle(at),
        NAMED => Fact::Named,
        RECEIPTED => Fact::Receipted(at, receipt),
        REPORT_HERE => Fact::ReportHere(at.ledger),
        NAMED_REPORT => Fact::Report(at),
        _ => Fact::Order,
    };
    (Hash32(part(bytes, 0)), fact)
}

/// How many objects lie here.
#[derive(Clone, Copy, Default)]
pub(super) struct Count {
    pub(super) objects: u64,
    pub(super) receipts: u64,
    /// Reports that lie here as their devices signed them.
    pub(super) reports: u64,
    /// Whether a signed list vouches for the receipts.
    pub(super) listed: bool,
}

#[derive(Default)]
pub(super) struct Objects {
    facts: Sorter<WIDTH>,
    pub(super) count: Count,
}

impl Objects {
    pub(super) fn add(&mut self, hash: &Hash32, fact: &Fact) -> Result<(), Refusal> {
        self.facts.push(record(hash, fact)).map_err(refuse_sorting)
    }
}

/// What is said of one hash.
#[derive(Default)]
struct Object {
    here: Option<(u8, u32, Option<Hash32>)>,
    /// The first ledger that names it as a bundle.
    bundle: Option<At>,
    named: bool,
    receipted: Option<(At, Hash32)>,
    order: bool,
    report_here: Option<u32>,
    /// A ledger names it as a report, and one of the device that signed it does.
    report: bool,
    report_by_signer: bool,
}

/// What is wrong or missing so far.
struct Judging<'j> {
    orders: &'j HashSet<Hash32>,
    places: &'j Places,
    /// The first bundle of each device that no ledger names.
    strangers: HashMap<u32, Hash32>,
    /// The first bundle of each ledger that is not here.
    missing: HashMap<u32, (At, Hash32)>,
    missing_count: u64,
    unnamed: u64,
    orders_missing: u64,
    reports_missing: u64,
    /// The first report that no ledger of its device names.
    stray: Option<Hash32>,
    /// The first receipt that is not here or is another one.
    receipt: Option<(At, Refusal)>,
}

impl Objects {
    /// `whole` is true where no entry is hidden.
    pub(super) fn judge(
        self,
        documents: &Documents,
        places: &Places,
        whole: bool,
        judged: &mut Judged,
    ) -> Result<(), Refusal> {
        let mut judging = Judging {
            orders: &documents.orders,
            places,
            strangers: HashMap::new(),
            missing: HashMap::new(),
            missing_count: 0,
            unnamed: 0,
            orders_missing: 0,
            reports_missing: 0,
            stray: None,
            receipt: None,
        };
        let mut sorted = self.facts.sorted().map_err(refuse_sorting)?;
        let mut object = (Hash32([0; 32]), Object::default());
        while let Some(bytes) = sorted.next().map_err(refuse_sorting)? {
            let (hash, fact) = told(&bytes);
            if hash != object.0 {
                let finished = std::mem::replace(&mut object, (hash, Object::default()));
                judging.finish(&finished.0, finished.1);
            }
            object.1.fact(&hash, fact, places)?;
        }
        judging.finish(&object.0, object.1);
        if let Some(hash) = judging.stray {
            return Err(Finding::new(Wrong::ReportUnnamed)
                .section(format::REPORTS)
                .found(hash.hex()));
        }
        if whole {
            judging.refuse()?;
        }
        let unreceipted = self.count.objects - self.count.receipts;
        let count = judging.missing_count;
        let gaps = [
            (count, NotProven::BundlesMissing { count }),
            (
                judging.unnamed,
                NotProven::ObjectsUnnamed {
                    count: judging.unnamed,
                },
            ),
            (unreceipted, NotProven::Unreceipted { count: unreceipted }),
            (
                judging.orders_missing,
                NotProven::OrdersMissing {
                    count: judging.orders_missing,
                },
            ),
            (
                judging.reports_missing,
                NotProven::ReportsMissing {
                    count: judging.reports_missing,
                },
            ),
        ];
        let open = gaps.into_iter().filter(|(count, _)| *count > 0);
        judged.not_proven.extend(open.map(|(_, what)| what));
        Ok(())
    }
}

impl Object {
    fn fact(&mut self, hash: &Hash32, fact: Fact, places: &Places) -> Result<(), Refusal> {
        match fact {
            Fact::ReportHere(_) if self.report_here.is_some() => {
                return Err(Finding::new(Wrong::ObjectTwice)
                    .section(format::REPORTS)
                    .found(hash.hex()));
            }
            Fact::ReportHere(device) => self.report_here = Some(device),
            Fact::Report(at) => {
                self.report = true;
                let by = places.device_of(at.ledger);
                self.report_by_signer |= by.is_some() && by == self.report_here;
            }
            Fact::Here { .. } if self.here.is_some() => {
                return Err(Finding::new(Wrong::ObjectTwice)
                    .section(format::OBJECTS)
                    .found(hash.hex()));
            }
            Fact::Here {
                kind,
                device,
                receipt,
            } => self.here = Some((kind, device, receipt)),
            // Facts of a kind come by their places, so that the first counts.
            Fact::Bundle(at) => {
                self.bundle.get_or_insert(at);
            }
            Fact::Named => self.named = true,
            Fact::Receipted(at, receipt) => {
                self.receipted.get_or_insert((at, receipt));
            }
            Fact::Order => self.order = true,
        }
        Ok(())
    }
}

impl Judging<'_> {
    fn finish(&mut self, hash: &Hash32, object: Object) {
        match object.here {
            Some((BUNDLE, device, _)) if object.bundle.is_none() => {
                self.unnamed += 1;
                self.strangers.entry(device).or_insert(*hash);
            }
            Some((PICTURE, ..)) if !object.named => self.unnamed += 1,
            Some((REPORT, ..)) if !object.report => self.unnamed += 1,
            _ => {}
        }
        if let (None, Some(at)) = (object.here, object.bundle) {
            self.missing_count += 1;
            let first = self.missing.entry(at.ledger).or_insert((at, *hash));
            if at < first.0 {
                *first = (at, *hash);
            }
        }
        match object.report_here {
            Some(_) if !object.report_by_signer => {
                self.stray.get_or_insert(*hash);
            }
            None if object.report => self.reports_missing += 1,
            _ => {}
        }
        if let Some((at, receipt)) = object.receipted {
            self.receipted(hash, &object, at, receipt);
        }
        if object.order && !self.orders.contains(hash) {
            self.orders_missing += 1;
        }
    }

    /// What a device holds a receipt for is here, with that very receipt.
    fn receipted(&mut self, hash: &Hash32, object: &Object, at: At, receipt: Hash32) {
        let held = object.here.and_then(|(_, _, receipt)| receipt);
        if held == Some(receipt) || self.receipt.as_ref().is_some_and(|(first, _)| *first < at) {
            return;
        }
        let refusal = if object.here.is_none() {
            let refusal = self.places.refuse(Wrong::ObjectMissing, at);
            refusal.differs(hash.hex(), "—")
        } else {
            let refusal = self.places.refuse(Wrong::ReceiptInvalid, at);
            let held = held.map_or_else(|| "—".to_owned(), |held| held.hex());
            refusal.differs(receipt.hex(), held)
        };
        self.receipt = Some((at, refusal));
    }

    fn refuse(&mut self) -> Result<(), Refusal> {
        let differs = self.missing.values().filter_map(|(at, hash)| {
            let device = self.places.device_of(at.ledger)?;
            Some((*at, *hash, *self.strangers.get(&device)?))
        });
        if let Some((at, hash, other)) = differs.min() {
            let refusal = self.places.refuse(Wrong::BundleDiffers, at);
            return Err(refusal.differs(hash.hex(), other.hex()));
        }
        match self.receipt.take() {
            Some((_, refusal)) => Err(refusal),
            None => Ok(()),
        }
    }
}
