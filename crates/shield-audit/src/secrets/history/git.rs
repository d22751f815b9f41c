//! `git` as a child process.
//!
//! Only its plumbing is run (`rev-list`, `diff-tree`, `cat-file`): it reads the same from bare, shallow and packed repositories,
//! and nothing in the settings of a repository makes it run a program or ask the network.

use std::{
    io::{self, Read},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    thread::{self, JoinHandle},
};

use super::HistoryError;

/// What is kept of a message.
const MESSAGE_MAX: u64 = 4096;
/// Variables that point `git` to another repository than the directory's: set inside of hooks.
const POINTERS: [&str; 8] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_CEILING_DIRECTORIES",
];

/// A repository.
#[derive(Debug)]
pub(super) struct Git {
    directory: PathBuf,
}

/// A `git` that runs.
#[derive(Debug)]
pub(super) struct Running {
    command: &'static str,
    child: Child,
    /// Reads what it complains about, so that it never waits for a reader.
    complaints: Option<JoinHandle<String>>,
}

// === impl Git ===

impl Git {
    /// The repository that `directory` belongs to, and whether the clone is shallow.
    pub(super) fn open(directory: &Path) -> Result<(Self, bool), HistoryError> {
        let git = Self { directory: directory.to_owned() };
        let output =
            git.command("rev-parse", &["--is-shallow-repository"]).output().map_err(|source| match source
                .kind()
            {
                io::ErrorKind::NotFound => HistoryError::NoGit,
                _ => HistoryError::Run { command: "rev-parse", source },
            })?;
        if !output.status.success() {
            let message =
                String::from_utf8_lossy(&output.stderr).trim().trim_start_matches("fatal: ").to_owned();
            return Err(HistoryError::Refused { directory: git.directory, message });
        }
        Ok((git, output.stdout.starts_with(b"true")))
    }

    /// Starts a command with its input and output.
    pub(super) fn start(
        &self,
        command: &'static str,
        arguments: &[&str],
        input: Stdio,
    ) -> Result<(Running, ChildStdout), HistoryError> {
        let mut prepared = self.command(command, arguments);
        prepared.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = prepared.spawn().map_err(|source| HistoryError::Run { command, source })?;
        let stdout = child.stdout.take().expect("it was just piped");
        let stderr = child.stderr.take().expect("it was just piped");
        let complaints = Some(thread::spawn(move || first_words(stderr)));
        Ok((Running { command, child, complaints }, stdout))
    }

    fn command(&self, command: &str, arguments: &[&str]) -> Command {
        let mut prepared = Command::new("git");
        prepared.arg("-C").arg(&self.directory).arg(command).args(arguments);
        for pointer in POINTERS {
            prepared.env_remove(pointer);
        }
        // Objects as they were committed, none from the network, no question, no lock; messages in English.
        prepared
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .env("GIT_NO_LAZY_FETCH", "1")
            .env("GIT_TERMINAL_PROMPT", "0");
        prepared.env("GIT_OPTIONAL_LOCKS", "0").env("LC_ALL", "C").stdin(Stdio::null());
        prepared
    }
}

// === impl Running ===

impl Running {
    pub(super) fn input(&mut self) -> ChildStdin {
        self.child.stdin.take().expect("its input was piped, and is taken once")
    }

    /// Waits for its end. Whoever holds its input must have dropped it.
    ///
    /// # Errors
    /// What it complained about, if it failed.
    pub(super) fn end(mut self) -> Result<(), String> {
        let status = self.child.wait().map_err(|error| error.to_string())?;
        let complaints = self.complaints.take().and_then(|reader| reader.join().ok()).unwrap_or_default();
        match status.success() {
            true => Ok(()),
            false => Err(format!("git {}: {status}: {}", self.command, complaints.trim())),
        }
    }
}

impl Drop for Running {
    /// Nothing is left behind, whatever went wrong meanwhile.
    fn drop(&mut self) {
        if self.complaints.is_some() {
            self.child.kill().ok();
            self.child.wait().ok();
        }
    }
}

/// The beginning of what comes, all of which is read.
fn first_words(mut from: impl Read) -> String {
    let mut kept = Vec::new();
    from.by_ref().take(MESSAGE_MAX).read_to_end(&mut kept).ok();
    io::copy(&mut from, &mut io::sink()).ok();
    String::from_utf8_lossy(&kept).into_owned()
}
