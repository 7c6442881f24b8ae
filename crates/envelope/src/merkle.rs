//! The append-only tree of RFC 6962 §2.1, with proofs verified as in RFC 9162 §2.1.3 and §2.1.4.
//! No storage: leaves and proofs are handed in.

use ring::digest::{Context, SHA256, digest};
use serde::{Deserialize, Serialize};

mod proof;

pub use proof::{
    ProofError, consistency_proof, inclusion_proof, verify_consistency, verify_inclusion,
};

/// A SHA-256 hash of a leaf, a node or a root.
pub type Hash = [u8; 32];

/// The hash of a leaf: SHA-256 of 0x00 and the entry.
#[must_use]
pub fn leaf_hash(entry: &[u8]) -> Hash {
    let mut context = Context::new(&SHA256);
    context.update(&[0]);
    context.update(entry);
    to_hash(&context.finish())
}

/// The hash of a node: SHA-256 of 0x01 and its two children.
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut input = [1; 65];
    input[1..33].copy_from_slice(left);
    input[33..].copy_from_slice(right);
    to_hash(&digest(&SHA256, &input))
}

/// The root of a tree with no leaves: SHA-256 of nothing.
#[must_use]
pub fn empty_root() -> Hash {
    to_hash(&digest(&SHA256, &[]))
}

fn to_hash(digest: &ring::digest::Digest) -> Hash {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest.as_ref());
    hash
}

/// The right edge of a tree: enough to append and to know the root, in at most 64 hashes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "StoredFrontier", into = "StoredFrontier")]
pub struct Frontier {
    /// Number of leaves.
    pub size: u64,
    /// Roots of the perfect subtrees that the leaves make up, largest first: one for every bit that
    /// is set in `size`.
    roots: Vec<Hash>,
}

impl Frontier {
    /// A tree with no leaves.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes up a stored edge: the size and its subtree roots, largest first. `None` when their
    /// number does not fit the size.
    #[must_use]
    pub fn from_parts(size: u64, roots: Vec<Hash>) -> Option<Self> {
        (roots.len() == size.count_ones() as usize).then_some(Self { size, roots })
    }

    /// Subtree roots, largest first.
    #[must_use]
    pub fn roots(&self) -> &[Hash] {
        &self.roots
    }

    /// Adds a leaf by its [`leaf_hash`].
    pub fn append(&mut self, leaf: Hash) {
        let mut hash = leaf;
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.roots.pop() {
                hash = node_hash(&left, &hash);
            }
        }
        self.roots.push(hash);
        self.size += 1;
    }

    /// The root of the tree as it stands.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut smallest_first = self.roots.iter().rev();
        let Some(last) = smallest_first.next() else {
            return empty_root();
        };
        smallest_first.fold(*last, |right, left| node_hash(left, &right))
    }
}

impl Extend<Hash> for Frontier {
    fn extend<I: IntoIterator<Item = Hash>>(&mut self, leaves: I) {
        leaves.into_iter().for_each(|leaf| self.append(leaf));
    }
}

/// The root over `leaves` (leaf hashes, in order).
#[must_use]
pub fn root_of(leaves: &[Hash]) -> Hash {
    let mut frontier = Frontier::new();
    frontier.extend(leaves.iter().copied());
    frontier.root()
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredFrontier {
    size: u64,
    roots: Vec<StoredHash>,
}

#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct StoredHash(#[serde(with = "crate::byte_string")] Hash);

impl From<Frontier> for StoredFrontier {
    fn from(frontier: Frontier) -> Self {
        let roots = frontier.roots.into_iter().map(StoredHash).collect();
        Self {
            size: frontier.size,
            roots,
        }
    }
}

impl TryFrom<StoredFrontier> for Frontier {
    type Error = &'static str;

    fn try_from(stored: StoredFrontier) -> Result<Self, Self::Error> {
        let roots = stored.roots.into_iter().map(|hash| hash.0).collect();
        Self::from_parts(stored.size, roots).ok_or("the edge of the tree does not fit its size")
    }
}

#[cfg(test)]
#[path = "merkle_tests.rs"]
mod tests;
