//! `shield load` as a process of its own.

use std::{ffi::OsString, path::Path, time::Duration};

use shield_load::RunResults;
use tokio::process::Command;

use super::{Result, Trouble, build_programs, run};

/// Longest run.
const LIMIT: Duration = Duration::from_secs(45 * 60);

/// What a run said, and its exit code.
pub(crate) struct LoadRun {
    pub(crate) results: RunResults,
    pub(crate) code: i32,
}

/// Runs a load file, written to `directory` first. `before` is what stands before the program: `taskset`, `nice`.
pub(crate) async fn shield_load(directory: &Path, text: &str, before: &[&str]) -> Result<LoadRun> {
    let path = directory.join("load.toml");
    std::fs::write(&path, text).map_err(|error| Trouble::caused("write the load file", error))?;
    let program = build_programs().await?.shield;
    let mut words: Vec<OsString> = before.iter().map(OsString::from).collect();
    words.extend([program.into(), "--output-format".into(), "json".into(), "load".into(), path.into()]);
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]);
    let finished = run(command, LIMIT).await?;
    let results = serde_json::from_str(&finished.stdout).map_err(|error| {
        let said = format!("{}{}", finished.stdout, finished.stderr);
        Trouble::caused(format!("read the results of `shield load`, which said: {said}"), error)
    })?;
    Ok(LoadRun { results, code: finished.code() })
}
