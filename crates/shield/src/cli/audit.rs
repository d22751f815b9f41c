//! The command line of `shield audit`.

use std::{convert::Infallible, path::PathBuf};

use clap::{Args, ValueEnum};
use jiff::civil::Date;
use shield_audit::{
    baseline::{FingerprintStart, Pick, Terms},
    finding::Severity,
    foreign::{Import, Permission, Wanted},
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
    /// The file of accepted findings [default: audit-baseline.txt in PATH, if there is one].
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) others: ScannerArguments,
    #[command(flatten)]
    pub(crate) rules: AuditRuleArguments,
    #[command(flatten)]
    pub(crate) files: AuditFileArguments,
    #[command(flatten)]
    pub(crate) mend: MendArguments,
    #[command(flatten)]
    pub(crate) accept: AcceptArguments,
    /// Instead of an audit, hold an OpenVEX document that `--vex` wrote against PATH: derive each of its proofs anew, and say which claims
    /// hold.
    #[arg(long, value_name = "FILE", help_heading = REPORTS, conflicts_with_all = [
        "fail_on", "gaps", "history", "baseline", "acceptance", "mending", "update", "files", "with", "allow", "import",
        "replay",
    ])]
    pub(crate) verify_vex: Option<PathBuf>,
    /// Instead of an audit, say of every file that the report of another search accuses what is true of it: one verdict with a reason
    /// for each entry of the original's `compliance_report.json`. Where its packages are installed is found in PATH, or said by
    /// --site-packages.
    #[arg(long, value_name = "REPORT", help_heading = REPLAY, conflicts_with_all = [
        "fail_on", "gaps", "history", "baseline", "with", "allow", "import", "fix", "plan", "revert", "acceptance",
        "sarif", "cyclonedx", "spdx", "vex",
    ])]
    pub(crate) replay: Option<PathBuf>,
    /// Instead of an audit, make the index of advisories anew from these directories and zip archives (dumps of OSV, checkouts of
    /// advisory databases), or from OSV's dumps of crates.io, Go, npm and PyPI, fetched now.
    #[arg(long, value_name = "SOURCE", num_args = 0.., help_heading = ADVISORIES, conflicts_with_all = [
        "path", "fail_on", "gaps", "history", "exclude", "site_packages", "python", "baseline", "acceptance",
        "with", "allow", "import", "replay",
    ])]
    pub(crate) update: Option<Vec<PathBuf>>,
}

/// Whom else is heard.
#[derive(Debug, Args)]
pub(crate) struct ScannerArguments {
    /// Run this scanner too, or `installed`: every one that is; may be given more than once [default: audit.scanners of
    /// shield.toml].
    #[arg(long, value_name = "SCANNER", value_parser = parse_wanted, help_heading = SCANNERS)]
    pub(crate) with: Vec<Wanted>,
    /// What scanners may do beyond reading PATH: `network` or `project-code`; may be given more than once.
    #[arg(long, value_name = "WHAT", value_parser = parse_permission, help_heading = SCANNERS)]
    pub(crate) allow: Vec<Permission>,
    /// Hear what a scanner said elsewhere: SARIF, or its output, with SCANNER where that is not seen from what is in it; may be given
    /// more than once.
    #[arg(long, value_name = "[SCANNER=]FILE", value_parser = parse_import, help_heading = SCANNERS)]
    pub(crate) import: Vec<Import>,
}

/// Rules of the project's own.
#[derive(Debug, Args)]
pub(crate) struct AuditRuleArguments {
    /// A file of rules, models and changes in TOML (docs/audit-rules.md), beside audit.rules of shield.toml; may be given more than once.
    #[arg(long, value_name = "FILE", help_heading = RULES)]
    pub(crate) rules: Vec<PathBuf>,
    /// Instead of an audit, hold these rule files against their own examples, and name what no example shows to find anything.
    #[arg(long, value_name = "FILE", num_args = 1.., help_heading = RULES, conflicts_with_all = [
        "path", "fail_on", "gaps", "history", "exclude", "site_packages", "python", "baseline", "rules", "acceptance", "mending",
        "with", "allow", "import", "replay", "verify_vex",
        "update",
    ])]
    pub(crate) check_rules: Option<Vec<PathBuf>>,
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
#[group(id = "files", multiple = true)]
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

const SCANNERS: &str = "Other scanners";
const REPLAY: &str = "Replay";
const RULES: &str = "Rules of your own";
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

fn parse_wanted(text: &str) -> Result<Wanted, String> {
    text.parse::<Wanted>().map_err(|_| format!("expected one of {}", Wanted::listed()))
}

fn parse_permission(text: &str) -> Result<Permission, String> {
    text.parse::<Permission>()
        .map_err(|_| format!("expected one of {}", Permission::ALL.map(Permission::name).join(", ")))
}

fn parse_import(text: &str) -> Result<Import, Infallible> {
    Ok(Import::from(text))
}

fn parse_python(text: &str) -> Result<PythonVersion, String> {
    let minor = text.strip_prefix("3.").and_then(|minor| minor.parse().ok());
    minor.map(PythonVersion).ok_or_else(|| "expected a version of Python 3, such as 3.12".to_owned())
}
