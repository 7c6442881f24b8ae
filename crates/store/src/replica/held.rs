use crate::change::{Hash, LedgerId};
use crate::error::StoreError;
use crate::ledger_reader::LedgerIdentity;
use crate::rows::clamp;
use fengjuan_envelope::merkle::Frontier;
use rusqlite::{Connection, OptionalExtension, params};
use std::path::Path;

/// A registered ledger as it is held.
#[derive(Clone)]
pub(crate) struct Held {
    pub(super) no: i64,
    pub(super) identity: LedgerIdentity,
    pub(super) frontier: Frontier,
    /// The tree as it was at a size that may be asked for again; at first that of no entries.
    pub(super) earlier: Frontier,
}

impl Held {
    pub(super) fn empty(no: i64, identity: LedgerIdentity) -> Self {
        Self {
            no,
            identity,
            frontier: Frontier::default(),
            earlier: Frontier::default(),
        }
    }

    /// The row of the ledger.
    pub(crate) fn no(&self) -> i64 {
        self.no
    }

    pub(super) fn belongs_to(&self, identity: &LedgerIdentity) -> bool {
        self.identity.device_key == identity.device_key && self.identity.origin == identity.origin
    }

    /// The tree of the first `size` entries, or none where the replica is shorter. Reads the leaves since the earlier
    /// tree that is nearest; memory stays flat.
    pub(super) fn tree_at(
        &self,
        conn: &Connection,
        size: u64,
    ) -> Result<Option<Frontier>, StoreError> {
        if size > self.frontier.size {
            return Ok(None);
        }
        if size == self.frontier.size {
            return Ok(Some(self.frontier.clone()));
        }
        let mut tree = match self.earlier.size <= size {
            true => self.earlier.clone(),
            false => Frontier::default(),
        };
        if tree.size < size {
            let sql = "SELECT leaf FROM replica_entries WHERE ledger = ?1 AND seq >= ?2 AND seq < ?3 ORDER BY seq";
            let mut statement = conn.prepare_cached(sql)?;
            let mut rows = statement.query(params![self.no, clamp(tree.size), clamp(size)])?;
            while let Some(row) = rows.next()? {
                tree.append(row.get(0)?);
            }
        }
        Ok(Some(tree))
    }
}

pub(crate) fn find(conn: &Connection, ledger_id: &LedgerId) -> Result<Option<Held>, StoreError> {
    let sql = "SELECT no, device, device_key, origin, size, root, edge FROM replica_ledgers WHERE ledger_id = ?1";
    let row = conn
        .prepare_cached(sql)?
        .query_row([ledger_id], |row| {
            let identity = LedgerIdentity {
                device: row.get(1)?,
                device_key: row.get(2)?,
                origin: row.get(3)?,
            };
            Ok((row.get(0)?, identity, row.get(4)?, row.get(5)?, row.get(6)?))
        })
        .optional()?;
    let Some((no, identity, size, root, edge)): Option<(i64, LedgerIdentity, u64, Hash, Vec<u8>)> =
        row
    else {
        return Ok(None);
    };
    let (roots, rest) = edge.as_chunks::<32>();
    let frontier = Frontier::from_parts(size, roots.to_vec())
        .filter(|frontier| rest.is_empty() && frontier.root() == root)
        .ok_or_else(|| StoreError::corrupted(Path::new(""), "a replica's edge is damaged"))?;
    Ok(Some(Held {
        frontier,
        ..Held::empty(no, identity)
    }))
}
