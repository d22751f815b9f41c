//! The threads that lanes run on: one per processor, each with a runtime of its own.
//!
//! A lane stays on the thread it began on, and lanes that share a connection share a thread. A runtime that moves tasks
//! between threads spends a tenth of a request's processor time on it, for nothing: lanes are many and alike.

use std::any::Any;
use std::io;
use std::panic::resume_unwind;
use std::pin::pin;
use std::sync::Arc;
use std::sync::mpsc as blocking;
use std::thread;

use tokio::runtime::Builder;
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};

use crate::engine::lane::Lane;
use crate::measure::ids::LaneIds;
use crate::measure::watch::ThreadWatch;

/// The threads. Dropping it cuts off the lanes that still run.
pub(crate) struct Crew {
    threads: Vec<mpsc::UnboundedSender<Vec<Lane>>>,
    ended: mpsc::UnboundedReceiver<Result<(u32, LaneIds), Panic>>,
    /// Lanes that run.
    running: usize,
    /// The thread that gets the next lanes.
    next: usize,
}

/// What a lane said when it panicked.
type Panic = Box<dyn Any + Send>;

// === impl Crew ===

impl Crew {
    /// Starts a thread for each that is watched.
    pub(crate) fn start(watch: &Arc<ThreadWatch>) -> io::Result<Self> {
        let (sender, ended) = mpsc::unbounded_channel();
        let one = |number| spawn(number, watch.clone(), sender.clone());
        let threads = (0..watch.threads()).map(one).collect::<io::Result<_>>()?;
        Ok(Self { threads, ended, running: 0, next: 0 })
    }

    /// Gives one thread some lanes to run.
    pub(crate) fn hire(&mut self, lanes: Vec<Lane>) {
        self.running += lanes.len();
        self.threads[self.next].send(lanes).expect("a thread lives as long as its sender");
        self.next = (self.next + 1) % self.threads.len();
    }

    /// Waits for the end of a lane; none when no lane runs.
    ///
    /// # Panics
    /// When a lane panicked: it lost its count, and a report without it would be wrong.
    pub(crate) async fn ended(&mut self) -> Option<(u32, LaneIds)> {
        if self.running == 0 {
            return None;
        }
        let end = self.ended.recv().await.expect("threads live as long as their senders");
        self.running -= 1;
        Some(end.unwrap_or_else(|panic| resume_unwind(panic)))
    }
}

fn spawn(
    number: usize,
    watch: Arc<ThreadWatch>,
    ended: mpsc::UnboundedSender<Result<(u32, LaneIds), Panic>>,
) -> io::Result<mpsc::UnboundedSender<Vec<Lane>>> {
    let (sender, mut hired) = mpsc::unbounded_channel::<Vec<Lane>>();
    let (started, outcome) = blocking::channel();
    let work = move || {
        let runtime = match Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return drop(started.send(Err(error))),
        };
        drop(started.send(Ok(())));
        runtime.block_on(async {
            let mut running = JoinSet::new();
            let mut watching = pin!(watch.watch_this(number));
            loop {
                tokio::select! {
                    () = watching.as_mut() => {}
                    lanes = hired.recv() => match lanes {
                        Some(lanes) => lanes.into_iter().for_each(|lane| drop(running.spawn(lane.run()))),
                        None => break,
                    },
                    // Nobody may be left to tell: then the run was cut off.
                    Some(end) = running.join_next() => drop(ended.send(end.map_err(panic))),
                }
            }
        });
    };
    thread::Builder::new().name(format!("load-{number}")).spawn(work)?;
    outcome.recv().unwrap_or_else(|_| Err(io::ErrorKind::Other.into()))?;
    Ok(sender)
}

fn panic(error: JoinError) -> Panic {
    error.try_into_panic().unwrap_or_else(|error| Box::new(error))
}
