//! Orders (考试机构指令): what only the center decides during a sitting.

use crate::device::Device;
use crate::keys::KeyRole;
use crate::{CenterError, Home, issue, offer, plan};
use fengjuan_core::event::Event;
use fengjuan_envelope::kdf;
use fengjuan_store::LedgerReader;
use fengjuan_store::replica::Replica;
use fengjuan_wire::entry::Entry;
use fengjuan_wire::order::{CreditScope, Order, OrderKind};
use fengjuan_wire::upstream::OfferedKind;
use fengjuan_wire::{Hash32, Signed};
use rusqlite::{Connection, TransactionBehavior, params};

const MOST_MS: i64 = 24 * 3_600_000;

/// What is ordered, by whom, and why.
#[derive(Clone, Debug)]
pub struct NewOrder {
    pub sitting_no: String,
    pub kind: OrderKind,
    pub reason: String,
    pub approved_by: String,
}

/// Signs an order; devices of the site get it with their next question.
pub fn give(home: &Home, new: NewOrder, now_ms: i64) -> Result<Order, CenterError> {
    if new.reason.trim().is_empty() || new.approved_by.trim().is_empty() {
        return Err(CenterError::Missing("reason or name of who approves"));
    }
    let mut conn = home.database()?;
    let change = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version = issue::latest(&change, &new.sitting_no)?;
    let document = issue::document(home, &change, &new.sitting_no, version)?;
    check(&change, &new, |class_no| {
        document.sitting.class_group(class_no).is_some()
    })?;
    let number: u32 =
        change.query_row("SELECT coalesce(max(no), 0) + 1 FROM orders", [], |row| {
            row.get(0)
        })?;
    let order = Order {
        order_no: format!("{}-{number:04}", home.directory().center_id),
        site: document.site,
        sitting_no: new.sitting_no,
        issued_ms: now_ms,
        kind: new.kind,
        reason: new.reason.trim().to_owned(),
        approved_by: new.approved_by.trim().to_owned(),
    };
    let signed = order.sign(&home.keys().signing(KeyRole::Issuer)?)?;
    let hash = fengjuan_wire::hash(&signed);
    offer::write_object(&home.object(&hash), &signed)?;
    let length = signed.len() as u64;
    offer::insert_offered(
        &change,
        OfferedKind::Order,
        &hash,
        length,
        &order.site,
        &order.sitting_no,
        version,
        None,
    )?;
    change.execute(
        "INSERT INTO orders (no, order_no, site, sitting_no, issued_ms, signed) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![number, order.order_no, order.site, order.sitting_no, now_ms, signed],
    )?;
    change.commit()?;
    Ok(order)
}

fn check(
    conn: &Connection,
    new: &NewOrder,
    has_class: impl Fn(&str) -> bool,
) -> Result<(), CenterError> {
    let ticket = |ticket_no: &str| {
        let sql = "SELECT count(*) FROM candidates WHERE sitting_no = ?1 AND ticket_no = ?2";
        let found: u32 = conn.query_row(sql, [&new.sitting_no, ticket_no], |row| row.get(0))?;
        if found == 0 {
            Err(CenterError::UnknownTicket(ticket_no.to_owned()))
        } else {
            Ok(())
        }
    };
    let span = |ms: i64| {
        if (1..=MOST_MS).contains(&ms) {
            Ok(())
        } else {
            Err(CenterError::OutOfRange { what: "minutes" })
        }
    };
    match &new.kind {
        OrderKind::LateEntry { ticket_no } | OrderKind::Reopen { ticket_no } => ticket(ticket_no),
        OrderKind::Postpone { by_ms } => span(*by_ms),
        OrderKind::Credit { scope, credit_ms } => {
            span(*credit_ms)?;
            match scope {
                CreditScope::Candidate { ticket_no } => ticket(ticket_no),
                CreditScope::ClassGroup { class_no } if !has_class(class_no) => {
                    Err(CenterError::UnknownClass(class_no.clone()))
                }
                CreditScope::ClassGroup { .. } | CreditScope::Room {} => Ok(()),
            }
        }
        OrderKind::SubstituteStaff { staff } => {
            if staff.staff_id.is_empty() || staff.name.is_empty() {
                return Err(CenterError::Missing("staff id or name"));
            }
            kdf::verify_password("", &staff.password_verifier)
                .map(|_| ())
                .map_err(CenterError::from)
        }
    }
}

/// An order with what is known of its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderRecord {
    pub order: Order,
    /// Devices that were handed it over their line, and when first (the center's clock).
    pub fetched: Vec<(String, i64)>,
    /// Devices whose replicated ledger shows that they took it, by line or by stick, and when (the device's clock).
    pub taken: Vec<(String, i64)>,
}

/// Every order, or one sitting's, oldest first.
///
/// # Errors
/// [`CenterError::UnknownSitting`]; database errors.
pub fn list(
    home: &Home,
    conn: &Connection,
    sitting_no: Option<&str>,
) -> Result<Vec<OrderRecord>, CenterError> {
    if let Some(sitting_no) = sitting_no {
        plan::sitting(conn, sitting_no)?;
    }
    let mut statement =
        conn.prepare("SELECT signed FROM orders WHERE ?1 IS NULL OR sitting_no = ?1 ORDER BY no")?;
    let rows = statement.query_map([sitting_no], |row| row.get::<_, Vec<u8>>(0))?;
    let signed = rows.collect::<Result<Vec<_>, _>>()?;
    let taken = if signed.is_empty() {
        Vec::new()
    } else {
        taken(conn)?
    };
    let mut fetched = conn.prepare(
        "SELECT d.device_name, f.at_ms FROM order_fetches f JOIN devices d ON d.sign = f.device \
         WHERE f.order_no = ?1 ORDER BY f.at_ms, d.device_name",
    )?;
    let mut all = Vec::new();
    for bytes in signed {
        let (hash, order) = (
            fengjuan_wire::hash(&bytes),
            Order::verify(&home.directory().issuer, &bytes)?,
        );
        let rows = fetched.query_map([&order.order_no], |row| Ok((row.get(0)?, row.get(1)?)))?;
        all.push(OrderRecord {
            fetched: rows.collect::<Result<_, _>>()?,
            taken: taken
                .iter()
                .filter(|(of, ..)| *of == hash)
                .map(|(_, device, at_ms)| (device.clone(), *at_ms))
                .collect(),
            order,
        });
    }
    Ok(all)
}

/// Which device says in its ledger that it took which order, and when.
fn taken(conn: &Connection) -> Result<Vec<(Hash32, String, i64)>, CenterError> {
    let replica = Replica::new(conn);
    let ledgers = replica.ledgers()?;
    let mut all = Vec::new();
    for (ledger_id, stored) in replica.entries_of_kind("app.order_received")? {
        let device = ledgers.iter().find(|ledger| ledger.ledger_id == ledger_id);
        let event = Entry::decode(&stored.bytes).and_then(|entry| entry.event(None));
        if let (Some(ledger), Ok(Event::OrderReceived { order, .. })) = (device, event) {
            all.push((order, ledger.identity.device.clone(), stored.wall_ms));
        }
    }
    Ok(all)
}

/// A site's signed orders for one of its devices; that it asked is recorded.
pub(crate) fn hand_out(
    conn: &Connection,
    device: &Device,
    now_ms: i64,
) -> Result<Vec<Vec<u8>>, CenterError> {
    let (site, sign) = (&device.site, device.sign.as_bytes());
    let unfetched = "FROM orders o WHERE o.site = ?1 AND NOT EXISTS \
                     (SELECT 1 FROM order_fetches f WHERE f.order_no = o.order_no AND f.device = ?2)";
    // Devices ask every few seconds: nothing is written where nothing is new.
    let new: u32 = conn
        .prepare_cached(&format!("SELECT count(*) {unfetched}"))?
        .query_row(params![site, sign], |row| row.get(0))?;
    if new > 0 {
        let sql = format!(
            "INSERT INTO order_fetches (order_no, device, at_ms) SELECT o.order_no, ?2, ?3 {unfetched}"
        );
        conn.execute(&sql, params![site, sign, now_ms])?;
    }
    of_site(conn, site)
}

/// A site's signed orders, oldest first.
pub fn of_site(conn: &Connection, site: &str) -> Result<Vec<Vec<u8>>, CenterError> {
    let mut statement =
        conn.prepare_cached("SELECT signed FROM orders WHERE site = ?1 ORDER BY no")?;
    let rows = statement.query_map([site], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// A sitting's orders with the hashes that entries name them by, verified again.
pub fn of_sitting(
    home: &Home,
    conn: &Connection,
    sitting_no: &str,
) -> Result<Vec<(Hash32, Order)>, CenterError> {
    let mut statement =
        conn.prepare_cached("SELECT signed FROM orders WHERE sitting_no = ?1 ORDER BY no")?;
    let rows = statement.query_map([sitting_no], |row| row.get::<_, Vec<u8>>(0))?;
    rows.map(|signed| {
        let signed = signed?;
        Ok((
            fengjuan_wire::hash(&signed),
            Order::verify(&home.directory().issuer, &signed)?,
        ))
    })
    .collect()
}
