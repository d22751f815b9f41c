//! Running scanners, within limits.

mod outcome;
mod permission;
mod process;
#[cfg(test)]
mod tests;
mod version;

use std::{
    collections::BTreeSet,
    env,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use super::{Tool, tools};
pub use outcome::Outcome;
pub use permission::{Allowed, ParsePermissionError, Permission};
use process::{Ended, Limits, Task};
use version::version;

/// Runs scanners on one directory.
#[derive(Clone, Debug)]
pub struct Runner {
    /// The audited directory.
    pub root: PathBuf,
    /// Directories in which programs are looked for; relative ones are passed over.
    pub search_path: Vec<PathBuf>,
    /// How long one scanner may take, even if its table says longer.
    pub time_max: Duration,
    /// How much one scanner may write, in bytes.
    pub output_bytes_max: usize,
    /// What they may do.
    pub allowed: Allowed,
}

/// What came of one scanner.
#[derive(Clone, Debug)]
pub struct Ran {
    /// Which.
    pub tool: &'static Tool,
    /// The version that it says it is; none if it did not run, or does not say.
    pub version: Option<String>,
    /// How long it took, in milliseconds; none if it did not run.
    pub took_ms: Option<u64>,
    /// Its exit code; none if it did not run, or was killed.
    pub exit: Option<i32>,
    /// What came of it.
    pub outcome: Outcome,
}

/// Where a program is.
enum Program {
    Outside(PathBuf),
    /// In the audited tree, which may have brought it.
    Inside(PathBuf),
    Nowhere,
}

/// Longer than any scanner of the table.
const TIME_MAX: Duration = Duration::from_mins(10);
/// How much it may write. A JSON tree takes some ten times as much.
const OUTPUT_BYTES_MAX: usize = 16 << 20;

// === impl Runner ===

impl Runner {
    /// For a directory, with the programs of this process's search path.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        let path = env::var_os("PATH").unwrap_or_default();
        Self {
            root: root.canonicalize().unwrap_or_else(|_| root.to_owned()),
            search_path: env::split_paths(&path).collect(),
            time_max: TIME_MAX,
            output_bytes_max: OUTPUT_BYTES_MAX,
            allowed: Allowed::default(),
        }
    }

    /// Runs every known scanner, one after the other.
    #[must_use]
    pub fn run_all(&self) -> Vec<Ran> {
        tools().map(|tool| self.run(tool)).collect()
    }

    /// Runs one.
    #[must_use]
    pub fn run(&self, tool: &'static Tool) -> Ran {
        let program = match self.refusal(tool) {
            Ok(outcome) => return Ran { tool, version: None, took_ms: None, exit: None, outcome },
            Err(program) => program,
        };
        let version = version(tool, &program);
        let began = Instant::now();
        let (exit, outcome) = self.outcome(tool, program);
        let took_ms = u64::try_from(began.elapsed().as_millis()).ok();
        Ran { tool, version, took_ms, exit, outcome }
    }

    /// Whether the program of a scanner is somewhere on the search path.
    #[must_use]
    pub fn is_installed(&self, tool: &Tool) -> bool {
        !matches!(self.program(tool.program), Program::Nowhere)
    }

    /// Why a scanner is not run, or its program.
    fn refusal(&self, tool: &Tool) -> Result<Outcome, PathBuf> {
        let (program, inside) = match self.program(tool.program) {
            Program::Outside(program) => (program, false),
            Program::Inside(program) => (program, true),
            Program::Nowhere => return Ok(Outcome::NotInstalled),
        };
        if !self.root.is_dir() {
            let reason = "scanners look at directories, and this is a file".to_owned();
            return Ok(Outcome::NothingToLookAt { reason });
        }
        if !tool.needs.is_empty() && !tool.needs.iter().any(|name| self.root.join(name).is_file()) {
            return Ok(Outcome::NothingToLookAt { reason: format!("no `{}`", tool.needs.join("`, `")) });
        }
        let refusals = [
            (inside, Permission::ProjectCode, "its program lies in the audited tree"),
            (tool.asks_network, Permission::Network, "it asks the network"),
            (tool.executes_project, Permission::ProjectCode, "it may execute what the audited tree says"),
        ];
        let refusals = refusals.into_iter().filter(|(would, needs, _)| *would && !self.allowed.has(*needs));
        let (needs, reasons): (BTreeSet<Permission>, Vec<&str>) =
            refusals.map(|(_, needs, reason)| (needs, reason)).unzip();
        if needs.is_empty() {
            return Err(program);
        }
        Ok(Outcome::NotAllowed { needs, reason: reasons.join(", and ") })
    }

    /// A program of the search path; relative directories are not looked into.
    fn program(&self, name: &str) -> Program {
        let directories = self.search_path.iter().filter(|directory| directory.is_absolute());
        let programs = directories.map(|directory| directory.join(name)).filter(|program| program.is_file());
        let mut inside = None;
        for program in programs {
            let directory = program.parent().and_then(|directory| directory.canonicalize().ok());
            if directory.is_some_and(|directory| !directory.starts_with(&self.root)) {
                return Program::Outside(program);
            }
            inside.get_or_insert(program);
        }
        inside.map_or(Program::Nowhere, Program::Inside)
    }

    /// Runs a program; its exit code, and what came of it.
    fn outcome(&self, tool: &Tool, program: PathBuf) -> (Option<i32>, Outcome) {
        let task = Task { program, arguments: tool.arguments, directory: &self.root };
        let limits = Limits { time: self.time_max.min(tool.time_max), bytes: self.output_bytes_max };
        match task.run(&limits) {
            Ended::Exited { code, streams } => (code, self.of_exit(tool, code, &streams)),
            Ended::NotStarted(error) => {
                (None, Outcome::Failed { how: error.to_string(), said: String::new() })
            }
            Ended::TimedOut => (None, Outcome::TimedOut { seconds: limits.time.as_secs() }),
            Ended::TooMuch => (None, Outcome::TooMuch { limit_bytes: self.output_bytes_max }),
        }
    }

    /// What an exit code and two streams mean.
    fn of_exit(&self, tool: &Tool, code: Option<i32>, [output, complaints]: &[Vec<u8>; 2]) -> Outcome {
        if let Some(code) = code.filter(|code| tool.nothing.contains(code)) {
            return Outcome::NothingToLookAt { reason: format!("it ended with {code}") };
        }
        if !code.is_some_and(|code| code == 0 || tool.found.contains(&code)) {
            let how =
                code.map_or_else(|| "killed by a signal".to_owned(), |code| format!("exit code {code}"));
            return Outcome::Failed {
                how,
                said: end_of(if complaints.is_empty() { output } else { complaints }),
            };
        }
        let written = if tool.on_error_stream { complaints } else { output };
        match tool.read(written, &self.root) {
            // An exit code that comes with findings, and none: it means something else this time.
            Ok(read) if code != Some(0) && read.says_nothing() => {
                let how = format!("exit code {} and no findings", code.unwrap_or_default());
                Outcome::Failed { how, said: end_of(complaints) }
            }
            Ok(read) => Outcome::Read(read),
            Err(error) => Outcome::Nonsense { reason: format!("{error}; it ended: {}", end_of(complaints)) },
        }
    }
}

/// The end of a text, in one line.
fn end_of(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(2_000)..]).into_owned();
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let start = words.char_indices().rev().nth(299).map_or(0, |(at, _)| at);
    words[start..].to_owned()
}
