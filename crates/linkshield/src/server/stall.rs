//! A stream whose peer has to keep reading.
//!
//! A client that asks for a large answer and never reads it would hold a connection slot for ever, and a few of them
//! all slots. So a waiting write must make progress: 64 KiB, or all there is, in every 30 seconds. The guard also says
//! how many connections still have something to send (`linkshield_http_answers_unsent`), which the end of the process needs to know: hyper lets go of a
//! request as soon as its answer is buffered.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use prometheus_client::metrics::gauge::Gauge;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

/// How long a client may take to read the next [`PROGRESS_BYTES`].
pub(super) const STALL_TIMEOUT: Duration = Duration::from_secs(30);
/// Less than this in one period is no progress, or a trickle of single bytes would do.
const PROGRESS_BYTES: usize = 64 * 1024;

/// One connection with something unsent, as long as it lives.
struct Unsent {
    count: Gauge,
    deadline: Pin<Box<Sleep>>,
    /// Bytes taken since the deadline was set.
    progress: usize,
}

/// The stream; reading is passed through.
pub(super) struct StallGuard<S> {
    stream: S,
    timeout: Duration,
    /// Connections with something unsent.
    count: Gauge,
    /// Set from the first write that had to wait until everything is sent.
    unsent: Option<Unsent>,
}

// === impl Unsent ===

impl Unsent {
    fn new(count: Gauge, timeout: Duration) -> Self {
        count.inc();
        Self { count, deadline: Box::pin(sleep(timeout)), progress: 0 }
    }
}

impl Drop for Unsent {
    fn drop(&mut self) {
        self.count.dec();
    }
}

// === impl StallGuard ===

impl<S> StallGuard<S> {
    pub(super) fn new(stream: S, timeout: Duration, count: Gauge) -> Self {
        Self { stream, timeout, count, unsent: None }
    }

    /// Passes on what a write came to, unless it has been waiting for too long.
    fn watch(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if let Poll::Ready(outcome) = written {
            if let (Ok(bytes), Some(unsent)) = (&outcome, &mut self.unsent) {
                unsent.progress += bytes;
                if unsent.progress >= PROGRESS_BYTES {
                    self.unsent = None;
                }
            }
            return Poll::Ready(outcome);
        }
        let unsent = self.unsent.get_or_insert_with(|| Unsent::new(self.count.clone(), self.timeout));
        ready!(unsent.deadline.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not read its answer")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for StallGuard<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for StallGuard<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watch(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.watch(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// hyper flushes only when its own buffer is empty: then everything is sent.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        if flushed.is_ready() {
            self.unsent = None;
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt, duplex},
        time::timeout,
    };

    use super::*;

    #[tokio::test]
    async fn unread_answer_fails() {
        let (client, server) = duplex(16);
        let count = Gauge::default();
        let mut guard = StallGuard::new(server, Duration::from_millis(1), count.clone());
        let outcome = timeout(Duration::from_secs(60), guard.write_all(&[0; 17])).await;
        assert_eq!(outcome.unwrap().unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(count.get(), 1);
        drop((guard, client));
        assert_eq!(count.get(), 0);
    }

    #[tokio::test]
    async fn answer_that_is_read_passes() {
        let (mut client, server) = duplex(16);
        let count = Gauge::default();
        let mut guard = StallGuard::new(server, STALL_TIMEOUT, count.clone());
        let mut taken = vec![0; 3 * PROGRESS_BYTES];
        let write = async {
            guard.write_all(&vec![7; 3 * PROGRESS_BYTES]).await.unwrap();
            guard.flush().await.unwrap();
        };
        let ((), read) = tokio::join!(write, client.read_exact(&mut taken));
        read.unwrap();
        assert!(taken.iter().all(|byte| *byte == 7));
        assert_eq!(count.get(), 0);
    }
}
