//! What can go wrong between a script and its results.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use shield_types::format_duration;

use super::context::ParseForeignError;
use super::tool::ForeignTool;

/// A script that was not run to its end, or whose results could not be read.
#[derive(Debug, thiserror::Error)]
pub enum RunForeignError {
    /// The script cannot be read.
    #[error("read the script `{}`", path.display())]
    Script {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The tool was to run in a directory that is none.
    #[error("run {tool} in `{}`, which is no directory", path.display())]
    Directory {
        /// Which.
        tool: ForeignTool,
        /// Where.
        path: PathBuf,
    },
    /// The tool is not installed.
    #[error("find `{}`: {tool} is not installed; install it with `{}`", program.display(), tool.install_command())]
    MissingTool {
        /// Which.
        tool: ForeignTool,
        /// As it was looked for.
        program: PathBuf,
    },
    /// The tool cannot be run, or its output not read.
    #[error("run {tool}")]
    Start {
        /// Which.
        tool: ForeignTool,
        /// Why.
        source: io::Error,
    },
    /// Files for its results cannot be made or read.
    #[error("keep the results of {tool} in `{}`", path.display())]
    Results {
        /// Whose.
        tool: ForeignTool,
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It did not end in time, and was ended.
    #[error("wait for {tool}, which did not end within {}", format_duration(*deadline))]
    Deadline {
        /// Which.
        tool: ForeignTool,
        /// The time it had.
        deadline: Duration,
    },
    /// It ended and left no results.
    #[error("find results of {tool}, which ended by {status} and said: {said}")]
    NoResults {
        /// Which.
        tool: ForeignTool,
        /// How it ended.
        status: String,
        /// Its last lines.
        said: String,
    },
    /// Its results are not what this version of the tool is known to write.
    #[error("understand the results of {tool}")]
    Parse {
        /// Whose.
        tool: ForeignTool,
        /// Why.
        source: ParseForeignError,
    },
}
