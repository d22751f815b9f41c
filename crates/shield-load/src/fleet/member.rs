//! One worker of a run, as its coordinator sees it.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::io::{ReadHalf, WriteHalf, split};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;
use tokio_rustls::client::TlsStream;

use crate::engine::stop::told;
use crate::fleet::frames::{
    Bounds, FrameError, REPORT_BYTES_MAX, SILENCE_MAX, ToCoordinator, ToWorker, WORD_BYTES_MAX, read_frame,
    write_frame,
};
use crate::fleet::prepare::Ready;
use crate::measure::report::LoadReport;
use crate::measure::series::Snapshot;
use crate::plan::model::LoadPlan;

/// How often a worker hears that its coordinator is there.
const ALIVE: Duration = Duration::from_secs(1);

/// One worker.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) worker: String,
    state: Arc<Mutex<State>>,
    task: JoinHandle<End>,
}

/// How it ended.
#[derive(Debug)]
pub(crate) enum End {
    Reported { report: Box<LoadReport>, interrupted: bool },
    Lost(String),
}

/// The two newest samples, the older one first, each with its tick.
#[derive(Debug, Default)]
struct State {
    samples: [(u64, Snapshot); 2],
}

/// What a report must look like.
struct Shape {
    prefix: String,
    model: &'static str,
    /// Scenario and name.
    steps: Vec<(String, String)>,
    /// Step and name.
    checks: Vec<(String, String)>,
}

// === impl Member ===

impl Member {
    /// Starts it at `begin`. `stop` is told to all when one is lost, and obeyed by each.
    pub(crate) fn start(ready: Ready, begin: Instant, stop: &watch::Sender<bool>) -> Self {
        let Ready { worker, stream, plan } = ready;
        let state = Arc::<Mutex<State>>::default();
        let shape = Shape::of(&plan);
        let task = follow(stream, begin, Listener { state: state.clone(), shape, stop: stop.clone() });
        Self { worker, state, task: tokio::spawn(task) }
    }

    pub(crate) fn ended(&self) -> bool {
        self.task.is_finished()
    }

    /// The tick of its newest sample.
    pub(crate) fn tick(&self) -> u64 {
        lock(&self.state).samples[1].0
    }

    /// What it had counted at a tick, or the nearest to it that is known. Never goes back if the tick does not.
    pub(crate) fn with_sample<T>(&self, tick: u64, look: impl FnOnce(&Snapshot) -> T) -> T {
        let state = lock(&self.state);
        let [older, newer] = &state.samples;
        look(if newer.0 <= tick { &newer.1 } else { &older.1 })
    }

    pub(crate) async fn end(mut self) -> (String, End) {
        let end = (&mut self.task).await.unwrap_or_else(|error| End::Lost(error.to_string()));
        (std::mem::take(&mut self.worker), end)
    }
}

impl Drop for Member {
    /// A worker whose connection closes ends its load.
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().expect("nothing panics while it holds the lock")
}

/// Speaks and listens until the report is there or the worker lost.
async fn follow(stream: TlsStream<TcpStream>, begin: Instant, mut listener: Listener) -> End {
    let (reader, writer) = split(stream);
    let mut speaking = JoinSet::new();
    speaking.spawn(speak(writer, begin, listener.stop.subscribe()));
    let end = listener.listen(reader).await;
    if !matches!(end, End::Reported { interrupted: false, .. }) {
        listener.stop.send_replace(true);
    }
    end
}

/// Tells the worker when to begin, that its coordinator lives, and when to stop. A failure shows at the other end.
async fn speak(
    mut writer: WriteHalf<TlsStream<TcpStream>>,
    begin: Instant,
    mut stop: watch::Receiver<bool>,
) -> Result<(), FrameError> {
    let left = begin.saturating_duration_since(Instant::now());
    let start = ToWorker::Start { in_ms: u64::try_from(left.as_millis()).unwrap_or(u64::MAX) };
    write_frame(&mut writer, &start, WORD_BYTES_MAX).await?;
    let mut stopped = false;
    loop {
        tokio::select! {
            () = told(&mut stop), if !stopped => {
                stopped = true;
                write_frame(&mut writer, &ToWorker::Stop, WORD_BYTES_MAX).await?;
            }
            () = tokio::time::sleep(ALIVE) => {
                write_frame(&mut writer, &ToWorker::Alive, WORD_BYTES_MAX).await?;
            }
        }
    }
}

/// Takes in what a worker says.
struct Listener {
    state: Arc<Mutex<State>>,
    shape: Shape,
    stop: watch::Sender<bool>,
}

// === impl Listener ===

impl Listener {
    async fn listen(&mut self, mut reader: ReadHalf<TlsStream<TcpStream>>) -> End {
        let bounds = Bounds { bytes_max: REPORT_BYTES_MAX, silence_max: SILENCE_MAX };
        let mut interrupted = false;
        loop {
            match read_frame(&mut reader, bounds).await {
                Ok(ToCoordinator::Sample { tick, snapshot }) => {
                    if let Err(problem) = self.take(tick, *snapshot) {
                        return End::Lost(problem.to_owned());
                    }
                }
                Ok(ToCoordinator::Leaving) => {
                    interrupted = true;
                    self.stop.send_replace(true);
                }
                Ok(ToCoordinator::Report(report)) if self.shape.fits(&report) => {
                    return End::Reported { report, interrupted };
                }
                Ok(ToCoordinator::Report(_)) => {
                    return End::Lost("its report does not fit its plan".to_owned());
                }
                Ok(ToCoordinator::Refused { problem }) => return End::Lost(problem),
                Ok(ToCoordinator::Welcome | ToCoordinator::Busy | ToCoordinator::Ready) => {
                    return End::Lost("it answers what was not asked".to_owned());
                }
                Err(error) => return End::Lost(error.to_string()),
            }
        }
    }

    /// Counts only grow, and stay far from where sums end.
    fn take(&self, tick: u64, snapshot: Snapshot) -> Result<(), &'static str> {
        let mut state = lock(&self.state);
        let newest = &state.samples[1];
        if tick <= newest.0 || !snapshot.follows(&newest.1) {
            return Err("its counts went back, or beyond what can be counted");
        }
        state.samples.swap(0, 1);
        state.samples[1] = (tick, snapshot);
        Ok(())
    }
}

// === impl Shape ===

impl Shape {
    fn of(plan: &LoadPlan) -> Self {
        let mut shape = Self {
            prefix: plan.workload.id_prefix.clone(),
            model: plan.model.name(),
            steps: Vec::new(),
            checks: Vec::new(),
        };
        for scenario in &plan.workload.scenarios {
            let renewing = scenario.refresh.iter().flat_map(|refresh| &refresh.steps);
            for step in scenario.setup.iter().chain(renewing).chain(&scenario.steps) {
                shape.steps.push((scenario.name.clone(), step.name.clone()));
                let checks = step.checks.iter().map(|check| (step.name.clone(), check.name.clone()));
                shape.checks.extend(checks);
            }
        }
        shape
    }

    fn fits(&self, report: &LoadReport) -> bool {
        let steps = report.steps.iter().map(|step| (&step.scenario, &step.name));
        let same_steps = steps.eq(self.steps.iter().map(|(scenario, name)| (scenario, name)));
        // In order: sums are made by place.
        let checks = report.checks.iter().map(|check| (&check.step, &check.name));
        let same_checks = checks.eq(self.checks.iter().map(|(step, name)| (step, name)));
        report.model == self.model
            && same_steps
            && same_checks
            && report.posted.all_begin_with(&self.prefix)
            && report.addable()
    }
}
