//! One request on one connection, as its lane sees it.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::connection::{Core, Refusal};
use super::driver::Connection;
use super::sending::{Begun, Fetched, Request, Trust};
use crate::wire::exchange::{Answer, Broken, Progress};

/// Waits for its turn, puts the request on the connection, waits for the answer. Dropped on the way, it gives the stream
/// up.
pub(super) struct Exchange<'a> {
    connection: &'a Connection,
    request: Request<'a>,
    progress: &'a Progress<'a>,
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    New(Trust),
    /// In line, with this ticket.
    Waiting(u64),
    /// On the connection, as this stream.
    UnderWay(u32),
    Done,
}

/// How an exchange ends.
#[derive(Debug)]
pub(super) enum Outcome {
    Answered(Answer),
    Broken(Broken),
    /// The connection has to be looked at first; nothing was sent.
    Unknown,
    /// The connection takes no requests; nothing was sent.
    Refused(Refusal),
}

// === impl Exchange ===

impl<'a> Exchange<'a> {
    pub(super) fn new(
        connection: &'a Connection,
        request: Request<'a>,
        progress: &'a Progress<'a>,
        trust: Trust,
    ) -> Self {
        Self { connection, request, progress, state: State::New(trust) }
    }

    fn advance(&mut self, core: &mut Core, context: &Context<'_>) -> Poll<Outcome> {
        let (trust, ticket) = match self.state {
            State::New(trust) => (trust, None),
            State::Waiting(ticket) => (Trust::IfBusy, Some(ticket)),
            State::UnderWay(id) => match core.fetch(id, context.waker()) {
                Fetched::Pending => return Poll::Pending,
                Fetched::Answered(answer) => return self.finish(Outcome::Answered(answer)),
                Fetched::Broken(broken) => return self.finish(Outcome::Broken(broken)),
                Fetched::Withheld => {
                    self.progress.unmark_written();
                    (Trust::Looked, None)
                }
            },
            State::Done => panic!("an exchange that ended is polled again"),
        };
        let begun = core.begin(self.request, trust, context.waker());
        match begun {
            Begun::Full => {
                self.state = State::Waiting(core.wakers.wait(ticket, context.waker()));
                return Poll::Pending;
            }
            Begun::Stream(id) => {
                self.progress.mark_written();
                self.state = State::UnderWay(id);
            }
            Begun::Unknown => self.state = State::Done,
            Begun::Refused(_) => self.state = State::Done,
        }
        if let Some(ticket) = ticket {
            core.wakers.leave(ticket);
        }
        match begun {
            Begun::Refused(refusal) => Poll::Ready(Outcome::Refused(refusal)),
            Begun::Unknown => Poll::Ready(Outcome::Unknown),
            Begun::Stream(_) | Begun::Full => Poll::Pending,
        }
    }

    fn finish(&mut self, outcome: Outcome) -> Poll<Outcome> {
        self.state = State::Done;
        Poll::Ready(outcome)
    }
}

impl Future for Exchange<'_> {
    type Output = Outcome;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome> {
        let this = self.get_mut();
        this.connection.with(|core| this.advance(core, context))
    }
}

impl Drop for Exchange<'_> {
    fn drop(&mut self) {
        match self.state {
            State::New(_) | State::Done => {}
            State::Waiting(ticket) => self.connection.with(|core| {
                // A lane that was woken and goes away passes that on.
                if !core.wakers.leave(ticket) {
                    core.wake_waiting();
                }
            }),
            State::UnderWay(id) => {
                if self.connection.with(|core| core.cancel(id)) {
                    self.progress.unmark_written();
                }
            }
        }
    }
}
