//! The bytes of one connection, between two sockets.
//!
//! One task polls both directions; everything that must survive a change of the fault lies in the [`Relay`], so that its future
//! may be dropped at any time. What one side does shows at the other in its order: FIN as FIN, RST as RST, and a side that
//! reads slowly makes the other one write slowly. A read that did not fill its room is not repeated before the
//! kernel tells of more, so a small message costs one read and one write.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::{BufMut, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::yield_now;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::fault::proxy::attention::Attention;
use crate::fault::proxy::filter::{Answers, Filter, Speaker};
use crate::fault::proxy::line::{Ending, Line, Shape};
use crate::fault::proxy::listener::Tally;
use crate::fault::proxy::model::{Effect, Luck};

/// Parts of a connection that choose apart.
const UPSTREAM_CHOICES: u64 = 0;
const DOWNSTREAM_CHOICES: u64 = 1;
const REQUEST_CHOICES: u64 = 2;

/// A connection between a client and its upstream.
pub(crate) struct Relay {
    pub(crate) client: TcpStream,
    pub(crate) upstream: TcpStream,
    luck: Luck,
    up: Half,
    down: Half,
    filter: Option<Filter>,
    /// The fault that the filter serves is over.
    filter_leaves: bool,
    last: Option<Speaker>,
    attention: Attention,
    timer: Option<Pin<Box<Sleep>>>,
    tally: Arc<Tally>,
}

/// One direction.
struct Half {
    line: Line,
    outlet: Outlet,
}

/// What became of the side that bytes go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outlet {
    Open,
    /// It was told that nothing more comes.
    Closed,
    /// It takes nothing more.
    Dead,
}

/// What a read brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Came {
    Bytes(usize),
    End(Ending),
}

/// Reads up to `room` bytes to the end of the buffer, which has space for them.
fn poll_read(
    socket: &mut TcpStream,
    context: &mut Context<'_>,
    buffer: &mut BytesMut,
    room: usize,
) -> Poll<Came> {
    let mut target = (&mut *buffer).limit(room);
    let read = std::task::ready!(pin!(socket.read_buf(&mut target)).poll(context));
    Poll::Ready(match read {
        Ok(0) => Came::End(Ending::Finished),
        Ok(count) => Came::Bytes(count),
        Err(_) => Came::End(Ending::Broken),
    })
}

// === impl Relay ===

impl Relay {
    pub(crate) fn new(client: TcpStream, upstream: TcpStream, luck: Luck, tally: Arc<Tally>) -> Self {
        let half = || Half { line: Line::new(), outlet: Outlet::Open };
        Self {
            client,
            upstream,
            luck,
            up: half(),
            down: half(),
            filter: None,
            filter_leaves: false,
            last: None,
            attention: Attention::default(),
            timer: None,
            tally,
        }
    }

    /// Suffers this from now on, and nothing of what it suffered before.
    pub(crate) fn apply(&mut self, effect: Effect) {
        let now = Instant::now();
        let (mut upstream, mut downstream) = (Shape::Plain, Shape::Plain);
        self.filter_leaves = true;
        match effect {
            Effect::Lines { upstream: up, downstream: down } => (upstream, downstream) = (up, down),
            // It has its upstream already.
            Effect::Diverted { .. } => {}
            Effect::HalfOpen => unreachable!("a relay has an upstream"),
            Effect::Answers { status, share } => {
                self.filter_leaves = false;
                let answers = Answers { status, share, random: self.luck.choices(REQUEST_CHOICES) };
                match &mut self.filter {
                    Some(filter) => filter.resume(answers),
                    None => self.filter = Some(Filter::new(answers, self.last)),
                }
            }
        }
        self.up.line.reshape(now, upstream, self.luck.choices(UPSTREAM_CHOICES));
        self.down.line.reshape(now, downstream, self.luck.choices(DOWNSTREAM_CHOICES));
    }

    /// Carries bytes until the connection has ended, and says how.
    pub(crate) async fn run(&mut self) -> Ending {
        poll_fn(|context| self.poll(context)).await
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Ending> {
        loop {
            let now = Instant::now();
            let mut moved = self.poll_client(context, now);
            moved |= self.poll_upstream(context, now);
            moved |= self.step_filter(now);
            let (up, down) = (&mut self.up, &mut self.down);
            moved |= up.poll_outlet(context, now, &mut self.upstream, &self.tally.bytes_upstream);
            moved |= down.poll_outlet(context, now, &mut self.client, &self.tally.bytes_downstream);
            if up.broken(now) || down.broken(now) {
                return Poll::Ready(Ending::Broken);
            }
            match (up.outlet, down.outlet) {
                (Outlet::Open, _) | (_, Outlet::Open) => {}
                (Outlet::Closed, Outlet::Closed) => return Poll::Ready(Ending::Finished),
                (Outlet::Dead, _) | (_, Outlet::Dead) => return Poll::Ready(Ending::Broken),
            }
            if moved {
                self.last.iter().for_each(|speaker| self.attention.heard(now, *speaker));
                continue;
            }
            if self.attention.stays_awake(now) {
                // Pending, and polled again once the kernel was asked for news.
                let _ = pin!(yield_now()).poll(context);
            }
            std::task::ready!(self.poll_timer(context, now));
        }
    }

    /// Takes what the client sent; whether it sent anything.
    fn poll_client(&mut self, context: &mut Context<'_>, now: Instant) -> bool {
        let line = &mut self.up.line;
        let room = self.filter.as_ref().map_or(line.room(), Filter::room);
        if room == 0 || self.up.outlet != Outlet::Open {
            return false;
        }
        let buffer = match &mut self.filter {
            Some(filter) => filter.inbox(room),
            None => line.tail(room),
        };
        let Poll::Ready(came) = poll_read(&mut self.client, context, buffer, room) else { return false };
        match (came, &mut self.filter) {
            (Came::Bytes(_), Some(_)) => {}
            (Came::Bytes(count), None) => {
                self.last = Some(Speaker::Client);
                line.accept(now, count);
            }
            (Came::End(Ending::Finished), Some(filter)) if self.down.outlet == Outlet::Open => filter.end(),
            (Came::End(ending), filter) => {
                line.end(now, if self.down.outlet == Outlet::Dead { Ending::Broken } else { ending });
                filter.iter_mut().for_each(Filter::end);
            }
        }
        true
    }

    /// Takes what the upstream sent; whether it sent anything.
    fn poll_upstream(&mut self, context: &mut Context<'_>, now: Instant) -> bool {
        let line = &mut self.down.line;
        let room = line.room();
        if room == 0 || self.down.outlet != Outlet::Open {
            return false;
        }
        let buffer = line.tail(room);
        let Poll::Ready(came) = poll_read(&mut self.upstream, context, buffer, room) else { return false };
        match came {
            Came::Bytes(count) => {
                self.last = Some(Speaker::Upstream);
                if let Some(filter) = &mut self.filter {
                    filter.observe(&buffer[buffer.len() - count..]);
                }
                line.accept(now, count);
            }
            Came::End(_) if self.up.outlet == Outlet::Dead => line.end(now, Ending::Broken),
            Came::End(ending) => line.end(now, ending),
        }
        true
    }

    /// Lets the filter go on, and go if it is no longer needed.
    fn step_filter(&mut self, now: Instant) -> bool {
        let Some(filter) = &mut self.filter else { return false };
        if self.filter_leaves && filter.release(now, &mut self.up.line) {
            self.last = Some(Speaker::Client);
            self.filter = None;
            return true;
        }
        let moved = filter.step(now, &mut self.up.line, &mut self.down.line);
        self.tally.requests_answered.fetch_add(filter.take_answered(), Ordering::Relaxed);
        moved
    }

    /// Ready when something that was held is due.
    fn poll_timer(&mut self, context: &mut Context<'_>, now: Instant) -> Poll<()> {
        let due = [&self.up, &self.down].into_iter().filter_map(|half| half.next_due(now)).min();
        let Some(due) = due else { return Poll::Pending };
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(due)));
        if timer.deadline() != due {
            timer.as_mut().reset(due);
        }
        timer.as_mut().poll(context)
    }
}

// === impl Half ===

impl Half {
    /// Sends what is due; whether anything was.
    fn poll_outlet(
        &mut self,
        context: &mut Context<'_>,
        now: Instant,
        socket: &mut TcpStream,
        sent: &AtomicU64,
    ) -> bool {
        if self.outlet != Outlet::Open {
            return false;
        }
        let due = self.line.due(now);
        if due.is_empty() {
            if self.line.ending_due(now) != Some(Ending::Finished) {
                return false;
            }
            let Poll::Ready(closed) = Pin::new(socket).poll_shutdown(context) else { return false };
            self.outlet = if closed.is_ok() { Outlet::Closed } else { Outlet::Dead };
            return true;
        }
        match Pin::new(socket).poll_write(context, due) {
            Poll::Ready(Ok(count)) => {
                self.line.sent(count);
                sent.fetch_add(count as u64, Ordering::Relaxed);
            }
            Poll::Ready(Err(_)) => self.outlet = Outlet::Dead,
            Poll::Pending => return false,
        }
        true
    }

    /// Whether both sides are to be reset.
    fn broken(&self, now: Instant) -> bool {
        self.line.reset_due() || self.line.ending_due(now) == Some(Ending::Broken)
    }

    fn next_due(&self, now: Instant) -> Option<Instant> {
        if self.outlet == Outlet::Open { self.line.next_due(now) } else { None }
    }
}
