//! The command line of `shield audit`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::civil::Date;
use shield_audit::{
    baseline::{FingerprintStart, Pick, Terms},
    finding::Severity,
    imports::PythonVersion,
    report::Part,
};
use shield_control::pipeline::Acceptance;

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
    /// Look at everything, whatever earlier audits have kept, and keep nothing.
    #[arg(long)]
    pub(crate) no_cache: bool,
    /// The file of accepted findings [default: audit-baseline.txt in PATH, if there is one].
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) files: AuditFileArguments,
    #[command(flatten)]
    pub(crate) mend: MendArguments,
    #[command(flatten)]
    pub(crate) accept: AcceptArguments,
    /// Instead of an audit, make the index of advisories anew from these directories and zip archives (dumps of OSV, checkouts of
    /// advisory databases), or from OSV's dumps of crates.io, Go, npm and PyPI, fetched now.
    #[arg(long, value_name = "SOURCE", num_args = 0.., help_heading = ADVISORIES, conflicts_with_all = [
        "path", "fail_on", "gaps", "history", "exclude", "site_packages", "python", "no_cache",
        "baseline", "acceptance",
    ])]
    pub(crate) update: Option<Vec<PathBuf>>,
}

/// What is done about findings.
#[derive(Debug, Args)]
#[group(id = "mending", multiple = false, conflicts_with = "acceptance")]
pub(crate) struct MendArguments {
    /// Mend what can be mended without asking: what keeps its meaning, and, where the tests of shield.toml (stage.test.command) are as
    /// green as before, what may change behaviour. Every change can be taken back with --revert.
    #[arg(long, help_heading = MENDING)]
    pub(crate) fix: bool,
    /// Say what to do about each finding, by when and by whom. Nothing is changed.
    #[arg(long, help_heading = MENDING)]
    pub(crate) plan: bool,
    /// Take back the last --fix: every file gets exactly the bytes that it had.
    #[arg(long, help_heading = MENDING)]
    pub(crate) revert: bool,
}

/// Files that the report is written to.
#[derive(Debug, Args)]
pub(crate) struct AuditFileArguments {
    /// Write all of it as JSON.
    #[arg(long, value_name = "FILE", help_heading = REPORTS)]
    pub(crate) json: Option<PathBuf>,
    /// Write one self-contained HTML page.
    #[arg(long, value_name = "FILE", help_heading = REPORTS)]
    pub(crate) html: Option<PathBuf>,
    /// Write Markdown that fits into a comment on a pull request.
    #[arg(long, value_name = "FILE", help_heading = REPORTS)]
    pub(crate) markdown: Option<PathBuf>,
    /// Write SARIF 2.1.0, which code hosts show beside the code.
    #[arg(long, value_name = "FILE", help_heading = REPORTS)]
    pub(crate) sarif: Option<PathBuf>,
    /// Write the bill of materials as CycloneDX 1.6, with vulnerabilities and what they mean here.
    #[arg(long, value_name = "FILE", help_heading = REPORTS)]
    pub(crate) cyclonedx: Option<PathBuf>,
    /// Write the bill of materials as SPDX 2.3.
    #[arg(long, value_name = "FILE", help_heading = REPORTS)]
    pub(crate) spdx: Option<PathBuf>,
    /// Write OpenVEX: which vulnerabilities matter here, and the proof where one does not.
    #[arg(long, value_name = "FILE", help_heading = REPORTS)]
    pub(crate) vex: Option<PathBuf>,
}

/// Findings that are accepted instead of reported.
#[derive(Debug, Args)]
#[group(id = "accepting", multiple = true)]
#[command(group = clap::ArgGroup::new("acceptance").multiple(true))]
pub(crate) struct AcceptArguments {
    /// Accept these findings for a while, by the first 8 or more digits of their fingerprints.
    #[arg(long, value_name = "FINGERPRINT", num_args = 1.., group = "acceptance", help_heading = ACCEPTING,
        requires_all = ["reason", "until"])]
    accept: Vec<FingerprintStart>,
    /// Accept everything that this rule finds in the path of `--in`.
    #[arg(long, value_name = "RULE", group = "acceptance", help_heading = ACCEPTING,
        requires_all = ["below", "reason", "until"])]
    accept_rule: Option<String>,
    /// The file or directory of `--accept-rule`, relative to PATH.
    #[arg(long = "in", id = "below", value_name = "PREFIX", requires = "accept_rule", help_heading = ACCEPTING)]
    below: Option<String>,
    /// Why they may stay.
    #[arg(long, value_name = "TEXT", requires = "acceptance", help_heading = ACCEPTING)]
    reason: Option<String>,
    /// The last day on which they may stay, such as 2027-01-31.
    #[arg(long, value_name = "DATE", requires = "acceptance", help_heading = ACCEPTING)]
    until: Option<Date>,
    /// Who answers for them: one word.
    #[arg(long, value_name = "NAME", requires = "acceptance", help_heading = ACCEPTING)]
    owner: Option<String>,
}

const MENDING: &str = "Mending";
const REPORTS: &str = "Reports";
const ACCEPTING: &str = "Accepting findings";
const ADVISORIES: &str = "Advisories";

/// From which severity findings count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SeverityName {
    Info,
    Low,
    Medium,
    High,
    Critical,
}

// === impl AcceptArguments ===

impl AcceptArguments {
    /// What is to be accepted; none: nothing.
    pub(crate) fn acceptance(&self) -> Option<Acceptance> {
        let (reason, until) = self.reason.clone().zip(self.until)?;
        let of_rule = self.accept_rule.clone().zip(self.below.clone());
        let of_rule = of_rule.map(|(rule, below)| Pick::Rule { rule, below });
        let picks = self.accept.iter().cloned().map(Pick::One).chain(of_rule).collect();
        Some(Acceptance { picks, terms: Terms { reason, owner: self.owner.clone(), until } })
    }
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
