//! The socket of a connection to an instance, whose last words are heard.
//!
//! A backend may refuse an upload before it has read it: it answers, and closes with the rest unread. The kernel then
//! fails our next write, and hyper gives the connection up, perhaps with the answer unread in the socket. So a write that
//! fails because the other side is gone is said to have succeeded; what the backend said, or that it said nothing, is
//! for the read to find. Once the read found the end, writes fail as they should: nobody pours into a tunnel without an end.

use std::{
    io::{
        self,
        ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected},
    },
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

#[derive(Debug)]
pub(crate) struct Transport {
    stream: TcpStream,
    /// The other side takes no more.
    gone: bool,
    /// Everything it said was read.
    ended: bool,
}

// === impl Transport ===

impl Transport {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self { stream, gone: false, ended: false }
    }

    /// `written`, or `instead` from the first failure on, until the end was read.
    fn unless_gone<T>(
        &mut self,
        instead: T,
        written: impl FnOnce(Pin<&mut TcpStream>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if self.gone && self.ended {
            return Poll::Ready(Err(BrokenPipe.into()));
        }
        if self.gone {
            return Poll::Ready(Ok(instead));
        }
        Poll::Ready(match ready!(written(Pin::new(&mut self.stream))) {
            Err(error)
                if matches!(
                    error.kind(),
                    BrokenPipe | ConnectionAborted | ConnectionReset | NotConnected
                ) =>
            {
                self.gone = true;
                if self.ended { Err(error) } else { Ok(instead) }
            }
            other => other,
        })
    }
}

impl AsyncRead for Transport {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = ready!(Pin::new(&mut self.stream).poll_read(context, buffer));
        self.ended |= read.is_err() || buffer.filled().len() == before && buffer.remaining() > 0;
        Poll::Ready(read)
    }
}

impl AsyncWrite for Transport {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.unless_gone(buffer.len(), |stream| stream.poll_write(context, buffer))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let bytes = buffers.iter().map(|buffer| buffer.len()).sum();
        self.unless_gone(bytes, |stream| stream.poll_write_vectored(context, buffers))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.unless_gone((), |stream| stream.poll_flush(context))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.unless_gone((), |stream| stream.poll_shutdown(context))
    }
}
