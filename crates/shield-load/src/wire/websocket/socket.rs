//! One open socket: a message out, the next one in.
//!
//! The answer of a message is the first one that the server began after the message was sent; what it sent of its own accord
//! before that is passed over. A socket whose message got no answer is dropped, so a late answer has nowhere to arrive.
//! Whenever a socket ends, the server is told so by a close frame, unless a frame was cut off half way.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::measure::failure::FailureKind;
use crate::wire::connect::{Stream, Waiting, Wire, let_runtime_look, looks, waiting};
use crate::wire::exchange::{Broken, Progress};
use crate::wire::websocket::frames::{Close, Event, Frames, Message, Opcode, write_frame};

/// How much is read at once.
const READ_BYTES: usize = 8 * 1024;
/// The same while nothing is asked: idle sockets are many, and pings are short.
const IDLE_READ_BYTES: usize = 256;
/// Close codes: the purpose is fulfilled, and this side goes away.
const NORMAL: u16 = 1000;
const GOING_AWAY: u16 = 1001;

pub(crate) struct Socket {
    wire: Wire,
    /// Read and not yet understood.
    buffer: BytesMut,
    frames: Frames,
    outgoing: Outgoing,
}

/// What may still be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outgoing {
    Frames,
    /// A frame is under way: nothing else fits in before its end.
    Torn,
    /// Nothing: the close frame was the last one.
    Closed,
}

// === impl Socket ===

impl Socket {
    /// After the handshake; `buffer` holds what was read behind it.
    pub(crate) fn new(wire: Wire, buffer: BytesMut) -> Self {
        Self { wire, buffer, frames: Frames::default(), outgoing: Outgoing::Frames }
    }

    /// Sends a message, whole frame as it is, and waits for the one that answers it.
    pub(crate) async fn exchange(
        &mut self,
        frame: &[u8],
        progress: &Progress<'_>,
    ) -> Result<BytesMut, Broken> {
        let asked_at = self.frames.taken() + self.buffer.len() as u64;
        // A failed write through TLS does not tell how much of the record went out, so it counts as written.
        if matches!(self.wire.stream, Stream::Tls(_)) {
            progress.mark_written();
        }
        let write = self.write(frame, || progress.mark_written());
        write.await.map_err(|error| Broken::of_io(&error, FailureKind::Reset))?;
        loop {
            match self.take().await? {
                Some(message) if message.began >= asked_at => {
                    // Sockets rest for long and are many.
                    if self.buffer.is_empty() {
                        self.buffer = BytesMut::new();
                    }
                    return Ok(message.bytes);
                }
                Some(_) => {}
                None => self.fill(READ_BYTES).await?,
            }
        }
    }

    /// Answers pings and a close while no message is under way; ends with the socket. May be dropped at any time.
    pub(crate) async fn attend(&mut self) {
        loop {
            let attended = match self.take().await {
                Ok(Some(_)) => Ok(()),
                Ok(None) => self.fill(IDLE_READ_BYTES).await,
                Err(broken) => Err(broken),
            };
            if attended.is_err() {
                return;
            }
        }
    }

    /// Takes in what the server sent while the socket was idle; says whether it still waits for messages.
    pub(crate) async fn catch_up(&mut self) -> bool {
        for look in looks() {
            if self.outgoing != Outgoing::Frames || self.drain().await.is_err() {
                return false;
            }
            match waiting(&self.wire.stream) {
                Waiting::Nothing => return true,
                Waiting::Closed => return false,
                Waiting::Bytes => let_runtime_look(look).await,
            }
        }
        false
    }

    /// Tells the server that no more messages come.
    pub(crate) fn finish(&mut self) {
        self.close(Some(NORMAL));
    }

    /// Handles frames up to the next message; none when more bytes are needed.
    async fn take(&mut self) -> Result<Option<Message>, Broken> {
        loop {
            match self.frames.next(&mut self.buffer) {
                Ok(None) => return Ok(None),
                Ok(Some(Event::Message(message))) => return Ok(Some(message)),
                Ok(Some(Event::Ping(payload))) => {
                    let mut frame = Vec::new();
                    write_frame(Opcode::Pong, &payload, &mut frame);
                    let written = self.write(&frame, || ()).await;
                    written.map_err(|error| Broken::of_io(&error, FailureKind::Reset))?;
                }
                Ok(Some(Event::Close(close))) => {
                    self.close(close.as_ref().map(|close| close.code));
                    // Whatever follows it means nothing.
                    self.buffer.clear();
                    return Err(Broken::new(self.at_close(), closed_by_server(close)));
                }
                Err(error) => {
                    self.close(Some(error.close_code()));
                    return Err(Broken::new(FailureKind::Protocol, error));
                }
            }
        }
    }

    /// Handles everything that is there without waiting; all messages are passed over.
    async fn drain(&mut self) -> Result<(), Broken> {
        loop {
            while self.take().await?.is_some() {}
            self.buffer.reserve(READ_BYTES);
            let read = {
                let mut reading = pin!(self.wire.stream.read_buf(&mut self.buffer));
                poll_fn(|context| Poll::Ready(reading.as_mut().poll(context))).await
            };
            match read {
                Poll::Pending => return Ok(()),
                Poll::Ready(read) => self.more(read)?,
            }
        }
    }

    /// Waits for more bytes, with room for so many.
    async fn fill(&mut self, room: usize) -> Result<(), Broken> {
        self.buffer.reserve(room);
        let read = self.wire.stream.read_buf(&mut self.buffer).await;
        self.more(read)
    }

    /// A close without a close frame is a failure, too.
    fn more(&self, read: io::Result<usize>) -> Result<(), Broken> {
        match read {
            Ok(0) => Err(Broken::new(self.at_close(), "the server closed the connection")),
            Ok(_) => Ok(()),
            Err(error) => Err(Broken::of_io(&error, self.at_close())),
        }
    }

    /// What a close means now.
    fn at_close(&self) -> FailureKind {
        if self.frames.amid_message() || !self.buffer.is_empty() {
            FailureKind::Truncated
        } else {
            FailureKind::ClosedBeforeAnswer
        }
    }

    /// Writes a whole frame; calls `leaves` whenever some of it has.
    async fn write(&mut self, mut frame: &[u8], leaves: impl Fn()) -> io::Result<()> {
        self.outgoing = Outgoing::Torn;
        while !frame.is_empty() {
            let stream = &mut self.wire.stream;
            let written = poll_fn(|context| Pin::new(&mut *stream).poll_write(context, frame)).await?;
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            leaves();
            frame = &frame[written..];
        }
        self.wire.stream.flush().await?;
        self.outgoing = Outgoing::Frames;
        Ok(())
    }

    /// Sends a close frame if one fits in. Never waits: what the kernel does not take at once is left out, and a server
    /// that lets its buffers run full learns it from the end of the connection.
    fn close(&mut self, code: Option<u16>) {
        if self.outgoing != Outgoing::Frames {
            return;
        }
        let mut frame = Vec::new();
        let payload = code.map(u16::to_be_bytes);
        write_frame(Opcode::Close, payload.as_ref().map_or(&[][..], |payload| payload), &mut frame);
        let mut context = Context::from_waker(Waker::noop());
        let mut stream = Pin::new(&mut self.wire.stream);
        if stream.as_mut().poll_write(&mut context, &frame).is_ready() {
            self.outgoing = Outgoing::Closed;
            // Through TLS it may be in the library still.
            drop(stream.poll_flush(&mut context));
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.close(Some(GOING_AWAY));
    }
}

fn closed_by_server(close: Option<Close>) -> String {
    match close {
        Some(Close { code, reason }) => format!("the server closed the websocket: {code} {reason}"),
        None => "the server closed the websocket".to_owned(),
    }
}
