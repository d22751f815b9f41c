//! What an audit of a tree costs: `audit_cost FOLDER two|all words|always|unfiltered [THREADS]`.
//!
//! Prints files, findings, a digest of all of them (equal for every way of parsing and any number of threads) and the CPU time
//! and memory that it took.

use std::{env, error::Error, fs, num::NonZeroUsize, path::Path};

use shield_audit::{
    python::{
        Audit, FileReport, Parse, is_candidate,
        rules::{self, Class},
    },
    tree::{Settings, Tree, decode},
};
use shield_types::Sha256Digest;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [root, which, how, rest @ ..] = arguments.as_slice() else {
        return Err("FOLDER two|all words|always|unfiltered".into());
    };
    let audit = match which.as_str() {
        "two" => Audit::new(rules::of(&[Class::Execution, Class::Cryptography])),
        _ => Audit::default(),
    };
    let mut settings = Settings::default();
    if let Some(threads) = rest.first() {
        settings.threads = threads.parse::<NonZeroUsize>()?;
    }
    let tree = Tree::walk(Path::new(root), &settings)?;
    let visited = tree.visit(
        &settings,
        |entry| is_candidate(entry) && entry.path.contains(".py"),
        |entry, bytes| match how.as_str() {
            "words" => audit.bytes(&entry.path, bytes, Parse::WhereWordsOccur),
            "always" => audit.bytes(&entry.path, bytes, Parse::Always),
            _ => decode(bytes)
                .map(|text| audit.text_unfiltered(&entry.path, &text.characters))
                .unwrap_or_default(),
        },
    );
    report(&visited.results)
}

fn report(reports: &[FileReport]) -> Result<(), Box<dyn Error>> {
    let findings: Vec<_> = reports.iter().flat_map(|report| &report.findings).collect();
    let suppressed: usize = reports.iter().map(|report| report.suppressed.len()).sum();
    let skipped: usize = reports.iter().map(|report| report.skipped.len()).sum();
    let digest = Sha256Digest::of(format!("{findings:?}").as_bytes());
    let with_findings = reports.iter().filter(|report| !report.findings.is_empty()).count();
    println!(
        "{} files, {} findings in {with_findings}, {suppressed} suppressed, {skipped} skipped, digest {digest}",
        reports.len(),
        findings.len()
    );
    let ticks = fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = ticks.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let seconds = |index: usize| {
        fields.get(index).and_then(|field| field.parse::<f64>().ok()).unwrap_or_default() / 100.0
    };
    let status = fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default();
    println!("user {:.2} s, system {:.2} s, {peak}", seconds(11), seconds(12));
    Ok(())
}
