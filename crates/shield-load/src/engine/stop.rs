//! Telling clients to stop. A level: once told, told for ever.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use tokio::sync::watch;
use tokio::task::unconstrained;

/// Stops a run; any clone may be used from anywhere.
#[derive(Clone, Debug)]
pub struct Stopper {
    told: Arc<watch::Sender<bool>>,
    cut: Arc<watch::Sender<bool>>,
}

/// One client's ear.
pub(crate) struct StopSignal {
    /// Registers once per client instead of once per request; none after it said stop.
    told: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    /// The same for giving up what was sent.
    cut: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    /// The waker that it holds.
    cut_waker: Option<Waker>,
    cut_receiver: watch::Receiver<bool>,
    /// Cheap look without registering.
    receiver: watch::Receiver<bool>,
}

/// Waits until the level is told. One that nobody can tell any more is as good as told.
pub(crate) async fn told(level: &mut watch::Receiver<bool>) {
    drop(level.wait_for(|told| *told).await);
}

// === impl Stopper ===

impl Stopper {
    pub(crate) fn new() -> Self {
        Self { told: Arc::new(watch::Sender::new(false)), cut: Arc::new(watch::Sender::new(false)) }
    }

    /// No request is begun from now on; those that were sent are finished.
    pub fn stop(&self) {
        self.told.send_replace(true);
    }

    pub(crate) fn signal(&self) -> StopSignal {
        let receiver = self.told.subscribe();
        let mut waiting = receiver.clone();
        let told = Box::pin(async move {
            // An error means that no stopper is left, and nobody to run for either.
            drop(waiting.wait_for(|told| *told).await);
        });
        let cut_receiver = self.cut.subscribe();
        let mut cutting = cut_receiver.clone();
        // Unconstrained: a poll that says that it waits has left its waker, whatever the task did before.
        let cut = Box::pin(unconstrained(async move { drop(cutting.wait_for(|cut| *cut).await) }));
        StopSignal { told: Some(told), cut: Some(cut), cut_waker: None, cut_receiver, receiver }
    }

    /// Requests that were sent are given up, too.
    pub(crate) fn cut(&self) {
        self.cut.send_replace(true);
    }
}

// === impl StopSignal ===

impl StopSignal {
    pub(crate) fn told(&self) -> bool {
        *self.receiver.borrow()
    }

    /// Ready once requests that were sent are to be given up; may be polled again after that.
    pub(crate) fn poll_cut(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(cut) = &mut self.cut else { return Poll::Ready(()) };
        // Every request asks; its waker is left once, not once per request.
        let left = self.cut_waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker()));
        if left && !*self.cut_receiver.borrow() {
            return Poll::Pending;
        }
        if cut.as_mut().poll(context).is_pending() {
            self.cut_waker = Some(context.waker().clone());
            return Poll::Pending;
        }
        self.cut = None;
        Poll::Ready(())
    }

    /// Ready once told; may be polled again after that.
    pub(crate) fn poll_told(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if let Some(told) = &mut self.told {
            std::task::ready!(told.as_mut().poll(context));
            self.told = None;
        }
        Poll::Ready(())
    }
}
