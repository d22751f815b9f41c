//! Whom to wake: lanes whose stream ended, lanes that wait for one, and the driver.
//!
//! Nobody is woken while the connection is locked; who is to be woken is kept until the lock is released.

use std::collections::VecDeque;
use std::task::Waker;

#[derive(Debug, Default)]
pub(super) struct Wakers {
    /// Whom to wake once the lock is released.
    woken: Vec<Waker>,
    /// Lanes that wait until a stream may be begun, first come first.
    waiting: VecDeque<(u64, Waker)>,
    tickets: u64,
    driver: Option<Waker>,
    turn: Turn,
}

/// Wakes the driver once for many requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Turn {
    #[default]
    Asleep,
    /// It was woken because something is to be written.
    Asked,
    /// It lets others put their requests there, too, and then writes.
    Gathering,
}

// === impl Wakers ===

impl Wakers {
    pub(super) fn add(&mut self, waker: Option<Waker>) {
        self.woken.extend(waker);
    }

    /// Who is to be woken, now that the lock is released.
    pub(super) fn take(&mut self) -> Vec<Waker> {
        std::mem::take(&mut self.woken)
    }

    /// The same, for one who has room for them.
    pub(super) fn swap(&mut self, room: &mut Vec<Waker>) {
        std::mem::swap(&mut self.woken, room);
    }

    /// Waits for a stream to become free, at the same place in line if it waits already.
    pub(super) fn wait(&mut self, ticket: Option<u64>, waker: &Waker) -> u64 {
        let mut waiting = self.waiting.iter_mut();
        if let Some((held, old)) = waiting.find(|(held, _)| Some(*held) == ticket) {
            old.clone_from(waker);
            return *held;
        }
        self.tickets += 1;
        self.waiting.push_back((self.tickets, waker.clone()));
        self.tickets
    }

    /// Waits no more; says whether it still did.
    pub(super) fn leave(&mut self, ticket: u64) -> bool {
        let before = self.waiting.len();
        self.waiting.retain(|(held, _)| *held != ticket);
        self.waiting.len() < before
    }

    /// Wakes those that came first.
    pub(super) fn wake_waiting(&mut self, count: usize) {
        let count = count.min(self.waiting.len());
        self.woken.extend(self.waiting.drain(..count).map(|(_, waker)| waker));
    }

    /// Wakes the driver unless it is about to run.
    pub(super) fn ask_driver(&mut self) {
        if self.turn == Turn::Asleep {
            self.turn = Turn::Asked;
            self.woken.extend(self.driver.clone());
        }
    }

    /// Whether the driver, now that it runs, should let others go first: those that were woken together with the one
    /// that asked for it put their requests there, too, and one write takes them all.
    pub(super) fn gather(&mut self, driver: &Waker) -> bool {
        if !self.driver.as_ref().is_some_and(|held| held.will_wake(driver)) {
            self.driver = Some(driver.clone());
        }
        let gathering = self.turn == Turn::Asked;
        if gathering {
            self.turn = Turn::Gathering;
        }
        gathering
    }

    /// The driver did what there was to do.
    pub(super) fn sleep_driver(&mut self) {
        self.turn = Turn::Asleep;
    }
}
