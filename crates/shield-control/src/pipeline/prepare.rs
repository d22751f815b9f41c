//! Makes what a measurement needs: accounts, tokens, keys.
//!
//! The service's own command does it, since only it knows how. What it prints on stdout are the values that the load file
//! takes from its environment, one `NAME=VALUE` a line. They are secrets: never logged, never shown.

use std::{collections::BTreeMap, path::Path, process::Stdio, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::Command,
    time::timeout,
};

use super::command::Group;

/// How long it may take.
const DEADLINE: Duration = Duration::from_secs(60);
/// How much it may print.
const PRINTED_BYTES_MAX: u64 = 64 * 1024;
/// Lines of its complaints that a failure shows.
const TAIL_LINES: usize = 20;

/// A command that did not prepare.
#[derive(Debug)]
pub(super) struct PrepareFailure {
    pub(super) reason: String,
    pub(super) output: Vec<String>,
}

/// Runs `command` by `sh -c` in the project, with these variables besides those of this process.
pub(super) async fn prepare(
    command: &str,
    directory: &Path,
    variables: &[(&str, String)],
) -> Result<BTreeMap<String, String>, PrepareFailure> {
    let failure = |reason: String| PrepareFailure { reason, output: Vec::new() };
    let mut child = Command::new("sh")
        .args(["-c", command])
        .current_dir(directory)
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| failure(format!("run `sh`: {error}")))?;
    let group = Group::of(&child);
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let ended =
        timeout(DEADLINE, async { tokio::join!(printed(stdout), printed(stderr), child.wait()) }).await;
    drop(group);
    let Ok((stdout, stderr, status)) = ended else {
        return Err(failure("`bench.prepare` did not end within 1m".to_owned()));
    };
    let lines: Vec<&str> = stderr.lines().collect();
    let tail =
        lines[lines.len().saturating_sub(TAIL_LINES)..].iter().map(|line| (*line).to_owned()).collect();
    match status {
        Ok(status) if status.success() => values(&stdout).map_err(failure),
        Ok(status) => {
            Err(PrepareFailure { reason: format!("`bench.prepare` ended by {status}"), output: tail })
        }
        Err(error) => Err(failure(format!("wait for `bench.prepare`: {error}"))),
    }
}

/// The beginning of what was printed; what is not text shows as such.
async fn printed(stream: Option<impl AsyncRead + Unpin>) -> String {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        // A pipe that breaks has said all it will.
        let _ = stream.take(PRINTED_BYTES_MAX).read_to_end(&mut bytes).await;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The values; a line that is none is told by its number alone.
fn values(printed: &str) -> Result<BTreeMap<String, String>, String> {
    let mut values = BTreeMap::new();
    for (index, line) in printed.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let named = line.split_once('=').filter(|(name, _)| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        });
        let Some((name, value)) = named else {
            return Err(format!("line {} of what `bench.prepare` printed is not `NAME=VALUE`", index + 1));
        };
        values.insert(name.to_owned(), value.trim_end().to_owned());
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn prepared(command: &str) -> Result<BTreeMap<String, String>, PrepareFailure> {
        let directory = tempfile::tempdir().unwrap();
        prepare(command, directory.path(), &[("SHIELD_BENCH_URL", "http://here".to_owned())]).await
    }

    #[tokio::test]
    async fn printed_values_are_taken() {
        let values =
            prepared("echo TOKEN=a=b; echo; echo \"URL=$SHIELD_BENCH_URL\"; echo said >&2").await.unwrap();
        assert_eq!(
            values,
            BTreeMap::from(
                [("TOKEN", "a=b"), ("URL", "http://here")]
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
            )
        );
    }

    #[tokio::test]
    async fn failure_shows_complaints_and_no_secret() {
        let failure = prepared("echo KEY=hunter2; echo no account >&2; exit 3").await.unwrap_err();
        assert_eq!(failure.output, ["no account"]);
        assert!(failure.reason.contains('3') && !failure.reason.contains("hunter2"), "{failure:?}");
        let malformed = prepared("echo OK=1; echo hunter2").await.unwrap_err();
        assert!(
            malformed.reason.contains("line 2") && !malformed.reason.contains("hunter2"),
            "{malformed:?}"
        );
    }
}
