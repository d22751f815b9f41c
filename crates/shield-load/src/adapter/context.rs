//! What all adapters share: the facts of a run that the tool's own files do not hold, and the form that they fill.

use std::collections::BTreeMap;
use std::time::Duration;

use shield_types::Timestamp;

use super::tool::ForeignTool;
use crate::results::model::{RESULTS_FORMAT, RunResults, Series, Totals, Verdict};

/// What the runner knows about a run.
#[derive(Clone, Debug)]
pub struct ToolContext {
    /// Name of the workload.
    pub name: String,
    /// What was to be loaded; none when the script alone says.
    pub target: Option<String>,
    /// Version of the tool, as it prints it.
    pub version: String,
    /// When the tool was started.
    pub started_at: Timestamp,
    /// How long it ran, its own start included.
    pub elapsed: Duration,
    /// With which code it ended.
    pub exit_code: i32,
}

/// An output that is not what this version of the tool writes.
#[derive(Debug, thiserror::Error)]
pub enum ParseForeignError {
    /// Not JSON, cut off, or JSON of another form.
    #[error("parse {output} of {tool}: it is damaged, or of a version that writes another form")]
    Json {
        /// Whose.
        tool: ForeignTool,
        /// Which of its outputs.
        output: &'static str,
        /// Where.
        source: serde_json::Error,
    },
    /// Not CSV, or cut off.
    #[error("parse {output} of {tool}: it is damaged, or of a version that writes another form")]
    Csv {
        /// Whose.
        tool: ForeignTool,
        /// Which of its outputs.
        output: &'static str,
        /// Where.
        source: csv::Error,
    },
    /// A column that every known version writes is not there.
    #[error(
        "find column `{column}` in {output} of {tool}: it is damaged, or of a version that writes another form"
    )]
    Column {
        /// Whose.
        tool: ForeignTool,
        /// Which of its outputs.
        output: &'static str,
        /// Which column.
        column: &'static str,
    },
    /// A field that is to be a number is none.
    #[error("read `{text}` in column `{column}` of {output} of {tool} as a number")]
    Number {
        /// Whose.
        tool: ForeignTool,
        /// Which of its outputs.
        output: &'static str,
        /// Which column.
        column: &'static str,
        /// What was there.
        text: String,
    },
    /// Figures that contradict each other.
    #[error(
        "account for the requests in {output} of {tool}: {answered} answered and {failed} failed of {sent}"
    )]
    Contradiction {
        /// Whose.
        tool: ForeignTool,
        /// Which of its outputs.
        output: &'static str,
        /// Requests that it says it made.
        sent: u64,
        /// Of which it says were answered.
        answered: u64,
        /// Of which it says failed.
        failed: u64,
    },
}

// === impl ToolContext ===

impl ToolContext {
    /// A form in which only what the runner knows is filled in.
    pub(crate) fn form(&self, tool: ForeignTool, model: String) -> RunResults {
        RunResults {
            format: RESULTS_FORMAT,
            tool: format!("{} {}", tool.program(), self.version),
            name: self.name.clone(),
            target: self.target.clone().unwrap_or_else(|| "as the script says".to_owned()),
            model,
            seed: None,
            started_at: self.started_at,
            elapsed_s: self.elapsed.as_secs_f64(),
            verdict: Verdict::Passed,
            reasons: Vec::new(),
            warnings: Vec::new(),
            totals: Totals::default(),
            failed_by_kind: BTreeMap::new(),
            statuses: BTreeMap::new(),
            latency: None,
            service: None,
            lag: None,
            steps: Vec::new(),
            checks: Vec::new(),
            series: Series::default(),
            faults: Vec::new(),
            thresholds: Vec::new(),
            audit: None,
            reconciled: None,
            failures: Vec::new(),
        }
    }
}

/// How the tool itself ended a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// As a run that passed.
    Well,
    /// As one that failed, and why.
    Failed(String),
    /// Early, and why.
    Aborted(String),
}

/// The verdict on a filled form. The tool's end says whether its thresholds held: one that it calls optional may not have, and
/// the run passes.
pub(crate) fn judge(results: &mut RunResults, ended: Ended) {
    let (verdict, reason) = match ended {
        Ended::Well => (Verdict::Passed, None),
        Ended::Failed(reason) => (Verdict::Failed, Some(reason)),
        Ended::Aborted(reason) => (Verdict::Aborted, Some(reason)),
    };
    results.verdict = verdict;
    results.reasons.extend(reason);
    if verdict != Verdict::Passed {
        let unheld = results.thresholds.iter().filter(|threshold| !threshold.held);
        let unheld = unheld.map(|threshold| {
            format!("`{} {}` did not hold: {}", threshold.name, threshold.limit, threshold.measured)
        });
        results.reasons.extend(unheld);
    }
    if results.totals.answered == 0 {
        results.verdict = Verdict::Unreachable;
        results.reasons.push("nothing was answered".to_owned());
    }
}
