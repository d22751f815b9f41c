//! The process that the guard is.
//!
//! It leads a session of its own and outlives interrupts, hang-ups and requests to end: only its runner ends it, by a word, by
//! its own end, or by five seconds of silence. Ended by `SIGKILL`, it leaves what [`crate::undo_leftovers`] undoes.

use std::collections::BTreeMap;
use std::env;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{getppid, setsid};
use tokio::runtime::{self, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::fault::guard::armed::Means;
use crate::fault::guard::carry::{Carrier, Ending, conclude};
use crate::fault::guard::journal::Journal;
use crate::fault::guard::lines::{self, Lines};
use crate::fault::guard::messages::{Answer, Command};
use crate::fault::guard::network::{Network, NetworkError};
use crate::fault::guard::role::{GuardProgram, Role};
use crate::fault::plan::model::PlannedProxy;
use crate::fault::process::stress;

/// Commands that wait; a runner sends a few per second.
const COMMANDS_MAX: usize = 64;
/// Longest wait for a runner that does not read.
const WRITE_LIMIT: Duration = Duration::from_millis(100);

/// The guard did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// Nobody who knows how started it.
    #[error("learn what to guard: standard input is not the socket of a fault runner")]
    NoRunner(#[source] io::Error),
    /// The process could not be set up.
    #[error("set up the guard")]
    SetUp(#[source] io::Error),
    /// A child's own failure.
    #[error("cause pressure")]
    Stress(#[source] io::Error),
    /// The undo journal.
    #[error("keep the undo journal in `{}`", directory.display())]
    Journal {
        /// Where.
        directory: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A proxy.
    #[error("open the proxies")]
    Network(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Some faults are still in effect.
    #[error("undo `{left}` faults: they stay in the journal in `{}`", directory.display())]
    Left {
        /// How many.
        left: usize,
        /// Where.
        directory: PathBuf,
    },
}

/// The whole life of a process that [`GuardProgram`] starts: of the guard, or of a child of it. Needs the main thread, and a
/// process that has none besides.
pub fn guard_main() -> Result<(), GuardError> {
    let socket = io::stdin().as_fd().try_clone_to_owned().map(UnixStream::from);
    let socket = socket.map_err(GuardError::NoRunner)?;
    let mut messages = Lines::new(socket.try_clone().map_err(GuardError::NoRunner)?);
    let role = messages.next().map_err(GuardError::NoRunner)?;
    match role.ok_or_else(|| GuardError::NoRunner(io::ErrorKind::UnexpectedEof.into()))? {
        Role::Guard { program, journals, seed, proxies } => {
            let plan = Post { program, journals, seed, proxies };
            plan.stand(socket, messages)
        }
        role @ (Role::Cpu { guard, .. } | Role::Memory { guard, .. }) => {
            stress::live(&role, guard, socket).map_err(GuardError::Stress)
        }
    }
}

/// What a guard is told first.
struct Post {
    program: GuardProgram,
    journals: PathBuf,
    seed: u64,
    proxies: Vec<PlannedProxy>,
}

// === impl Post ===

impl Post {
    fn stand(self, socket: UnixStream, messages: Lines<UnixStream>) -> Result<(), GuardError> {
        let answers = socket.try_clone().map_err(GuardError::SetUp)?;
        let journals = self.journals.clone();
        let stood = self.start(socket).and_then(|(mut carrier, _running)| {
            let commands = listen(messages).map_err(GuardError::SetUp)?;
            let ending = carrier.carry_out(&commands);
            if ending == Ending::LeaseExpired {
                eprintln!("warning: nothing heard of the fault runner; every fault was undone");
            }
            let failed = |source| GuardError::Journal { directory: journals.clone(), source };
            match conclude(carrier).map_err(failed)? {
                0 => Ok(()),
                left => Err(GuardError::Left { left, directory: journals }),
            }
        });
        if let Err(error) = &stood {
            // If the runner is gone, the exit status and standard error still say it.
            drop(lines::write(&answers, &Answer::Refused { why: crate::fault::chain(error) }));
        }
        stood
    }

    /// Everything that must be there before the first fault. What is returned besides must live as long as the guard.
    fn start(self, socket: UnixStream) -> Result<(Carrier, Running), GuardError> {
        socket.set_write_timeout(Some(WRITE_LIMIT)).map_err(GuardError::SetUp)?;
        lead_a_session().map_err(GuardError::SetUp)?;
        let running = Running::new().map_err(GuardError::SetUp)?;
        let refused = |error: NetworkError| GuardError::Network(Box::new(error));
        let network = Network::open(&running.runtime, &self.proxies, self.seed).map_err(refused)?;
        let failed = |source| GuardError::Journal { directory: self.journals.clone(), source };
        let journal = Journal::create(&self.journals).map_err(failed)?;
        env::set_current_dir("/").map_err(GuardError::SetUp)?;
        let ready = Answer::Ready { proxies: network.addresses() };
        lines::write(&socket, &ready).map_err(GuardError::SetUp)?;
        let parent = getppid().map_or(0, |parent| parent.as_raw_nonzero().get());
        let protected = vec![process::id().cast_signed(), parent];
        let means = Means { program: self.program, protected, network };
        Ok((Carrier { socket, journal, means, faults: BTreeMap::new() }, running))
    }
}

/// The proxies' runtime, and signals that are caught so that they end nothing.
struct Running {
    runtime: Runtime,
    _caught: Vec<Signal>,
}

// === impl Running ===

impl Running {
    fn new() -> io::Result<Self> {
        let runtime = runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let entered = runtime.enter();
        let kinds =
            [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup(), SignalKind::quit()];
        let caught = kinds.into_iter().map(signal).collect::<io::Result<_>>()?;
        drop(entered);
        Ok(Self { runtime, _caught: caught })
    }
}

/// Out of reach of the terminal that the runner was started from. Who leads a group already was started by hand, and is out
/// of reach of nobody's terminal but its own. Asking for the session instead would not do: inside a PID namespace, one that
/// was begun outside has no number.
fn lead_a_session() -> io::Result<()> {
    match setsid() {
        Ok(_) | Err(Errno::PERM) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Commands as they arrive; the channel ends with the connection, and with the first line that is none.
fn listen(mut messages: Lines<UnixStream>) -> io::Result<Receiver<Command>> {
    let (sender, receiver) = sync_channel(COMMANDS_MAX);
    thread::Builder::new().name("commands".to_owned()).spawn(move || {
        loop {
            match messages.next() {
                Ok(Some(command)) => {
                    if sender.send(command).is_err() {
                        break;
                    }
                }
                Ok(None) => break,
                Err(error) => {
                    eprintln!("error: failed to read a command, so every fault is undone: {error}");
                    break;
                }
            }
        }
    })?;
    Ok(receiver)
}
