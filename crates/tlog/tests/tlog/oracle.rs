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
pub(crate) fn split(n: usize) -> usize {
    let mut k = 1;
    while k * 2 < n {
        k *= 2;
    }
    k
}
