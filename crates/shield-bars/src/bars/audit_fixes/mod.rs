//! `audit.fixes`: what is applied leaves files that parse and have no finding that they had not, and comes off again to the byte.
//!
//! Everything that may be applied is, by tests that always pass, so that only the remedies' own proof stands between them and the files. What comes out is
//! judged here anew: for each thing that findings of a file are about, there are no more of a rule than before. A second part mends the five MD5
//! uses of the original with the project's own tests as judge ([`audit_hashes`]).
//!
//! The folder of `SHIELD_BAR_DATA` holds `bandit/` (PyCQA/bandit at 92080542), `benchmark-python/` (OWASP-Benchmark/BenchmarkPython at 7cf0674b), and what
//! [`super::audit_original`] names.

mod corpus;
mod mutants;

use std::{fs, path::Path};

use self::corpus::Count;
use super::{
    Options, audit_hashes,
    audit_original::{copy, data},
};
use crate::harness::{Result, Trouble, Verdict};

/// From which the mutated files are made.
const SEED: u64 = 20_261_127;
const MUTANTS: usize = 1_000;
/// Fixes that must be applied, or the bar says nothing: somewhat below what was counted when it was written.
const APPLIED_MIN: [(&str, usize); 3] = [("bandit", 60), ("BenchmarkPython", 100), ("mutated files", 500)];

pub(crate) async fn run(_options: &Options) -> Result<Verdict> {
    tokio::task::spawn_blocking(measure).await.map_err(|error| Trouble::caused("measure", error))?
}

fn measure() -> Result<Verdict> {
    let bandit = data("bandit", "PyCQA/bandit at 92080542")?.join("examples");
    let benchmark = data("benchmark-python", "OWASP-Benchmark/BenchmarkPython at 7cf0674b")?;
    let mut verdict = Verdict::default();
    let mut all = Count::default();
    let folder = || tempfile::tempdir().map_err(|error| Trouble::caused("make a folder", error));
    let folders = [folder()?, folder()?, folder()?];
    let [first, second, third] = &folders;
    let python = |path: &str| path.ends_with(".py");
    copy(&bandit, first.path(), python)?;
    copy(&benchmark, second.path(), python)?;
    write_mutants(&[first.path(), second.path()], third.path())?;
    for (folder, (name, applied_min)) in folders.iter().zip(APPLIED_MIN) {
        let count = corpus::check(folder.path(), name, &mut verdict)?;
        println!("  {name}: {count}");
        verdict.demand(count.applied >= applied_min, || {
            format!("{name}: only {} fixes were applied: nothing is shown", count.applied)
        });
        all.add(&count);
    }
    let original = audit_hashes::check(&mut verdict)?;
    Ok(verdict.with_figure(format!("{all}; the original: {original}")))
}

fn write_mutants(bases: &[&Path], to: &Path) -> Result<()> {
    for (number, bytes) in mutants::make(bases, SEED, MUTANTS)?.into_iter().enumerate() {
        let file = to.join(format!("m{number:04}.py"));
        fs::write(&file, bytes)
            .map_err(|error| Trouble::caused(format!("write `{}`", file.display()), error))?;
    }
    Ok(())
}
