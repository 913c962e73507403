//! Roots and proofs.

use ct_merkle::RootHash;
use firstlight_tlog::Tree;
use proptest::prelude::*;
use sha2::Sha256;

use crate::oracle::{Hash, mth, split};

/// 2.1.1: PATH(m, D[n]).
fn path(m: usize, data: &[Vec<u8>]) -> Vec<Hash> {
    if data.len() == 1 {
        return Vec::new();
    }
    let k = split(data.len());
    let (left, right) = data.split_at(k);
    let (mut proof, last) = if m < k { (path(m, left), mth(right)) } else { (path(m - k, right), mth(left)) };
    proof.push(last);
    proof
}

/// 2.1.2: PROOF(m, D[n]) = SUBPROOF(m, D[n], true).
fn subproof(m: usize, data: &[Vec<u8>], whole: bool) -> Vec<Hash> {
    if m == data.len() {
        return if whole { Vec::new() } else { vec![mth(data)] };
    }
    let k = split(data.len());
    let (left, right) = data.split_at(k);
    let (mut proof, last) = if m <= k {
        (subproof(m, left, whole), mth(right))
    } else {
        (subproof(m - k, right, false), mth(left))
    };
    proof.push(last);
    proof
}

fn tree(data: &[Vec<u8>]) -> Tree {
    let mut tree = Tree::new();
    for leaf in data {
        tree.push(leaf.clone());
    }
    tree
}

/// Leaves, roots and proofs of certificate-transparency's `merkletree/merkle_tree_test.cc`.
const LEAVES: [&str; 8] =
    ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
const ROOTS: [&str; 9] = [
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
const PATH_0_OF_8: [&str; 3] = [
    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
];
const PROOF_6_TO_8: [&str; 3] = [
    "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
];

#[test]
fn b1_roots_and_proofs_are_the_published_ones() {
    let leaves: Vec<Vec<u8>> = LEAVES.iter().map(|leaf| unhex(leaf)).collect();
    for (size, root) in ROOTS.iter().enumerate() {
        assert_eq!(hex(tree(&leaves[..size]).root().as_bytes()), *root, "size {size}");
        assert_eq!(hex(&mth(&leaves[..size])), *root, "the oracle, size {size}");
    }
    let proof = tree(&leaves).prove_inclusion(0);
    assert_eq!(hex(proof.as_bytes()), PATH_0_OF_8.concat());
    let proof = tree(&leaves).prove_consistency(2);
    assert_eq!(hex(proof.as_bytes()), PROOF_6_TO_8.concat());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn b1_roots_and_proofs_agree_with_a_literal_reading_of_the_rfc(
        data in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..70),
        pick in any::<prop::sample::Index>(),
        flip in any::<prop::sample::Index>(),
    ) {
        let tree = tree(&data);
        let root = tree.root();
        prop_assert_eq!(root.as_bytes()[..].to_vec(), mth(&data).to_vec());

        let index = pick.index(data.len());
        let proof = tree.prove_inclusion(index);
        prop_assert_eq!(proof.as_bytes(), path(index, &data).concat());
        prop_assert!(root.verify_inclusion(&data[index], index as u64, &proof).is_ok());
        let mut other = data[index].clone();
        other.push(0);
        prop_assert!(root.verify_inclusion(&other, index as u64, &proof).is_err());
        prop_assert!(root.verify_inclusion(&data[index], data.len() as u64, &proof).is_err());

        let old = index + 1;
        let proof = tree.prove_consistency(data.len() - old);
        prop_assert_eq!(proof.as_bytes(), subproof(old, &data, true).concat());
        let old_root = RootHash::<Sha256>::new(mth(&data[..old]).into(), old as u64);
        prop_assert!(root.verify_consistency(&old_root, &proof).is_ok());
        let mut wrong = mth(&data[..old]);
        wrong[flip.index(32)] ^= 1;
        let wrong = RootHash::<Sha256>::new(wrong.into(), old as u64);
        prop_assert!(root.verify_consistency(&wrong, &proof).is_err());
    }
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}
