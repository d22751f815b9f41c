//! Tasks behind the requests' backs, and how they are told to end.

use std::time::Duration;

use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{MissedTickBehavior, interval},
};

/// A running task.
#[derive(Debug)]
pub(crate) struct Background {
    /// What the log calls it.
    name: &'static str,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// How a task hears that it is to end.
#[derive(Debug)]
pub(crate) struct StopSignal(watch::Receiver<bool>);

// === impl Background ===

impl Background {
    /// Starts a task that ends when it is told to.
    pub(crate) fn start<F>(name: &'static str, task: impl FnOnce(StopSignal) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let stop = watch::Sender::new(false);
        let task = tokio::spawn(task(StopSignal(stop.subscribe())));
        Self { name, stop, task }
    }

    /// Starts a task that works at once and then once a period. What is under way at its end is dropped.
    pub(crate) fn every<F>(
        name: &'static str,
        period: Duration,
        mut work: impl FnMut() -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let work = async move {
            let mut ticks = interval(period);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                work().await;
            }
        };
        Self::start(name, |mut stop| async move {
            tokio::select! {
                () = stop.told() => {}
                () = work => {}
            }
        })
    }

    /// Tells it to end, and waits until it has.
    pub(crate) async fn end(self) {
        self.stop.send_replace(true);
        if let Err(error) = self.task.await {
            tracing::error!(error = %error, task = self.name, "a task behind the requests failed");
        }
    }
}

// === impl StopSignal ===

impl StopSignal {
    /// Ready once the task is to end, and from then on.
    pub(crate) async fn told(&mut self) {
        // Whoever lets go of a task without ending it wants it no longer, either.
        let _gone = self.0.wait_for(|stopped| *stopped).await;
    }
}
