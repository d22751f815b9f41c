//! Runs a load file to its results.

use std::future::Future;
use std::panic::resume_unwind;
use std::path::PathBuf;
use std::pin::pin;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use shield_types::Timestamp;
use thiserror::Error;
use tokio::time::{MissedTickBehavior, interval};

use crate::engine::run::start;
use crate::fault::guard::role::GuardProgram;
use crate::fault::plan::model::FaultPlan;
use crate::fault::runner::event::FaultEvent;
use crate::fault::runner::start::{FaultRunner, PreparedFaults, StartFaultsError};
use crate::fleet::identity::WorkerAddress;
use crate::fleet::prepare::PrepareFleetError;
use crate::fleet::run::Fleet;
use crate::measure::report::LoadReport;
use crate::measure::series::{INTERVAL, Sampler, Snapshot};
use crate::plan::model::{LoadPlan, Scheme, Target};
use crate::plan::validate::{StartLoadError, validate};
use crate::results::abort::AbortWatch;
use crate::results::model::{Point, RunResults};
use crate::results::thresholds::Times;
use crate::scenario::file::LoadFile;
use crate::session::counter::{CounterWatch, together};
use crate::session::exam::{Examiner, MetricsPlace};
use crate::session::fetch::FetchError;
use crate::session::generator::Generator;
use crate::session::ledger::applied;
use crate::session::outcome::{Facts, conclude, results};
use crate::session::windows::WindowWatch;

/// How often a guard is told that it is still needed; well within its lease of five seconds.
const ATTEND_INTERVAL: Duration = Duration::from_secs(1);
/// How often faults and intervals are looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// Why a run was ended early by whoever asked for it.
pub const INTERRUPTED: &str = "interrupted";

/// A run that is asked for.
#[derive(Debug)]
pub struct SessionOrder {
    /// What is to be run.
    pub file: LoadFile,
    /// What the target's certificate is verified against, PEM; for `https` only.
    pub trust_pem: Option<String>,
    /// What is to break meanwhile.
    pub faults: Option<FaultOrder>,
    /// Who makes the load; nobody: this process.
    pub workers: Vec<WorkerAddress>,
}

/// Faults that are asked for.
#[derive(Debug)]
pub struct FaultOrder {
    /// What is to break, when.
    pub plan: FaultPlan,
    /// The program that undoes it, whatever becomes of this one.
    pub guard: GuardProgram,
    /// Where it keeps its undo journals.
    pub journals: PathBuf,
    /// The proxy of the plan that the load goes through; none: straight to its target.
    pub through: Option<String>,
}

/// What is told while a run goes on.
#[derive(Debug)]
pub struct IntervalEnded<'a> {
    /// The interval.
    pub point: &'a Point,
    /// Its length, in seconds.
    pub interval_s: f64,
    /// Everything up to its end.
    pub sample: &'a Snapshot,
    /// Every fault of the plan, as it stands.
    pub faults: &'a [FaultEvent],
}

/// No run took place.
#[derive(Debug, Error)]
pub enum SessionError {
    /// The target or its metrics cannot be found.
    #[error("find the target")]
    Find(#[from] FetchError),
    /// The plan was refused.
    #[error("start the load")]
    Start(#[from] StartLoadError),
    /// The load would go past its faults.
    #[error("send the load through proxy `{proxy}`: the plan of faults has none of this name")]
    NoProxy {
        /// Its name.
        proxy: String,
    },
    /// Faults cannot happen.
    #[error("prepare the faults")]
    Faults(#[from] StartFaultsError),
    /// The workers are not all there.
    #[error("prepare the workers")]
    Workers(#[from] PrepareFleetError),
}

/// Runs it to its end, or until `interrupted`: then what was counted up to there is told, as aborted.
pub async fn run_session(
    order: SessionOrder,
    interrupted: impl Future<Output = ()>,
    tell: &mut (dyn FnMut(IntervalEnded<'_>) + Send),
) -> Result<RunResults, SessionError> {
    let SessionOrder { file, trust_pem, faults, workers } = order;
    let address = file.target.resolve().await?;
    let metrics = match &file.metrics {
        Some(source) => Some((MetricsPlace::find(&source.url, trust_pem.clone()).await?, source.every)),
        None => None,
    };
    // First of all: while nothing else reads the metrics, it finds out what a reading does to the counter.
    let counter = CounterWatch::start(file.counter.clone(), metrics.as_ref().map(|(place, _)| place)).await;
    let examiner = match &metrics {
        Some((place, every)) if !file.thresholds.target.is_empty() => {
            Some(Examiner::start(file.thresholds.watch(), place.clone(), *every).await)
        }
        _ => None,
    };
    let started_at = now();
    let through = faults.as_ref().and_then(|order| order.through.clone());
    let faults = faults.map(|order| PreparedFaults::start(&order.plan, &order.guard, &order.journals));
    let faults = faults.transpose()?;
    let entrance = match (through, &faults) {
        (Some(proxy), Some(prepared)) => {
            Some(prepared.address(&proxy).ok_or(SessionError::NoProxy { proxy })?)
        }
        _ => None,
    };
    let mut plan = file.plan(address, trust_pem.clone());
    // Ids of another run of the same file are other ids, also in the ledger of a target that forgets nothing.
    plan.workload.id_prefix.push_str(&format!(".{}", started_at.0));
    plan.target.address = entrance.unwrap_or(plan.target.address);
    let generator = attended(generate(plan, &workers), faults.as_ref()).await?;
    let runner = faults.map(|prepared| prepared.run(generator.started()));
    let busy = generator.workers();
    let mut course = Course::new(generator, runner, file.abort.map(|rule| rule.watch()));
    let mut interrupted = pin!(interrupted);
    course.follow(interrupted.as_mut(), tell).await;
    let (report, mut ended) = course.end().await;
    let mut results = results(&file, &report, Facts { started_at, ended: &ended, workers: busy });
    results.warnings.extend(idle_workers(&workers, busy));
    let target = Target { scheme: file.target.scheme, authority: file.target.authority.clone(), address };
    let asking = async {
        let (watch, problem) = match (examiner, &metrics) {
            (Some(examiner), Some((place, _))) => examiner.finish(place).await,
            _ => (file.thresholds.watch(), None),
        };
        // The counter first: it may count that the ledger is read.
        let counted = counter.finish(&report).await;
        let applied = match &file.ledger {
            Some(path) => Some(applied(&report, target, trust_pem, path).await),
            None => None,
        };
        (watch, problem, together(applied, counted))
    };
    let told_before = ended.aborted.as_deref() == Some(INTERRUPTED);
    let (watch, problem, reconciled) = tokio::select! {
        asked = asking => asked,
        () = interrupted, if !told_before => {
            ended.aborted = Some(INTERRUPTED.to_owned());
            (file.thresholds.watch(), None, None)
        }
    };
    let unread = problem.map(|problem| format!("the target's metrics could not be read: {problem}"));
    results.warnings.extend(unread);
    results.reconciled = reconciled;
    let times = Times { latency: &report.latency, service: &report.service };
    results.thresholds = file.thresholds.evaluate(&results, times, &watch);
    conclude(&mut results, &report, ended);
    Ok(results)
}

/// Starts the load, here or on workers.
async fn generate(plan: LoadPlan, workers: &[WorkerAddress]) -> Result<Generator, SessionError> {
    if workers.is_empty() {
        return Ok(Generator::Here(start(plan)?));
    }
    validate(&plan)?;
    Ok(Generator::Fleet(Fleet::start(workers, &plan).await?))
}

/// Workers that got nothing to do are no part of the run; somebody wanted them to be.
fn idle_workers(workers: &[WorkerAddress], busy: Option<usize>) -> Option<String> {
    let idle: Vec<String> =
        workers.iter().skip(busy?).map(|worker| format!("`{}`", worker.authority())).collect();
    let text = "took no part: there are fewer users or iterations than workers";
    (!idle.is_empty()).then(|| format!("{} {text}", idle.join(", ")))
}

/// Does some work while faults are prepared, and tells their guard to wait.
async fn attended<T>(work: impl Future<Output = T>, faults: Option<&PreparedFaults>) -> T {
    let mut work = pin!(work);
    let mut attend = interval(ATTEND_INTERVAL);
    loop {
        tokio::select! {
            done = work.as_mut() => return done,
            _ = attend.tick() => faults.into_iter().for_each(PreparedFaults::attend),
        }
    }
}

/// A run under way.
struct Course {
    generator: Generator,
    runner: Option<FaultRunner>,
    events: Vec<FaultEvent>,
    windows: WindowWatch,
    sampler: Sampler,
    abort: Option<AbortWatch>,
    /// Why it was ended early.
    aborted: Option<String>,
}

/// What is known at the end, besides the report.
pub(crate) struct CourseEnded {
    pub(crate) sampler: Sampler,
    pub(crate) events: Vec<FaultEvent>,
    pub(crate) windows: WindowWatch,
    pub(crate) last: Snapshot,
    pub(crate) aborted: Option<String>,
    /// Parts of the run that nobody reported.
    pub(crate) missing: Vec<String>,
}

// === impl Course ===

impl Course {
    fn new(generator: Generator, runner: Option<FaultRunner>, abort: Option<AbortWatch>) -> Self {
        Self {
            generator,
            runner,
            events: Vec::new(),
            windows: WindowWatch::default(),
            sampler: Sampler::new(),
            abort,
            aborted: None,
        }
    }

    /// Looks at the run until it ends.
    async fn follow(
        &mut self,
        interrupted: impl Future<Output = ()>,
        tell: &mut (dyn FnMut(IntervalEnded<'_>) + Send),
    ) {
        let mut interrupted = pin!(interrupted);
        let mut look = interval(LOOK_INTERVAL);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !self.generator.ended() {
            tokio::select! {
                _ = look.tick() => self.look(tell),
                () = interrupted.as_mut(), if self.aborted.is_none() => self.stop(INTERRUPTED.to_owned()),
            }
            if self.aborted.is_some() {
                // Before anything else: requests that are stuck in a fault wait for its end.
                self.undo().await;
            }
        }
    }

    fn look(&mut self, tell: &mut (dyn FnMut(IntervalEnded<'_>) + Send)) {
        if let Some(runner) = &self.runner {
            self.events = runner.events();
            self.windows.look(&self.events, || self.generator.sample());
        }
        if self.generator.elapsed() < self.sampler.next_at() {
            return;
        }
        let sample = self.generator.sample();
        let point = self.sampler.push(sample.clone());
        let interval_s = INTERVAL.as_secs_f64();
        tell(IntervalEnded { point: &point, interval_s, sample: &sample, faults: &self.events });
        let reason = self.abort.as_mut().and_then(|abort| abort.step(&point, &sample));
        if let Some(reason) = reason.filter(|_| self.aborted.is_none()) {
            self.stop(reason);
        }
    }

    fn stop(&mut self, reason: String) {
        self.aborted = Some(reason);
        self.generator.stop();
    }

    /// Undoes every fault. Others go on meanwhile: the guard may need its time.
    async fn undo(&mut self) {
        let Some(runner) = self.runner.take() else { return };
        let undone = tokio::task::spawn_blocking(move || runner.finish()).await;
        self.events = undone.unwrap_or_else(|error| resume_unwind(error.into_panic()));
        self.windows.look(&self.events, || self.generator.sample());
    }

    /// Undoes every fault and adds up.
    async fn end(mut self) -> (LoadReport, CourseEnded) {
        self.undo().await;
        let last = self.generator.sample();
        self.sampler.finish(last.clone());
        let Self { generator, events, windows, sampler, aborted, .. } = self;
        let (report, missing) = generator.join().await;
        (report, CourseEnded { sampler, events, windows, last, aborted, missing })
    }
}

/// Milliseconds since the epoch; an unset clock reads zero.
pub(crate) fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
}

/// Whether TLS is spoken, for a URL.
pub(crate) fn scheme_name(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Http => "http",
        Scheme::Https => "https",
    }
}
