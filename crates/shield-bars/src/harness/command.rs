//! Running a program to its end, with a deadline.

use std::{
    process::{ExitStatus, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;
use shield_release::FinishedRelease;
use tokio::{process::Command, time::timeout};

use super::{Result, Trouble};

/// A program that ended.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) took: Duration,
}

/// Runs `command` to its end; kills it after `limit`.
pub(crate) async fn run(mut command: Command, limit: Duration) -> Result<Finished> {
    let name = format!("{:?}", command.as_std());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let began = Instant::now();
    let output = timeout(limit, command.output())
        .await
        .map_err(|_| Trouble::new(format!("run {name}: it did not end within {limit:?}")))?
        .map_err(|error| Trouble::caused(format!("run {name}"), error))?;
    Ok(Finished {
        status: output.status,
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        took: began.elapsed(),
    })
}

// === impl Finished ===

impl Finished {
    pub(crate) fn succeeded(&self) -> bool {
        self.status.success()
    }

    /// The exit code; -1 for a program that was killed.
    pub(crate) fn code(&self) -> i32 {
        self.status.code().unwrap_or(-1)
    }

    /// The last JSON line with this `event`.
    fn event(&self, name: &str) -> Option<Value> {
        let lines = self.stdout.lines().rev();
        lines.filter_map(|line| serde_json::from_str::<Value>(line).ok()).find(|line| line["event"] == name)
    }

    /// The release that `shield release --output-format json` finished.
    pub(crate) fn release(&self) -> Option<FinishedRelease> {
        serde_json::from_value(self.event("finished")?["release"].take()).ok()
    }

    /// The checkpoint of the evidence log after that release.
    pub(crate) fn checkpoint(&self) -> Option<String> {
        Some(self.event("finished")?["checkpoint"].as_str()?.to_owned())
    }

    /// Why it failed, in one line.
    pub(crate) fn reason(&self) -> String {
        let stage = self.event("failed").and_then(|event| {
            let failure = &event["failure"];
            Some(format!("{}: {}", failure["stage"].as_str()?, failure["reason"].as_str()?))
        });
        let said = || self.stderr.lines().map(str::trim).collect::<Vec<_>>().join("; ");
        stage.unwrap_or_else(said).chars().take(400).collect()
    }
}
