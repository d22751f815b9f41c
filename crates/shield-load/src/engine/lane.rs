//! One sequence of requests: a client, or one of the streams of an HTTP/2 client.
//!
//! This is where requests are counted, and the only place: each is taken on once, and ends as answered, failed or
//! abandoned, whatever the protocol below does.

use std::future::{pending, poll_fn};
use std::ops::Range;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use crate::engine::gate::Gate;
use crate::engine::queue::Queue;
use crate::engine::stop::StopSignal;
use crate::measure::counters::{AtomicHistogram, Counters, LoadCounters, add};
use crate::measure::failure::{Failure, FailureKind};
use crate::measure::ids::{LaneIds, id_text};
use crate::measure::series::Snapshot;
use crate::measure::watch::ThreadWatch;
use crate::plan::model::{LoadPlan, Protocol};
use crate::scenario::answer::{Kept, judge};
use crate::scenario::program::{Program, ProgramStep};
use crate::scenario::user::{FeedCursors, Preparation, User};
use crate::wire::exchange::{Answer, Broken, Progress};
use crate::wire::http1::Http1Client;
use crate::wire::http2::Http2Client;
use crate::wire::websocket::client::WebSocketClient;

/// Clients begin within this time of each other, at random, so that they do not go in step.
const START_SPREAD: Duration = Duration::from_millis(20);

/// What all lanes of a run share.
pub(crate) struct Shared {
    pub(crate) plan: LoadPlan,
    pub(crate) program: Arc<Program>,
    pub(crate) cursors: FeedCursors,
    pub(crate) counters: Counters,
    pub(crate) source: Source,
    /// Holds the whole run up.
    pub(crate) gate: Gate,
    /// How late the generator itself was with requests that nothing else held up.
    pub(crate) lag: AtomicHistogram,
    pub(crate) started: Instant,
    pub(crate) threads: Arc<ThreadWatch>,
}

/// Where clients get their requests from.
pub(crate) enum Source {
    /// They make them themselves, one after the other: at most so many, if the plan counts them.
    Closed { tickets: Option<AtomicU64> },
    /// Requests become due whatever the clients do.
    Open(Arc<Queue>),
}

pub(crate) struct Lane {
    pub(crate) user: User,
    pub(crate) shared: Arc<Shared>,
    pub(crate) client: Client,
    /// Rest between two iterations.
    pub(crate) pause: Duration,
    pub(crate) stop: StopSignal,
    pub(crate) ids: LaneIds,
}

pub(crate) enum Client {
    /// With the WebSockets of the user, in a program that has such steps.
    Http1(Http1Client, Option<Box<WebSocketClient>>),
    Http2(Http2Client),
}

/// How a request ended.
enum Ending {
    Whole(Answer),
    Broken(Broken),
    /// Stopped before a byte was sent.
    Abandoned,
}

/// What is known about a request that ended.
struct Ended {
    step: usize,
    /// When it was due; in the closed model, when it was begun.
    intended: Instant,
    began: Instant,
    written: bool,
    reused: bool,
}

/// When the next request of an iteration is due: the first one by the model, each later one by the end of the one before.
struct NextDue(Option<Instant>);

/// The timeout of the requests of a lane. One timer serves them all: it is only moved when it fires, so a request that is
/// answered in time costs no timer.
struct Watchdog {
    timer: Pin<Box<Sleep>>,
    deadline: Instant,
}

// === impl Shared ===

impl Shared {
    /// Requests that became due, and those of them that nobody has taken on.
    pub(crate) fn offered(&self, counters: &LoadCounters) -> (u64, u64) {
        match &self.source {
            Source::Open(queue) => (queue.offered() + counters.follow_ups, queue.left()),
            // An iteration that nobody begins would have sent at least its first request.
            Source::Closed { tickets } => {
                let left = tickets.as_ref().map_or(0, |tickets| tickets.load(Ordering::Relaxed));
                (counters.begun + left, left)
            }
        }
    }

    /// Everything counted up to now.
    pub(crate) fn sample(&self) -> Snapshot {
        let counters = self.counters.read();
        let (offered, left) = self.offered(&counters);
        // Iterations that wait for their turn in the closed model are due when they get it.
        let waiting = if matches!(self.source, Source::Closed { .. }) { left } else { 0 };
        Snapshot {
            at: self.started.elapsed(),
            offered: offered - waiting,
            counters,
            latency: self.counters.latency(),
            lag: self.lag.read(),
        }
    }
}

// === impl Lane ===

impl Lane {
    /// Runs iterations until told to stop or none is left.
    pub(crate) async fn run(mut self) -> (u32, LaneIds) {
        let timeout = self.shared.plan.request_timeout;
        let mut watchdog = Watchdog::new(Instant::now() + timeout);
        let closed = matches!(self.shared.source, Source::Closed { .. });
        if closed {
            let spread = START_SPREAD.mul_f64(self.user.random.f64());
            self.rest(spread).await;
        }
        while let Some(intended) = self.take_on().await {
            let completed = self.iterate(intended, &mut watchdog).await;
            if completed {
                add(&self.shared.counters.shard(self.user.index).iterations);
            } else if closed {
                // In the open model the next request is due when it is due.
                self.rest(self.shared.plan.failure_pause).await;
            }
            if !self.pause.is_zero() {
                let pause = self.pause.mul_f64(0.5 + self.user.random.f64());
                self.rest(pause).await;
            }
        }
        (self.user.index, self.ids)
    }

    /// One iteration; says whether every step was answered.
    async fn iterate(&mut self, intended: Instant, watchdog: &mut Watchdog) -> bool {
        let shared = self.shared.clone();
        let program = &shared.program;
        let scenario_index = self.user.begin_iteration(program, &shared.cursors);
        let scenario = &program.scenarios[scenario_index];
        let mut due = NextDue(Some(intended));
        let preparing = match self.user.preparation(scenario_index, program) {
            Preparation::Nothing => None,
            Preparation::Setup => Some(&scenario.setup),
            Preparation::Refresh => Some(&scenario.refresh),
        };
        if let Some(steps) = preparing {
            if !self.steps(scenario_index, steps.clone(), &mut due, watchdog).await {
                self.user.forget_credentials(scenario_index);
                return false;
            }
            self.user.prepared(scenario_index);
        }
        self.steps(scenario_index, scenario.steps.clone(), &mut due, watchdog).await
    }

    /// Some steps in a row; says whether all were answered.
    async fn steps(
        &mut self,
        scenario: usize,
        steps: Range<usize>,
        due: &mut NextDue,
        watchdog: &mut Watchdog,
    ) -> bool {
        let shared = self.shared.clone();
        let own = &shared.program.scenarios[scenario].steps;
        for step in steps {
            let intended = due.0.take();
            if intended.is_none() {
                self.pass_gate().await;
                if self.stop.told() {
                    return false;
                }
                add(&shared.counters.shard(self.user.index).follow_ups);
            }
            let failed = self.one(step, scenario, intended, watchdog).await;
            self.user.request += 1;
            if failed {
                return false;
            }
            // Who has nothing left to do in the open model is free for the next arrival.
            let last = step + 1 == own.end && matches!(shared.source, Source::Open(_));
            let think = &shared.program.steps[step].step.think;
            if !think.end().is_zero() && !last {
                let spread = (*think.end() - *think.start()).mul_f64(self.user.random.f64());
                self.rest(*think.start() + spread).await;
            }
        }
        true
    }

    /// When the next request of this lane is, or was, due; none when there is no other. Counts it.
    async fn take_on(&mut self) -> Option<Instant> {
        let shared = self.shared.clone();
        let intended = match &shared.source {
            Source::Closed { tickets } => {
                let ticket = |tickets: &AtomicU64| {
                    tickets
                        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1))
                        .is_ok()
                };
                self.pass_gate().await;
                if self.stop.told() || !tickets.as_ref().is_none_or(ticket) {
                    return None;
                }
                Instant::now()
            }
            Source::Open(queue) => {
                let (stop, client) = (&mut self.stop, &mut self.client);
                let due = tokio::select! {
                    biased;
                    () = poll_fn(|context| stop.poll_told(context)) => None,
                    due = queue.next() => due,
                    () = client.attend() => None,
                }?;
                if due.client_free {
                    shared.lag.record(due.intended.elapsed());
                }
                due.intended
            }
        };
        Some(intended)
    }

    /// Sends the request of one step and books its end; says whether it failed. Without a time at which it was due, it is
    /// due now.
    async fn one(
        &mut self,
        step: usize,
        scenario: usize,
        intended: Option<Instant>,
        watchdog: &mut Watchdog,
    ) -> bool {
        let shared = self.shared.clone();
        let shard = shared.counters.shard(self.user.index);
        add(&shard.begun);
        let progress = Progress::new(shard);
        let began = Instant::now();
        watchdog.deadline = began + shared.plan.request_timeout;
        let ending = {
            let (client, stop, user) = (&mut self.client, &mut self.stop, &mut self.user);
            let mut exchange = pin!(client.exchange(step, user, &progress));
            poll_fn(|context| {
                if let Poll::Ready(result) = exchange.as_mut().poll(context) {
                    return Poll::Ready(result.map_or_else(Ending::Broken, Ending::Whole));
                }
                if watchdog.poll_expired(context).is_ready() {
                    let detail =
                        if progress.written() { "no whole answer in time" } else { "not sent in time" };
                    return Poll::Ready(Ending::Broken(Broken::new(FailureKind::Timeout, detail)));
                }
                if !progress.written() && stop.poll_told(context).is_ready() {
                    return Poll::Ready(Ending::Abandoned);
                }
                if stop.poll_cut(context).is_ready() {
                    let detail = "the run was ended early while it waited for its answer";
                    return Poll::Ready(Ending::Broken(Broken::new(FailureKind::CutOff, detail)));
                }
                Poll::Pending
            })
            .await
        };
        let intended = intended.unwrap_or(began);
        let ended = Ended { step, intended, began, written: progress.written(), reused: progress.reused() };
        // Out of flight before it is counted as ended: a reader may miss it for a moment, never see it twice.
        drop(progress);
        self.book(&ended, scenario, ending)
    }

    fn book(&mut self, ended: &Ended, scenario: usize, ending: Ending) -> bool {
        let shared = self.shared.clone();
        let shard = shared.counters.shard(self.user.index);
        let (kind, detail) = match ending {
            Ending::Abandoned => {
                add(&shard.abandoned);
                return true;
            }
            Ending::Broken(broken) => (broken.kind, broken.detail),
            Ending::Whole(answer) => match self.judge(ended, scenario, &answer) {
                Ok(()) => {
                    self.book_answered(ended);
                    return false;
                }
                Err(failed) => failed,
            },
        };
        if ended.written && !kind.promises_unprocessed() {
            add(&shard.steps[ended.step].uncertain);
            if shared.program.steps[ended.step].step.ledger {
                self.ids.unknown.insert(self.user.request);
            }
        }
        shared.counters.keep_failure(|| self.describe(ended, kind, detail));
        add(&shard.steps[ended.step].failed);
        shard.count_failure(kind);
        true
    }

    fn book_answered(&mut self, ended: &Ended) {
        let shard = self.shared.counters.shard(self.user.index);
        let now = Instant::now();
        let latency = now - ended.intended;
        shard.latency.record(latency);
        shard.service.record(now - ended.began);
        let step = &shard.steps[ended.step];
        if let Some(of_step) = &step.latency {
            of_step.record(latency);
        }
        if self.shared.program.steps[ended.step].step.ledger {
            self.ids.applied.insert(self.user.request);
        }
        add(&step.answered);
        add(&shard.answered);
    }

    /// Whether a whole answer is what its step wants; if not, as what it fails.
    fn judge(
        &mut self,
        ended: &Ended,
        scenario: usize,
        answer: &Answer,
    ) -> Result<(), (FailureKind, String)> {
        let shared = self.shared.clone();
        let shard = shared.counters.shard(self.user.index);
        shard.count_status(answer.status);
        if let Some(headers) = &answer.headers {
            self.user.take_cookies(headers);
        }
        let ProgramStep { step, first_check, .. } = &shared.program.steps[ended.step];
        let renewal = shared.program.scenarios[scenario].renewal.as_ref();
        if renewal.is_some_and(|renewal| renewal.on_status.contains(&answer.status)) {
            self.user.renew(scenario);
        }
        if !step.expects(answer.status) {
            let detail = format!("status {}: {}", answer.status, answer.excerpt.text());
            return Err((FailureKind::of_status(answer.status), detail));
        }
        if step.checks.is_empty() && step.extract.is_empty() {
            return Ok(());
        }
        let Answer { headers, excerpt, .. } = answer;
        let kept = Kept { headers: headers.as_ref(), body: excerpt.bytes(), cut: excerpt.cut() };
        let told = |check: usize, held| {
            let counters = &shard.checks[first_check + check];
            add(if held { &counters.passed } else { &counters.failed });
        };
        judge(step, kept, &mut self.user, told).map_err(|detail| (FailureKind::CheckFailed, detail))
    }

    fn describe(&self, ended: &Ended, kind: FailureKind, detail: String) -> Failure {
        let program = &self.shared.program;
        Failure {
            at: self.shared.started.elapsed(),
            kind,
            protocol: match self.client {
                Client::Http1(..) => Protocol::Http1,
                Client::Http2(_) => Protocol::Http2,
            },
            reused_connection: ended.reused,
            step: program.steps[ended.step].step.name.clone(),
            id: id_text(&program.id_prefix, self.user.index, self.user.request),
            after: ended.began.elapsed(),
            detail,
        }
    }

    /// Waits while the run is held up, or until told to stop.
    async fn pass_gate(&mut self) {
        let (gate, stop) = (&self.shared.gate, &mut self.stop);
        tokio::select! {
            biased;
            () = gate.passed() => {}
            () = poll_fn(|context| stop.poll_told(context)) => {}
        }
    }

    /// Sends nothing for a while, or until told to stop.
    async fn rest(&mut self, pause: Duration) {
        let (stop, client) = (&mut self.stop, &mut self.client);
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = poll_fn(|context| stop.poll_told(context)) => {}
            () = client.attend() => {}
        }
    }
}

// === impl Client ===

impl Client {
    async fn exchange(
        &mut self,
        step: usize,
        user: &mut User,
        progress: &Progress<'_>,
    ) -> Result<Answer, Broken> {
        match self {
            Self::Http1(_, Some(sockets)) if sockets.takes(step) => {
                // Boxed, so that it adds nothing to the size of lanes that never come here.
                Box::pin(sockets.exchange(step, user, progress)).await
            }
            Self::Http1(client, _) => client.exchange(step, user, progress).await,
            Self::Http2(client) => client.exchange(step, user, progress).await,
        }
    }

    /// Answers what the server says while nothing is asked; never ends.
    async fn attend(&mut self) {
        match self {
            Self::Http1(_, Some(sockets)) => Box::pin(sockets.attend()).await,
            Self::Http1(_, None) | Self::Http2(_) => pending().await,
        }
    }
}

// === impl Watchdog ===

impl Watchdog {
    fn new(deadline: Instant) -> Self {
        Self { timer: Box::pin(sleep_until(deadline)), deadline }
    }

    fn poll_expired(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            ready!(self.timer.as_mut().poll(context));
            if Instant::now() >= self.deadline {
                return Poll::Ready(());
            }
            self.timer.as_mut().reset(self.deadline);
        }
    }
}
