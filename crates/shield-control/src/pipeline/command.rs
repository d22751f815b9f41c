//! Runs a command of `shield.toml`: by `sh -c`, in the project, its output to a log and to whoever watches.

use std::{
    collections::VecDeque,
    fs::File,
    io::Write,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader},
    net::unix::pipe::Receiver,
    process::{Child, Command},
    sync::mpsc,
    time::timeout,
};

use super::project::first_line;

/// Lines of output that a failure shows.
const TAIL_LINES: usize = 20;
/// Longest line that is kept whole.
const LINE_BYTES_MAX: usize = 4_096;

/// Longest wait for output once the command has ended.
const LAST_LINES: Duration = Duration::from_millis(500);

/// What to run.
pub(super) struct CommandRun<'a> {
    pub(super) command: &'a str,
    pub(super) directory: &'a Path,
    pub(super) deadline: Duration,
    pub(super) log: PathBuf,
}

/// A command that did not succeed.
#[derive(Debug)]
pub(super) struct CommandFailure {
    pub(super) reason: String,
    pub(super) output: Vec<String>,
}

impl CommandRun<'_> {
    /// Runs it; `observe` gets each line as it is printed. Both streams go through one pipe, so that lines keep their order.
    pub(super) async fn run(&self, mut observe: impl FnMut(&str)) -> Result<(), CommandFailure> {
        let failure = |reason: String| CommandFailure { reason, output: Vec::new() };
        let mut log = new_log(&self.log)
            .map_err(|error| failure(format!("write `{}`: {error}", self.log.display())))?;
        let (mut child, output) = self.spawn().map_err(|error| failure(format!("run `sh`: {error}")))?;
        let group = Group::of(&child);
        let (lines, mut received) = mpsc::channel::<String>(256);
        let reader = tokio::spawn(read_lines(output, lines));
        let mut tail = VecDeque::new();
        let mut keep = |line: String| {
            // The log is for people; a full disk must not fail the build by itself.
            let _ = writeln!(log, "{line}");
            observe(&line);
            if tail.len() == TAIL_LINES {
                tail.pop_front();
            }
            tail.push_back(line);
        };
        let ended = timeout(self.deadline, async {
            loop {
                tokio::select! {
                    Some(line) = received.recv() => keep(line),
                    status = child.wait() => return status,
                }
            }
        })
        .await;
        group.kill();
        // What it left running in a session of its own may hold the pipe open for ever.
        let rest = async {
            while let Some(line) = received.recv().await {
                keep(line);
            }
        };
        let _ = timeout(LAST_LINES, rest).await;
        reader.abort();
        let reason = match ended {
            Ok(Ok(status)) if status.success() => return Ok(()),
            Ok(Ok(status)) => describe(self.command, status),
            Ok(Err(error)) => format!("wait for `{}`: {error}", first_line(self.command)),
            Err(_) => format!(
                "`{}` did not end within {}",
                first_line(self.command),
                shield_types::format_duration(self.deadline)
            ),
        };
        Err(CommandFailure { reason, output: tail.into() })
    }

    fn spawn(&self) -> std::io::Result<(Child, Receiver)> {
        let (reader, writer) = std::io::pipe()?;
        let child = Command::new("sh")
            .arg("-c")
            .arg(self.command)
            .current_dir(self.directory)
            .stdin(Stdio::null())
            .stdout(writer.try_clone()?)
            .stderr(writer)
            // A group of its own, so that everything it started can be ended with it.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        Ok((child, Receiver::from_owned_fd(reader.into())?))
    }
}

/// The process group of a command; ended when dropped, also when the pipeline is interrupted.
pub(super) struct Group(Option<Pid>);

impl Group {
    pub(super) fn of(child: &Child) -> Self {
        Self(child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw))
    }

    fn kill(&self) {
        if let Some(group) = self.0 {
            // Usually it is gone by now.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

/// An empty log; appended to, since the control plane may cut it while it grows.
fn new_log(path: &Path) -> std::io::Result<File> {
    File::create(path)?;
    File::options().append(true).open(path)
}

fn describe(command: &str, status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("`{}` exited with code {code}", first_line(command)),
        None => format!("`{}` ended by {status}", first_line(command)),
    }
}

/// Bytes that are not UTF-8 are shown as such; a carriage return ends a line as a line feed does (progress bars).
async fn read_lines(stream: impl AsyncRead + Unpin, lines: mpsc::Sender<String>) {
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    loop {
        line.clear();
        match read_line(&mut reader, &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end_matches(['\n', '\r']).rsplit('\r').next().unwrap_or_default().to_owned();
        if lines.send(text).await.is_err() {
            return;
        }
    }
}

/// At most [`LINE_BYTES_MAX`] bytes of a line; a longer one comes in parts.
async fn read_line(
    reader: &mut (impl AsyncBufReadExt + Unpin),
    line: &mut Vec<u8>,
) -> std::io::Result<usize> {
    reader.take(LINE_BYTES_MAX as u64).read_until(b'\n', line).await
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn run(command: &str, deadline: Duration) -> (Result<(), CommandFailure>, Vec<String>) {
        let directory = tempfile::tempdir().unwrap();
        let run =
            CommandRun { command, directory: directory.path(), deadline, log: directory.path().join("log") };
        let mut seen = Vec::new();
        (run.run(|line| seen.push(line.to_owned())).await, seen)
    }

    #[tokio::test]
    async fn shows_both_streams_in_order() {
        let (result, seen) =
            run("for i in 1 2 3; do echo out; echo err >&2; done", Duration::from_secs(60)).await;
        result.unwrap();
        assert_eq!(seen, ["out", "err", "out", "err", "out", "err"]);
    }

    #[tokio::test]
    async fn does_not_wait_for_a_daemon() {
        // Only once the daemon has a session of its own does the command end.
        let command =
            "setsid sh -c 'echo $$ > pid; exec sleep 600' & while [ ! -s pid ]; do :; done; cat pid";
        let (result, seen) = run(command, Duration::from_secs(60)).await;
        result.unwrap();
        let pid = Pid::from_raw(seen[0].parse().unwrap()).unwrap();
        rustix::process::kill_process(pid, Signal::KILL).unwrap();
    }

    #[tokio::test]
    async fn failure_has_code_and_tail() {
        let (result, _) =
            run("for i in $(seq 50); do echo line $i; done; exit 7", Duration::from_secs(60)).await;
        let failure = result.unwrap_err();
        assert!(failure.reason.ends_with("exited with code 7"), "{}", failure.reason);
        assert_eq!(failure.output.len(), 20);
        assert_eq!(failure.output[19], "line 50");
    }

    #[tokio::test]
    async fn deadline_ends_everything_it_started() {
        let (result, seen) = run("sleep 600 & echo $!; wait", Duration::from_millis(400)).await;
        assert!(result.unwrap_err().reason.contains("did not end within 400ms"));
        let child = format!("/proc/{}/stat", seen[0]);
        let gone = || std::fs::read_to_string(&child).map_or(true, |stat| stat.contains(") Z "));
        for _ in 0..500 {
            if gone() {
                return;
            }
            tokio::task::yield_now().await;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the child outlived its deadline");
    }
}
