//! Requests on their way to the connection, and what the windows let of their bodies.

use std::task::Waker;

use super::codec::{Reason, Violation, WINDOW_MAX, flag, write_data, write_headers, write_reset};
use super::connection::{Core, Refusal, STREAM_WINDOW};
use super::streams::{End, Stream};
use crate::wire::exchange::{Answer, Broken};

/// A request as it goes into frames.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request<'a> {
    pub(super) step: usize,
    pub(super) block: &'a [u8],
    pub(super) body: &'a [u8],
}

/// Whether a connection without a stream under way may be used: its driver may not know yet that the server left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// Somebody looked at it.
    Looked,
    /// Only if streams are under way.
    IfBusy,
}

/// What became of a request that wanted to be put on the connection.
#[derive(Debug)]
pub(super) enum Begun {
    /// It is there, as this stream.
    Stream(u32),
    /// Not yet.
    Full,
    /// The connection has to be looked at first.
    Unknown,
    Refused(Refusal),
}

/// What became of a request that is on the connection.
#[derive(Debug)]
pub(super) enum Fetched {
    Pending,
    Answered(Answer),
    Broken(Broken),
    /// It was taken back, and was never written.
    Withheld,
}

impl Core {
    /// Puts a request on the connection if it may go there now.
    pub(super) fn begin(&mut self, request: Request<'_>, trust: Trust, waker: &Waker) -> Begun {
        if trust == Trust::IfBusy && (self.active == 0 || self.refusal.is_some()) {
            return Begun::Unknown;
        }
        if let Some(refusal) = &self.refusal {
            return Begun::Refused(refusal.clone());
        }
        if self.active >= self.active_max || self.blocked || self.out.room() == 0 {
            return Begun::Full;
        }
        let Some(id) = self.streams.free_from(self.next_stream) else {
            self.retire("all numbers of streams are used up");
            return self.begin(request, Trust::Looked, waker);
        };
        self.next_stream = id + 2;
        let begins_at = self.out.end();
        let flags = if request.body.is_empty() { flag::END_STREAM } else { 0 };
        write_headers(id, flags, request.block, self.out.frames());
        let mut send_window = self.send_window_at_first;
        let mut unsent = Vec::new();
        if !request.body.is_empty() {
            // First come, first served: a body that waits for the window is not overtaken.
            let now = if self.sending.is_empty() { self.allowed(request.body.len(), send_window) } else { 0 };
            self.send(id, request.body, now);
            send_window -= now as i64;
            if now < request.body.len() {
                unsent = request.body[now..].to_vec();
                self.sending.push_back(id);
            }
        }
        self.streams.insert(Stream {
            id,
            step: request.step,
            begins_at,
            waker: Some(waker.clone()),
            end: None,
            answer: None,
            interim: 0,
            length_left: None,
            receive_window: STREAM_WINDOW,
            send_window,
            unsent,
        });
        self.active += 1;
        self.wakers.ask_driver();
        Begun::Stream(id)
    }

    /// How much of a body may go out now.
    fn allowed(&self, wanted: usize, stream_window: i64) -> usize {
        let window = usize::try_from(self.send_window.min(stream_window)).unwrap_or(0);
        wanted.min(window).min(self.out.room())
    }

    /// Sends the first `now` bytes of the rest of a body.
    fn send(&mut self, id: u32, rest: &[u8], now: usize) {
        if now > 0 {
            self.send_window -= now as i64;
            let flags = if now == rest.len() { flag::END_STREAM } else { 0 };
            write_data(id, flags, &rest[..now], self.out.frames());
        }
    }

    /// Sends on what the windows kept back.
    pub(super) fn pump(&mut self) {
        for _ in 0..self.sending.len() {
            if self.send_window <= 0 || self.out.room() == 0 {
                return;
            }
            let Some(id) = self.sending.pop_front() else { return };
            let Some(stream) = self.streams.under_way(id) else { continue };
            let (window, mut unsent) = (stream.send_window, std::mem::take(&mut stream.unsent));
            let now = self.allowed(unsent.len(), window);
            let whole = now == unsent.len();
            self.send(id, &unsent, now);
            unsent.drain(..now);
            if let Some(stream) = self.streams.get(id) {
                stream.send_window -= now as i64;
                stream.unsent = unsent;
            }
            match (whole, window <= now as i64) {
                (true, _) => {}
                // Its own window holds it up, and it waits behind those that may go on.
                (false, true) => self.sending.push_back(id),
                // The connection's window, or the buffer: it stays first.
                (false, false) => self.sending.push_front(id),
            }
        }
    }

    /// What became of a stream. What has ended is handed over and forgotten.
    pub(super) fn fetch(&mut self, id: u32, waker: &Waker) -> Fetched {
        let stream = self.streams.get(id).expect("a stream is held until its lane has fetched its end");
        if stream.end.is_none() {
            if !stream.waker.as_ref().is_some_and(|held| held.will_wake(waker)) {
                stream.waker = Some(waker.clone());
            }
            return Fetched::Pending;
        }
        let stream = self.streams.remove(id).expect("it was there");
        match (stream.end, stream.answer) {
            (Some(End::Whole), Some(answer)) => Fetched::Answered(answer),
            (Some(End::Broken(broken)), _) => Fetched::Broken(broken),
            _ => Fetched::Withheld,
        }
    }

    /// Gives up a stream; says whether nothing of it was written.
    pub(super) fn cancel(&mut self, id: u32) -> bool {
        let Some(stream) = self.streams.remove(id) else { return false };
        match stream.end {
            Some(End::Withheld) => return true,
            Some(_) => return false,
            None => self.active -= 1,
        }
        let withheld = stream.begins_at >= self.out.left();
        if withheld {
            self.send_window += self.out.remove(|of| of == id) as i64;
            let streams = &mut self.streams;
            self.out.each_begin(|id, at| {
                if let Some(stream) = streams.get(id) {
                    stream.begins_at = at;
                }
            });
        } else {
            write_reset(id, Reason::CANCEL, self.out.frames());
        }
        self.wakers.ask_driver();
        self.wake_waiting();
        withheld
    }

    /// Widens or narrows the windows of all streams.
    pub(super) fn shift_windows(&mut self, to: i64) -> Result<(), Violation> {
        let by = to - self.send_window_at_first;
        self.send_window_at_first = to;
        for stream in self.streams.iter_mut() {
            stream.send_window += by;
            if stream.send_window > WINDOW_MAX {
                return Err(Reason::FLOW_CONTROL_ERROR.violated("a window became too wide"));
            }
        }
        Ok(())
    }
}
