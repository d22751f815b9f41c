//! Processes that belong to one state directory, by the variable that each of them carries.

use std::{fs, path::Path};

use shield_testkit::ProcessGuard;
use shield_types::Sha256Digest;

/// Pid and `SHIELD_INSTANCE` of every living process of the state directory `state`.
pub(super) fn processes_of(state: &Path) -> Vec<(u32, String)> {
    let state = fs::canonicalize(state).unwrap_or_else(|_| state.to_owned());
    let scope = Sha256Digest::of(state.as_os_str().as_encoded_bytes()).short();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter_map(|pid| instance_of(pid).filter(|name| name.starts_with(&scope)).map(|name| (pid, name)))
        .collect()
}

fn instance_of(pid: u32) -> Option<String> {
    let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
    let mut variables = environment.split(|byte| *byte == 0);
    let value = variables.find_map(|variable| variable.strip_prefix(b"SHIELD_INSTANCE="))?;
    Some(String::from_utf8_lossy(value).into_owned())
}

/// Kills what is left. The control plane first, or it would replace the others.
pub(super) fn kill_all(state: &Path) {
    let mut left = processes_of(state);
    left.sort_by_key(|(_, name)| !name.contains("-control/"));
    for (pid, _) in left {
        // It may have ended by itself.
        drop(ProcessGuard::of_pid(pid));
    }
}
