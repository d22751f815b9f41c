//! What both ends said on one connection so far: streams, windows, and what is to be written. No sockets.
//!
//! Lanes put their requests straight into the buffer of what goes out and leave their waker; the driver writes what has
//! gathered and tells what came in. A request counts as written from the moment it is in the buffer, because from then on
//! it may leave at any time; but what cannot leave (the socket is full, the server said GOAWAY, the connection ended) is
//! taken back out of the buffer at once, whole, and was never written.
//!
//! Everything that the server can make this client hold has a bound, and whatever it says, the connection ends with a
//! reason rather than in a panic.

use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use super::codec::{
    Reason, Violation, setting, write_goaway, write_reset, write_settings, write_window_update,
};
use super::incoming::Incoming;
use super::outgoing::{OUT_BYTES_MAX, Outgoing};
use super::streams::{End, Stream, Streams};
use super::wakers::Wakers;
use crate::measure::failure::FailureKind;
use crate::scenario::program::Program;
use crate::wire::exchange::Broken;

/// What an answer may hold before this client says go on: bodies are let go at once, so it only has to be roomy.
pub(super) const STREAM_WINDOW: i64 = 1024 * 1024;
pub(super) const CONNECTION_WINDOW: i64 = 16 * 1024 * 1024;
/// Windows before anybody said anything.
const WINDOW_AT_FIRST: i64 = 65_535;
/// Streams at a time before the server said how many: more might be refused, and that were this client's own doing.
const STREAMS_AT_FIRST: usize = 1;

/// One connection, between its lanes and its driver.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) program: Arc<Program>,
    pub(super) streams: Streams,
    pub(super) out: Outgoing,
    pub(super) incoming: Incoming,
    /// The number of the next stream, unless its place is taken.
    pub(super) next_stream: u32,
    /// Streams that have not ended.
    pub(super) active: usize,
    /// How many the server takes.
    pub(super) active_max: usize,
    /// What this client may send, in all, and on a new stream.
    pub(super) send_window: i64,
    pub(super) send_window_at_first: i64,
    /// What the server may send in all.
    pub(super) receive_window: i64,
    /// Streams with a body that the windows kept back.
    pub(super) sending: VecDeque<u32>,
    /// Why no new stream is begun here.
    pub(super) refusal: Option<Refusal>,
    /// The socket took nothing more.
    pub(super) blocked: bool,
    pub(super) wakers: Wakers,
    /// To look at the connection from outside; none once it ended.
    pub(super) socket: Option<OwnedFd>,
}

/// Why a connection takes no request: none of those that are told so was written.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) broken: Broken,
    /// In good order: another connection may be tried even if this one was new.
    pub(super) orderly: bool,
}

/// How a connection ends.
#[derive(Debug)]
pub(super) enum ConnectionEnd {
    /// The server closed it.
    Closed,
    Failed(io::Error),
    Violated(Violation),
    /// This client let go of it.
    Cut,
}

// === impl Core ===

impl Core {
    pub(super) fn new(program: Arc<Program>, socket: Option<OwnedFd>) -> Self {
        let mut core = Self {
            program,
            streams: Streams::new(),
            out: Outgoing::new(),
            incoming: Incoming::default(),
            next_stream: 1,
            active: 0,
            active_max: STREAMS_AT_FIRST,
            send_window: WINDOW_AT_FIRST,
            send_window_at_first: WINDOW_AT_FIRST,
            receive_window: CONNECTION_WINDOW,
            sending: VecDeque::new(),
            refusal: None,
            blocked: false,
            wakers: Wakers::default(),
            socket,
        };
        let settings = [
            (setting::HEADER_TABLE_SIZE, 0),
            (setting::ENABLE_PUSH, 0),
            (setting::INITIAL_WINDOW_SIZE, STREAM_WINDOW as u32),
            (setting::MAX_HEADER_LIST_SIZE, super::block::LIST_BYTES_MAX as u32),
        ];
        write_settings(&settings, core.out.frames());
        write_window_update(0, (CONNECTION_WINDOW - WINDOW_AT_FIRST) as u32, core.out.frames());
        core
    }

    /// Ends a stream and tells its lane.
    pub(super) fn end(&mut self, id: u32, end: End) {
        if let Some(stream) = self.streams.under_way(id) {
            let sending = !stream.unsent.is_empty();
            stream.end = Some(end);
            stream.unsent = Vec::new();
            self.active -= 1;
            self.wakers.add(stream.waker.take());
            if sending {
                // The server answered without wanting the rest.
                write_reset(id, Reason::CANCEL, self.out.frames());
            }
        }
    }

    /// Breaks a stream off whose answer makes no sense.
    pub(super) fn reset(&mut self, id: u32, reason: Reason, what: &str) {
        if let Some(stream) = self.streams.under_way(id) {
            stream.unsent = Vec::new();
            write_reset(id, reason, self.out.frames());
            self.end(id, End::Broken(Broken::new(FailureKind::Protocol, what)));
        }
    }

    /// Takes back every request of which nothing left.
    pub(super) fn take_back(&mut self) {
        let left = self.out.left();
        for stream in self.streams.iter_mut() {
            if stream.end.is_none() && stream.begins_at >= left {
                stream.end = Some(End::Withheld);
                stream.unsent = Vec::new();
                self.active -= 1;
                self.wakers.add(stream.waker.take());
            }
        }
        let streams = &mut self.streams;
        let withheld = |stream: &mut Stream| matches!(stream.end, Some(End::Withheld));
        let returned = self.out.remove(|id| streams.get(id).is_some_and(withheld));
        self.send_window += returned as i64;
    }

    /// Begins no new stream from now on.
    pub(super) fn refuse(&mut self, refusal: Refusal) {
        self.refusal.get_or_insert(refusal);
        self.wake_waiting();
        self.wakers.ask_driver();
    }

    /// Lets go of the connection: it ends with its last stream.
    pub(super) fn retire(&mut self, why: &str) {
        self.refuse(Refusal { broken: Broken::new(FailureKind::Protocol, why), orderly: true });
    }

    /// Ends the connection and with it every stream.
    pub(super) fn fail(&mut self, end: &ConnectionEnd) {
        self.take_back();
        self.refuse(Refusal { broken: end.broken(FailureKind::ClosedBeforeAnswer), orderly: false });
        self.fail_streams(|stream| {
            let begun = stream.answer.is_some();
            Some(end.broken(if begun { FailureKind::Truncated } else { FailureKind::ClosedBeforeAnswer }))
        });
        if let ConnectionEnd::Violated(Violation { reason, .. }) = end {
            write_goaway(*reason, self.out.frames());
        }
        self.socket = None;
    }

    /// Fails the streams under way for which `broken` has a reason.
    pub(super) fn fail_streams(&mut self, broken: impl Fn(&Stream) -> Option<Broken>) {
        for stream in self.streams.iter_mut().filter(|stream| stream.end.is_none()) {
            if let Some(broken) = broken(stream) {
                stream.end = Some(End::Broken(broken));
                stream.unsent = Vec::new();
                self.active -= 1;
                self.wakers.add(stream.waker.take());
            }
        }
    }

    /// The socket takes nothing more: what did not begin to leave waits elsewhere.
    pub(super) fn block(&mut self) {
        self.blocked = true;
        self.take_back();
    }

    /// Everything was written.
    pub(super) fn unblock(&mut self) {
        self.blocked = false;
        self.wake_waiting();
    }

    /// Whether requests are taken; if so, whether some are under way.
    pub(super) fn takes(&self) -> Option<usize> {
        self.refusal.is_none().then_some(self.active)
    }

    /// Nothing is under way, and nothing will be.
    pub(super) fn over(&self) -> bool {
        self.refusal.is_some() && self.active == 0
    }

    /// Wakes as many lanes as can begin a stream now.
    pub(super) fn wake_waiting(&mut self) {
        let free = if self.refusal.is_some() {
            usize::MAX
        } else if self.blocked || self.out.room() == 0 {
            0
        } else {
            self.active_max.saturating_sub(self.active)
        };
        self.wakers.wake_waiting(free);
    }

    /// The server asks for more answers than it takes.
    pub(super) fn check_out(&self) -> Result<(), Violation> {
        if self.out.len() > 2 * OUT_BYTES_MAX {
            return Err(Reason::ENHANCE_YOUR_CALM.violated("the server asks without reading the answers"));
        }
        Ok(())
    }
}

// === impl ConnectionEnd ===

impl ConnectionEnd {
    /// What it means to a request; `closed` names a plain close.
    fn broken(&self, closed: FailureKind) -> Broken {
        match self {
            Self::Closed => Broken::new(closed, "the server closed the connection"),
            Self::Failed(error) => Broken::of_io(error, closed),
            Self::Violated(violation) => Broken::new(FailureKind::Protocol, violation),
            Self::Cut => Broken::new(FailureKind::Reset, "the connection was cut off"),
        }
    }
}
