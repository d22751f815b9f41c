//! Attempts at passwords and codes that this process is looking at.
//!
//! An attempt counts as failed until it turns out otherwise, so right ones that come together can fill a count for a moment.
//! Whoever is refused meanwhile is told to come back soon, not when the window ends. What other processes look at is not known
//! here; of theirs, the end of the window is told.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use shield_guard::limit::{FAILURE_KEYS_MAX, FailureKey};

/// How many attempts each counter holds that have no verdict yet; cheap to clone. No larger than as many attempts as are let in
/// at a time.
#[derive(Clone, Debug, Default)]
pub(super) struct InFlight {
    counts: Arc<Mutex<HashMap<FailureKey, u32>>>,
}

/// One of them, until it is dropped.
#[derive(Debug)]
pub(super) struct Flight {
    all: InFlight,
    keys: [Option<FailureKey>; FAILURE_KEYS_MAX],
}

// === impl InFlight ===

impl InFlight {
    /// An attempt that was counted under these keys begins to be looked at.
    pub(super) fn begin(&self, keys: [Option<FailureKey>; FAILURE_KEYS_MAX]) -> Flight {
        let mut counts = self.counts();
        for key in keys.into_iter().flatten() {
            *counts.entry(key).or_default() += 1;
        }
        Flight { all: self.clone(), keys }
    }

    /// Whether there is one that this counter holds.
    pub(super) fn hold(&self, key: &FailureKey) -> bool {
        self.counts().contains_key(key)
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<FailureKey, u32>> {
        // Nothing in here leaves it half done.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Flight ===

impl Drop for Flight {
    fn drop(&mut self) {
        let mut counts = self.all.counts();
        for key in self.keys.iter().flatten() {
            if let Some(count) = counts.get_mut(key) {
                *count -= 1;
                if *count == 0 {
                    counts.remove(key);
                }
            }
        }
    }
}
