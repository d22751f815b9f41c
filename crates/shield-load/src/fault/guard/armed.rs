//! A fault that was checked and is ready to begin with a system call or two.

use std::fs;
use std::io;
use std::path::PathBuf;

use rustix::process::Signal;
use shield_types::settings::Ratio;

use crate::fault::guard::network::{Network, NetworkError};
use crate::fault::guard::role::{GuardProgram, Role};
use crate::fault::guard::undo::{Undo, UndoError};
use crate::fault::plan::effect::Effect;
use crate::fault::process::clock::{self, ClockError};
use crate::fault::process::descriptors::{self, LimitError};
use crate::fault::process::disk::{DiskError, DiskFill};
use crate::fault::process::identity::{ProcessIdentity, ProcessTarget, TargetError};
use crate::fault::process::signals::{self, SignalError};
use crate::fault::process::stress::{self, StressChild, StressError};
use crate::fault::proxy::{DnsTrouble, ExpiredCertificate, NetworkFault};

/// Looks at a group that is being stopped, for members that were started meanwhile.
const LOOKS_MAX: usize = 16;

/// A fault, ready.
#[derive(Debug)]
pub(crate) struct Armed {
    action: Action,
    /// What undoes it if the guard dies; `None` for what dies with the guard or cannot be undone.
    undo: Option<Undo>,
}

#[derive(Debug)]
enum Action {
    Network { proxy: String, fault: Disturbance, begun: bool },
    Signal { target: ProcessTarget, signal: Signal },
    Freeze { target: ProcessTarget },
    Stress { child: StressChild, memory: Option<(u64, u8)> },
    Disk(DiskFill),
    Descriptors { process: ProcessIdentity, spare: u32 },
    Clock { path: PathBuf, seconds: i64 },
}

/// What a proxy is to do.
#[derive(Debug)]
enum Disturbance {
    Tcp(NetworkFault),
    /// The server that new connections reach, and their share.
    Expired(ExpiredCertificate, Ratio),
    Dns(DnsTrouble),
}

/// A fault did not come into effect.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FaultError {
    #[error("aim")]
    Target(#[from] TargetError),
    #[error("signal")]
    Signal(#[from] SignalError),
    #[error("disturb the network")]
    Network(#[from] NetworkError),
    #[error("cause pressure")]
    Stress(#[from] StressError),
    #[error("fill a disk")]
    Disk(#[from] DiskError),
    #[error("take descriptors")]
    Limit(#[from] LimitError),
    #[error("skew a clock")]
    Clock(#[from] ClockError),
    #[error("undo")]
    Undo(#[from] UndoError),
    #[error("change what another fault has changed, and will put back, already")]
    Clash,
    #[error("write down how to undo it")]
    Journal(#[source] io::Error),
}

/// What a guard brings to each fault.
#[derive(Debug)]
pub(crate) struct Means {
    /// To start children.
    pub(crate) program: GuardProgram,
    /// Processes that no fault may reach: the guard and who started it.
    pub(crate) protected: Vec<i32>,
    /// The proxies.
    pub(crate) network: Network,
}

/// Writes down what undoes the fault; it is on disk when this returns.
pub(crate) type WriteDown<'a> = &'a dyn Fn(Undo) -> io::Result<()>;

// === impl Armed ===

impl Armed {
    /// Checks everything that can be checked, writes down how to undo it, and starts what the fault needs.
    pub(crate) fn prepare(effect: Effect, means: &Means, write_down: WriteDown) -> Result<Self, FaultError> {
        let armed = match effect {
            Effect::Network { proxy, fault } => Self::disturb(proxy, Disturbance::Tcp(fault)),
            Effect::ExpiredCertificate { proxy, host, share } => {
                Self::disturb(proxy, Disturbance::Expired(means.network.expired(&host)?, share))
            }
            Effect::Dns { proxy, trouble } => Self::disturb(proxy, Disturbance::Dns(trouble)),
            Effect::Kill { target, command } => end(target, Signal::KILL, command, means)?,
            Effect::Freeze { target } => {
                let processes = running(&target.members(&means.protected)?);
                Self { action: Action::Freeze { target }, undo: Some(Undo::Continue { processes }) }
            }
            Effect::Restart { target, command } => end(target, Signal::TERM, command, means)?,
            Effect::Cpu { workers, nice, share_percent } => {
                let role = Role::Cpu { guard: std::process::id(), workers, nice, share_percent };
                let child = StressChild::prepare(&means.program, &role)?;
                Self::alone(Action::Stress { child, memory: None })
            }
            Effect::Memory { bytes, share_max_percent } => {
                stress::demand_memory(bytes, share_max_percent)?;
                let role = Role::Memory { guard: std::process::id(), bytes };
                let child = StressChild::prepare(&means.program, &role)?;
                Self::alone(Action::Stress { child, memory: Some((bytes, share_max_percent)) })
            }
            Effect::Disk { directory, filesystem, amount } => {
                let fill = DiskFill::prepare(&directory, &filesystem, amount)?;
                let undo = Some(Undo::Remove { path: fill.path().to_owned() });
                Self { action: Action::Disk(fill), undo }
            }
            Effect::Descriptors { target, spare } => {
                target.members(&means.protected)?;
                let (process, soft) = (target.process, descriptors::soft_limit(target.process)?);
                let undo = Some(Undo::RestoreLimit { process, soft });
                Self { action: Action::Descriptors { process, spare }, undo }
            }
            Effect::ClockSkew { target, seconds } => {
                let path = clock::offset_file(target.process)?;
                let undo = Some(Undo::RestoreFile { path: path.clone(), content: clock::read(&path)? });
                Self { action: Action::Clock { path, seconds }, undo }
            }
        };
        if let Some(undo) = &armed.undo {
            write_down(undo.clone()).map_err(FaultError::Journal)?;
        }
        Ok(armed)
    }

    fn disturb(proxy: String, fault: Disturbance) -> Self {
        Self::alone(Action::Network { proxy, fault, begun: false })
    }

    fn alone(action: Action) -> Self {
        Self { action, undo: None }
    }

    /// Brings it into effect. After a failure, part of it may be in effect: [`Armed::undo`] it.
    pub(crate) fn begin(&mut self, means: &mut Means, write_down: WriteDown) -> Result<(), FaultError> {
        match &mut self.action {
            Action::Network { proxy, fault, begun } => {
                match fault {
                    Disturbance::Tcp(fault) => means.network.disturb(proxy, fault.clone())?,
                    Disturbance::Expired(front, share) => {
                        let fault = NetworkFault::Divert { to: front.address(), share: *share };
                        means.network.disturb(proxy, fault)?;
                    }
                    Disturbance::Dns(trouble) => means.network.trouble(proxy, *trouble)?,
                }
                *begun = true;
            }
            Action::Signal { target, signal } => {
                if let Err(error) = signal_all(target, *signal, &means.protected) {
                    // What was not ended must not be started a second time.
                    self.undo = None;
                    return Err(error);
                }
            }
            Action::Freeze { target } => {
                let target = *target;
                self.freeze(target, &means.protected, write_down)?;
            }
            Action::Stress { child, memory } => {
                if let Some((bytes, share_max_percent)) = *memory {
                    stress::demand_memory(bytes, share_max_percent)?;
                }
                child.begin()?;
            }
            Action::Disk(fill) => fill.begin()?,
            Action::Descriptors { process, spare } => {
                let (process, spare) = (*process, *spare);
                let soft = descriptors::soft_limit(process)?;
                self.renew(Undo::RestoreLimit { process, soft }, write_down)?;
                descriptors::lower(process, spare)?;
            }
            Action::Clock { path, seconds } => {
                let (path, seconds) = (path.clone(), *seconds);
                let content = clock::read(&path)?;
                self.renew(Undo::RestoreFile { path: path.clone(), content }, write_down)?;
                clock::skew(&path, seconds)?;
            }
        }
        Ok(())
    }

    /// What another fault had changed when this one was prepared may be as it was again.
    fn renew(&mut self, undo: Undo, write_down: WriteDown) -> Result<(), FaultError> {
        if self.undo.as_ref() != Some(&undo) {
            write_down(undo.clone()).map_err(FaultError::Journal)?;
            self.undo = Some(undo);
        }
        Ok(())
    }

    /// Whether both change the same thing.
    pub(crate) fn clashes(&self, other: &Self) -> bool {
        self.undo.as_ref().zip(other.undo.as_ref()).is_some_and(|(undo, other)| undo.clashes(other))
    }

    /// Takes it out of effect. May be repeated.
    pub(crate) fn undo(&mut self, means: &mut Means) -> Result<(), FaultError> {
        let mut stopped = Ok(());
        match &mut self.action {
            Action::Network { proxy, begun, .. } if *begun => {
                means.network.calm(proxy);
                *begun = false;
            }
            Action::Stress { child, .. } => child.end()?,
            // The file goes even if it could not be filled.
            Action::Disk(fill) => stopped = fill.stop(),
            _ => {}
        }
        if let Some(undo) = &self.undo {
            undo.apply()?;
        }
        Ok(stopped?)
    }

    /// Stops the target, and then whoever it started meanwhile, until there is nobody new.
    fn freeze(
        &mut self,
        target: ProcessTarget,
        protected: &[i32],
        write_down: WriteDown,
    ) -> Result<(), FaultError> {
        let Some(Undo::Continue { processes: written }) = &mut self.undo else { return Ok(()) };
        if target.process.stat().is_some_and(|stat| stat.stopped()) {
            written.clear();
            return Err(TargetError::Stopped { process: target.process }.into());
        }
        let mut reached: Vec<ProcessIdentity> = Vec::new();
        for _ in 0..LOOKS_MAX {
            let mut fresh = running(&target.members(protected)?);
            fresh.retain(|process| !reached.contains(process));
            if fresh.is_empty() {
                break;
            }
            let before = written.len();
            let unwritten: Vec<_> =
                fresh.iter().filter(|process| !written.contains(process)).copied().collect();
            written.extend(unwritten);
            if written.len() > before {
                write_down(Undo::Continue { processes: written.clone() }).map_err(FaultError::Journal)?;
            }
            for process in &fresh {
                signals::send_unless_gone(*process, Signal::STOP)?;
            }
            reached.append(&mut fresh);
        }
        Ok(())
    }
}

/// Those that are not stopped.
fn running(processes: &[ProcessIdentity]) -> Vec<ProcessIdentity> {
    let runs = |process: &&ProcessIdentity| process.stat().is_some_and(|stat| !stat.stopped());
    processes.iter().filter(runs).copied().collect()
}

/// A signal that the target ends by, undone by a command, if there is one.
fn end(
    target: ProcessTarget,
    signal: Signal,
    command: Vec<String>,
    means: &Means,
) -> Result<Armed, FaultError> {
    let after = target.members(&means.protected)?;
    let directory = fs::read_link(format!("/proc/{}/cwd", target.process.pid));
    let directory = directory.map_err(|_| TargetError::Gone { process: target.process })?;
    let undo = (!command.is_empty()).then_some(Undo::Start { after, command, directory });
    Ok(Armed { action: Action::Signal { target, signal }, undo })
}

fn signal_all(target: &ProcessTarget, signal: Signal, protected: &[i32]) -> Result<(), FaultError> {
    let mut members = target.members(protected)?;
    members.retain(|member| *member != target.process);
    // First who was aimed at: if it is gone, nobody else is touched.
    signals::send(target.process, signal)?;
    for member in members {
        signals::send_unless_gone(member, signal)?;
    }
    Ok(())
}
