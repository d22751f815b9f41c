//! One plan on a worker, from its arrival to its report.
//!
//! A coordinator that is lost ends the load at once: nobody is left who could stop it, or who wants to know.

use std::pin::pin;
use std::time::Duration;

use shield_types::chain;
use tokio::io::{AsyncRead, AsyncWrite, ReadHalf, WriteHalf};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, interval_at, sleep_until};

use crate::engine::handle::LoadHandle;
use crate::engine::run::start;
use crate::engine::stop::told;
use crate::fleet::frames::{
    Bounds, FrameError, PLAN_BYTES_MAX, REPORT_BYTES_MAX, SILENCE_MAX, ToCoordinator, ToWorker,
    WORD_BYTES_MAX, read_frame, write_frame,
};
use crate::plan::model::{LoadPlan, Stop};
use crate::plan::validate::validate;
use crate::scenario::model::Step;
use crate::session::generator::STOP_GRACE;
use crate::wire::connect::Connector;

/// From the beginning of a run to its first sample, and from each to the next.
pub(crate) const TICK: Duration = Duration::from_millis(250);
/// Longest time between a plan and its start: other workers get theirs meanwhile.
pub(crate) const PREPARE_MAX: Duration = Duration::from_secs(60);
/// How often the end of the load is looked for.
const LOOK: Duration = Duration::from_millis(20);
/// Longest rest or length that a plan may name: a clock can add it to now.
const TIME_MAX: Duration = Duration::from_secs(31 * 24 * 3600);
/// Orders that wait to be obeyed.
const ORDERS_MAX: usize = 8;

/// Both ends of the conversation, once the token is proved.
pub(crate) struct Job<S> {
    orders: mpsc::Receiver<ToWorker>,
    writer: WriteHalf<S>,
    interrupted: watch::Receiver<bool>,
    /// The reader; ends with this.
    _reader: JoinSet<()>,
}

/// Reads a plan and runs it. An error means that the coordinator is lost.
pub(crate) async fn serve<S: AsyncRead + AsyncWrite + Send + 'static>(
    stream: S,
    interrupted: watch::Receiver<bool>,
) -> Result<(), FrameError> {
    let (mut reader, mut writer) = tokio::io::split(stream);
    let bounds = Bounds { bytes_max: PLAN_BYTES_MAX, silence_max: SILENCE_MAX };
    let ToWorker::Plan(plan) = read_frame(&mut reader, bounds).await? else { return Ok(()) };
    if let Err(problem) = check(&plan) {
        return write_frame(&mut writer, &ToCoordinator::Refused { problem }, WORD_BYTES_MAX).await;
    }
    write_frame(&mut writer, &ToCoordinator::Ready, WORD_BYTES_MAX).await?;
    // Nothing is heard until every other worker is ready.
    let bounds = Bounds { bytes_max: WORD_BYTES_MAX, silence_max: PREPARE_MAX };
    let ToWorker::Start { in_ms } = read_frame(&mut reader, bounds).await? else { return Ok(()) };
    let begin = Instant::now() + Duration::from_millis(in_ms).min(PREPARE_MAX);
    let (sender, orders) = mpsc::channel(ORDERS_MAX);
    let mut tasks = JoinSet::new();
    tasks.spawn(hear(reader, sender));
    Job { orders, writer, interrupted, _reader: tasks }.run(*plan, begin).await
}

/// Passes orders on until the coordinator is lost, which closes the channel.
async fn hear<S: AsyncRead>(mut reader: ReadHalf<S>, orders: mpsc::Sender<ToWorker>) {
    let bounds = Bounds { bytes_max: WORD_BYTES_MAX, silence_max: SILENCE_MAX };
    while let Ok(order) = read_frame(&mut reader, bounds).await {
        if orders.send(order).await.is_err() {
            return;
        }
    }
}

// === impl Job ===

impl<S: AsyncRead + AsyncWrite> Job<S> {
    async fn run(mut self, plan: LoadPlan, begin: Instant) -> Result<(), FrameError> {
        let mut begins = pin!(sleep_until(begin));
        let mut stopped = false;
        loop {
            tokio::select! {
                () = begins.as_mut() => break,
                order = self.orders.recv() => match order {
                    Some(ToWorker::Alive) => {}
                    Some(ToWorker::Stop) => stopped = true,
                    Some(_) => return Ok(()),
                    None => return Err(FrameError::Closed),
                },
            }
        }
        let load = match start(plan) {
            Ok(load) => load,
            Err(error) => {
                let refused = ToCoordinator::Refused { problem: fitting(&error) };
                return write_frame(&mut self.writer, &refused, WORD_BYTES_MAX).await;
            }
        };
        if stopped {
            load.stop();
        }
        let told = self.tell(&load, begin).await;
        if told.is_err() {
            // What drops the load cuts off its clients; this ends what makes requests due.
            load.stop();
            return told;
        }
        let report = ToCoordinator::Report(Box::new(load.join().await));
        write_frame(&mut self.writer, &report, REPORT_BYTES_MAX).await?;
        // Whoever closes first while the other side still speaks may lose what was not yet delivered.
        while self.orders.recv().await.is_some() {}
        Ok(())
    }

    /// What was counted, again and again until the last request has ended, and then once more.
    async fn tell(&mut self, load: &LoadHandle, begin: Instant) -> Result<(), FrameError> {
        let tick = self.follow(load, begin).await?;
        self.sample(load, tick).await
    }

    /// Until the last request has ended; gives the number of the next sample.
    async fn follow(&mut self, load: &LoadHandle, begin: Instant) -> Result<u64, FrameError> {
        let mut ticks = interval_at(begin + TICK, TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut next, mut leaving) = (1, false);
        while !load.ended() {
            tokio::select! {
                order = self.orders.recv() => match order {
                    Some(ToWorker::Stop) => load.stop_within(STOP_GRACE),
                    Some(ToWorker::Alive) => {}
                    Some(_) | None => return Err(FrameError::Closed),
                },
                at = ticks.tick() => {
                    let number = number_of(at.saturating_duration_since(begin));
                    self.sample(load, number).await?;
                    next = number + 1;
                }
                _ = look.tick() => {}
                () = told(&mut self.interrupted), if !leaving => {
                    leaving = true;
                    load.stop();
                    write_frame(&mut self.writer, &ToCoordinator::Leaving, WORD_BYTES_MAX).await?;
                }
            }
        }
        Ok(next)
    }

    async fn sample(&mut self, load: &LoadHandle, tick: u64) -> Result<(), FrameError> {
        let sample = ToCoordinator::Sample { tick, snapshot: Box::new(load.sample()) };
        write_frame(&mut self.writer, &sample, REPORT_BYTES_MAX).await
    }
}

fn number_of(since: Duration) -> u64 {
    u64::try_from(since.as_millis() / TICK.as_millis()).unwrap_or(u64::MAX)
}

/// Everything that could go wrong later: the plan as anybody's, its TLS, and times that no clock can add up.
fn check(plan: &LoadPlan) -> Result<(), String> {
    validate(plan).map_err(|error| fitting(&error))?;
    for group in &plan.clients {
        Connector::new(plan, group.protocol, group.connection).map_err(|error| fitting(&error))?;
    }
    let think = |step: &Step| *step.think.end();
    let end = if let Stop::After(duration) = plan.stop { duration } else { Duration::ZERO };
    let pauses = plan.clients.iter().map(|group| group.pause);
    let mut times = pauses.chain(plan.workload.steps().map(think)).chain([plan.failure_pause, end]);
    if let Some(time) = times.find(|time| *time > TIME_MAX) {
        return Err(format!("rest or run for `{time:?}`: at most {TIME_MAX:?}"));
    }
    match plan.workload.steps().find(|step| step.think.is_empty()) {
        Some(step) => {
            Err(format!("rest after the step `{}`: the shortest time is above the longest", step.name))
        }
        None => Ok(()),
    }
}

/// An error with its causes, as much of it as fits into the other side's message.
fn fitting(error: &dyn std::error::Error) -> String {
    chain(error).chars().take(WORD_BYTES_MAX / 16).collect()
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::time::Duration;

    use http::{HeaderName, Method};
    use proptest::prelude::*;
    use tokio::io::{AsyncWriteExt, duplex};
    use tokio::runtime::Builder;
    use tokio::sync::watch;

    use super::{check, serve};
    use crate::plan::model::{ClientGroup, Connection, LoadPlan, Protocol, Scheme, Stop, Target};
    use crate::scenario::mix::RequestMix;
    use crate::scenario::model::Action;

    fn plan() -> LoadPlan {
        let address = SocketAddr::from(([127, 0, 0, 1], 1));
        let mut plan = LoadPlan::new(Target { scheme: Scheme::Http, authority: "localhost".into(), address });
        plan.clients.push(ClientGroup::new(2, Protocol::Http1, Connection::KeepAlive));
        let headers = vec![(HeaderName::from_static("x-a"), "1".to_owned())];
        plan.workload = RequestMix { headers, ..RequestMix::default() }.workload();
        plan
    }

    fn refusal(change: impl FnOnce(&mut LoadPlan)) -> String {
        let mut plan = plan();
        change(&mut plan);
        check(&plan).err().unwrap_or_default()
    }

    proptest! {
        #[test]
        fn words_out_of_order_end_the_job(
            words in prop::collection::vec(
                prop_oneof![
                    Just(r#""alive""#.to_owned()),
                    Just(r#""stop""#.to_owned()),
                    Just(r#"{"plan":{}}"#.to_owned()),
                    any::<u64>().prop_map(|in_ms| format!(r#"{{"start":{{"in_ms":{in_ms}}}}}"#)),
                    ".{0,40}",
                ],
                0..6,
            ),
        ) {
            Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
                let (near, mut far) = duplex(4096);
                for word in words {
                    far.write_all(&u32::try_from(word.len()).unwrap().to_be_bytes()).await.unwrap();
                    far.write_all(word.as_bytes()).await.unwrap();
                }
                drop(far);
                let (_leave, leaving) = watch::channel(false);
                // Whether it was told or not: it ends.
                let _ = serve(near, leaving).await;
            });
        }
    }

    #[test]
    fn plan_arrives_as_it_went() {
        let text = serde_json::to_string(&plan()).unwrap();
        let arrived: LoadPlan = serde_json::from_str(&text).unwrap();
        assert_eq!(format!("{arrived:?}"), format!("{:?}", plan()));
        assert!(serde_json::from_str::<LoadPlan>(&text.replace("x-a", "x a")).is_err());
        assert!(serde_json::from_str::<LoadPlan>(&text.replace("\"POST\"", "\"PO ST\"")).is_err());
        let Action::Http(request) = &arrived.workload.scenarios[1].steps[0].action else {
            panic!("no request")
        };
        assert_eq!(request.method, Method::POST);
    }

    #[test]
    fn plan_of_a_stranger_is_looked_at() {
        assert_eq!(refusal(|_| ()), "");
        assert!(refusal(|plan| plan.clients.clear()).contains("`0` clients"));
        assert!(refusal(|plan| plan.target.scheme = Scheme::Https).contains("no certificate to trust"));
        assert!(refusal(|plan| plan.stop = Stop::After(Duration::MAX)).contains("at most"));
        assert!(refusal(|plan| plan.failure_pause = Duration::MAX).contains("at most"));
        let second = Duration::from_secs(1);
        let backwards = |plan: &mut LoadPlan| plan.workload.scenarios[0].steps[0].think = second * 2..=second;
        assert!(refusal(backwards).contains("above the longest"));
    }
}
