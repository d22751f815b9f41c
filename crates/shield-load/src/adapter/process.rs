//! A foreign tool as a process group of its own, that never outlives whoever waits for it.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::unix::pipe::Receiver;
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// Longest line that is kept whole; a longer one comes in parts.
const LINE_BYTES_MAX: u64 = 4_096;
/// Longest wait for output once the tool has ended: what it left in a session of its own may hold the pipe open for ever.
const LAST_LINES: Duration = Duration::from_millis(500);

/// What to run.
pub(super) struct ToolCommand {
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<OsString>,
    pub(super) environment: Vec<(&'static str, OsString)>,
}

/// The process group of a tool; ended when dropped, also when whoever waits for it is.
struct Group(Option<Pid>);

// === impl ToolCommand ===

impl ToolCommand {
    /// Runs it to its end; `observe` gets each line of both streams, in order.
    pub(super) async fn run(
        &self,
        directory: &Path,
        observe: &mut dyn FnMut(&str),
    ) -> io::Result<ExitStatus> {
        let (mut child, output) = self.spawn(directory)?;
        let group = Group::of(&child);
        let mut reader = BufReader::new(output);
        let mut line = Vec::new();
        let status = loop {
            tokio::select! {
                // A line that was begun is kept in `line` when the other branch wins.
                read = read_part(&mut reader, &mut line) => match read? {
                    0 => break child.wait().await?,
                    _ => show(&mut line, observe),
                },
                status = child.wait() => break status?,
            }
        };
        drop(group);
        let rest = async {
            while read_part(&mut reader, &mut line).await.is_ok_and(|read| read > 0) {
                show(&mut line, observe);
            }
        };
        // Late output is of no consequence to the results, which are in files.
        let _ = timeout(LAST_LINES, rest).await;
        if !line.is_empty() {
            show(&mut line, observe);
        }
        Ok(status)
    }

    fn spawn(&self, directory: &Path) -> io::Result<(Child, Receiver)> {
        let (reader, writer) = io::pipe()?;
        let child = Command::new(&self.program)
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(directory)
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

/// A line, or what there is of one at its greatest length or the end of the output; appended to `line`.
async fn read_part(reader: &mut BufReader<Receiver>, line: &mut Vec<u8>) -> io::Result<usize> {
    let room = LINE_BYTES_MAX.saturating_sub(line.len() as u64).max(1);
    reader.take(room).read_until(b'\n', line).await
}

fn show(line: &mut Vec<u8>, observe: &mut dyn FnMut(&str)) {
    observe(String::from_utf8_lossy(line).trim_end());
    line.clear();
}

// === impl Group ===

impl Group {
    fn of(child: &Child) -> Self {
        Self(child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // Usually it is gone by now.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}
