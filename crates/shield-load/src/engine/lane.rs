//! One sequence of requests: a client, or one of the streams of an HTTP/2 client.
//!
//! This is where requests are counted, and the only place: each is taken on once, and ends as answered, failed or
//! abandoned, whatever the protocol below does.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use fastrand::Rng;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::engine::gate::Gate;
use crate::engine::queue::Queue;
use crate::engine::stop::StopSignal;
use crate::measure::counters::{AtomicHistogram, Counters, add};
use crate::measure::failure::{Failure, FailureKind};
use crate::measure::ids::{LaneIds, id_text};
use crate::plan::model::{LoadPlan, Protocol};
use crate::wire::exchange::{Answer, Broken, Progress};
use crate::wire::http1::Http1Client;
use crate::wire::http2::Http2Client;
use crate::wire::request::{Drawn, What, draw};

/// Clients begin within this time of each other, at random, so that they do not go in step.
const START_SPREAD: Duration = Duration::from_millis(20);

/// What all lanes of a run share.
pub(crate) struct Shared {
    pub(crate) plan: LoadPlan,
    pub(crate) counters: Counters,
    pub(crate) source: Source,
    /// Holds the whole run up.
    pub(crate) gate: Gate,
    /// How late the generator itself was with requests that nothing else held up.
    pub(crate) lag: AtomicHistogram,
    pub(crate) started: Instant,
}

/// Where clients get their requests from.
pub(crate) enum Source {
    /// They make them themselves, one after the other: at most so many, if the plan counts them.
    Closed { tickets: Option<AtomicU64> },
    /// Requests become due whatever the clients do.
    Open(Arc<Queue>),
}

pub(crate) struct Lane {
    pub(crate) index: u32,
    pub(crate) shared: Arc<Shared>,
    pub(crate) client: Client,
    pub(crate) pause: Duration,
    pub(crate) random: Rng,
    pub(crate) stop: StopSignal,
    pub(crate) ids: LaneIds,
}

pub(crate) enum Client {
    Http1(Http1Client),
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
    drawn: Drawn,
    /// When it was due; in the closed model, when it was begun.
    intended: Instant,
    began: Instant,
    written: bool,
    reused: bool,
}

/// The timeout of the requests of a lane. One timer serves them all: it is only moved when it fires, so a request that is
/// answered in time costs no timer.
struct Watchdog {
    timer: Pin<Box<Sleep>>,
    deadline: Instant,
}

// === impl Lane ===

impl Lane {
    /// Sends requests until told to stop or none is left.
    pub(crate) async fn run(mut self) -> (u32, LaneIds) {
        let timeout = self.shared.plan.request_timeout;
        let mut watchdog = Watchdog::new(Instant::now() + timeout);
        let closed = matches!(self.shared.source, Source::Closed { .. });
        if closed {
            let spread = START_SPREAD.mul_f64(self.random.f64());
            self.rest(spread).await;
        }
        let mut number = 0;
        while let Some(intended) = self.take_on().await {
            let drawn = draw(&self.shared.plan, &mut self.random, self.index, number);
            number += 1;
            let failed = self.one(drawn, intended, &mut watchdog).await;
            // In the open model the next request is due when it is due.
            if failed && closed {
                self.rest(self.shared.plan.failure_pause).await;
            }
            if !self.pause.is_zero() {
                let pause = self.pause.mul_f64(0.5 + self.random.f64());
                self.rest(pause).await;
            }
        }
        (self.index, self.ids)
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
                let stop = &mut self.stop;
                tokio::select! {
                    biased;
                    () = shared.gate.passed() => {}
                    () = poll_fn(|context| stop.poll_told(context)) => {}
                }
                if self.stop.told() || !tickets.as_ref().is_none_or(ticket) {
                    return None;
                }
                Instant::now()
            }
            Source::Open(queue) => {
                let stop = &mut self.stop;
                let due = tokio::select! {
                    biased;
                    () = poll_fn(|context| stop.poll_told(context)) => None,
                    due = queue.next() => due,
                }?;
                if due.client_free {
                    shared.lag.record(due.intended.elapsed());
                }
                due.intended
            }
        };
        add(&shared.counters.shard(self.index).begun);
        Some(intended)
    }

    /// Sends one request and books its end; says whether it failed.
    async fn one(&mut self, drawn: Drawn, intended: Instant, watchdog: &mut Watchdog) -> bool {
        let shared = self.shared.clone();
        let progress = Progress::new(shared.counters.shard(self.index));
        let began = Instant::now();
        watchdog.deadline = began + shared.plan.request_timeout;
        let ending = {
            let (client, stop) = (&mut self.client, &mut self.stop);
            let mut exchange = pin!(client.exchange(drawn, &progress));
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
                Poll::Pending
            })
            .await
        };
        let ended = Ended { drawn, intended, began, written: progress.written(), reused: progress.reused() };
        // Out of flight before it is counted as ended: a reader may miss it for a moment, never see it twice.
        drop(progress);
        self.book(&ended, ending)
    }

    fn book(&mut self, ended: &Ended, ending: Ending) -> bool {
        let shared = self.shared.clone();
        let shard = shared.counters.shard(self.index);
        let (kind, detail) = match ending {
            Ending::Abandoned => {
                add(&shard.abandoned);
                return false;
            }
            Ending::Broken(broken) => (broken.kind, broken.detail),
            Ending::Whole(answer) => {
                shard.count_status(answer.status);
                let Some(kind) = FailureKind::of_status(answer.status) else {
                    let now = Instant::now();
                    shard.latency.record(now - ended.intended);
                    shard.service.record(now - ended.began);
                    if ended.drawn.what == What::Post {
                        self.ids.applied.insert(ended.drawn.number);
                    }
                    add(&shard.answered);
                    return false;
                };
                (kind, format!("status {}: {}", answer.status, answer.excerpt.text()))
            }
        };
        if ended.drawn.what == What::Post && ended.written && !kind.promises_unprocessed() {
            self.ids.unknown.insert(ended.drawn.number);
        }
        shared.counters.keep_failure(|| self.describe(ended, kind, detail));
        shard.count_failure(kind);
        true
    }

    fn describe(&self, ended: &Ended, kind: FailureKind, detail: String) -> Failure {
        Failure {
            at: self.shared.started.elapsed(),
            kind,
            protocol: match self.client {
                Client::Http1(_) => Protocol::Http1,
                Client::Http2(_) => Protocol::Http2,
            },
            reused_connection: ended.reused,
            id: id_text(&self.shared.plan.mix.id_prefix, self.index, ended.drawn.number),
            post: ended.drawn.what == What::Post,
            after: ended.began.elapsed(),
            detail,
        }
    }

    /// Sends nothing for a while, or until told to stop.
    async fn rest(&mut self, pause: Duration) {
        let stop = &mut self.stop;
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = poll_fn(|context| stop.poll_told(context)) => {}
        }
    }
}

// === impl Client ===

impl Client {
    async fn exchange(&mut self, drawn: Drawn, progress: &Progress<'_>) -> Result<Answer, Broken> {
        match self {
            Self::Http1(client) => client.exchange(drawn, progress).await,
            Self::Http2(client) => client.exchange(drawn, progress).await,
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
