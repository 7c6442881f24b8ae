//! The objects and reports that lie in an archive, as facts: each receipt and each report's signature is checked here.

use super::{BUNDLE, Fact, Objects, PICTURE, REPORT};
use crate::format::{self, ObjectRecord, ReceiptList};
use crate::verify::documents::Documents;
use crate::verify::finding::{Detail, Finding, Refusal, Wrong};
use crate::verify::gather::Places;
use crate::verify::layout::{self, Layout};
use fengjuan_envelope::cbor;
use fengjuan_envelope::sign::PublicKey;
use fengjuan_wire::Signed;
use fengjuan_wire::bundle::Receipt;
use fengjuan_wire::report::EquipmentReport;

impl Objects {
    /// Takes up the objects that lie here. Each receipt is checked, or the center's word for all of them is.
    pub(in crate::verify) fn read(
        &mut self,
        layout: &Layout<'_>,
        documents: &Documents,
        places: &Places,
    ) -> Result<(), Refusal> {
        let section = &layout.objects.name;
        let list = read_list(layout, documents)?;
        layout::each_record(layout.source, &layout.objects, |bytes| {
            let refusal = |wrong| Finding::new(wrong).section(section);
            let object: ObjectRecord = cbor::from_slice(bytes)
                .map_err(|error| refusal(Wrong::SectionMalformed).found(error))?;
            let kind = match object.kind.as_str() {
                "bundle" => BUNDLE,
                "picture" => PICTURE,
                "report" => REPORT,
                other => return Err(refusal(Wrong::SectionMalformed).found(other)),
            };
            if list.is_none() {
                check_receipt(&documents.directory.receipt, &object)
                    .map_err(|error| error.section(section))?;
            }
            self.count.objects += 1;
            self.count.receipts += u64::from(object.receipt.is_some());
            let fact = Fact::Here {
                kind,
                device: places.number_of(&object.device),
                receipt: object.receipt.as_deref().map(fengjuan_wire::hash),
            };
            self.add(&object.hash, &fact)
        })?;
        match list {
            Some(list) if list.receipts != self.count.receipts => {
                let refusal = Finding::new(Wrong::ReceiptInvalid).section(format::RECEIPTS);
                Err(refusal.differs(list.receipts, self.count.receipts))
            }
            list => {
                self.count.listed = list.is_some();
                Ok(())
            }
        }
    }

    /// Takes up the reports. Each is signed by a certified device; that its ledger names it is judged later.
    pub(in crate::verify) fn read_reports(
        &mut self,
        layout: &Layout<'_>,
        documents: &Documents,
        places: &Places,
    ) -> Result<(), Refusal> {
        layout::each_record(layout.source, &layout.reports, |bytes| {
            let refusal = || Finding::new(Wrong::ReportInvalid).section(format::REPORTS);
            let report = EquipmentReport::open(bytes).map_err(|error| refusal().found(error))?;
            if !documents.devices.contains_key(&report.device) {
                return Err(refusal().found(report.device.to_hex()));
            }
            self.count.reports += 1;
            let device = places.number_of(&report.device);
            self.add(&fengjuan_wire::hash(bytes), &Fact::ReportHere(device))
        })
    }
}

/// A receipt is of its object and by the center.
pub(crate) fn check_receipt(key: &PublicKey, object: &ObjectRecord) -> Result<(), Refusal> {
    let Some(receipt) = &object.receipt else {
        return Ok(());
    };
    let refusal = || Finding::new(Wrong::ReceiptInvalid);
    let receipt = Receipt::verify(key, receipt)
        .map_err(|error| refusal().differs(object.hash.hex(), error))?;
    if receipt.object == object.hash && receipt.bytes == object.bytes {
        Ok(())
    } else {
        Err(refusal().differs(object.hash.hex(), receipt.object.hex()))
    }
}

/// The list of receipts is the center's, and of this archive's objects.
fn read_list(layout: &Layout<'_>, documents: &Documents) -> Result<Option<ReceiptList>, Refusal> {
    let Some(found) = &layout.receipts else {
        return Ok(None);
    };
    let refusal = || Finding::new(Wrong::ReceiptInvalid).section(&found.name);
    let bytes = layout::small(layout.source, found)?;
    let list = ReceiptList::verify(&documents.directory.receipt, &bytes)
        .map_err(|error| refusal().found(error))?;
    if list.center_id != documents.directory.center_id {
        return Err(refusal().differs(&documents.directory.center_id, &list.center_id));
    }
    // The manifest's hashes have been compared with the members by now.
    let is = layout.hash_of(&layout.objects.name).unwrap_or_default();
    if list.objects.hex() == is {
        Ok(Some(list))
    } else {
        Err(refusal().differs(list.objects.hex(), is))
    }
}
