//! Whether a relay stays awake for the next bytes.
//!
//! Waking a sleeping thread costs more than all else that a proxy does for a small message (two thirds of what it added, on
//! a machine with two cores). So it looks again and again, for no longer than [`SPIN`], but only where that would have paid the
//! last time: a side that took longer to speak is slept on, and the system under test keeps its cores.

use std::time::Duration;

use tokio::time::Instant;

use crate::fault::proxy::filter::Speaker;

/// Longest time awake without bytes.
const SPIN: Duration = Duration::from_micros(100);

/// What a relay remembers of the last waits.
#[derive(Debug, Default)]
pub(crate) struct Attention {
    last: Option<(Instant, Speaker)>,
    client: Turn,
    upstream: Turn,
}

/// How long it was quiet, the last time, after one side had spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Turn {
    Short,
    #[default]
    Long,
}

// === impl Attention ===

impl Attention {
    /// This side has spoken, or what it said went on.
    pub(crate) fn heard(&mut self, now: Instant, speaker: Speaker) {
        if let Some((before, last)) = self.last.replace((now, speaker)) {
            *self.after(last) = if now - before < SPIN { Turn::Short } else { Turn::Long };
        }
    }

    /// Whether to look again at once.
    pub(crate) fn stays_awake(&mut self, now: Instant) -> bool {
        self.last.is_some_and(|(since, speaker)| *self.after(speaker) == Turn::Short && now - since < SPIN)
    }

    fn after(&mut self, speaker: Speaker) -> &mut Turn {
        match speaker {
            Speaker::Client => &mut self.client,
            Speaker::Upstream => &mut self.upstream,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::{Attention, SPIN};
    use crate::fault::proxy::filter::Speaker::{self, Client, Upstream};

    /// Whether it stays awake right after each of these, which come so many microseconds after the one before.
    fn awake(heard: &[(u64, Speaker)]) -> Vec<bool> {
        let (mut attention, mut now) = (Attention::default(), Instant::now());
        let hear = |&(pause, speaker): &(u64, Speaker)| {
            now += Duration::from_micros(pause);
            attention.heard(now, speaker);
            attention.stays_awake(now)
        };
        heard.iter().map(hear).collect()
    }

    #[test]
    fn quick_sides_are_waited_for_awake() {
        let heard = [(0, Client), (30, Upstream), (30, Client), (30, Upstream), (30, Client)];
        assert_eq!(awake(&heard), [false, false, true, true, true]);
    }

    #[test]
    fn slow_side_is_slept_on() {
        let heard = [(0, Client), (30, Upstream), (5_000, Client), (30, Upstream), (5_000, Client)];
        assert_eq!(awake(&heard), [false, false, true, false, true], "a quick server, a client at leisure");
    }

    #[test]
    fn silence_puts_it_to_sleep() {
        let (mut attention, began) = (Attention::default(), Instant::now());
        attention.heard(began, Client);
        attention.heard(began, Client);
        assert!(attention.stays_awake(began));
        assert!(!attention.stays_awake(began + SPIN));
    }
}
