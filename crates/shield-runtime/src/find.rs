//! Finds instances whose start was never recorded: the control plane died between the spawn and the journal record.

use std::net::SocketAddr;

use shield_types::{InstanceId, ProcessStat, environment_variable};

use crate::{
    environment::{ADDRESS_VARIABLE, INSTANCE_VARIABLE},
    identity::Identity,
    procfs,
};

/// A running instance that says itself what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The instance.
    pub instance: InstanceId,
    /// Where it was told to listen.
    pub address: SocketAddr,
    /// The process, for [`crate::adopt`].
    pub identity: Identity,
}

/// The living session leaders of this user that were launched under `scope`, by instance and then by age.
///
/// Walks `/proc` and blocks meanwhile. A child has no environment of its own until its exec is complete, which is after
/// [`crate::launch`] returned and may be after the death of the control plane that forked it: whoever recovers should look
/// again a moment later before calling a start undone. A daemon that left its instance's session is a session leader with the same
/// instance; it follows the instance, being younger. A program that overwrites its own environment (`setproctitle`) is not
/// found; its journaled identity still is, by [`crate::adopt`].
pub fn find(scope: &str) -> Vec<Found> {
    let user = rustix::process::geteuid().as_raw();
    let mut found: Vec<_> = procfs::stats()
        .iter()
        .filter(|stat| stat.session_leader() && !stat.dead() && procfs::owner(stat.pid) == Some(user))
        .filter_map(|stat| recognise(stat, scope))
        .collect();
    found.sort_by(|left, right| {
        let key = |found: &Found| (found.instance.clone(), found.identity.start_ticks, found.identity.pid);
        key(left).cmp(&key(right))
    });
    found
}

fn recognise(stat: &ProcessStat, scope: &str) -> Option<Found> {
    let environment = procfs::environment(stat.pid);
    let marker = environment_variable(&environment, INSTANCE_VARIABLE)?;
    let instance = marker.strip_prefix(scope)?.strip_prefix('/')?.parse().ok()?;
    let address = environment_variable(&environment, ADDRESS_VARIABLE)?.parse().ok()?;
    // The environment was read by pid: the process must still be the one that was listed.
    let identity = Identity::from_stat(stat)?;
    identity.open().map(|_| Found { instance, address, identity })
}
