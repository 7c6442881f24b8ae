//! Orders from the center (考试机构指令): verified, recorded once, handed out once.

use super::{SyncError, Uplink};
use crate::recorder::CENTER;
use crate::site_kit::SiteKit;
use crate::upstream::Upstream;
use fengjuan_core::event::Event;
use fengjuan_store::{Projection, Reader, StoreError};
use fengjuan_wire::order::Order;
use fengjuan_wire::{Hash32, Signed};

const NS: &str = "orders";

/// An order that is in the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedOrder {
    /// Of the signed bytes.
    pub hash: Hash32,
    pub order: Order,
}

/// All orders that were ever received, by their number.
///
/// # Errors
/// Storage errors.
pub fn held_orders(reader: &Reader, kit: &SiteKit) -> Result<Vec<ReceivedOrder>, StoreError> {
    let mut orders: Vec<ReceivedOrder> = reader
        .scan(NS)?
        .into_iter()
        .filter_map(|(_, bytes)| {
            let order = Order::verify(&kit.directory.issuer, &bytes).ok()?;
            Some(ReceivedOrder {
                hash: fengjuan_wire::hash(&bytes),
                order,
            })
        })
        .collect();
    orders.sort_by(|a, b| {
        (a.order.issued_ms, &a.order.order_no).cmp(&(b.order.issued_ms, &b.order.order_no))
    });
    Ok(orders)
}

/// The signed bytes of all orders that were ever received, for a hub that hands them on.
///
/// # Errors
/// Storage errors.
pub fn held_order_bytes(reader: &Reader) -> Result<Vec<Vec<u8>>, StoreError> {
    let rows = reader.scan(NS)?;
    Ok(rows.into_iter().map(|(_, bytes)| bytes).collect())
}

impl<U: Upstream> Uplink<U> {
    pub(super) async fn pull_orders(&self) -> Result<(), SyncError> {
        let mut first = None;
        for bytes in self.inner.upstream.orders().await?.orders {
            if let Err(error) = self.take_order(&bytes) {
                tracing::warn!(code = error.code(), %error, "order not taken");
                first.get_or_insert(error);
            }
        }
        first.map_or(Ok(()), Err)
    }

    /// Takes an order, by line or by hand. False where it was known.
    ///
    /// # Errors
    /// [`SyncError::Order`], storage errors.
    pub fn take_order(&self, bytes: &[u8]) -> Result<bool, SyncError> {
        let kit = &self.inner.kit;
        let order =
            Order::verify(&kit.directory.issuer, bytes).map_err(|error| SyncError::Order {
                detail: error.to_string(),
            })?;
        if order.site != kit.site {
            return Err(SyncError::Order {
                detail: format!("for site {}", order.site),
            });
        }
        let hash = fengjuan_wire::hash(bytes);
        if self.read(|reader| reader.get(NS, &hash.0))?.is_some() {
            return Ok(false);
        }
        let event = Event::OrderReceived {
            order: hash,
            order_no: order.order_no.clone(),
        };
        let keep = Projection::put(NS, hash.0, bytes);
        self.inner
            .recorder
            .record_with(CENTER, None, event, vec![keep])?;
        // Nobody listens where only the papers' side runs; the order is kept all the same.
        let _ = self.inner.orders.send(ReceivedOrder { hash, order });
        Ok(true)
    }
}
