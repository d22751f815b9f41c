//! The guard at work: obeys the runner, and undoes everything when it no longer hears of it.
//!
//! A fault that cannot be undone is tried again and again, as long as the guard lives; it is told to the runner and written
//! to standard error, each time that the reason is another one.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use crate::fault::chain;
use crate::fault::guard::armed::{Armed, FaultError, Means};
use crate::fault::guard::journal::Journal;
use crate::fault::guard::lines;
use crate::fault::guard::messages::{Answer, Command, monotonic_ns};
use crate::fault::plan::effect::Effect;

/// Everything is undone when nothing was heard of the runner for so long.
pub(crate) const LEASE: Duration = Duration::from_secs(5);
/// Pause before a failed undo is tried again.
const RETRY: Duration = Duration::from_millis(100);
/// How long undoing is tried at the end; what is left then stays in the journal.
const PATIENCE: Duration = Duration::from_secs(60);

/// A guard with its faults.
#[derive(Debug)]
pub(crate) struct Carrier {
    /// To the runner.
    pub(crate) socket: UnixStream,
    pub(crate) journal: Journal,
    pub(crate) means: Means,
    pub(crate) faults: BTreeMap<usize, Held>,
}

/// A fault that is prepared and not undone.
#[derive(Debug)]
pub(crate) struct Held {
    armed: Armed,
    stage: Stage,
}

#[derive(Debug, PartialEq)]
enum Stage {
    Prepared,
    Begun,
    /// It must go; why it did not the last time.
    Undoing {
        failed: String,
    },
}

/// Why everything is undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The runner said so.
    Told,
    /// The runner is gone.
    ConnectionEnded,
    /// The runner is silent.
    LeaseExpired,
}

// === impl Carrier ===

impl Carrier {
    /// Obeys until there is a reason to end, and undoes everything. Says why it ended.
    pub(crate) fn carry_out(&mut self, commands: &Receiver<Command>) -> Ending {
        let ending = self.obey_all(commands);
        let active: Vec<usize> = self.faults.keys().copied().collect();
        active.into_iter().for_each(|id| self.undo(id));
        let patience_ends = Instant::now() + PATIENCE;
        while self.undoing() && Instant::now() < patience_ends {
            thread::sleep(RETRY);
            self.retry();
        }
        ending
    }

    fn obey_all(&mut self, commands: &Receiver<Command>) -> Ending {
        let mut lease_ends = Instant::now() + LEASE;
        loop {
            let rest = lease_ends.saturating_duration_since(Instant::now());
            let patience = if self.undoing() { rest.min(RETRY) } else { rest };
            match commands.recv_timeout(patience) {
                Ok(Command::End) => return Ending::Told,
                Ok(command) => {
                    lease_ends = Instant::now() + LEASE;
                    self.obey(command);
                }
                Err(RecvTimeoutError::Disconnected) => return Ending::ConnectionEnded,
                Err(RecvTimeoutError::Timeout) if rest <= patience => return Ending::LeaseExpired,
                Err(RecvTimeoutError::Timeout) => {}
            }
            self.retry();
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Prepare { id, effect } => self.prepare(id, effect),
            Command::Begin { id } => self.begin(id),
            Command::Undo { id } => self.undo(id),
            Command::Heartbeat | Command::End => {}
        }
    }

    fn prepare(&mut self, id: usize, effect: Effect) {
        let journal = &self.journal;
        match Armed::prepare(effect, &self.means, &|undo| journal.prepared(id, undo)) {
            Ok(armed) => {
                self.faults.insert(id, Held { armed, stage: Stage::Prepared });
                self.tell(&Answer::Prepared { id });
            }
            Err(error) => self.fail(id, &error),
        }
    }

    /// A fault that could not be prepared is not there; that was told.
    fn begin(&mut self, id: usize) {
        let Some(mut held) = self.faults.remove(&id) else { return };
        let in_effect = self.faults.values().filter(|other| other.stage != Stage::Prepared);
        if in_effect.into_iter().any(|other| other.armed.clashes(&held.armed)) {
            return self.fail(id, &FaultError::Clash);
        }
        let journal = &self.journal;
        let begun = journal.begun(id).map_err(FaultError::Journal);
        let begun =
            begun.and_then(|()| held.armed.begin(&mut self.means, &|undo| journal.prepared(id, undo)));
        held.stage = Stage::Begun;
        self.faults.insert(id, held);
        match begun {
            Ok(()) => self.tell(&Answer::Began { id, at_ns: monotonic_ns() }),
            Err(error) => {
                self.fail(id, &error);
                self.undo(id);
            }
        }
    }

    fn undo(&mut self, id: usize) {
        let Some(held) = self.faults.get_mut(&id) else { return };
        if held.stage == Stage::Prepared {
            self.faults.remove(&id);
            return;
        }
        match held.armed.undo(&mut self.means) {
            Ok(()) => {
                let at_ns = monotonic_ns();
                self.faults.remove(&id);
                // Should this line be missing, it is undone again after this guard's death, which does no harm.
                if let Err(error) = self.journal.undone(id) {
                    complain("note that a fault is undone", &error);
                }
                self.tell(&Answer::Undone { id, at_ns });
            }
            Err(error) => {
                let failed = chain(&error);
                let known = matches!(&held.stage, Stage::Undoing { failed: before } if *before == failed);
                held.stage = Stage::Undoing { failed: failed.clone() };
                if !known {
                    complain("undo a fault, which is tried again", &error);
                    self.tell(&Answer::UndoFailed { id, why: failed });
                }
            }
        }
    }

    fn undoing(&self) -> bool {
        self.faults.values().any(|held| matches!(held.stage, Stage::Undoing { .. }))
    }

    fn retry(&mut self) {
        let undoing = self.faults.iter().filter(|(_, held)| matches!(held.stage, Stage::Undoing { .. }));
        let undoing: Vec<usize> = undoing.map(|(id, _)| *id).collect();
        undoing.into_iter().for_each(|id| self.undo(id));
    }

    fn fail(&self, id: usize, error: &FaultError) {
        self.tell(&Answer::Failed { id, why: chain(error) });
    }

    /// A runner that cannot be told is gone or stands still: the connection's end or the lease deals with either.
    fn tell(&self, answer: &Answer) {
        drop(lines::write(&self.socket, answer));
    }
}

fn complain(what: &str, error: &dyn std::error::Error) {
    eprintln!("error: failed to {what}: {}", chain(error));
}

/// The end of a guard: the journal goes if nothing is left to undo.
pub(crate) fn conclude(carrier: Carrier) -> io::Result<usize> {
    let left = carrier.faults.len();
    if left == 0 {
        carrier.journal.remove()?;
    }
    Ok(left)
}
