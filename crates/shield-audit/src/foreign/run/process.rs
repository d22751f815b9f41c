//! One child process, with a limit for its time and its output.

use std::{
    io::{self, Read},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{self, RecvTimeoutError, Sender},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process_group};

/// What is run.
pub(super) struct Task<'a> {
    pub(super) program: PathBuf,
    pub(super) arguments: &'a [&'a str],
    pub(super) directory: &'a Path,
}

/// Within what.
pub(super) struct Limits {
    pub(super) time: Duration,
    /// Of each stream.
    pub(super) bytes: usize,
}

/// How it ended.
pub(super) enum Ended {
    /// By itself: its code, none if a signal killed it, and what it wrote on its two streams.
    Exited {
        code: Option<i32>,
        streams: [Vec<u8>; 2],
    },
    NotStarted(io::Error),
    TimedOut,
    TooMuch,
}

/// How often a child is looked at that has closed its streams and goes on.
const LOOK_EVERY: Duration = Duration::from_millis(5);

// === impl Task ===

impl Task<'_> {
    /// Runs it to its end, or to a limit; then it is killed with everything that it started and that is still in its group.
    pub(super) fn run(&self, limits: &Limits) -> Ended {
        let mut command = Command::new(&self.program);
        command.args(self.arguments).current_dir(self.directory).process_group(0);
        command.env("NO_COLOR", "1").env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONUTF8", "1");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => return Ended::NotStarted(error),
        };
        let deadline = Instant::now() + limits.time;
        let ended = follow(&mut child, limits.bytes, deadline);
        if !matches!(ended, Ended::Exited { .. }) {
            stop(&mut child);
        }
        ended
    }
}

/// Reads both streams to their end, then waits for the child.
fn follow(child: &mut Child, bytes_max: usize, deadline: Instant) -> Ended {
    let (sender, receiver) = mpsc::channel();
    if let Some(output) = child.stdout.take() {
        collect(0, output, bytes_max, sender.clone());
    }
    if let Some(complaints) = child.stderr.take() {
        collect(1, complaints, bytes_max, sender.clone());
    }
    drop(sender);
    let mut streams = [Vec::new(), Vec::new()];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match receiver.recv_timeout(left) {
            Ok((_, bytes)) if bytes.len() > bytes_max => return Ended::TooMuch,
            Ok((number, bytes)) => streams[number] = bytes,
            Err(RecvTimeoutError::Timeout) => return Ended::TimedOut,
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ended::Exited { code: status.code(), streams },
            Ok(None) if Instant::now() < deadline => thread::sleep(LOOK_EVERY),
            Ok(None) => return Ended::TimedOut,
            Err(error) => return Ended::NotStarted(error),
        }
    }
}

/// Reads a stream in a thread of its own, one byte further than the limit at most. The thread ends with the stream: at the
/// latest when the group is killed.
fn collect(
    number: usize,
    stream: impl Read + Send + 'static,
    bytes_max: usize,
    sender: Sender<(usize, Vec<u8>)>,
) {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
        // What was read before an error is all there is; the exit code tells the rest.
        let _ = stream.take(limit).read_to_end(&mut bytes);
        // Nobody listens any more once a limit was hit.
        let _ = sender.send((number, bytes));
    });
}

/// Kills a child that was not waited for yet, so that its number still is its own, and its group.
fn stop(child: &mut Child) {
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // It may be gone already.
        let _ = kill_process_group(group, Signal::KILL);
    }
    let _ = child.wait();
}
