//! Whether a counter stands still while nobody sends, and whether it counts that it is read.
//!
//! Pure. A counter that counts its readings rises by one from each to the next, however long that takes; a counter that somebody
//! else raises rises by more, the longer it takes. So readings lie apart by turns, at once and a while later, and only a rise that is
//! the same both times, and again, is that of readings: a probe that asks ten times a second, however regularly, is not.

use std::time::Duration;

/// From a reading to the next, every second time; the times between, it follows at once.
const PAUSE: Duration = Duration::from_millis(100);
/// Equal rises in a row that are believed: twice at once, twice after a pause.
const RISES: usize = 4;

/// Watches the rises of a counter from one reading to the next.
#[derive(Debug, Default)]
pub(crate) struct Stillness {
    /// The newest rise, and how often in a row it was that.
    newest: Option<(u64, usize)>,
    readings: u32,
}

// === impl Stillness ===

impl Stillness {
    /// Takes in a rise since the reading before; none where there was none, or where it fell.
    pub(crate) fn rose(&mut self, rise: Option<u64>) {
        self.newest = match (self.newest, rise) {
            (Some((newest, times)), Some(rise)) if newest == rise => Some((rise, times + 1)),
            (_, rise) => rise.map(|rise| (rise, 1)),
        };
    }

    /// How far each reading raises the counter, 0 or 1, once it stands still but for that.
    pub(crate) fn per_read(&self) -> Option<u64> {
        let (rise, times) = self.newest?;
        (rise <= 1 && times >= RISES).then_some(rise)
    }

    /// How long to wait before the next reading.
    pub(crate) fn pause(&mut self) -> Duration {
        self.readings += 1;
        if self.readings.is_multiple_of(2) { Duration::ZERO } else { PAUSE }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Stillness;

    /// What is found within five seconds about a counter that rises by so many per reading, and by one every so often besides;
    /// each reading takes a millisecond.
    fn found(per_read: u64, every: Duration) -> Option<u64> {
        let (mut stillness, mut now) = (Stillness::default(), Duration::ZERO);
        let counted = |now: Duration, readings: u64| {
            u64::try_from(now.as_micros() / every.as_micros()).unwrap() + per_read * readings
        };
        let (mut before, mut readings) = (counted(now, 0), 0);
        while now < Duration::from_secs(5) {
            now += stillness.pause() + Duration::from_millis(1);
            readings += 1;
            let count = counted(now, readings);
            stillness.rose(Some(count - before));
            before = count;
            if stillness.per_read().is_some() {
                return stillness.per_read();
            }
        }
        None
    }

    #[test]
    fn readings_are_told_from_others() {
        let never = Duration::from_secs(3_600);
        assert_eq!((found(0, never), found(1, never)), (Some(0), Some(1)));
    }

    #[test]
    fn frequent_probes_are_no_readings() {
        // As often as pauses end, and a bit more or less often.
        for every_ms in [10, 50, 90, 99, 100, 101, 102, 103, 110] {
            for per_read in [0, 1] {
                assert_eq!(found(per_read, Duration::from_millis(every_ms)), None, "{per_read} {every_ms}");
            }
        }
    }

    #[test]
    fn falls_begin_anew() {
        let mut stillness = Stillness::default();
        for rise in [Some(1), Some(1), Some(1), None, Some(1), Some(1), Some(1)] {
            stillness.rose(rise);
            assert_eq!(stillness.per_read(), None);
        }
        stillness.rose(Some(1));
        assert_eq!(stillness.per_read(), Some(1));
        stillness.rose(Some(0));
        assert_eq!(stillness.per_read(), None);
    }
}
