//! B1: what is signed is the root over the records' leaves, by a literal reading of RFC 6962. `firstlight-tlog` shows the
//! same of the tree itself, with the published vectors.

use firstlight_domain::plan::hex;
use firstlight_journal::{SeedSigner, Signer};

use crate::{
    common::{Home, at, filled, leaves},
    oracle::mth,
};

/// The root of an empty tree, as published.
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

#[test]
fn b1_a_checkpoint_signs_the_root_over_the_records_leaves() {
    let home = Home::new();
    let mut journal = filled(&home, 0);
    let signer = SeedSigner::new(&[1; 32]);
    let empty = journal.checkpoint(at(0), &signer).unwrap();
    assert_eq!((empty.size, hex(&empty.root).as_str()), (0, EMPTY));
    drop(journal);
    let mut journal = filled(&home, 13);
    let checkpoint = journal.checkpoint(at(5), &signer).unwrap();
    assert_eq!(checkpoint.size, 13);
    assert_eq!(checkpoint.root, mth(&leaves(&home.path())));
    assert_eq!(checkpoint.key, signer.public_key().unwrap());
    // Nothing was appended: the same one, not one more.
    assert_eq!(journal.checkpoint(at(9), &signer).unwrap(), checkpoint);
    assert_eq!(journal.checkpoints().unwrap(), [empty, checkpoint]);
}
