//! The scanners: how each is run, and how its output is read.

mod code;
mod packages;
mod secrets;
mod style;

use std::time::Duration;

use super::read::{Form, Rating};
use crate::finding::Severity;

/// A scanner.
#[derive(Debug)]
pub struct Tool {
    /// What it is called here.
    pub name: &'static str,
    /// Its program.
    pub program: &'static str,
    /// The command that installs it.
    pub install: &'static str,
    /// What makes it say its version.
    pub version: &'static [&'static str],
    /// With what it is run, in the audited directory.
    pub arguments: &'static [&'static str],
    /// Exit codes beside 0 that come with an output.
    pub found: &'static [i32],
    /// Exit codes that mean that there is nothing for it to look at.
    pub nothing: &'static [i32],
    /// Files one of which must be in the audited directory; none: it is always run.
    pub needs: &'static [&'static str],
    /// How long it may take, unless the runner allows less.
    pub time_max: Duration,
    /// Whether its output is on the stream for errors.
    pub(super) on_error_stream: bool,
    /// Whether it asks the network.
    pub asks_network: bool,
    /// Whether it may execute what the audited tree or what it depends on says: build scripts, plugins, settings.
    pub executes_project: bool,
    /// The form of its output.
    pub(super) form: Form,
}

/// For those that build the project, or load what they need from the network.
const LONG: Duration = Duration::from_mins(10);
const LINT: Rating = Rating::Always(Severity::Low);
const STYLE: Rating = Rating::Always(Severity::Info);

/// What most tools are: silent with 0, 1 with findings, output on the standard stream.
pub(super) const USUAL: Tool = Tool {
    name: "",
    program: "",
    install: "",
    version: &["--version"],
    arguments: &[],
    found: &[1],
    nothing: &[],
    needs: &[],
    time_max: Duration::from_mins(2),
    on_error_stream: false,
    asks_network: false,
    executes_project: false,
    form: Form::Lines(&[]),
};

/// Every scanner that is known.
pub fn tools() -> impl Iterator<Item = &'static Tool> {
    [code::TOOLS, style::TOOLS, packages::TOOLS, secrets::TOOLS].into_iter().flatten()
}

// === impl Tool ===

impl Tool {
    /// The scanner of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        tools().find(|tool| tool.name == name)
    }
}
