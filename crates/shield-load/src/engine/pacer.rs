//! Makes requests due on time, on a thread of its own: the clients' runtime may be busy, and its timers are coarse.

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::engine::arrivals::Arrivals;
use crate::engine::lane::Shared;
use crate::engine::queue::Queue;
use crate::engine::stop::StopSignal;

/// Longest sleep: a run that is stopped should end soon.
const SLEEP_MAX: Duration = Duration::from_millis(20);

pub(crate) struct Pacer {
    pub(crate) arrivals: Arrivals,
    /// Length of the schedule: it may end with a rest.
    pub(crate) lasts: Duration,
    pub(crate) queue: Arc<Queue>,
    pub(crate) shared: Arc<Shared>,
    /// Asks for one more client.
    pub(crate) grow: mpsc::UnboundedSender<()>,
    /// How often that may still be asked.
    pub(crate) growth_left: usize,
    pub(crate) stop: StopSignal,
}

// === impl Pacer ===

impl Pacer {
    /// Runs on a thread of its own until the schedule ends, or until told to stop; `done` is told then.
    pub(crate) fn spawn(self, done: oneshot::Sender<()>) -> io::Result<JoinHandle<()>> {
        let run = || {
            self.run();
            // The run may be over.
            let _ = done.send(());
        };
        thread::Builder::new().name("load-pacer".to_owned()).spawn(run)
    }

    fn run(mut self) {
        while let Some(offset) = self.arrivals.next() {
            let Some(intended) = self.wait_for(offset) else { break };
            let growing = self.growth_left > 0;
            let waited_for = self.queue.push(intended, growing);
            match (waited_for, growing) {
                (true, _) => {}
                (false, true) => {
                    self.growth_left -= 1;
                    // The run ended: then nobody is made any more.
                    let _ = self.grow.send(());
                }
                // From here on it waits for the target; up to here it waited for this thread.
                (false, false) => self.shared.lag.record(intended.elapsed()),
            }
        }
        // What comes after the last arrival is a part of the run: a rest, a fault in it.
        self.wait_for(self.lasts);
        self.queue.end();
    }

    /// Waits until the run has been under way for `offset`, time held up by the gate not counted; none once it is told to
    /// stop. The gate only ever moves the moment back, so a sleep towards it never ends too late.
    fn wait_for(&self, offset: Duration) -> Option<Instant> {
        loop {
            if self.stop.told() {
                return None;
            }
            let due = self.shared.started + offset + self.shared.gate.held();
            let left = due.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Some(due);
            }
            thread::sleep(left.min(SLEEP_MAX));
        }
    }
}
