//! What the program may be started with.

use std::path::{Path, PathBuf};

use clap::Parser;
use tauri::Url;

/// From an untouched machine to first value, and how long it took.
#[derive(Debug, Clone, Default, PartialEq, Eq, Parser)]
#[command(name = "firstlight-desktop", version, max_term_width = 100)]
pub(crate) struct Args {
    /// Opens this pack instead of the sample
    #[arg(long, value_name = "DIR")]
    pub(crate) pack: Option<PathBuf>,
    /// A `firstlight://` link, as the system hands it over
    #[arg(value_name = "LINK")]
    pub(crate) link: Option<Url>,
}

impl Args {
    /// The same, as meant in `folder`.
    pub(crate) fn from(mut self, folder: &Path) -> Self {
        self.pack = self.pack.map(|pack| folder.join(pack));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pack_is_meant_where_it_was_said() {
        let args = Args::try_parse_from(["firstlight-desktop", "--pack", "mine"]).unwrap();
        let folder = std::env::temp_dir();
        assert_eq!(args.from(&folder).pack, Some(folder.join("mine")));
        let absolute = folder.join("other");
        let args = Args { pack: Some(absolute.clone()), link: None };
        assert_eq!(args.from(Path::new("elsewhere")).pack, Some(absolute));
    }

    #[test]
    fn a_link_is_taken_and_nonsense_is_not() {
        let args = Args::try_parse_from(["firstlight-desktop", "firstlight://open?pack=/p"]).unwrap();
        assert_eq!(args.link.unwrap().scheme(), "firstlight");
        assert!(Args::try_parse_from(["firstlight-desktop", "not a link"]).is_err());
        assert!(Args::try_parse_from(["firstlight-desktop", "--nonsense"]).is_err());
    }
}
