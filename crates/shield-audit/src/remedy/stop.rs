//! Ending in good order what somebody interrupts.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Says to whoever mends that nothing more is wanted. Its copies are the same one.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    wanted: bool,
    /// How many are at what must not be cut off.
    at_work: u32,
}

/// As long as it lives, somebody is at what must not be cut off.
#[derive(Debug)]
#[must_use]
pub struct AtWork(Stop);

// === impl Stop ===

impl Stop {
    /// From now on nothing is begun, and tests that run are ended. Whether something is under way that puts itself in order.
    pub fn want(&self) -> bool {
        let mut state = self.state();
        state.wanted = true;
        state.at_work > 0
    }

    /// Whether somebody wants it.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        self.state().wanted
    }

    /// Begins what must not be cut off; `None` if nothing more is wanted.
    pub fn begin(&self) -> Option<AtWork> {
        let mut state = self.state();
        if state.wanted {
            return None;
        }
        state.at_work += 1;
        Some(AtWork(self.clone()))
    }

    /// Two numbers are never half written.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl AtWork ===

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.state().at_work -= 1;
    }
}
