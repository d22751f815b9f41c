//! Holding a run up, with its connections open: what lets two runs take turns.
//!
//! While the gate is shut no request becomes due. In the closed model clients wait before they take the next request on; in
//! the open model the schedule itself stands still, so that nothing is late because of the gate.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// Open at first; may be shut and opened any number of times.
#[derive(Debug)]
pub(crate) struct Gate {
    /// The same as `state` tells, for a look that costs nothing.
    shut: AtomicBool,
    state: watch::Sender<State>,
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    /// Since when it has been shut; none while it is open.
    since: Option<Instant>,
    /// For how long it was shut before that.
    before: Duration,
}

// === impl Gate ===

impl Default for Gate {
    fn default() -> Self {
        Self { shut: AtomicBool::new(false), state: watch::Sender::new(State::default()) }
    }
}

impl Gate {
    pub(crate) fn shut(&self) {
        self.state.send_modify(|state| state.since = state.since.or_else(|| Some(Instant::now())));
        self.shut.store(true, Ordering::Release);
    }

    pub(crate) fn open(&self) {
        self.shut.store(false, Ordering::Release);
        self.state.send_modify(|state| {
            state.before = state.held();
            state.since = None;
        });
    }

    /// Ready once the gate is open.
    pub(crate) async fn passed(&self) {
        if self.shut.load(Ordering::Acquire) {
            // An error is impossible: the sender is borrowed from `self`.
            drop(self.state.subscribe().wait_for(|state| state.since.is_none()).await);
        }
    }

    /// For how long it was shut up to now.
    pub(crate) fn held(&self) -> Duration {
        self.state.borrow().held()
    }
}

// === impl State ===

impl State {
    fn held(self) -> Duration {
        self.before + self.since.map_or(Duration::ZERO, |since| since.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;
    use std::time::Duration;

    use tokio::time::Instant;

    use super::Gate;

    /// Until the clock has moved on.
    fn a_moment() {
        let began = Instant::now();
        while began.elapsed().is_zero() {
            std::hint::spin_loop();
        }
    }

    async fn lets_pass(gate: &Gate) -> bool {
        tokio::select! {
            biased;
            () = gate.passed() => true,
            () = ready(()) => false,
        }
    }

    #[test]
    fn only_time_while_shut_counts() {
        let gate = Gate::default();
        a_moment();
        assert_eq!(gate.held(), Duration::ZERO);
        gate.shut();
        gate.shut();
        a_moment();
        gate.open();
        gate.open();
        let held = gate.held();
        assert!(!held.is_zero());
        a_moment();
        assert_eq!(gate.held(), held);
        gate.shut();
        a_moment();
        assert!(gate.held() > held);
    }

    #[tokio::test]
    async fn nobody_passes_a_shut_gate() {
        let gate = Gate::default();
        assert!(lets_pass(&gate).await);
        gate.shut();
        assert!(!lets_pass(&gate).await);
        gate.open();
        assert!(lets_pass(&gate).await);
    }
}
