//! Tells the guard what to do when. A thread of its own, so that a busy load delays no fault.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::fault::guard::leftovers::undo_leftovers;
use crate::fault::guard::lines;
use crate::fault::guard::messages::{Answer, Command};
use crate::fault::plan::effect::ScheduledFault;
use crate::fault::runner::event::{FaultEvent, LoadClock, note};
use crate::fault::runner::start::GuardProcess;

/// Pause between two signs of life; a tenth of the lease.
const HEARTBEAT: Duration = Duration::from_millis(500);
/// Longest silence of a guard that undoes everything.
const END_LIMIT: Duration = Duration::from_secs(15);
/// How long before it begins a fault is prepared: more than a disk takes to sync and a process to start.
pub(crate) const PREPARE: Duration = Duration::from_secs(2);

/// What the driver hears.
#[derive(Debug)]
pub(crate) enum Heard {
    /// From the guard.
    Answer(Answer),
    /// The guard has closed the connection.
    GuardGone,
    /// Nothing more is to happen.
    Finish,
}

/// Runs one schedule.
#[derive(Debug)]
pub(crate) struct Driver {
    pub(crate) schedule: Vec<ScheduledFault>,
    pub(crate) journals: PathBuf,
    pub(crate) guard: GuardProcess,
    pub(crate) clock: LoadClock,
    pub(crate) events: Arc<Mutex<Vec<FaultEvent>>>,
}

/// Something to say. At the same moment, faults end before others begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Undo,
    Prepare,
    Begin,
}

// === impl Driver ===

impl Driver {
    /// Until there is nothing more to undo and somebody says that it is over, or the guard is gone.
    pub(crate) fn drive(mut self, heard: &Receiver<Heard>) {
        let mut steps = self.steps().into_iter().peekable();
        let mut heartbeat = Instant::now();
        loop {
            let now = Instant::now();
            while let Some((_, step, id)) = steps.next_if(|(at, ..)| *at <= now) {
                let command = self.command(step, id);
                self.say(&command);
            }
            if heartbeat <= now {
                self.say(&Command::Heartbeat);
                heartbeat = now + HEARTBEAT;
            }
            let next = steps.peek().map_or(heartbeat, |(at, ..)| heartbeat.min(*at));
            match heard.recv_timeout(next.saturating_duration_since(Instant::now())) {
                Ok(Heard::Answer(answer)) => self.note(answer),
                Ok(Heard::GuardGone) => break,
                Ok(Heard::Finish) | Err(RecvTimeoutError::Disconnected) => {
                    self.say(&Command::End);
                    self.hear_the_end(heard);
                    break;
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
        self.conclude();
    }

    fn steps(&self) -> Vec<(Instant, Step, usize)> {
        let faults = self.schedule.iter().enumerate();
        let mut steps: Vec<_> = faults
            .flat_map(|(id, fault)| {
                let (from, until) = (self.clock.at(fault.from), self.clock.at(fault.until));
                // What is due earlier was prepared before the clock started.
                let ahead = fault.from.checked_sub(PREPARE);
                let prepare = ahead.map(|ahead| (self.clock.at(ahead), Step::Prepare, id));
                prepare.into_iter().chain([(from, Step::Begin, id), (until, Step::Undo, id)])
            })
            .collect();
        steps.sort();
        steps
    }

    fn command(&mut self, step: Step, id: usize) -> Command {
        match step {
            Step::Prepare => {
                self.find_again(id);
                Command::Prepare { id, effect: self.schedule[id].effect.clone() }
            }
            Step::Begin => Command::Begin { id },
            Step::Undo => Command::Undo { id },
        }
    }

    /// Who was aimed at may have ended, and something else may have taken its place.
    fn find_again(&mut self, id: usize) {
        let ScheduledFault { effect, found_by, .. } = &mut self.schedule[id];
        let (Some(target), Some(finder)) = (effect.target_mut(), found_by) else { return };
        if target.process.alive() {
            return;
        }
        // Not found, it is the guard that says that it ended.
        if let Ok(process) = finder.find() {
            target.process = process;
            let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
            events[id].effect = effect.to_string();
        }
    }

    /// A guard that does not listen is gone, and is heard to be.
    fn say(&self, command: &Command) {
        drop(lines::write(&self.guard.socket, command));
    }

    /// The guard ends once everything is undone; until then it tells. One that says nothing for too long hangs: it is killed, and
    /// what it left is undone from its journal.
    fn hear_the_end(&mut self, heard: &Receiver<Heard>) {
        loop {
            let heard = match heard.recv_timeout(END_LIMIT) {
                Ok(heard) => heard,
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    self.guard.kill();
                    break;
                }
            };
            match heard {
                Heard::Answer(answer) => self.note(answer),
                Heard::GuardGone => break,
                Heard::Finish => {}
            }
        }
    }

    fn note(&self, answer: Answer) {
        note(&mut self.events.lock().unwrap_or_else(PoisonError::into_inner), self.clock, answer);
    }

    /// The guard is gone. If somebody killed it, what it left is undone here.
    fn conclude(&mut self) {
        drop(self.guard.wait());
        let failed = match undo_leftovers(&self.journals) {
            Ok(leftovers) => leftovers.failed,
            Err(error) => vec![crate::fault::chain(&error)],
        };
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        for event in events.iter_mut().filter(|event| !event.over()) {
            let why = match event.began_s {
                None => "the faults ended before its time".to_owned(),
                Some(_) if failed.is_empty() => {
                    "the guard died; the fault was undone from its journal".to_owned()
                }
                Some(_) => {
                    format!("the guard died, and undoing from its journal failed: {}", failed.join("; "))
                }
            };
            event.failed = Some(why);
        }
    }
}
