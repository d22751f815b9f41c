//! HTTP/2 frames on their way, seen from outside of the protocol library.
//!
//! After GOAWAY a client opens no new stream. The `h2` library refuses new requests from that moment on, but one that
//! was handed to it before, and not yet written, it still writes, *after* its answer to the server's PING. A server that
//! shuts down in good order takes that answer as the client's last word and drops the late request: a failure that is
//! the client's own doing. [`FrameTap`] sits between library and connection, sees GOAWAY come in, and from then on lets
//! no frame of a new stream out. So a request either left before its GOAWAY was read, or it never left, and the tap knows
//! which. (Leaving out a header block upsets the compression of later ones; there are none, only trailers could follow,
//! and this crate sends none.)

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

const PREFACE_BYTES: usize = 24;
const HEAD_BYTES: usize = 9;
const GOAWAY: u8 = 7;

/// What the tap of one connection has seen.
#[derive(Debug, Default)]
pub(crate) struct FramesSeen {
    goaway: AtomicBool,
    highest_stream: AtomicU32,
}

/// A connection whose frames are watched.
pub(crate) struct FrameTap<S> {
    inner: S,
    seen: Arc<FramesSeen>,
    incoming: FrameCursor,
    outgoing: FrameCursor,
    /// Bytes left of a frame that is being kept back.
    withholding: usize,
}

/// Follows frames through a stream of bytes that is cut anywhere.
#[derive(Debug)]
struct FrameCursor {
    /// Bytes to pass before the next frame's head.
    skip: usize,
    head: [u8; HEAD_BYTES],
    head_filled: usize,
}

/// The head of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FrameHead {
    length: usize,
    kind: u8,
    stream: u32,
}

// === impl FramesSeen ===

impl FramesSeen {
    /// Whether this stream was kept back: nothing of it was sent.
    pub(crate) fn withheld(&self, stream: u32) -> bool {
        self.goaway.load(Ordering::Acquire) && stream > self.highest_stream.load(Ordering::Acquire)
    }
}

// === impl FrameHead ===

impl FrameHead {
    fn parse(bytes: &[u8; HEAD_BYTES]) -> Self {
        let [a, b, c, kind, _flags, stream @ ..] = *bytes;
        let length = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
        // The first bit is reserved.
        Self { length, kind, stream: u32::from_be_bytes(stream) & 0x7fff_ffff }
    }
}

// === impl FrameCursor ===

impl FrameCursor {
    fn new(skip: usize) -> Self {
        Self { skip, head: [0; HEAD_BYTES], head_filled: 0 }
    }

    /// Whether the next byte is the first of a frame.
    fn at_boundary(&self) -> bool {
        self.skip == 0 && self.head_filled == 0
    }

    /// How many bytes, of those that are there, belong to the frame that has begun; all if that is not known yet.
    fn rest_of_frame(&self) -> usize {
        if self.skip > 0 { self.skip } else { HEAD_BYTES - self.head_filled }
    }

    /// Passes bytes; tells each head that is complete.
    fn pass(&mut self, mut bytes: &[u8], mut tell: impl FnMut(FrameHead)) {
        while !bytes.is_empty() {
            let passed = bytes.len().min(self.rest_of_frame());
            if self.skip > 0 {
                self.skip -= passed;
            } else {
                self.head[self.head_filled..][..passed].copy_from_slice(&bytes[..passed]);
                self.head_filled += passed;
            }
            bytes = &bytes[passed..];
            if self.head_filled == HEAD_BYTES {
                let head = FrameHead::parse(&self.head);
                self.head_filled = 0;
                self.skip = head.length;
                tell(head);
            }
        }
    }
}

// === impl FrameTap ===

impl<S> FrameTap<S> {
    /// Taps the client's side of a connection before its first byte.
    pub(crate) fn new(inner: S) -> (Self, Arc<FramesSeen>) {
        let seen = Arc::new(FramesSeen::default());
        let (incoming, outgoing) = (FrameCursor::new(0), FrameCursor::new(PREFACE_BYTES));
        (Self { inner, seen: seen.clone(), incoming, outgoing, withholding: 0 }, seen)
    }

    /// How many of these bytes are kept back, once GOAWAY was seen; none of them if they may go.
    fn withhold(&mut self, bytes: &[u8]) -> usize {
        if self.withholding == 0
            && self.outgoing.at_boundary()
            && let Some(head) = bytes.first_chunk()
        {
            let head = FrameHead::parse(head);
            if self.seen.withheld(head.stream) {
                self.withholding = HEAD_BYTES + head.length;
            }
        }
        let kept = self.withholding.min(bytes.len());
        self.withholding -= kept;
        kept
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for FrameTap<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(context, buffer))?;
        let Self { incoming, seen, .. } = &mut *self;
        incoming.pass(&buffer.filled()[before..], |head| {
            if head.kind == GOAWAY {
                seen.goaway.store(true, Ordering::Release);
            }
        });
        Poll::Ready(Ok(()))
    }
}

/// Not vectored: the library then writes from one buffer, in which the head of a frame is never cut.
impl<S: AsyncWrite + Unpin> AsyncWrite for FrameTap<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut allowed = bytes;
        if self.seen.goaway.load(Ordering::Acquire) && !bytes.is_empty() {
            let kept = self.withhold(bytes);
            if kept > 0 {
                return Poll::Ready(Ok(kept));
            }
            // One frame at a time, so that the next one is looked at before it goes.
            let frame = match bytes.first_chunk() {
                Some(head) if self.outgoing.at_boundary() => HEAD_BYTES + FrameHead::parse(head).length,
                _ => self.outgoing.rest_of_frame(),
            };
            allowed = &bytes[..bytes.len().min(frame)];
        }
        let written = ready!(Pin::new(&mut self.inner).poll_write(context, allowed))?;
        let Self { outgoing, seen, .. } = &mut *self;
        outgoing.pass(&allowed[..written], |head| {
            seen.highest_stream.fetch_max(head.stream, Ordering::AcqRel);
        });
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::{FrameCursor, FrameHead, FrameTap, FramesSeen, GOAWAY, PREFACE_BYTES};

    const HEADERS: u8 = 1;
    const DATA: u8 = 0;
    const PING: u8 = 6;

    fn frame(kind: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
        let head = [0, 0, payload.len() as u8, kind, 0, 0, 0, 0, stream];
        [&head, payload].concat()
    }

    async fn tapped() -> (FrameTap<DuplexStream>, std::sync::Arc<FramesSeen>, DuplexStream) {
        let (client, mut server) = duplex(4096);
        let (mut tap, seen) = FrameTap::new(client);
        tap.write_all(&[b'P'; PREFACE_BYTES]).await.unwrap();
        server.read_exact(&mut [0; PREFACE_BYTES]).await.unwrap();
        (tap, seen, server)
    }

    #[test]
    fn cursor_survives_any_cut() {
        let bytes = [frame(HEADERS, 1, b"abc"), frame(DATA, 1, b""), frame(PING, 0, &[7; 8])].concat();
        for cut in 1..bytes.len() {
            let (mut cursor, mut heads) = (FrameCursor::new(0), Vec::new());
            bytes.chunks(cut).for_each(|part| cursor.pass(part, |head: FrameHead| heads.push(head.kind)));
            assert_eq!(heads, [HEADERS, DATA, PING], "cut every {cut}");
            assert!(cursor.at_boundary());
        }
    }

    #[tokio::test]
    async fn keeps_new_streams_back_after_goaway() {
        let (mut tap, seen, mut server) = tapped().await;
        tap.write_all(&frame(HEADERS, 1, b"first")).await.unwrap();
        let goaway = frame(GOAWAY, 0, &[0; 8]);
        server.write_all(&goaway).await.unwrap();
        tap.read_exact(&mut vec![0; goaway.len()]).await.unwrap();
        let (pong, late, body) =
            (frame(PING, 0, &[1; 8]), frame(HEADERS, 3, b"late"), frame(DATA, 1, b"body"));
        let late_body = frame(DATA, 3, b"late body");
        tap.write_all(&[pong.clone(), late, late_body, body.clone()].concat()).await.unwrap();
        drop(tap);
        let mut received = Vec::new();
        server.read_to_end(&mut received).await.unwrap();
        assert_eq!(received, [frame(HEADERS, 1, b"first"), pong, body].concat());
        assert!(seen.withheld(3) && !seen.withheld(1));
    }

    #[tokio::test]
    async fn lets_a_begun_frame_end() {
        let (mut tap, seen, mut server) = tapped().await;
        let begun = frame(HEADERS, 1, b"begun");
        tap.write_all(&begun[..11]).await.unwrap();
        let goaway = frame(GOAWAY, 0, &[0; 8]);
        server.write_all(&goaway).await.unwrap();
        tap.read_exact(&mut vec![0; goaway.len()]).await.unwrap();
        tap.write_all(&[&begun[11..], &frame(HEADERS, 3, b"late")].concat()).await.unwrap();
        drop(tap);
        let mut received = Vec::new();
        server.read_to_end(&mut received).await.unwrap();
        assert_eq!(received, begun);
        assert!(seen.withheld(3) && !seen.withheld(1));
    }

    #[tokio::test]
    async fn withholds_nothing_without_goaway() {
        let (mut tap, seen, _server) = tapped().await;
        tap.write_all(&frame(HEADERS, 5, b"x")).await.unwrap();
        assert!(!seen.withheld(7));
    }
}
