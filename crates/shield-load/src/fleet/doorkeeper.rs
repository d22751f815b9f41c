//! Slows down those who guess keys. A key has 128 random bits, so this is about noise, not about safety.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Failures of an address that cost nothing: a mistyped key.
const FREE: u32 = 3;
const FIRST_DELAY: Duration = Duration::from_millis(100);
const DELAY_MAX: Duration = Duration::from_secs(5);
/// Most addresses that are remembered.
const ADDRESSES_MAX: usize = 1024;

#[derive(Debug, Default)]
pub(crate) struct Doorkeeper {
    failures: Mutex<HashMap<IpAddr, u32>>,
}

// === impl Doorkeeper ===

impl Doorkeeper {
    /// How long whoever comes from there is kept waiting.
    pub(crate) fn delay(&self, from: IpAddr) -> Duration {
        let failures = self.lock().get(&from).copied().unwrap_or(0);
        match failures.checked_sub(FREE) {
            None => Duration::ZERO,
            Some(doublings) => FIRST_DELAY.saturating_mul(2_u32.saturating_pow(doublings)).min(DELAY_MAX),
        }
    }

    pub(crate) fn failed(&self, from: IpAddr) {
        let mut failures = self.lock();
        if failures.len() >= ADDRESSES_MAX && !failures.contains_key(&from) {
            failures.clear();
        }
        let count = failures.entry(from).or_default();
        *count = count.saturating_add(1);
    }

    pub(crate) fn admitted(&self, from: IpAddr) {
        self.lock().remove(&from);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, u32>> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::time::Duration;

    use super::{ADDRESSES_MAX, DELAY_MAX, Doorkeeper};

    #[test]
    fn guessing_becomes_slow() {
        let (door, guesser) = (Doorkeeper::default(), IpAddr::from([10, 0, 0, 1]));
        let delays: Vec<u128> = (0..6)
            .map(|_| {
                let delay = door.delay(guesser);
                door.failed(guesser);
                delay.as_millis()
            })
            .collect();
        assert_eq!(delays, [0, 0, 0, 100, 200, 400]);
        (0..100).for_each(|_| door.failed(guesser));
        assert_eq!(door.delay(guesser), DELAY_MAX);
        assert_eq!(door.delay(IpAddr::from([10, 0, 0, 2])), Duration::ZERO);
        door.admitted(guesser);
        assert_eq!(door.delay(guesser), Duration::ZERO);
    }

    #[test]
    fn memory_is_bounded() {
        let door = Doorkeeper::default();
        (0..3 * ADDRESSES_MAX as u32).for_each(|number| door.failed(Ipv4Addr::from_bits(number).into()));
        assert!(door.lock().len() <= ADDRESSES_MAX);
    }
}
