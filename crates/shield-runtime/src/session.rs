//! All processes of an instance: a server's workers, its shell, what they started.
//!
//! A process belongs to the instance when its session is the one the instance leads, or when it still carries the instance's
//! environment marker after it made a session of its own (a daemon). The kernel does not give a pid out again while it is
//! the session id of any living process, so *one* member that is proven to be ours (the leader itself, a member seen while
//! the leader was known, or one that carries the marker) proves the whole session. Without such proof nothing is touched.
//!
//! Not found: a process that both left the session and wiped its environment.

use rustix::process::{Signal, WaitId, WaitIdOptions, waitid};
use shield_types::{ProcessStat, environment_variable};

use crate::{
    environment::INSTANCE_VARIABLE,
    identity::{Identity, process_id},
    procfs,
};

/// The session an instance leads, or led.
#[derive(Debug)]
pub(crate) struct Session {
    leader: Identity,
    /// The value of [`INSTANCE_VARIABLE`] in the instance, when known.
    marker: Option<String>,
    /// Members at the last look: each proves the session for as long as it lives.
    witnesses: Vec<Identity>,
}

// === impl Session ===

impl Session {
    pub(crate) fn new(leader: Identity, marker: Option<String>) -> Self {
        Self { leader, marker, witnesses: Vec::new() }
    }

    /// Everything that still runs, the leader included; walks `/proc` and blocks meanwhile.
    pub(crate) fn members(&mut self) -> Vec<Identity> {
        if !self.leader.of_this_boot() {
            return Vec::new();
        }
        let all = procfs::stats();
        let proven = self.proven(&all);
        let mut members = Vec::new();
        for stat in &all {
            let inside = proven && stat.session == self.leader.pid;
            if stat.dead() {
                if inside && stat.pid != self.leader.pid {
                    reap(stat.pid);
                }
            } else if inside || self.escaped(stat) {
                members.extend(Identity::from_stat(stat));
            }
        }
        self.witnesses.clone_from(&members);
        members
    }

    /// Signals everything that still runs and returns it.
    pub(crate) fn signal(&mut self, signal: Signal) -> Vec<Identity> {
        let members = self.members();
        for member in &members {
            member.signal(signal);
        }
        members
    }

    /// Whether the processes of this session number are the instance's own.
    fn proven(&self, all: &[ProcessStat]) -> bool {
        match all.iter().find(|stat| stat.pid == self.leader.pid) {
            Some(stat) => self.leader.matches(stat),
            None => all
                .iter()
                .filter(|stat| stat.session == self.leader.pid)
                .any(|stat| self.witnesses.iter().any(|witness| witness.matches(stat)) || self.marked(stat)),
        }
    }

    /// With no marker known, any instance's will do: it is a member of the right session number.
    fn marked(&self, stat: &ProcessStat) -> bool {
        let environment = procfs::environment(stat.pid);
        let found = environment_variable(&environment, INSTANCE_VARIABLE);
        stat.start_ticks >= self.leader.start_ticks
            && found.is_some_and(|found| self.marker.as_deref().is_none_or(|marker| marker == found))
    }

    fn escaped(&self, stat: &ProcessStat) -> bool {
        self.marker.is_some() && self.marked(stat)
    }
}

/// Collects a dead worker that fell to us as the first process of a container; anybody else's is left alone.
fn reap(pid: i32) {
    if let Some(pid) = process_id(pid) {
        // Not our child is the normal answer.
        let _ = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOHANG);
    }
}
