//! The command line of `shield audit`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use shield_audit::{finding::Severity, imports::PythonVersion, report::Part};

#[derive(Debug, Args)]
pub(crate) struct AuditArguments {
    /// The directory or file to audit [default: the project].
    #[arg(value_name = "PATH")]
    pub(crate) path: Option<PathBuf>,
    /// Findings count from this severity [default: audit.fail_on of shield.toml, else high].
    #[arg(long, value_enum, value_name = "SEVERITY")]
    pub(crate) fail_on: Option<SeverityName>,
    /// A part whose gaps do not count; may be given more than once [default: audit.gaps of shield.toml].
    #[arg(long = "gaps", value_name = "PART", value_parser = parse_part)]
    pub(crate) gaps: Vec<Part>,
    /// Look for secrets in every commit too.
    #[arg(long)]
    pub(crate) history: bool,
    /// Directories of this name are not entered; may be given more than once.
    #[arg(long, value_name = "NAME")]
    pub(crate) exclude: Vec<String>,
    /// A directory of installed packages beside those in PATH; may be given more than once.
    #[arg(long, value_name = "DIR")]
    pub(crate) site_packages: Vec<PathBuf>,
    /// The Python that runs the project, such as 3.12 [default: what its environment says].
    #[arg(long, value_name = "VERSION", value_parser = parse_python)]
    pub(crate) python: Option<PythonVersion>,
    /// The file of accepted findings [default: audit-baseline.txt in PATH, if there is one].
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,
}

/// From which severity findings count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SeverityName {
    Info,
    Low,
    Medium,
    High,
    Critical,
}

// === impl SeverityName ===

impl From<SeverityName> for Severity {
    fn from(name: SeverityName) -> Self {
        match name {
            SeverityName::Info => Self::Info,
            SeverityName::Low => Self::Low,
            SeverityName::Medium => Self::Medium,
            SeverityName::High => Self::High,
            SeverityName::Critical => Self::Critical,
        }
    }
}

fn parse_part(text: &str) -> Result<Part, String> {
    text.parse::<Part>().map_err(|_| format!("expected one of {}", Part::listed()))
}

fn parse_python(text: &str) -> Result<PythonVersion, String> {
    let minor = text.strip_prefix("3.").and_then(|minor| minor.parse().ok());
    minor.map(PythonVersion).ok_or_else(|| "expected a version of Python 3, such as 3.12".to_owned())
}
