//! Moves the bytes of one connection: many frames with each read and each write.
//!
//! Woken by a lane that put its request in the buffer, it lets the others that are ready do the same before it writes.
//! It reads before it writes, so that what the server said by then (GOAWAY above all) is known.

use std::cell::RefCell;
use std::future::Future;
use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::codec::{Reason, write_goaway};
use super::connection::{ConnectionEnd, Core};
use crate::scenario::program::Program;
use crate::wire::connect::{Stream, Waiting, let_runtime_look, looks, waiting};

/// How much is read at once; more than the longest frame.
const READ_BYTES: usize = 64 * 1024;
/// Reads before others get their turn.
const READS_MAX: usize = 8;

thread_local! {
    /// What all connections of a thread read into, so that an idle one holds no such buffer.
    static READ_BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_BYTES].into_boxed_slice());
}

/// A connection as its lanes see it.
#[derive(Debug)]
pub(super) struct Connection {
    core: Mutex<Core>,
}

/// A connection as a task. It ends when the connection does; dropped before, it cuts the connection off.
pub(super) struct Driver {
    connection: Arc<Connection>,
    stream: Stream,
    /// Read and not yet understood: less than a frame.
    held: Vec<u8>,
    /// Room for wakers.
    woken: Vec<Waker>,
    said_goodbye: bool,
}

/// What a driver does after a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Rest,
    /// There is more to read.
    GoOn,
    End,
}

// === impl Connection ===

impl Connection {
    /// A connection and what drives it.
    pub(super) fn new(program: Arc<Program>, stream: Stream, socket: OwnedFd) -> (Arc<Self>, Driver) {
        let connection = Arc::new(Self { core: Mutex::new(Core::new(program, Some(socket))) });
        let driver = Driver {
            connection: connection.clone(),
            stream,
            held: Vec::new(),
            woken: Vec::new(),
            said_goodbye: false,
        };
        (connection, driver)
    }

    /// A connection that nothing drives.
    #[cfg(test)]
    pub(super) fn undriven(core: Core) -> Self {
        Self { core: Mutex::new(core) }
    }

    /// Does something with the connection, then wakes whom that concerns.
    pub(super) fn with<T>(&self, act: impl FnOnce(&mut Core) -> T) -> T {
        let mut core = self.lock();
        let done = act(&mut core);
        let woken = core.wakers.take();
        drop(core);
        woken.into_iter().for_each(Waker::wake);
        done
    }

    fn lock(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets go of the connection: it ends with its last stream.
    pub(super) fn retire(&self) {
        self.with(|core| core.retire("the connection was for one request"));
    }

    /// Whether the server still takes requests here, as far as the kernel knows. With streams under way the driver is at
    /// work anyway.
    pub(super) async fn usable(&self) -> bool {
        for look in looks() {
            let seen = {
                let core = self.lock();
                match (core.takes(), &core.socket) {
                    (Some(0), Some(socket)) => waiting(socket),
                    (Some(_), Some(_)) => return true,
                    _ => return false,
                }
            };
            match seen {
                Waiting::Nothing => return true,
                Waiting::Closed => return false,
                Waiting::Bytes => let_runtime_look(look).await,
            }
        }
        false
    }
}

// === impl Driver ===

impl Driver {
    fn turn(&mut self, context: &mut Context<'_>) -> Result<Next, ConnectionEnd> {
        let more = self.read(context)?;
        let written = self.write(context);
        if let Err(error) = written {
            // The server may have said why before it stopped listening.
            while self.read(context)? {}
            return Err(ConnectionEnd::Failed(error));
        }
        if self.said_goodbye && self.connection.lock().out.pending().is_empty() {
            let shut = Pin::new(&mut self.stream).poll_shutdown(context);
            return Ok(if shut.is_ready() { Next::End } else { Next::Rest });
        }
        Ok(if more { Next::GoOn } else { Next::Rest })
    }

    /// Reads what is there; true if there may be more.
    fn read(&mut self, context: &mut Context<'_>) -> Result<bool, ConnectionEnd> {
        READ_BUFFER.with_borrow_mut(|buffer| {
            let mut filled = self.held.len();
            buffer[..filled].copy_from_slice(&self.held);
            let more = self.read_into(buffer, &mut filled, context)?;
            self.held.clear();
            self.held.extend_from_slice(&buffer[..filled]);
            Ok(more)
        })
    }

    /// The same, with `filled` bytes in the buffer that are not understood yet, before and after.
    fn read_into(
        &mut self,
        buffer: &mut [u8],
        filled: &mut usize,
        context: &mut Context<'_>,
    ) -> Result<bool, ConnectionEnd> {
        for _ in 0..READS_MAX {
            let mut room = ReadBuf::new(&mut buffer[*filled..]);
            match Pin::new(&mut self.stream).poll_read(context, &mut room) {
                Poll::Pending => return Ok(false),
                Poll::Ready(Err(error)) => return Err(ConnectionEnd::Failed(error)),
                Poll::Ready(Ok(())) if room.filled().is_empty() => return Err(ConnectionEnd::Closed),
                Poll::Ready(Ok(())) => *filled += room.filled().len(),
            }
            let taken = {
                let mut core = self.connection.lock();
                let taken = core.take(&buffer[..*filled]);
                core.wakers.swap(&mut self.woken);
                taken
            };
            self.woken.drain(..).for_each(Waker::wake);
            let taken = taken.map_err(ConnectionEnd::Violated)?;
            buffer.copy_within(taken..*filled, 0);
            *filled -= taken;
        }
        Ok(true)
    }

    /// Writes what has gathered.
    fn write(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        let mut core = self.connection.lock();
        core.pump();
        if core.over() && !self.said_goodbye {
            self.said_goodbye = true;
            write_goaway(Reason::NO_ERROR, core.out.frames());
        }
        let written = write_pending(&mut core, &mut self.stream, context);
        core.wakers.sleep_driver();
        core.wakers.swap(&mut self.woken);
        drop(core);
        self.woken.drain(..).for_each(Waker::wake);
        written
    }
}

fn write_pending(core: &mut Core, stream: &mut Stream, context: &mut Context<'_>) -> io::Result<()> {
    let tls = matches!(stream, Stream::Tls(_));
    while !core.out.pending().is_empty() {
        match Pin::new(&mut *stream).poll_write(context, core.out.pending()) {
            Poll::Pending => {
                core.block();
                return Ok(());
            }
            Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
            Poll::Ready(Ok(written)) => core.out.advance(written),
            Poll::Ready(Err(error)) => {
                // A failed write through TLS does not tell how much of the record went out, so it counts as written.
                if tls {
                    let offered = core.out.pending().len();
                    core.out.advance(offered);
                }
                return Err(error);
            }
        }
        core.pump();
    }
    core.unblock();
    match Pin::new(stream).poll_flush(context) {
        Poll::Ready(Err(error)) => Err(error),
        Poll::Ready(Ok(())) | Poll::Pending => Ok(()),
    }
}

impl Future for Driver {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        if this.connection.lock().wakers.gather(context.waker()) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        match this.turn(context) {
            Ok(Next::Rest) => Poll::Pending,
            Ok(Next::GoOn) => {
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Ok(Next::End) => Poll::Ready(()),
            Err(end) => {
                this.connection.with(|core| core.fail(&end));
                // Tells the server why, if it still listens.
                this.connection.with(|core| drop(write_pending(core, &mut this.stream, context)));
                Poll::Ready(())
            }
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.connection.with(|core| core.fail(&ConnectionEnd::Cut));
    }
}
