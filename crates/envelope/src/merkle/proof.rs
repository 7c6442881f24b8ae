//! Inclusion and consistency proofs.

use super::{Hash, empty_root, node_hash, root_of};

/// The proof does not show what it claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The index lies outside the tree, or the old tree is larger than the new one.
    #[error("the proof is about a place outside the tree")]
    Range,
    /// The proof has too few or too many hashes for these sizes.
    #[error("the proof has the wrong length")]
    Length,
    /// The hashes lead to another root.
    #[error("the proof leads to another root")]
    Root,
}

impl ProofError {
    /// Stable code of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Range => "proof.range",
            Self::Length => "proof.length",
            Self::Root => "proof.root",
        }
    }
}

/// PATH(index, leaves) of RFC 6962 §2.1.1, nearest sibling first. Empty for an index that is not
/// in the tree (and for a tree of one leaf). Costs one hash per leaf.
#[must_use]
pub fn inclusion_proof(leaves: &[Hash], index: u64) -> Vec<Hash> {
    let mut proof = Vec::new();
    if let Some(index) = usize::try_from(index)
        .ok()
        .filter(|index| *index < leaves.len())
    {
        path(leaves, index, &mut proof);
    }
    proof
}

fn path(leaves: &[Hash], index: usize, proof: &mut Vec<Hash>) {
    if leaves.len() < 2 {
        return;
    }
    let (left, right) = leaves.split_at(split_point(leaves.len()));
    if index < left.len() {
        path(left, index, proof);
        proof.push(root_of(right));
    } else {
        path(right, index - left.len(), proof);
        proof.push(root_of(left));
    }
}

/// PROOF(old, leaves) of RFC 6962 §2.1.2. Empty when `old` is 0, the whole tree, or beyond it.
#[must_use]
pub fn consistency_proof(leaves: &[Hash], old: u64) -> Vec<Hash> {
    let mut proof = Vec::new();
    if let Some(old) = usize::try_from(old)
        .ok()
        .filter(|old| (1..leaves.len()).contains(old))
    {
        subproof(leaves, old, true, &mut proof);
    }
    proof
}

fn subproof(leaves: &[Hash], old: usize, known: bool, proof: &mut Vec<Hash>) {
    if old == leaves.len() {
        if !known {
            proof.push(root_of(leaves));
        }
        return;
    }
    let (left, right) = leaves.split_at(split_point(leaves.len()));
    if old <= left.len() {
        subproof(left, old, known, proof);
        proof.push(root_of(right));
    } else {
        subproof(right, old - left.len(), false, proof);
        proof.push(root_of(left));
    }
}

/// The largest power of two below `n`, for `n` of at least 2.
fn split_point(n: usize) -> usize {
    1 << (n - 1).ilog2()
}

/// Checks that `leaf` is number `index` of the tree of `size` leaves with this root
/// (RFC 9162 §2.1.3.2).
///
/// # Errors
/// [`ProofError`].
pub fn verify_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::Range);
    }
    let (mut node, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for sibling in proof {
        if last == 0 {
            return Err(ProofError::Length);
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            // A node at the right edge without a sibling of its own is its parent.
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    finish(last == 0, &[(&hash, root)])
}

/// Checks that the tree of `new` leaves only adds to the tree of `old` (RFC 9162 §2.1.4.2). The
/// empty tree is a beginning of every tree, with an empty proof.
///
/// # Errors
/// [`ProofError`].
pub fn verify_consistency(
    old: u64,
    old_root: &Hash,
    new: u64,
    new_root: &Hash,
    proof: &[Hash],
) -> Result<(), ProofError> {
    if old > new {
        return Err(ProofError::Range);
    }
    if old == new {
        return finish(proof.is_empty(), &[(old_root, new_root)]);
    }
    if old == 0 {
        return finish(proof.is_empty(), &[(old_root, &empty_root())]);
    }
    // Where the old tree is one perfect subtree its root is the start and is not repeated.
    let (first, rest) = if old.is_power_of_two() {
        (old_root, proof)
    } else {
        proof.split_first().ok_or(ProofError::Length)?
    };
    let shift = (old - 1).trailing_ones();
    let (mut node, mut last) = ((old - 1) >> shift, (new - 1) >> shift);
    let (mut old_hash, mut new_hash) = (*first, *first);
    for sibling in rest {
        if last == 0 {
            return Err(ProofError::Length);
        }
        if node & 1 == 1 || node == last {
            old_hash = node_hash(sibling, &old_hash);
            new_hash = node_hash(sibling, &new_hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            new_hash = node_hash(&new_hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    finish(last == 0, &[(&old_hash, old_root), (&new_hash, new_root)])
}

fn finish(length_fits: bool, pairs: &[(&Hash, &Hash)]) -> Result<(), ProofError> {
    if !length_fits {
        return Err(ProofError::Length);
    }
    if pairs.iter().any(|(found, expected)| found != expected) {
        return Err(ProofError::Root);
    }
    Ok(())
}
