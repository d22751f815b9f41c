//! `guard.floods`: whoever brings many keys frees nobody and takes no memory, and whoever brings many log-ins slows nobody
//! who does something else.

mod keys;
mod logins;

use super::{Options, Part};
use crate::harness::{Result, Verdict};

pub(crate) async fn run(options: &Options) -> Result<Verdict> {
    let mut verdict = Verdict::default();
    let mut figures = Vec::new();
    if options.part != Some(Part::Logins) {
        figures.push(keys::measure(&mut verdict).await?);
    }
    if options.part != Some(Part::Keys) {
        figures.push(logins::measure(&mut verdict).await?);
    }
    Ok(verdict.with_figure(figures.join("; ")))
}
