//! The log files of instances, staging, the edge and this process: bounded in size and in number.

use std::{collections::BTreeSet, fs, path::PathBuf};

use shield_runtime::rotate_if_larger;

use crate::{layout::Layout, staging::STAGING_PREFIX};

/// A log is rotated beyond this size.
const LOG_BYTES_MAX: u64 = 16 << 20;
/// Rotated copies kept of each log.
const COPIES_KEPT: u32 = 3;
/// Instance logs kept besides those of instances that run.
const INSTANCE_LOGS_KEPT: usize = 100;

/// Rotates what is large, and removes the oldest logs of instances that are gone.
pub(super) fn tidy(layout: &Layout, running: &BTreeSet<PathBuf>) {
    let entries = || fs::read_dir(layout.logs()).into_iter().flatten().flatten();
    for path in
        entries().map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|end| end == "log"))
    {
        if let Err(error) = rotate_if_larger(&path, LOG_BYTES_MAX, COPIES_KEPT) {
            tracing::warn!(path = %path.display(), %error, "a log file is not rotated");
        }
    }
    let mut old: Vec<_> = entries()
        .filter(|entry| of_instance(&entry.file_name().to_string_lossy()) && !running.contains(&entry.path()))
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    old.sort();
    for (_, path) in &old[..old.len().saturating_sub(INSTANCE_LOGS_KEPT)] {
        // What cannot be removed only takes space.
        let _ = fs::remove_file(path);
    }
}

fn of_instance(name: &str) -> bool {
    let number = |rest: &str| rest.starts_with(|first: char| first.is_ascii_digit());
    name.starts_with(STAGING_PREFIX) || name.strip_prefix('r').is_some_and(number)
}
