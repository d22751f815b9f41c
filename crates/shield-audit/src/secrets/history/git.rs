//! The running `git` that a history is read from.
//!
//! Only plumbing is run (`rev-list`, `diff-tree`, `cat-file`): it reads the same from bare, shallow and packed repositories.

use std::{
    io,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use super::HistoryError;
use crate::git::{git, no_repository};

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
            let message = match no_repository(&output) {
                true => "it belongs to no repository of git".to_owned(),
                false => format!("`git rev-parse` fails ({})", output.status),
            };
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
        prepared.stdin(input).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = prepared.spawn().map_err(|source| HistoryError::Run { command, source })?;
        let stdout = child.stdout.take().expect("it was just piped");
        Ok((Running { command, child }, stdout))
    }

    fn command(&self, command: &str, arguments: &[&str]) -> Command {
        let mut prepared = git(&self.directory);
        prepared.arg(command).args(arguments);
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
    /// How it ended, if it failed.
    pub(super) fn end(mut self) -> Result<(), String> {
        let status = self.child.wait().map_err(|error| error.to_string())?;
        match status.success() {
            true => Ok(()),
            false => Err(format!("`git {}` fails ({status})", self.command)),
        }
    }
}

impl Drop for Running {
    /// Nothing is left behind, whatever went wrong meanwhile.
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
