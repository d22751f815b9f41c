//! The unused connections of one instance, and which of them a request may be trusted to.
//!
//! Closing a connection that is about to be used is the backend's right, and a race nobody can see: a request that was
//! written into it is lost. One that may be sent again is sent again. One that may not, a POST, only goes where the close
//! is not to be feared: on a connection that has been unused for a moment (a backend that closes after each answer has
//! done so by then), or on any once a connection of the instance was seen to answer a second request. An instance that
//! closed one long before our own limit is never trusted again: its POSTs get new connections.

use std::time::Duration;

use tokio::time::Instant;

use super::Channel;
use crate::limits::Limits;

/// How long an unused connection stays open at least if its backend did not want to close it at once.
const SETTLED: Duration = Duration::from_millis(50);

/// Connections without a request.
#[derive(Debug, Default)]
pub(crate) struct IdleConnections {
    /// Newest last.
    connections: Vec<Idle>,
    habit: Habit,
}

#[derive(Debug)]
struct Idle {
    channel: Channel,
    since: Instant,
}

/// What the backend does with a connection between two requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Habit {
    /// Not seen yet.
    #[default]
    Unseen,
    /// It answered a second request.
    Keeps,
    /// It closed one before its time.
    Closes,
}

// === impl IdleConnections ===

impl IdleConnections {
    /// The connection that was used last, if one is young enough and ready; `repeatable`: the request may be sent again.
    pub(crate) fn take(&mut self, idle_max: Duration, repeatable: bool) -> Option<Channel> {
        self.look(idle_max);
        let now = Instant::now();
        let habit = self.habit;
        let trusted = |idle: &Idle| match habit {
            Habit::Keeps => true,
            Habit::Unseen => repeatable || now.duration_since(idle.since) >= SETTLED,
            Habit::Closes => repeatable,
        };
        let usable =
            |idle: &Idle| now.duration_since(idle.since) < idle_max && idle.channel.ready() && trusted(idle);
        let newest = self.connections.iter().rposition(usable)?;
        Some(self.connections.remove(newest).channel)
    }

    /// Keeps a connection for the next request.
    pub(crate) fn put(&mut self, channel: Channel, limits: &Limits) {
        if self.connections.len() < limits.upstream_idle_max {
            self.connections.push(Idle { channel, since: Instant::now() });
        }
    }

    /// A connection answered another request.
    pub(crate) fn answered_again(&mut self) {
        if self.habit == Habit::Unseen {
            self.habit = Habit::Keeps;
        }
    }

    /// A connection closed under a request that was written into it.
    pub(crate) fn closed_early(&mut self) {
        self.habit = Habit::Closes;
    }

    /// Closes connections that are too old.
    pub(crate) fn sweep(&mut self, idle_max: Duration) {
        self.look(idle_max);
        let now = Instant::now();
        self.connections.retain(|idle| now.duration_since(idle.since) < idle_max);
    }

    pub(crate) fn clear(&mut self) {
        self.connections.clear();
    }

    /// Drops the closed ones, and learns from those that were young.
    fn look(&mut self, idle_max: Duration) {
        let now = Instant::now();
        let closes = |idle: &Idle| idle.channel.closed() && now.duration_since(idle.since) < idle_max;
        if self.connections.iter().any(closes) {
            self.closed_early();
        }
        self.connections.retain(|idle| !idle.channel.closed());
    }
}
