//! Processor time against detect-secrets over the same files, and how it grows with hostile bytes.

use std::{
    env,
    ffi::OsString,
    hint::black_box,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use shield_audit::secrets::Scanner;

use super::original::{files, read};
use crate::harness::{Result, Trouble, Verdict, children_time, thread_time};

const DETECT_SECRETS: &str = "SHIELD_BAR_DETECT_SECRETS";
const RATIO_MIN: f64 = 200.0;
/// Scans of the whole project, of which the quickest counts.
const REPEATS: usize = 5;
/// Twice the bytes may take so much longer: linear, with room for noise.
const GROWTH_MAX: f64 = 3.0;
const HOSTILE_BYTES: usize = 1 << 21;
/// Texts that lead furthest into a closer look, to be repeated.
const HOSTILE: [&str; 16] = [
    "key=",
    "password='",
    "key:\"",
    "\"password\",",
    "--password ",
    "eyJ.",
    "-eyJ",
    "a://b:c@",
    "-----BEGIN PRIVATE KEY-----",
    "-----BEGIN",
    "-glpat-",
    "-pypi-AgEIcHlwaS5vcmc",
    "secret='a.b.c.d",
    "curl -u ",
    "1234567890123456|",
    "password=A1b2C3d4E5f6;",
];

/// How many times the processor time detect-secrets takes.
pub(super) fn check(scanner: &Scanner, original: &Path, verdict: &mut Verdict) -> Result<f64> {
    let mut own = Duration::MAX;
    for _ in 0..REPEATS {
        let before = thread_time();
        // Reading is part of it, as it is of the other's.
        for file in files(original)? {
            black_box(scanner.scan(&file.to_string_lossy(), &read(&file)?));
        }
        own = own.min(thread_time().saturating_sub(before));
    }
    let theirs = detect_secrets(original)?;
    let ratio = theirs.as_secs_f64() / own.as_secs_f64().max(1e-6);
    println!("  {:.3} s of processor time, detect-secrets {:.1} s", own.as_secs_f64(), theirs.as_secs_f64());
    verdict
        .demand(ratio >= RATIO_MIN, || format!("only 1/{ratio:.0} of the processor time of detect-secrets"));
    for text in HOSTILE {
        let growth = growth(scanner, text);
        verdict.demand(growth <= GROWTH_MAX, || {
            format!("twice as much `{text}` takes {growth:.1} times as long")
        });
    }
    Ok(ratio)
}

fn detect_secrets(original: &Path) -> Result<Duration> {
    let program: OsString = env::var_os(DETECT_SECRETS).ok_or_else(|| {
        Trouble::new(format!("find detect-secrets: name the program of version 1.5.0 by {DETECT_SECRETS}"))
    })?;
    let before = children_time()?;
    let mut command = Command::new(program);
    command.args(["-c", "1", "scan", "--all-files", "."]).current_dir(original).stdout(Stdio::null());
    let status = command.status().map_err(|error| Trouble::caused("run detect-secrets", error))?;
    match status.success() {
        true => Ok(children_time()?.saturating_sub(before)),
        false => Err(Trouble::new(format!("run detect-secrets: {status}"))),
    }
}

/// How many times as long twice the bytes take.
fn growth(scanner: &Scanner, text: &str) -> f64 {
    let cost = |bytes: usize| {
        let text = text.repeat(bytes / text.len());
        let took = (0..3).map(|_| {
            let before = thread_time();
            black_box(scanner.scan(".env", text.as_bytes()));
            thread_time().saturating_sub(before)
        });
        took.min().unwrap_or_default().as_secs_f64().max(1e-3)
    };
    cost(HOSTILE_BYTES) / cost(HOSTILE_BYTES / 2)
}
