//! Running scanners, within limits.

mod process;
#[cfg(test)]
mod tests;

use std::{
    env, fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Serialize;

use super::{Output, Tool, tools};
use process::{Ended, Limits, Task};

/// What scanners may do beyond reading the audited tree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    /// Ask the network: names of what the project depends on leave the machine.
    pub network: bool,
    /// Execute what the audited tree, or what it depends on, says; programs that lie in it too.
    pub project_code: bool,
}

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
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ran {
    /// Which.
    pub tool: &'static str,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a scanner. Everything but an output leaves a gap that a report names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Outcome {
    /// It ran, and said this.
    Read(Output),
    /// It is not installed.
    NotInstalled,
    /// There is nothing for it to look at.
    NothingToLookAt {
        /// What is missing.
        reason: String,
    },
    /// It would do what it may not.
    NotAllowed {
        /// What.
        reason: String,
    },
    /// It could not be started, or failed.
    Failed {
        /// With which exit code, or what the system said.
        how: String,
        /// The end of what it complained about, cut.
        said: String,
    },
    /// It took too long, and was killed with what it had started.
    TimedOut {
        /// The limit.
        seconds: u64,
    },
    /// It wrote too much, and was killed.
    TooMuch {
        /// The limit.
        limit_bytes: usize,
    },
    /// What it wrote is not of its form.
    Nonsense {
        /// What is wrong with it.
        reason: String,
    },
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
        let outcome = self.refusal(tool).unwrap_or_else(|program| self.outcome(tool, program));
        Ran { tool: tool.name, outcome }
    }

    /// Why a scanner is not run, or its program.
    fn refusal(&self, tool: &Tool) -> Result<Outcome, PathBuf> {
        let refused = |reason: &str| Ok(Outcome::NotAllowed { reason: reason.to_owned() });
        let program = match self.program(tool.program) {
            Program::Outside(program) => program,
            Program::Inside(program) if self.allowed.project_code => program,
            Program::Inside(_) => return refused("its program lies in the audited tree"),
            Program::Nowhere => return Ok(Outcome::NotInstalled),
        };
        if !tool.needs.is_empty() && !tool.needs.iter().any(|name| self.root.join(name).is_file()) {
            return Ok(Outcome::NothingToLookAt { reason: format!("no `{}`", tool.needs.join("`, `")) });
        }
        if tool.asks_network && !self.allowed.network {
            return refused("it asks the network");
        }
        if tool.executes_project && !self.allowed.project_code {
            return refused("it may execute what the audited tree says");
        }
        Err(program)
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

    fn outcome(&self, tool: &Tool, program: PathBuf) -> Outcome {
        let task = Task { program, arguments: tool.arguments, directory: &self.root };
        let limits = Limits { time: self.time_max.min(tool.time_max), bytes: self.output_bytes_max };
        let (code, [output, complaints]) = match task.run(&limits) {
            Ended::Exited { code, streams } => (code, streams),
            Ended::NotStarted(error) => {
                return Outcome::Failed { how: error.to_string(), said: String::new() };
            }
            Ended::TimedOut => return Outcome::TimedOut { seconds: limits.time.as_secs() },
            Ended::TooMuch => return Outcome::TooMuch { limit_bytes: self.output_bytes_max },
        };
        if let Some(code) = code.filter(|code| tool.nothing.contains(code)) {
            return Outcome::NothingToLookAt { reason: format!("it ended with {code}") };
        }
        if !code.is_some_and(|code| code == 0 || tool.found.contains(&code)) {
            let how =
                code.map_or_else(|| "killed by a signal".to_owned(), |code| format!("exit code {code}"));
            return Outcome::Failed {
                how,
                said: end_of(if complaints.is_empty() { &output } else { &complaints }),
            };
        }
        let written = if tool.on_error_stream { &complaints } else { &output };
        match tool.read(written, &self.root) {
            // An exit code that comes with findings, and none: it means something else this time.
            Ok(Output { observations, unread })
                if code != Some(0) && observations.is_empty() && unread.is_empty() =>
            {
                let how = format!("exit code {} and no findings", code.unwrap_or_default());
                Outcome::Failed { how, said: end_of(&complaints) }
            }
            Ok(read) => Outcome::Read(read),
            Err(error) => Outcome::Nonsense { reason: format!("{error}; it ended: {}", end_of(&complaints)) },
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

// === impl Outcome ===

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(output) => write!(
                formatter,
                "{} findings, {} things not looked at",
                output.observations.len(),
                output.unread.len()
            ),
            Self::NotInstalled => formatter.write_str("not installed"),
            Self::NothingToLookAt { reason } => write!(formatter, "nothing to look at: {reason}"),
            Self::NotAllowed { reason } => write!(formatter, "not allowed: {reason}"),
            Self::Failed { how, said } if said.is_empty() => write!(formatter, "failed: {how}"),
            Self::Failed { how, said } => write!(formatter, "failed: {how}: {said}"),
            Self::TimedOut { seconds } => write!(formatter, "took longer than {seconds} s"),
            Self::TooMuch { limit_bytes } => write!(formatter, "wrote more than {limit_bytes} bytes"),
            Self::Nonsense { reason } => write!(formatter, "wrote nonsense: {reason}"),
        }
    }
}
