//! What each step of a whole audit costs: `audit_stages FOLDER CACHE|- [SITE_PACKAGES…]`.
//!
//! Prints the CPU time that went into each step, what was found, its digest and the memory that it took. A second run with the
//! same file as cache shows what is left to do when nothing has changed.

use std::{env, error::Error, fs, path::Path, sync::Mutex};

use jiff::civil::date;
use shield_audit::{
    audit::{Progress, Settings, audit},
    cache::Cache,
    report::{Criteria, json},
};
use shield_types::Sha256Digest;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [root, kept, sites @ ..] = arguments.as_slice() else {
        return Err("FOLDER CACHE|- [SITE_PACKAGES…]".into());
    };
    let last = Mutex::new(("cache and walk", cpu_seconds()));
    let program = Sha256Digest::of(&fs::read("/proc/self/exe")?);
    let cache = (kept != "-").then(|| Cache::open(fs::read(kept).unwrap_or_default(), program));
    let mut settings = Settings {
        cache,
        site_packages: sites.iter().map(Into::into).collect(),
        ..Settings::on(date(2026, 11, 27))
    };
    let step = |name| {
        let now = cpu_seconds();
        let mut last = last.lock().expect("no step panics");
        println!("{}: {:.2} s", last.0, now - last.1);
        *last = (name, now);
    };
    let report = audit(Path::new(root), &settings, &|progress| match progress {
        Progress::Walked { .. } => step("files"),
        Progress::Flows => step("flows"),
        Progress::Imports => step("imports"),
        Progress::Packages => step("packages"),
        _ => {}
    })?;
    step("cache");
    if let Some(bytes) = settings.cache.take().and_then(Cache::into_bytes) {
        println!("{} bytes are kept", bytes.len());
        fs::write(kept, bytes)?;
    }
    step("report");
    let digest = Sha256Digest::of(json(&report, &Criteria::default()).as_bytes());
    step("");
    let status = fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default();
    println!("{} files, {} findings, {digest}, {peak}", report.coverage.files, report.found.len());
    Ok(())
}

/// User and system, of all threads.
fn cpu_seconds() -> f64 {
    let ticks = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = ticks.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let field =
        |index: usize| fields.get(index).and_then(|field| field.parse::<f64>().ok()).unwrap_or_default();
    (field(11) + field(12)) / 100.0
}
