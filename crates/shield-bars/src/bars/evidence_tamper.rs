//! `ship.evidence-tamper`: whoever keeps a checkpoint finds every change of the log.
//!
//! The log is written by real releases. The changes are made by the instrument of `shield-evidence`, each on a copy; a
//! handful more is made here and shown to the real `shield evidence verify`.

use std::{fs, path::Path};

use shield_evidence::{CHECKPOINTS_FILE, LOG_FILE, PUBLIC_KEY_FILE, TrustedCheckpoint, tamper};

use super::Options;
use crate::harness::{ManifestSettings, Project, Result, Trouble, Verdict, build_programs};

/// Releases that write the log.
const RELEASES: u32 = 24;
/// Statements that the log must hold.
const STATEMENTS_MIN: u64 = 20;
const TAMPERINGS: u64 = 1_000;
const EVIDENCE_BAD: i32 = 7;

/// A change for the command line: of the lines of the log, and of the checkpoints.
type Change = fn(&mut Vec<String>, &mut Vec<String>);

/// What is shown to the command line.
const CHANGES: [(&str, Change); 6] = [
    ("one letter changed", |log, _| log[3] = log[3].replacen('a', "b", 1)),
    ("one line deleted", |log, _| drop(log.remove(5))),
    ("two lines swapped", |log, _| log.swap(4, 9)),
    ("the last line cut off", |log, _| drop(log.pop())),
    ("back to an older signed checkpoint", |log, checkpoints| {
        log.truncate(10);
        checkpoints.truncate(10);
    }),
    ("the last checkpoint deleted", |_, checkpoints| drop(checkpoints.pop())),
];

pub(crate) async fn run(_options: &Options) -> Result<Verdict> {
    let programs = build_programs().await?;
    let mut verdict = Verdict::default();
    let mut project = Project::create(&programs, &ManifestSettings::quick())?;
    let mut checkpoint = None;
    for _ in 0..RELEASES {
        checkpoint = project.must_release().await?.checkpoint();
    }
    let checkpoint = checkpoint.ok_or_else(|| Trouble::new("read the checkpoint that a release prints"))?;
    let expect: TrustedCheckpoint = checkpoint
        .parse()
        .map_err(|error| Trouble::caused(format!("read checkpoint `{checkpoint}`"), error))?;
    verdict.demand(expect.size >= STATEMENTS_MIN, || format!("only {} statements", expect.size));

    let untouched = project.shield(&["evidence", "verify", "--expect", &checkpoint]).await?;
    verdict
        .demand(untouched.succeeded(), || format!("the untouched log does not verify: {}", untouched.stdout));
    let seed = fastrand::u64(..);
    println!("  {} statements by {RELEASES} real releases; {TAMPERINGS} changes, seed {seed}", expect.size);
    let evidence = project.state("evidence");
    let report = tokio::task::spawn_blocking(move || tamper::run(&evidence, expect, seed, TAMPERINGS))
        .await
        .map_err(|error| Trouble::caused("tamper with the log", error))?
        .map_err(|error| Trouble::caused("tamper with the log", error))?;
    report.tried_by_kind.iter().for_each(|(kind, count)| println!("  {count:4} x {kind}"));
    let tried: u64 = report.tried_by_kind.values().sum();
    report.undetected.iter().for_each(|change| println!("  NOT DETECTED: {change}"));
    verdict.demand(report.undetected.is_empty(), || format!("{} not detected", report.undetected.len()));
    verdict.demand(tried == TAMPERINGS, || format!("only {tried} changes were tried"));
    for (what, change) in CHANGES {
        show_command_line(&project, &checkpoint, what, change, &mut verdict).await?;
    }
    project.close().await?;
    Ok(verdict.with_figure(format!(
        "{} of {tried} changes undetected, {} more shown to `shield evidence verify`",
        report.undetected.len(),
        CHANGES.len()
    )))
}

/// Changes a copy of the log and lets the program judge it.
async fn show_command_line(
    project: &Project,
    checkpoint: &str,
    what: &str,
    change: Change,
    verdict: &mut Verdict,
) -> Result<()> {
    let copy = project.beside("copied-state");
    copy_changed(&project.state("evidence"), &copy.join("evidence"), change)
        .map_err(|error| Trouble::caused("copy the evidence log", error))?;
    let state = copy.to_string_lossy().into_owned();
    let arguments = ["evidence", "verify", "--expect", checkpoint];
    let judged = project.shield_with(&arguments, &[("SHIELD_STATE", &state)]).await?;
    let first = judged.stdout.lines().next().unwrap_or_default();
    println!("  {what}: exit code {}: {first}", judged.code());
    verdict.demand(judged.code() == EVIDENCE_BAD, || format!("{what}: exit code {}", judged.code()));
    fs::remove_dir_all(&copy).map_err(|error| Trouble::caused("remove the copy", error))
}

fn copy_changed(from: &Path, to: &Path, change: Change) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    let lines = |name: &str| {
        let text = fs::read_to_string(from.join(name))?;
        std::io::Result::Ok(text.lines().map(str::to_owned).collect::<Vec<_>>())
    };
    let (mut log, mut checkpoints) = (lines(LOG_FILE)?, lines(CHECKPOINTS_FILE)?);
    change(&mut log, &mut checkpoints);
    for (name, lines) in [(LOG_FILE, log), (CHECKPOINTS_FILE, checkpoints)] {
        fs::write(to.join(name), lines.into_iter().map(|line| line + "\n").collect::<String>())?;
    }
    fs::copy(from.join(PUBLIC_KEY_FILE), to.join(PUBLIC_KEY_FILE)).map(drop)
}
