//! The load stage: the staging instance holds the load of a file.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::{Value, json};
use shield_evidence::{Check, CheckOutcome};
use shield_load::{
    FileTarget, ForeignRun, ForeignTool, LoadFile, RunResults, Scheme, SessionOrder, Verdict, read_load_file,
    run_foreign, run_session,
};
use shield_types::chain;

use super::{
    ship::{Pipeline, ShipError, failed},
    stage::{PipelineEvent, StageFailure, StageName},
};
use crate::store::StoredArtifact;

/// Where to read on.
const HINT: &str = "`stage.load.file` in shield.toml names it; docs/load-file.md describes every key";

/// Longest run of another tool.
const SCRIPT_LIMIT: Duration = Duration::from_secs(3600);

/// What the stage runs.
pub(super) enum StagedLoad {
    /// A load file of ours.
    File(Box<LoadFile>),
    /// A script of another tool.
    Script(ForeignTool, PathBuf),
}

impl Pipeline<'_> {
    /// The load of the stage; `None` when the service has none.
    pub(super) fn read_load(&mut self) -> Result<Option<StagedLoad>, ShipError> {
        let Some(stage) = &self.order.manifest.stages.load else { return Ok(None) };
        let path = self.order.project.join(&stage.file);
        if let Some(tool) = ForeignTool::of_script(&path) {
            return Ok(Some(StagedLoad::Script(tool, path)));
        }
        let fault = |reason: String, output: Vec<String>| StageFailure {
            stage: StageName::Load,
            reason,
            output,
            hint: HINT.to_owned(),
        };
        let read = fs::read_to_string(&path)
            .map_err(|error| fault(format!("read `{}`: {error}", stage.file), Vec::new()));
        let directory = path.parent().unwrap_or(Path::new("."));
        let parsed = read.and_then(|text| {
            read_load_file(&text, &stage.file, directory).map_err(|mistakes| {
                let lines = mistakes.to_string().lines().map(str::to_owned).collect();
                fault(format!("`{}` has mistakes", stage.file), lines)
            })
        });
        let checked = parsed.and_then(|file| match file.faults {
            None => Ok(file),
            Some(_) => Err(fault(
                format!("`{}` has faults, and the load stage breaks nothing", stage.file),
                Vec::new(),
            )),
        });
        checked.map(|file| Some(StagedLoad::File(Box::new(file)))).map_err(|failure| self.fail(failure))
    }

    /// Passes when the verdict of the run is that everything held.
    pub(super) async fn load(
        &mut self,
        artifact: &StoredArtifact,
        address: SocketAddr,
        load: StagedLoad,
    ) -> Result<(), ShipError> {
        let running = self.begin(StageName::Load, format!("{} against the staging instance", load.name()));
        let ran = match load {
            StagedLoad::File(file) => self.run_file(*file, address).await,
            StagedLoad::Script(tool, script) => self.run_script(tool, script, address).await,
        };
        let results = match ran {
            Ok(results) => results,
            Err(reason) => {
                self.record(running, artifact.digest, failed(&reason), Vec::new(), json!({}))?;
                return Err(self.fail(StageFailure {
                    stage: running.stage,
                    reason,
                    output: Vec::new(),
                    hint: HINT.to_owned(),
                }));
            }
        };
        let (checks, details) = (checks(&results), details(&results));
        if results.verdict == Verdict::Passed {
            return self.pass(running, artifact.digest, checks, details, summary(&results));
        }
        let reason = format!("{}: {}", word(results.verdict), results.reasons.join("; "));
        self.record(running, artifact.digest, failed(&reason), checks, details)?;
        let output = results.failures.iter().take(5).cloned().collect();
        Err(self.fail(StageFailure { stage: running.stage, reason, output, hint: hint(results.verdict) }))
    }

    async fn run_file(&mut self, file: LoadFile, address: SocketAddr) -> Result<RunResults, String> {
        let session =
            SessionOrder { file: aimed(file, address), trust_pem: None, faults: None, workers: Vec::new() };
        let tell = &mut *self.tell;
        let mut observe = |ended: shield_load::IntervalEnded<'_>| {
            let point = ended.point;
            let line = format!("{:.0} s: {} answered, {} failed", point.at_s, point.answered, point.failed);
            tell(PipelineEvent::Output { stage: StageName::Load, line });
        };
        let ran = run_session(session, std::future::pending(), &mut observe).await;
        ran.map_err(|error| chain(&error))
    }

    async fn run_script(
        &mut self,
        tool: ForeignTool,
        script: PathBuf,
        address: SocketAddr,
    ) -> Result<RunResults, String> {
        let run = ForeignRun {
            tool,
            program: None,
            script,
            target: Some(format!("http://{address}")),
            arguments: Vec::new(),
            directory: self.order.project.clone(),
            deadline: SCRIPT_LIMIT,
        };
        let tell = &mut *self.tell;
        let mut observe = |line| tell(PipelineEvent::Output { stage: StageName::Load, line });
        run_foreign(run, &mut observe).await.map_err(|error| chain(&error))
    }
}

// === impl StagedLoad ===

impl StagedLoad {
    fn name(&self) -> String {
        match self {
            Self::File(file) => format!("`{}`", file.name),
            Self::Script(tool, script) => format!("`{}` by {tool}", script.display()),
        }
    }
}

/// The same load against the staging instance.
pub(super) fn aimed(file: LoadFile, address: SocketAddr) -> LoadFile {
    let target = FileTarget { scheme: Scheme::Http, authority: address.to_string(), address: Some(address) };
    LoadFile { target, trust: None, ..file }
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "passed",
        Verdict::Failed => "it did not hold",
        Verdict::Invalid => "INVALID, the run says nothing about the service",
        Verdict::Unreachable => "nothing was answered",
        Verdict::Aborted => "aborted",
    }
}

fn hint(verdict: Verdict) -> String {
    match verdict {
        Verdict::Invalid => "the generator and the instance share this machine: lower the rate, or run it when nothing else does".to_owned(),
        _ => "the load file's `[thresholds]` say what must hold; `shield logs staging` shows what the instance printed".to_owned(),
    }
}

fn summary(results: &RunResults) -> String {
    let totals = results.totals;
    let p99 = results.latency.map_or_else(String::new, |latency| format!(", p99 {:.1} ms", latency.p99_ms));
    format!("{} of {} requests answered as expected{p99}", totals.answered, totals.offered)
}

fn checks(results: &RunResults) -> Vec<Check> {
    let outcome = |held| if held { CheckOutcome::Yes } else { CheckOutcome::No };
    let verdict = Check {
        name: "load-held".to_owned(),
        outcome: outcome(results.verdict == Verdict::Passed),
        method: format!("{} against the staging instance, {}", results.tool, results.model),
        detail: if results.reasons.is_empty() { summary(results) } else { results.reasons.join("; ") },
    };
    let threshold = |threshold: &shield_load::ThresholdResult| Check {
        name: threshold.name.clone(),
        outcome: outcome(threshold.held),
        method: "a threshold of the load file".to_owned(),
        detail: format!("{}; must be {}", threshold.measured, threshold.limit),
    };
    [verdict].into_iter().chain(results.thresholds.iter().map(threshold)).collect()
}

fn details(results: &RunResults) -> Value {
    json!({
        "load": results.name,
        "tool": results.tool,
        "verdict": results.verdict,
        "reasons": results.reasons,
        "warnings": results.warnings,
        "model": results.model,
        // Larger than what JSON numbers hold.
        "seed": results.seed.map(|seed| seed.to_string()),
        "elapsed_s": results.elapsed_s,
        "totals": results.totals,
        "failed_by_kind": results.failed_by_kind,
        "latency": results.latency,
        "service": results.service,
        "lag": results.lag,
        "thresholds": results.thresholds,
        "audit": results.audit,
    })
}
