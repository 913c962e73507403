//! A literal reading of RFC 6962, section 2.1: slow, and nothing of `ct-merkle` in it. What signs a tree compares with it.

use sha2::{Digest, Sha256};

pub(crate) type Hash = [u8; 32];

/// 2.1: `MTH({}) = SHA-256()`, `MTH({d}) = SHA-256(0x00 || d)`,
/// `MTH(D[n]) = SHA-256(0x01 || MTH(D[0:k]) || MTH(D[k:n]))`.
pub(crate) fn mth<D: AsRef<[u8]>>(data: &[D]) -> Hash {
    match data {
        [] => Sha256::digest([]).into(),
        [one] => Sha256::new().chain_update([0]).chain_update(one.as_ref()).finalize().into(),
        _ => {
            let (left, right) = data.split_at(split(data.len()));
            Sha256::new().chain_update([1]).chain_update(mth(left)).chain_update(mth(right)).finalize().into()
        }
    }
}

/// The largest power of two smaller than n.
fn split(n: usize) -> usize {
    let mut k = 1;
    while k * 2 < n {
        k *= 2;
    }
    k
}

/// 2.1.1: PATH(m, D[n]).
pub(crate) fn path(m: usize, data: &[Vec<u8>]) -> Vec<Hash> {
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
pub(crate) fn subproof(m: usize, data: &[Vec<u8>], whole: bool) -> Vec<Hash> {
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
