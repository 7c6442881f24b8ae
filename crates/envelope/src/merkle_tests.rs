use data_encoding::HEXLOWER;

use super::*;

fn hash(text: &str) -> Hash {
    HEXLOWER
        .decode(text.as_bytes())
        .unwrap()
        .try_into()
        .unwrap()
}

/// The eight leaves that implementations of RFC 6962 share as vectors.
fn known_leaves() -> Vec<Hash> {
    [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ]
    .map(|leaf| leaf_hash(&HEXLOWER.decode(leaf.as_bytes()).unwrap()))
    .to_vec()
}

const KNOWN_ROOTS: [&str; 9] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

#[test]
fn known_roots() {
    let leaves = known_leaves();
    for (size, root) in KNOWN_ROOTS.iter().enumerate() {
        assert_eq!(root_of(&leaves[..size]), hash(root), "size {size}");
    }
}

#[test]
fn known_proofs() {
    let leaves = known_leaves();
    let proof = |hashes: &[&str]| hashes.iter().map(|h| hash(h)).collect::<Vec<_>>();
    assert_eq!(
        consistency_proof(&leaves, 1),
        proof(&[
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ])
    );
    assert_eq!(
        consistency_proof(&leaves, 6),
        proof(&[
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ])
    );
    assert_eq!(
        inclusion_proof(&leaves, 5),
        proof(&[
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ])
    );
    assert_eq!(
        inclusion_proof(&leaves[..3], 2),
        proof(&["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"])
    );
}

const LARGEST: usize = 64;

fn leaves(count: usize) -> Vec<Hash> {
    (0..count)
        .map(|i| leaf_hash(&(i as u32).to_be_bytes()))
        .collect()
}

/// MTH(D[n]) of RFC 6962 §2.1, word for word.
fn naive_root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        _ => {
            let mut k = 1;
            while k * 2 < leaves.len() {
                k *= 2;
            }
            node_hash(&naive_root(&leaves[..k]), &naive_root(&leaves[k..]))
        }
    }
}

#[test]
fn the_frontier_knows_every_root() {
    let all = leaves(LARGEST * 4 + 1);
    let mut frontier = Frontier::new();
    for size in 0..=all.len() {
        assert_eq!(frontier.root(), naive_root(&all[..size]), "size {size}");
        let stored = crate::cbor::to_vec(&frontier).unwrap();
        assert_eq!(
            crate::cbor::from_slice::<Frontier>(&stored).unwrap(),
            frontier
        );
        assert_eq!(frontier.size, size as u64);
        if let Some(leaf) = all.get(size) {
            frontier.append(*leaf);
        }
    }
}

#[test]
fn a_stored_frontier_that_does_not_fit_its_size_is_refused() {
    assert_eq!(Frontier::from_parts(3, vec![[0; 32]]), None);
    let mut frontier = Frontier::from_parts(u64::from(u32::MAX), vec![[0; 32]; 32]).unwrap();
    frontier.append([1; 32]);
    assert_eq!((frontier.size, frontier.roots().len()), (1 << 32, 1));
    frontier.size = 7;
    let stored = crate::cbor::to_vec(&frontier).unwrap();
    assert!(crate::cbor::from_slice::<Frontier>(&stored).is_err());
}

#[test]
fn every_inclusion_proof_holds_and_proves_nothing_else() {
    let all = leaves(LARGEST);
    for size in 1..=LARGEST {
        let tree = &all[..size];
        let (root, n) = (root_of(tree), size as u64);
        for (i, leaf) in tree.iter().enumerate() {
            let index = i as u64;
            let proof = inclusion_proof(tree, index);
            verify_inclusion(leaf, index, n, &proof, &root).unwrap();
            let refused = |leaf, index, n, proof: &[Hash], root| {
                verify_inclusion(leaf, index, n, proof, root).is_err()
            };
            assert!(refused(&[9; 32], index, n, &proof, &root));
            assert!(refused(leaf, index, n, &proof, &[9; 32]));
            assert!(refused(leaf, n, n, &proof, &root));
            for elsewhere in (0..n).filter(|elsewhere| *elsewhere != index) {
                assert!(
                    refused(leaf, elsewhere, n, &proof, &root),
                    "{index} as {elsewhere} of {n}"
                );
            }
            let mut longer = proof.clone();
            longer.push([0; 32]);
            assert!(refused(leaf, index, n, &longer, &root));
            for place in 0..proof.len() {
                let mut changed = proof.clone();
                changed[place][0] ^= 1;
                assert!(refused(leaf, index, n, &changed, &root));
                changed.remove(place);
                assert!(refused(leaf, index, n, &changed, &root));
            }
        }
    }
}

#[test]
fn every_consistency_proof_holds_and_proves_nothing_else() {
    let all = leaves(LARGEST);
    for new in 0..=LARGEST {
        let new_root = root_of(&all[..new]);
        for old in 0..=new {
            let (m, n, old_root) = (old as u64, new as u64, root_of(&all[..old]));
            let proof = consistency_proof(&all[..new], m);
            verify_consistency(m, &old_root, n, &new_root, &proof).unwrap();
            let refused = |m, old: &Hash, n, new: &Hash, proof: &[Hash]| {
                verify_consistency(m, old, n, new, proof).is_err()
            };
            assert!(refused(m, &[9; 32], n, &new_root, &proof), "{old} of {new}");
            if old > 0 {
                assert!(refused(m, &old_root, n, &[9; 32], &proof), "{old} of {new}");
            }
            if old < new {
                assert!(refused(n, &new_root, m, &old_root, &proof));
            }
            let mut longer = proof.clone();
            longer.push([0; 32]);
            assert!(
                refused(m, &old_root, n, &new_root, &longer),
                "{old} of {new}"
            );
            for place in 0..proof.len() {
                let mut changed = proof.clone();
                changed[place][31] ^= 0x80;
                assert!(refused(m, &old_root, n, &new_root, &changed));
                changed.remove(place);
                assert!(refused(m, &old_root, n, &new_root, &changed));
            }
        }
    }
}

/// A log that was cut and grew again differently has no proof from the old head.
#[test]
fn a_rewritten_log_is_inconsistent() {
    let honest = leaves(20);
    let mut rewritten = honest.clone();
    rewritten[11] = leaf_hash(b"another answer");
    for old in 12..20u64 {
        let old_root = root_of(&honest[..old as usize]);
        let proof = consistency_proof(&rewritten, old);
        let outcome = verify_consistency(old, &old_root, 20, &root_of(&rewritten), &proof);
        assert_eq!(outcome, Err(ProofError::Root), "from {old}");
    }
}

#[test]
fn proofs_about_places_outside_the_tree_are_empty() {
    let all = leaves(5);
    assert!(inclusion_proof(&all, 5).is_empty());
    assert!(inclusion_proof(&[], 0).is_empty());
    assert!(consistency_proof(&all, 0).is_empty());
    assert!(consistency_proof(&all, 5).is_empty());
    assert!(consistency_proof(&all, u64::MAX).is_empty());
}

#[test]
fn huge_sizes_do_not_overflow() {
    let hash = [1; 32];
    let max = u64::MAX;
    assert!(verify_inclusion(&hash, max - 1, max, &[hash; 70], &hash).is_err());
    assert!(verify_inclusion(&hash, 0, max, &[hash; 64], &hash).is_err());
    assert!(verify_consistency(max - 1, &hash, max, &hash, &[hash; 70]).is_err());
    assert!(verify_consistency(1 << 63, &hash, max, &hash, &[hash; 64]).is_err());
}

/// An archive of a million entries is verified at this speed.
#[test]
fn appending_is_fast() {
    let entry = [7; 200];
    let start = std::time::Instant::now();
    let mut frontier = Frontier::new();
    for _ in 0..100_000 {
        frontier.append(leaf_hash(&entry));
    }
    std::hint::black_box(frontier.root());
    let each = start.elapsed() / 100_000;
    println!("leaf hash of 200 bytes and append: {each:?}");
    assert!(each.as_micros() < 10, "{each:?}");
}
