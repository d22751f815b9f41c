//! Starting the guard before the clock of the load, so that nothing has to be started when a fault is due.

use std::fs::{self, OpenOptions};
use std::io;
use std::net::{Shutdown, SocketAddr};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::fault::guard::lines::{self, Lines};
use crate::fault::guard::messages::{Answer, Command};
use crate::fault::guard::role::{GuardProgram, Role};
use crate::fault::plan::effect::ScheduledFault;
use crate::fault::plan::model::FaultPlan;
use crate::fault::plan::schedule::ScheduleFaultsError;
use crate::fault::runner::drive::{Driver, Heard, PREPARE};
use crate::fault::runner::event::{FaultEvent, LoadClock};

/// Name of the file that a guard's complaints go to.
const LOG: &str = "guard.log";
/// How long a guard may take to start, and to prepare a fault.
const READY_LIMIT: Duration = Duration::from_secs(10);

/// A guard that waits, with its proxies open, and with the faults of the first two seconds prepared. It waits for five seconds
/// at most; then it undoes everything and ends, so that [`PreparedFaults::run`] must follow. Dropping it ends the guard.
#[derive(Debug)]
pub struct PreparedFaults {
    schedule: Vec<ScheduledFault>,
    events: Vec<FaultEvent>,
    journals: PathBuf,
    guard: GuardProcess,
    answers: Lines<UnixStream>,
    proxies: Vec<(String, SocketAddr)>,
}

/// The guard, seen from here. Dropping it closes the connection, which makes the guard undo everything and end.
#[derive(Debug)]
pub(crate) struct GuardProcess {
    child: Child,
    pub(crate) socket: UnixStream,
}

/// Faults that happen on the clock of the load. Dropping it undoes everything at once, like the end of its process.
#[derive(Debug)]
pub struct FaultRunner {
    events: Arc<Mutex<Vec<FaultEvent>>>,
    heard: Sender<Heard>,
    driver: Option<JoinHandle<()>>,
}

/// No fault can happen.
#[derive(Debug, thiserror::Error)]
pub enum StartFaultsError {
    /// The plan.
    #[error("make a schedule of the faults")]
    Schedule(#[from] ScheduleFaultsError),
    /// The place of the undo journals.
    #[error("keep undo journals in `{}`", directory.display())]
    Journals {
        /// Where.
        directory: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The program.
    #[error("start the guard `{}`", program.display())]
    Start {
        /// Which.
        program: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Its own reason.
    #[error("start the guard: {why}")]
    Refused {
        /// In its words.
        why: String,
    },
}

// === impl PreparedFaults ===

impl PreparedFaults {
    /// Starts a guard that keeps its undo journal in `journals`, and opens the plan's proxies.
    pub fn start(
        plan: &FaultPlan,
        program: &GuardProgram,
        journals: &Path,
    ) -> Result<Self, StartFaultsError> {
        let schedule = plan.schedule()?;
        let failed = |source| StartFaultsError::Journals { directory: journals.to_owned(), source };
        fs::create_dir_all(journals).map_err(failed)?;
        // The guard leaves the directory it was started in.
        let journals = fs::canonicalize(journals).map_err(failed)?;
        let log = OpenOptions::new().create(true).append(true).open(journals.join(LOG)).map_err(failed)?;
        let role = Role::Guard {
            program: program.clone(),
            journals: journals.clone(),
            seed: plan.seed,
            proxies: plan.proxies.clone(),
        };
        let failed = |source| StartFaultsError::Start { program: program.program.clone(), source };
        let (child, socket) = program.start(&role, Some(log)).map_err(failed)?;
        let guard = GuardProcess { child, socket };
        let answers = Lines::new(guard.socket.try_clone().map_err(failed)?);
        let events = schedule.iter().map(FaultEvent::planned).collect();
        let mut prepared = Self { schedule, events, journals, guard, answers, proxies: Vec::new() };
        prepared.proxies = prepared.wait_until_ready().map_err(failed)??;
        prepared.prepare_early().map_err(failed)?;
        Ok(prepared)
    }

    fn wait_until_ready(&mut self) -> io::Result<Result<Vec<(String, SocketAddr)>, StartFaultsError>> {
        self.guard.socket.set_read_timeout(Some(READY_LIMIT))?;
        let answer = self.answers.next()?;
        self.guard.socket.set_read_timeout(None)?;
        Ok(match answer {
            Some(Answer::Ready { proxies }) => Ok(proxies),
            Some(Answer::Refused { why }) => Err(StartFaultsError::Refused { why }),
            _ => Err(StartFaultsError::Refused { why: format!("it ended; see its `{LOG}`") }),
        })
    }

    /// A driver would prepare these too late.
    fn prepare_early(&mut self) -> io::Result<()> {
        self.guard.socket.set_read_timeout(Some(READY_LIMIT))?;
        for id in 0..self.schedule.iter().filter(|fault| fault.from < PREPARE).count() {
            let effect = self.schedule[id].effect.clone();
            lines::write(&self.guard.socket, &Command::Prepare { id, effect })?;
            match self.answers.next()? {
                Some(Answer::Prepared { .. }) => {}
                Some(Answer::Failed { why, .. }) => self.events[id].failed = Some(why),
                _ => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
        self.guard.socket.set_read_timeout(None)
    }

    /// What will happen.
    pub fn schedule(&self) -> &[ScheduledFault] {
        &self.schedule
    }

    /// Where a proxy of the plan listens.
    pub fn address(&self, proxy: &str) -> Option<SocketAddr> {
        self.proxies.iter().find(|(name, _)| name == proxy).map(|(_, address)| *address)
    }

    /// Tells the guard that it is still needed.
    pub(crate) fn attend(&self) {
        // A guard that does not listen is gone, which the events will say.
        drop(lines::write(&self.guard.socket, &Command::Heartbeat));
    }

    /// Process id of the guard.
    pub fn guard_pid(&self) -> u32 {
        self.guard.child.id()
    }

    /// Lets the faults happen on the clock that starts, or started, at `clock_start`.
    pub fn run(self, clock_start: Instant) -> FaultRunner {
        let events = Arc::new(Mutex::new(self.events));
        let (sender, heard) = channel();
        let clock = LoadClock::new(clock_start);
        let answers = sender.clone();
        let mut lines = self.answers;
        // Ends with the connection, which the driver's end is the end of.
        thread::spawn(move || {
            while let Ok(Some(answer)) = lines.next() {
                if answers.send(Heard::Answer(answer)).is_err() {
                    return;
                }
            }
            drop(answers.send(Heard::GuardGone));
        });
        let driver = Driver {
            schedule: self.schedule,
            journals: self.journals,
            guard: self.guard,
            clock,
            events: Arc::clone(&events),
        };
        let driver = thread::spawn(move || driver.drive(&heard));
        FaultRunner { events, heard: sender, driver: Some(driver) }
    }
}

// === impl GuardProcess ===

impl GuardProcess {
    /// Ends it at once. It may have ended already.
    pub(crate) fn kill(&mut self) {
        drop(self.child.kill());
    }

    /// Waits until it has ended.
    pub(crate) fn wait(&mut self) -> io::Result<()> {
        self.child.wait().map(drop)
    }
}

impl Drop for GuardProcess {
    fn drop(&mut self) {
        // Either fails only if it has ended already.
        drop(self.socket.shutdown(Shutdown::Both));
        drop(self.wait());
    }
}

// === impl FaultRunner ===

impl FaultRunner {
    /// What has become of each fault so far, in the order of the schedule.
    pub fn events(&self) -> Vec<FaultEvent> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Undoes what is still in effect, ends the guard and its proxies, and says what became of each fault. Blocks until
    /// everything is undone, or has been tried for a minute.
    pub fn finish(mut self) -> Vec<FaultEvent> {
        self.end();
        self.events()
    }

    fn end(&mut self) {
        // The driver may have ended with the guard already.
        drop(self.heard.send(Heard::Finish));
        if let Some(driver) = self.driver.take() {
            drop(driver.join());
        }
    }
}

impl Drop for FaultRunner {
    fn drop(&mut self) {
        self.end();
    }
}
