//! One request and what became of it, whatever it was sent with.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use http::HeaderMap;

use crate::measure::counters::{Shard, add};
use crate::measure::failure::FailureKind;
use crate::scenario::program::ProgramStep;

/// How much of an unexpected answer is kept to explain it.
const EXCERPT_BYTES_MAX: usize = 160;
/// How much of a body is kept for checks: a longer one is cut off and no JSON any more, which a failure then says.
const BODY_BYTES_MAX: usize = 1024 * 1024;

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) excerpt: Excerpt,
    /// There when the step looks at them, or when they set a cookie.
    pub(crate) headers: Option<HeaderMap>,
}

/// No whole answer.
#[derive(Clone, Debug)]
pub(crate) struct Broken {
    pub(crate) kind: FailureKind,
    pub(crate) detail: String,
}

/// The beginning of a body, kept if the step or the status makes it interesting.
#[derive(Debug)]
pub(crate) struct Excerpt {
    bytes: Vec<u8>,
    room: usize,
    cut: bool,
}

/// How far a request came. Shared with the code that may have to give it up half way.
#[derive(Debug)]
pub(crate) struct Progress<'a> {
    shard: &'a Shard,
    written: AtomicBool,
    reused: AtomicBool,
}

// === impl Progress ===

impl<'a> Progress<'a> {
    pub(crate) fn new(shard: &'a Shard) -> Self {
        Self { shard, written: AtomicBool::new(false), reused: AtomicBool::new(false) }
    }

    /// Says that a byte of the request may have left: from here on it is answered or failed, nothing else.
    pub(crate) fn mark_written(&self) {
        if !self.written.swap(true, Ordering::Relaxed) {
            add(&self.shard.sent);
            self.shard.in_flight.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Takes it back: it turned out that nothing left.
    pub(crate) fn unmark_written(&self) {
        if self.written.swap(false, Ordering::Relaxed) {
            self.shard.sent.fetch_sub(1, Ordering::Relaxed);
            self.shard.in_flight.fetch_sub(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn written(&self) -> bool {
        self.written.load(Ordering::Relaxed)
    }

    /// Says on what kind of connection the request is tried.
    pub(crate) fn set_reused(&self, reused: bool) {
        self.reused.store(reused, Ordering::Relaxed);
    }

    pub(crate) fn reused(&self) -> bool {
        self.reused.load(Ordering::Relaxed)
    }

    pub(crate) fn count_connection(&self) {
        add(&self.shard.connections);
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        if self.written() {
            self.shard.in_flight.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

// === impl Broken ===

impl Broken {
    pub(crate) fn new(kind: FailureKind, detail: impl ToString) -> Self {
        Self { kind, detail: detail.to_string() }
    }

    /// An error of a connection that was established; `otherwise` names what a plain close means at this point.
    pub(crate) fn of_io(error: &io::Error, otherwise: FailureKind) -> Self {
        let kind = match error.kind() {
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionAborted => {
                FailureKind::Reset
            }
            // A TLS connection that was closed without saying so reads like this as well.
            io::ErrorKind::UnexpectedEof => otherwise,
            io::ErrorKind::InvalidData => FailureKind::Protocol,
            _ => FailureKind::Reset,
        };
        Self::new(kind, error)
    }
}

// === impl Excerpt ===

impl Excerpt {
    /// For an answer with this status.
    pub(crate) fn of(step: &ProgramStep, status: u16) -> Self {
        let room = match (step.step.expects(status), step.keep.body) {
            (false, _) => EXCERPT_BYTES_MAX,
            (true, true) => BODY_BYTES_MAX,
            (true, false) => 0,
        };
        Self { bytes: Vec::new(), room, cut: false }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether there was more than was kept.
    pub(crate) fn cut(&self) -> bool {
        self.cut
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let taken = &bytes[..bytes.len().min(self.room)];
        self.bytes.extend_from_slice(taken);
        self.room -= taken.len();
        self.cut |= taken.len() < bytes.len();
    }

    /// On one line, whatever the body was.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
    }
}
