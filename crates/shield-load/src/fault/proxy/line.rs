//! One direction of a connection: which of its bytes may leave when.
//!
//! Pure: bytes and times in, a count of bytes that are due out. The bytes lie in one buffer that is reused; marks beside it say
//! when each read's bytes are due. Order is kept whatever the fault: nothing is due before what came earlier. Bounds: 1 MiB and
//! 4,096 marks are held, then nothing more is read, and the sender feels it.

use std::collections::VecDeque;
use std::num::NonZeroU64;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use fastrand::Rng;
use tokio::time::Instant;

use crate::fault::proxy::model::Bursts;

/// Read at once while nothing is wrong: large, because a copy costs system calls, not bytes.
pub(crate) const PLAIN_READ_BYTES: usize = 256 * 1024;
/// Read at once under a fault: what one delay or one loss is about.
const SHAPED_READ_BYTES: usize = 16 * 1024;
/// Most bytes held.
const HELD_BYTES_MAX: usize = 1024 * 1024;
/// Most reads held.
const MARKS_MAX: usize = 4096;
/// A first retransmission timeout, Linux's shortest.
const RETRANSMISSION_TIMEOUT: Duration = Duration::from_millis(200);
/// Most losses of the same bytes in a row.
const LOSSES_MAX: u32 = 6;
/// Idle time that a bandwidth may be made up for, so that a late timer costs nothing.
const CREDIT_MAX: Duration = Duration::from_millis(50);
/// Time whose bytes leave together under a bandwidth.
const QUANTUM: Duration = Duration::from_millis(10);

/// How a line behaves.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Shape {
    Plain,
    Latency { delay: Duration, jitter: Duration },
    Bandwidth { bytes_per_second: NonZeroU64 },
    Loss { bursts: Bursts },
    SlowClose { delay: Duration },
    Blackhole,
    Reset { after_bytes: u64 },
}

/// How a line ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// FIN.
    Finished,
    /// RST.
    Broken,
}

/// One direction of a connection.
#[derive(Debug)]
pub(crate) struct Line {
    shape: Shape,
    random: Rng,
    buffer: BytesMut,
    /// When the bytes up to a position are due, in the order of both.
    marks: VecDeque<Mark>,
    /// Position of the end of the buffer in the stream of all bytes that were not lost.
    accepted: u64,
    /// Nothing that comes is due before this.
    last_due: Option<Instant>,
    /// Nothing more comes.
    ended: bool,
    ending: Option<(Instant, Ending)>,
    /// Bytes or a FIN were taken and will never leave.
    lossy: bool,
    /// Whether the Gilbert-Elliott model is in its bad state.
    bad: bool,
    /// Bandwidth that was not used since then is still there.
    credit_since: Option<Instant>,
    /// What may leave before a reset.
    allowance: u64,
}

#[derive(Clone, Copy, Debug)]
struct Mark {
    position: u64,
    due: Instant,
}

// === impl Line ===

impl Line {
    pub(crate) fn new() -> Self {
        Self {
            shape: Shape::Plain,
            random: Rng::with_seed(0),
            buffer: BytesMut::new(),
            marks: VecDeque::new(),
            accepted: 0,
            last_due: None,
            ended: false,
            ending: None,
            lossy: false,
            bad: false,
            credit_since: None,
            allowance: u64::MAX,
        }
    }

    /// Behaves like this from now on. What is held is due at once, in its order.
    pub(crate) fn reshape(&mut self, now: Instant, shape: Shape, random: Rng) {
        self.marks.clear();
        if !self.buffer.is_empty() {
            self.marks.push_back(Mark { position: self.accepted, due: now });
        }
        if let Some((due, _)) = &mut self.ending {
            *due = now;
        }
        self.last_due = None;
        self.bad = false;
        self.credit_since = matches!(shape, Shape::Bandwidth { .. }).then_some(now);
        self.allowance = if let Shape::Reset { after_bytes } = shape { after_bytes } else { u64::MAX };
        self.shape = shape;
        self.random = random;
    }

    /// How many bytes may be read now.
    pub(crate) fn room(&self) -> usize {
        let held = self.buffer.len();
        match self.shape {
            _ if self.ended => 0,
            Shape::Plain if held == 0 => PLAIN_READ_BYTES,
            Shape::Plain => 0,
            _ if self.marks.len() >= MARKS_MAX => 0,
            _ => SHAPED_READ_BYTES.min(HELD_BYTES_MAX.saturating_sub(held)),
        }
    }

    /// Where [`room`](Self::room) bytes are read to; [`accept`](Self::accept) says how many came.
    pub(crate) fn tail(&mut self, room: usize) -> &mut BytesMut {
        self.buffer.reserve(room);
        &mut self.buffer
    }

    /// The last `count` bytes of the buffer have come.
    pub(crate) fn accept(&mut self, now: Instant, count: usize) {
        if self.shape == Shape::Blackhole {
            self.buffer.truncate(self.buffer.len() - count);
            self.lossy = true;
            return;
        }
        self.accepted += count as u64;
        let due = now + self.delay();
        let due = self.last_due.map_or(due, |last| last.max(due));
        self.last_due = Some(due);
        self.marks.push_back(Mark { position: self.accepted, due });
    }

    /// The same for bytes that lie elsewhere.
    pub(crate) fn push(&mut self, now: Instant, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
        self.accept(now, bytes.len());
    }

    /// The sender ended. The first time counts.
    pub(crate) fn end(&mut self, now: Instant, ending: Ending) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        let delay = match self.shape {
            Shape::SlowClose { delay } if ending == Ending::Finished => delay,
            Shape::Blackhole => {
                self.lossy = true;
                return;
            }
            _ => self.delay(),
        };
        let due = now + delay;
        self.ending = Some((self.last_due.map_or(due, |last| last.max(due)), ending));
    }

    /// Whether the sender ended.
    pub(crate) fn ended(&self) -> bool {
        self.ended
    }

    /// How much later than now what comes now is due.
    fn delay(&mut self) -> Duration {
        match &self.shape {
            Shape::Latency { delay, jitter } => {
                let around = jitter.mul_f64(self.random.f64() * 2.0);
                (*delay + around).saturating_sub(*jitter)
            }
            Shape::Loss { bursts } => {
                let bursts = *bursts;
                self.retransmissions(bursts)
            }
            _ => Duration::ZERO,
        }
    }

    /// The timeouts until one transmission is not lost.
    fn retransmissions(&mut self, bursts: Bursts) -> Duration {
        let mut delay = Duration::ZERO;
        for losses in 0..LOSSES_MAX {
            let turn = if self.bad { bursts.bad_to_good } else { bursts.good_to_bad };
            self.bad ^= self.random.f64() < turn.as_f64();
            let loss = if self.bad { bursts.loss_bad } else { bursts.loss_good };
            if self.random.f64() >= loss.as_f64() {
                break;
            }
            delay += RETRANSMISSION_TIMEOUT * (1 << losses);
        }
        delay
    }

    /// The bytes that may leave now.
    pub(crate) fn due(&mut self, now: Instant) -> &[u8] {
        let begin = self.accepted - self.buffer.len() as u64;
        let due_up_to = self.marks.iter().take_while(|mark| mark.due <= now).last();
        let due = due_up_to.map_or(0, |mark| mark.position - begin).min(self.allowance);
        let due = match self.shape {
            Shape::Bandwidth { bytes_per_second } if due > 0 => {
                let paid = self.paid(now, bytes_per_second);
                // Not byte by byte, except at the end.
                if paid >= due.min(quantum_bytes(bytes_per_second)) { due.min(paid) } else { 0 }
            }
            _ => due,
        };
        &self.buffer[..usize::try_from(due).expect("no more than the buffer holds")]
    }

    /// What the bandwidth allows now.
    fn paid(&mut self, now: Instant, bytes_per_second: NonZeroU64) -> u64 {
        let one = time_of(quantum_bytes(bytes_per_second), bytes_per_second);
        let earliest = now.checked_sub(CREDIT_MAX.max(one)).unwrap_or(now);
        let since = self.credit_since.map_or(now, |since| since.max(earliest));
        self.credit_since = Some(since);
        let bytes = now.saturating_duration_since(since).as_nanos() * u128::from(bytes_per_second.get());
        u64::try_from(bytes / 1_000_000_000).unwrap_or(u64::MAX)
    }

    /// The first `count` bytes have left.
    pub(crate) fn sent(&mut self, count: usize) {
        self.buffer.advance(count);
        let begin = self.accepted - self.buffer.len() as u64;
        while self.marks.front().is_some_and(|mark| mark.position <= begin) {
            self.marks.pop_front();
        }
        if let (Shape::Bandwidth { bytes_per_second }, Some(since)) = (&self.shape, &mut self.credit_since) {
            *since += time_of(count as u64, *bytes_per_second);
        }
        self.allowance = self.allowance.saturating_sub(count as u64);
    }

    /// How the line is to end now, all bytes having left.
    pub(crate) fn ending_due(&self, now: Instant) -> Option<Ending> {
        let (due, ending) = self.ending?;
        (self.buffer.is_empty() && due <= now).then_some(ending)
    }

    /// Whether both sides are to be reset now: a reset's bytes have left, or what was lost can no longer be made good.
    pub(crate) fn reset_due(&self) -> bool {
        self.allowance == 0 || (self.lossy && self.shape != Shape::Blackhole)
    }

    /// When to look again, if nothing is due before something else happens.
    pub(crate) fn next_due(&self, now: Instant) -> Option<Instant> {
        let Some(mark) = self.marks.front() else {
            return self.ending.map(|(due, _)| due).filter(|due| *due > now);
        };
        if mark.due > now {
            return Some(mark.due);
        }
        let Shape::Bandwidth { bytes_per_second } = self.shape else { return None };
        let wanted = (self.buffer.len() as u64).min(quantum_bytes(bytes_per_second));
        let due = self.credit_since? + time_of(wanted, bytes_per_second);
        (due > now).then_some(due)
    }
}

/// What leaves together.
fn quantum_bytes(bytes_per_second: NonZeroU64) -> u64 {
    let quanta = Duration::from_secs(1).as_millis() / QUANTUM.as_millis();
    (u128::from(bytes_per_second.get()) / quanta).max(1) as u64
}

/// How long so many bytes take.
fn time_of(bytes: u64, bytes_per_second: NonZeroU64) -> Duration {
    let nanoseconds = (u128::from(bytes) * 1_000_000_000).div_ceil(u128::from(bytes_per_second.get()));
    Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;
    use std::time::Duration;

    use fastrand::Rng;
    use proptest::prelude::*;
    use shield_types::settings::Ratio;
    use tokio::time::Instant;

    use super::{Ending, HELD_BYTES_MAX, Line, MARKS_MAX, Shape};
    use crate::fault::proxy::model::Bursts;

    const SECOND: Duration = Duration::from_secs(1);

    fn line(shape: Shape) -> (Line, Instant) {
        let (mut line, now) = (Line::new(), Instant::now());
        line.reshape(now, shape, Rng::with_seed(7));
        (line, now)
    }

    fn millis(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    /// Takes what is due, as a socket that is always ready would.
    fn take(line: &mut Line, now: Instant) -> Vec<u8> {
        let bytes = line.due(now).to_vec();
        line.sent(bytes.len());
        bytes
    }

    /// Lets time pass from one due time to the next until all has left; when each piece left, and what it was.
    fn drain(line: &mut Line, began: Instant) -> Vec<(Duration, Vec<u8>)> {
        let (mut now, mut pieces) = (began, Vec::new());
        loop {
            let piece = take(line, now);
            if !piece.is_empty() {
                pieces.push((now - began, piece));
            }
            match line.next_due(now) {
                Some(next) => now = next,
                None => return pieces,
            }
        }
    }

    fn joined(pieces: &[(Duration, Vec<u8>)]) -> Vec<u8> {
        pieces.iter().flat_map(|(_, bytes)| bytes.clone()).collect()
    }

    #[test]
    fn plain_line_holds_nothing() {
        let (mut line, now) = line(Shape::Plain);
        line.push(now, b"ab");
        assert_eq!((line.room(), line.next_due(now)), (0, None));
        assert_eq!(take(&mut line, now), b"ab");
        line.end(now, Ending::Finished);
        assert_eq!((line.room(), line.ending_due(now)), (0, Some(Ending::Finished)));
    }

    #[test]
    fn latency_holds_each_read_for_its_delay() {
        let (mut line, now) = line(Shape::Latency { delay: SECOND, jitter: Duration::ZERO });
        line.push(now, b"a");
        line.push(now + millis(300), b"b");
        line.end(now + millis(400), Ending::Finished);
        assert!(line.due(now + millis(999)).is_empty());
        assert_eq!(drain(&mut line, now), [(SECOND, b"a".to_vec()), (millis(1_300), b"b".to_vec())]);
        assert_eq!(line.ending_due(now + millis(1_399)), None);
        assert_eq!(line.next_due(now + millis(1_300)), Some(now + millis(1_400)));
        assert_eq!(line.ending_due(now + millis(1_400)), Some(Ending::Finished));
    }

    #[test]
    fn undone_latency_is_due_at_once() {
        let (mut line, now) = line(Shape::Latency { delay: SECOND, jitter: SECOND });
        line.push(now, b"ab");
        line.push(now, b"cd");
        line.end(now, Ending::Finished);
        let undone = now + millis(1);
        line.reshape(undone, Shape::Plain, Rng::with_seed(1));
        line.sent(1);
        assert_eq!(take(&mut line, undone), b"bcd");
        assert_eq!(line.ending_due(undone), Some(Ending::Finished));
    }

    #[test]
    fn bandwidth_is_kept_to_the_byte() {
        let (mut line, now) = line(Shape::Bandwidth { bytes_per_second: NonZeroU64::new(1_000).unwrap() });
        line.push(now, &[1; 5_000]);
        let pieces = drain(&mut line, now);
        assert_eq!(pieces.len(), 500, "ten bytes each, every 10 ms");
        for (index, (at, bytes)) in pieces.iter().enumerate() {
            assert_eq!((*at, bytes.len()), (millis(10) * (index as u32 + 1), 10));
        }
    }

    #[test]
    fn idle_bandwidth_is_made_up_for_briefly() {
        let (mut line, now) = line(Shape::Bandwidth { bytes_per_second: NonZeroU64::new(1_000).unwrap() });
        line.push(now, &[1; 200]);
        assert_eq!(take(&mut line, now + SECOND).len(), 50);
    }

    #[test]
    fn slowest_bandwidth_still_flows() {
        let (mut line, now) = line(Shape::Bandwidth { bytes_per_second: NonZeroU64::MIN });
        line.push(now, b"abc");
        let pieces = drain(&mut line, now);
        assert_eq!(joined(&pieces), b"abc");
        assert_eq!(pieces.last().unwrap().0, SECOND * 3);
    }

    #[test]
    fn loss_waits_for_retransmissions() {
        let never = Ratio::from_millionths(0);
        let always =
            Bursts { good_to_bad: never, bad_to_good: never, loss_good: Ratio::ONE, loss_bad: never };
        let (mut line, now) = line(Shape::Loss { bursts: always });
        line.push(now, b"a");
        assert_eq!(line.next_due(now), Some(now + millis(200 + 400 + 800 + 1_600 + 3_200 + 6_400)));
    }

    #[test]
    fn losses_come_in_bursts() {
        let share = Ratio::from_millionths;
        let bursts = Bursts {
            good_to_bad: share(20_000),
            bad_to_good: share(200_000),
            loss_good: share(0),
            loss_bad: Ratio::ONE,
        };
        let (mut line, now) = line(Shape::Loss { bursts });
        let held: Vec<bool> = (0..10_000)
            .map(|_| {
                let Shape::Loss { bursts } = line.shape else { unreachable!() };
                line.retransmissions(bursts) > Duration::ZERO
            })
            .collect();
        let lost = held.iter().filter(|lost| **lost).count();
        assert!((100..400).contains(&lost), "one in 50 begins a burst: {lost}");
        line.push(now, b"a");
        line.reshape(now, Shape::Plain, Rng::with_seed(1));
        assert_eq!(take(&mut line, now), b"a");
    }

    #[test]
    fn slow_close_delays_end_alone() {
        let (mut line, now) = line(Shape::SlowClose { delay: SECOND });
        line.push(now, b"a");
        line.end(now, Ending::Finished);
        assert_eq!(take(&mut line, now), b"a");
        assert_eq!((line.ending_due(now), line.next_due(now)), (None, Some(now + SECOND)));
        assert_eq!(line.ending_due(now + SECOND), Some(Ending::Finished));
    }

    #[test]
    fn blackhole_takes_all_and_cannot_be_mended() {
        let (mut line, now) = line(Shape::Plain);
        line.push(now, b"before");
        line.reshape(now, Shape::Blackhole, Rng::with_seed(1));
        for _ in 0..10_000 {
            assert!(line.room() > 0);
            line.push(now, &[0; 1_000]);
        }
        assert_eq!(take(&mut line, now + SECOND), b"before");
        assert!(!line.reset_due());
        line.reshape(now, Shape::Plain, Rng::with_seed(1));
        assert!(line.reset_due());
    }

    #[test]
    fn blackhole_takes_end_as_well() {
        let (mut line, now) = line(Shape::Blackhole);
        line.end(now, Ending::Finished);
        assert_eq!((line.room(), line.ending_due(now + SECOND)), (0, None));
        line.reshape(now, Shape::Plain, Rng::with_seed(1));
        assert!(line.reset_due());
    }

    #[test]
    fn unused_blackhole_leaves_no_trace() {
        let (mut line, now) = line(Shape::Blackhole);
        line.reshape(now, Shape::Plain, Rng::with_seed(1));
        assert!(!line.reset_due() && line.room() > 0);
    }

    #[test]
    fn reset_lets_exactly_its_bytes_pass() {
        let (mut line, now) = line(Shape::Reset { after_bytes: 3 });
        line.push(now, b"ab");
        assert_eq!(take(&mut line, now), b"ab");
        assert!(!line.reset_due());
        line.push(now, b"cd");
        assert_eq!(take(&mut line, now), b"c");
        assert!(line.reset_due());
    }

    #[test]
    fn holds_a_bounded_number_of_bytes() {
        let (mut line, now) = line(Shape::Latency { delay: SECOND, jitter: Duration::ZERO });
        let mut held = 0;
        while line.room() > 0 {
            let room = line.room();
            line.push(now, &vec![0; room]);
            held += room;
        }
        assert_eq!(held, HELD_BYTES_MAX);
        let (mut line, now) = self::line(Shape::Latency { delay: SECOND, jitter: SECOND });
        let mut reads = 0;
        while line.room() > 0 {
            line.push(now, b"a");
            reads += 1;
        }
        assert_eq!(reads, MARKS_MAX);
    }

    fn any_shape() -> impl Strategy<Value = Shape> {
        let ratio = || (0_u32..=1_000_000).prop_map(Ratio::from_millionths);
        prop_oneof![
            Just(Shape::Plain),
            (0_u64..500, 0_u64..500)
                .prop_map(|(delay, jitter)| Shape::Latency { delay: millis(delay), jitter: millis(jitter) }),
            (1_u64..1_000_000)
                .prop_map(|rate| Shape::Bandwidth { bytes_per_second: NonZeroU64::new(rate).unwrap() }),
            (0_u64..500).prop_map(|delay| Shape::SlowClose { delay: millis(delay) }),
            (ratio(), ratio(), ratio(), ratio()).prop_map(
                |(good_to_bad, bad_to_good, loss_good, loss_bad)| {
                    Shape::Loss { bursts: Bursts { good_to_bad, bad_to_good, loss_good, loss_bad } }
                }
            ),
        ]
    }

    proptest! {
        #[test]
        fn every_byte_leaves_in_order(
            steps in prop::collection::vec((any_shape(), prop::collection::vec(any::<u8>(), 1..40), 0_u64..300), 1..20)
        ) {
            let (mut line, mut now) = line(Shape::Plain);
            let (mut sent, mut came) = (Vec::new(), Vec::new());
            for (shape, bytes, pause) in steps {
                line.reshape(now, shape, Rng::with_seed(pause));
                line.push(now, &bytes);
                sent.extend(bytes);
                now += millis(pause);
                came.extend(take(&mut line, now));
            }
            line.end(now, Ending::Finished);
            came.extend(joined(&drain(&mut line, now)));
            prop_assert_eq!(came, sent);
        }

        #[test]
        fn same_seed_same_delays(shape in any_shape(), seed in any::<u64>()) {
            let began = Instant::now();
            let delays = || {
                let mut line = Line::new();
                line.reshape(began, shape.clone(), Rng::with_seed(seed));
                (0..20).for_each(|step| line.push(began + millis(step), b"abc"));
                drain(&mut line, began).into_iter().map(|(at, _)| at).collect::<Vec<_>>()
            };
            prop_assert_eq!(delays(), delays());
        }
    }
}
