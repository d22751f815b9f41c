//! A server whose every answer costs a known amount of work, and a known share of them a wait: what differs between two
//! variants is known, because it was put there.
//!
//! A thread per connection and blocking calls: nothing but the kernel's scheduler stands between a request and its work.

use std::hint::black_box;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 15\r\n\r\n{\"alive\": true}";
/// Longest head of a request.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// What an answer costs.
#[derive(Clone, Copy, Debug)]
pub struct Work {
    /// Rounds of arithmetic before every answer; about a nanosecond each.
    pub rounds: u64,
    /// Share of the answers, from 0 to 1, that wait as well, as for a database.
    pub wait_share: f64,
    /// How long those wait: half of this to one and a half, drawn evenly.
    pub wait: Duration,
}

/// Answers every request until the listener fails.
pub fn serve_working(listener: &TcpListener, work: Work) -> io::Result<()> {
    let requests = Arc::new(AtomicU64::new(0));
    loop {
        let (socket, _) = listener.accept()?;
        let requests = requests.clone();
        // A connection that breaks off ends its thread; there is nobody to tell.
        thread::spawn(move || drop(answer_all(socket, work, &requests)));
    }
}

fn answer_all(mut socket: TcpStream, work: Work, requests: &AtomicU64) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let mut seen = Vec::new();
    let mut read = [0; 4096];
    while seen.len() < HEAD_BYTES_MAX {
        let length = socket.read(&mut read)?;
        if length == 0 {
            break;
        }
        seen.extend_from_slice(&read[..length]);
        while let Some(end) = seen.windows(4).position(|window| window == b"\r\n\r\n") {
            seen.drain(..end + 4);
            work.perform(requests.fetch_add(1, Ordering::Relaxed));
            socket.write_all(ANSWER)?;
        }
    }
    Ok(())
}

// === impl Work ===

impl Work {
    fn perform(self, request: u64) {
        let mut value = request;
        for _ in 0..self.rounds {
            value = black_box(value.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
        }
        if let Some(wait) = self.wait_of(request) {
            thread::sleep(wait);
        }
    }

    /// The same for the same number, and as good as drawn by chance.
    fn wait_of(self, request: u64) -> Option<Duration> {
        (share(mix(request)) < self.wait_share).then(|| self.wait.mul_f64(0.5 + share(mix(!request))))
    }
}

/// The finaliser of `splitmix64`.
fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// From 0 to 1.
fn share(number: u64) -> f64 {
    (number >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Work;

    #[test]
    fn waits_as_often_and_long_as_told() {
        let wait = Duration::from_millis(2);
        let work = Work { rounds: 0, wait_share: 0.02, wait };
        let waits: Vec<_> = (0..100_000).filter_map(|request| work.wait_of(request)).collect();
        assert!((1_900..2_100).contains(&waits.len()), "{}", waits.len());
        assert!(waits.iter().all(|each| *each >= wait / 2 && *each <= wait * 3 / 2));
        let mean = waits.iter().sum::<Duration>() / waits.len() as u32;
        assert!(mean.abs_diff(wait) < wait / 20, "{mean:?}");
    }
}
