//! The hub's own log.

use std::{
    fmt::Write as _,
    fs::File,
    io::{self, BufWriter, Write as _},
};

use anyhow::{Context as _, Result, bail};
use firstlight_hub::config::Database;
use jiff::Timestamp;

use super::{open_existing, print};
use crate::args::Audit;

pub(super) async fn run(database: &Database, asked: Audit) -> Result<()> {
    let store = open_existing(database).await?;
    match asked {
        Audit::List => {
            let mut text = String::new();
            for record in store.audit_log().await?.records() {
                // Writing to a text never fails.
                let _ = match record {
                    Ok(one) => writeln!(text, "{}  {:.0}  {} {}", one.seq, one.at, one.by, one.act),
                    Err(unreadable) => writeln!(text, "{}  {unreadable}", unreadable.seq),
                };
            }
            print(&text)
        }
        Audit::Verify { checkpoint } => {
            let kept = checkpoint.map(|file| {
                std::fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))
            });
            let check = store.audit_log().await?.verify(kept.transpose()?.as_deref())?;
            if let Some(flaw) = check.flaw {
                bail!("the audit log is not what was written: {flaw}");
            }
            print(&format!(
                "{} acts, all as they were written; {} of them signed, {} name somebody who was erased\n",
                check.records, check.anchored, check.erased
            ))
        }
        Audit::Checkpoint => print(&store.checkpoint(Timestamp::now()).await?.note),
        Audit::Export { file } => {
            let log = store.audit_log().await?;
            match file {
                None => {
                    let mut out = BufWriter::new(io::stdout().lock());
                    log.export(&mut out).and_then(|()| out.flush()).context("nothing can be printed")
                }
                Some(file) => {
                    let mut out = BufWriter::new(
                        File::create_new(&file)
                            .with_context(|| format!("{} cannot be made", file.display()))?,
                    );
                    log.export(&mut out)
                        .and_then(|()| out.flush())
                        .with_context(|| format!("{} cannot be written", file.display()))
                }
            }
        }
    }
}
