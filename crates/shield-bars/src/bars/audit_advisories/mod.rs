//! `audit.advisories`: which versions an advisory is about is told as those tell it who wrote it.
//!
//! Python: records have ranges and, beside them, a list of versions that OSV's importer made from them and the index of its day. Every
//! version that any list of a package names is held against every record of the package, where it was on the index when the
//! record's list was made (see [`ranges`]); the figure with all others is printed beside it. Rust: what is found in lock files, of
//! every kind of advisory, is exactly what the `rustsec` crate finds. Then the time of 12,000 look-ups.

mod lock_files;
mod look_ups;
mod ranges;

use std::path::{Path, PathBuf};

use shield_audit::advisories::{Builder, Index, read_source};

use super::Options;
use crate::harness::{Result, Trouble, Verdict};

/// The variable that names the folder of public data.
const DATA: &str = "SHIELD_BAR_DATA";

pub(crate) async fn run(_options: &Options) -> Result<Verdict> {
    let (pypa, rustsec) =
        (database("pypa", "pypa/advisory-database")?, database("rustsec", "RustSec/advisory-db")?);
    let python = index(&pypa)?;
    let mut verdict = Verdict::default();
    let agreement = ranges::measure(&python, &mut verdict)?;
    let locks = lock_files::measure(&rustsec, &index(&rustsec)?, &mut verdict)?;
    let look_ups = look_ups::measure(&python, &mut verdict)?;
    Ok(verdict.with_figure(format!("{agreement}; {locks}; {look_ups}")))
}

/// A database in the folder of public data.
fn database(folder: &str, repository: &str) -> Result<PathBuf> {
    let wanted = format!("a checkout of {repository} as `{folder}` in the folder that {DATA} names");
    let data = std::env::var_os(DATA)
        .ok_or_else(|| Trouble::new(format!("find public data: {DATA} is not set; put {wanted}")))?;
    let path = Path::new(&data).join(folder);
    if path.is_dir() {
        Ok(path)
    } else {
        Err(Trouble::new(format!("find public data: `{}` is missing; put {wanted}", path.display())))
    }
}

fn index(path: &Path) -> Result<Index> {
    let mut builder = Builder::new();
    read_source(&mut builder, path).map_err(|error| Trouble::caused("read a database", error))?;
    let index = builder.finish();
    let summary = index.summary();
    println!(
        "  {}: {} records, {} quarantined, {} bytes of index {}",
        path.display(),
        summary.records,
        summary.quarantined.len(),
        index.bytes().len(),
        index.digest()
    );
    for quarantined in &summary.quarantined {
        println!("      {}: {}", quarantined.file, quarantined.reason);
    }
    Ok(index)
}
