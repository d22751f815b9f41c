//! A handle on one instance: ours or an earlier control plane's, the difference is only what we learn at its end.
//!
//! The handle is a pidfd, which means this process and never another that got its number. A task per process waits for its
//! end and reaps it, so no zombie gathers under a control plane that lives for months; the task ends with the process
//! and is all that is left of a dropped handle.

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{PidfdFlags, Signal, WaitId, WaitIdOptions, pidfd_open, waitid},
};
use shield_types::environment_variable;
use tokio::{io::unix::AsyncFd, sync::watch, task};

use crate::{
    environment::INSTANCE_VARIABLE,
    exit::ExitReport,
    identity::{Identity, process_id},
    pidfd::awaitable,
    procfs,
    session::Session,
};

/// A process that was started or adopted here. Clones mean the same process; dropping one does not stop it.
#[derive(Clone, Debug)]
pub struct Process {
    identity: Identity,
    pidfd: Arc<OwnedFd>,
    session: Arc<Mutex<Session>>,
    exit: watch::Receiver<Option<ExitReport>>,
}

/// Takes over a process an earlier control plane started; `None` when it is gone, a zombie, or another process has its pid,
/// and also when it carries the [`marker`](crate::marker) of another scope: then it belongs to the state directory that this one
/// was copied from. A process that overwrote its environment carries none, and is taken at its identity.
///
/// Must be called inside a Tokio runtime, once per process: the end of a process is told to one asker only.
pub fn adopt(identity: &Identity, marker: &str) -> Option<Process> {
    let pidfd = identity.open()?;
    let environment = procfs::environment(identity.pid);
    let scope = marker.split('/').next().unwrap_or_default();
    // One that has not yet replaced itself still carries the control plane's own marker, of the same scope.
    if environment_variable(&environment, INSTANCE_VARIABLE)
        .is_some_and(|carried| !carried.starts_with(scope))
    {
        tracing::warn!(%identity, marker, "a recorded process belongs to somebody else; it is left alone");
        return None;
    }
    Process::watch(identity.clone(), pidfd, Some(marker.to_owned()))
        .inspect_err(|error| tracing::error!(%identity, %error, "a running instance cannot be watched"))
        .ok()
}

// === impl Process ===

impl Process {
    /// Watches a child that nobody has reaped; it may have ended already.
    pub(crate) fn watch_child(identity: Identity, marker: String) -> io::Result<Self> {
        let pid = process_id(identity.pid).expect("a child has a positive pid");
        let pidfd = pidfd_open(pid, PidfdFlags::empty())?;
        Self::watch(identity, pidfd, Some(marker))
    }

    fn watch(identity: Identity, pidfd: OwnedFd, marker: Option<String>) -> io::Result<Self> {
        let ended = awaitable(pidfd.try_clone()?)?;
        let session = Arc::new(Mutex::new(Session::new(identity.clone(), marker)));
        let (sender, exit) = watch::channel(None);
        tokio::spawn(await_end(ended, session.clone(), sender));
        Ok(Self { identity, pidfd: Arc::new(pidfd), session, exit })
    }

    /// Which process this is; written to the journal, it is what [`adopt`] takes.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Whether it runs; a zombie does not.
    pub fn is_alive(&self) -> bool {
        let mut ended = [PollFd::new(&self.pidfd, PollFlags::IN)];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        // A pidfd is readable from the end of the process on, reaped or not.
        !matches!(poll(&mut ended, Some(&now)), Ok(count) if count > 0)
    }

    /// Waits for the end of the process; returns at once when it has ended. May be cancelled and asked again.
    pub async fn exited(&self) -> ExitReport {
        let mut exit = self.exit.clone();
        // The watching task ends without an answer only together with its runtime, which then takes this future down too.
        exit.wait_for(Option::is_some).await.ok().and_then(|exit| *exit).unwrap_or(ExitReport::NotOurChild)
    }

    /// Kills the process and everything in its session at once, without waiting for their end; returns how many were told.
    /// Walks `/proc` and blocks meanwhile.
    ///
    /// A process forked at this very moment may be missed: [`Process::stop`] repeats until nothing is left.
    pub fn kill_group(&self) -> usize {
        self.session().signal(Signal::KILL).len()
    }

    pub(crate) fn pidfd(&self) -> &OwnedFd {
        &self.pidfd
    }

    /// What is left of the instance, found on a thread that may block.
    pub(crate) async fn with_session<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Session) -> T + Send + 'static,
    ) -> T {
        let process = self.clone();
        task::spawn_blocking(move || work(&mut process.session()))
            .await
            .expect("scanning `/proc` does not panic")
    }

    fn session(&self) -> MutexGuard<'_, Session> {
        lock(&self.session)
    }
}

/// A panic elsewhere leaves at worst an old list of witnesses, which proves less and never too much.
fn lock(session: &Mutex<Session>) -> MutexGuard<'_, Session> {
    session.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn await_end(
    ended: AsyncFd<OwnedFd>,
    session: Arc<Mutex<Session>>,
    exit: watch::Sender<Option<ExitReport>>,
) {
    // An error here means that the runtime shuts down: the process goes on, watched by nobody.
    if ended.readable().await.is_err() {
        return;
    }
    let reaped = task::spawn_blocking(move || {
        // While the leader is an unreaped zombie its pid proves the session; the survivors take that over.
        lock(&session).members();
        reap(ended.get_ref())
    });
    if let Ok(report) = reaped.await {
        exit.send_replace(Some(report));
    }
}

/// Not only launched processes can be children: those of a container's first process, or of a control plane that replaced
/// itself by exec, are too.
fn reap(pidfd: &OwnedFd) -> ExitReport {
    match waitid(WaitId::PidFd(pidfd.as_fd()), WaitIdOptions::EXITED | WaitIdOptions::NOHANG) {
        Ok(Some(status)) => ExitReport::from_status(&status),
        Ok(None) | Err(_) => ExitReport::NotOurChild,
    }
}
