//! One run of the program, whole or under way.

use std::{
    fs::{self, File},
    path::PathBuf,
    process::{Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use rustix::process::{Pid, Signal, kill_process};
use shield_testkit::{ProcessGuard, wait_for_sync};

use super::{LIMIT, text::Filters};

static RUNS: AtomicU32 = AtomicU32::new(0);

/// A run that ended.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    filters: Filters,
}

/// A run under way; killed when this is dropped.
pub(crate) struct Running {
    process: ProcessGuard,
    stdout: PathBuf,
    stderr: PathBuf,
    filters: Filters,
}

// === impl Run ===

impl Run {
    /// Exit code, stdout and stderr, without what differs from run to run.
    pub(crate) fn shown(&self) -> String {
        let whole = format!("code {}\n-- stdout\n{}-- stderr\n{}", self.code, self.stdout, self.stderr);
        self.filters.apply(&whole)
    }

    /// Stdout, without what differs from run to run.
    pub(crate) fn stdout_shown(&self) -> String {
        self.filters.apply(&self.stdout)
    }

    /// Fails the test with everything that was printed unless the code is `code`.
    pub(crate) fn expect(self, code: i32) -> Self {
        assert!(self.code == code, "expected code {code}:\n{}", self.shown());
        self
    }

    /// Fails the test with everything that was printed unless one of the outputs contains `text`.
    pub(crate) fn says(self, text: &str) -> Self {
        let shown = self.shown();
        assert!(shown.contains(text), "expected `{text}`:\n{shown}");
        self
    }

    /// Stdout, one JSON value on each line.
    pub(crate) fn events(&self) -> Vec<serde_json::Value> {
        let event = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.stdout.lines().map(event).collect()
    }
}

// === impl Running ===

impl Running {
    /// Outputs go to files, so that nothing that inherits them can hold this up.
    pub(super) fn start(command: &mut Command, outputs: &std::path::Path, filters: Filters) -> Self {
        let number = RUNS.fetch_add(1, Ordering::Relaxed);
        let [stdout, stderr] = ["stdout", "stderr"].map(|name| outputs.join(format!("{number}.{name}")));
        command
            .stdin(Stdio::null())
            .stdout(File::create(&stdout).unwrap())
            .stderr(File::create(&stderr).unwrap());
        let process = ProcessGuard::of_child(command.spawn().unwrap()).unwrap();
        Self { process, stdout, stderr, filters }
    }

    /// The pid of the command.
    pub(crate) fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Ctrl-C.
    pub(crate) fn interrupt(&self) {
        let pid = Pid::from_raw(i32::try_from(self.pid()).unwrap()).unwrap();
        kill_process(pid, Signal::INT).unwrap();
    }

    /// Waits until stderr contains `text`.
    pub(crate) fn wait_until_said(&self, text: &str) {
        let said = || fs::read_to_string(&self.stderr).unwrap().contains(text).then_some(());
        wait_for_sync(text, LIMIT, said)
            .unwrap_or_else(|error| panic!("{error}\n{}", fs::read_to_string(&self.stderr).unwrap()));
    }

    /// Waits for the first line of stdout.
    pub(crate) fn wait_for_line(&self) -> String {
        let line = || {
            let text = fs::read_to_string(&self.stdout).unwrap();
            text.split_once('\n').map(|(line, _)| line.to_owned())
        };
        wait_for_sync("the first line", LIMIT, line)
            .unwrap_or_else(|error| panic!("{error}\n{}", fs::read_to_string(&self.stderr).unwrap()))
    }

    /// Waits for the end.
    pub(crate) fn finish(mut self) -> Run {
        let ended = self.process.wait(LIMIT);
        let read = |path| String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
        let (stdout, stderr) = (read(&self.stdout), read(&self.stderr));
        let status = ended.unwrap_or_else(|error| panic!("{error}\n{stdout}\n{stderr}")).unwrap();
        Run { code: status.code().unwrap_or(-1), stdout, stderr, filters: self.filters }
    }
}
