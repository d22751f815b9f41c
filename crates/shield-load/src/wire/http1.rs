//! HTTP/1.1: one connection, one request at a time.
//!
//! Written for this crate instead of taken from an HTTP library, because the whole point is to know whether a byte was
//! written before the connection went away, and because a load client must cost less than what it measures.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use bytes::{Buf, BytesMut};
use http::HeaderMap;
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::measure::failure::FailureKind;
use crate::plan::model::Connection;
use crate::scenario::program::{Program, ProgramStep};
use crate::scenario::user::User;
use crate::wire::connect::{Connector, Stream, Wire};
use crate::wire::exchange::{Answer, Broken, Excerpt, Progress};
use crate::wire::head::{ChunkedBody, Framing, Head, headers, parse_head};
use crate::wire::request::Http1Requests;

/// How much is read at once.
const READ_BYTES: usize = 8 * 1024;
/// Longest head of an answer.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Most interim answers (1xx) before the final one.
const INTERIM_MAX: usize = 16;

/// A client that keeps at most one connection.
pub(crate) struct Http1Client {
    connector: Connector,
    program: Arc<Program>,
    requests: Arc<Http1Requests>,
    kept: Connection,
    open: Option<OpenConnection>,
    /// The request being sent, and room to make its body in; reused.
    out: Vec<u8>,
    body: Vec<u8>,
}

pub(crate) struct OpenConnection {
    pub(crate) wire: Wire,
    /// Read and not yet understood.
    pub(crate) buffer: BytesMut,
}

// === impl Http1Client ===

impl Http1Client {
    pub(crate) fn new(
        connector: Connector,
        program: Arc<Program>,
        requests: Arc<Http1Requests>,
        kept: Connection,
    ) -> Self {
        Self { connector, program, requests, kept, open: None, out: Vec::new(), body: Vec::new() }
    }

    /// Sends the request of a step once.
    pub(crate) async fn exchange(
        &mut self,
        step: usize,
        user: &mut User,
        progress: &Progress<'_>,
    ) -> Result<Answer, Broken> {
        self.requests.write(step, user, &mut self.out, &mut self.body);
        let program = self.program.clone();
        let step = &program.steps[step];
        if let Some(mut connection) = self.open.take()
            && connection.wire.still_open().await
        {
            progress.set_reused(true);
            let result = connection.exchange(&self.out, step, progress).await;
            // Closed under our hands, and not a byte was accepted: the same as closed before.
            if result.is_ok() || progress.written() {
                return self.settle(connection, result);
            }
            progress.set_reused(false);
        }
        let wire = self.connector.connect(progress).await?;
        let mut connection = OpenConnection { wire, buffer: BytesMut::new() };
        let result = connection.exchange(&self.out, step, progress).await;
        self.settle(connection, result)
    }

    /// Keeps the connection if both sides may use it again.
    fn settle(
        &mut self,
        connection: OpenConnection,
        result: Result<(Answer, bool), Broken>,
    ) -> Result<Answer, Broken> {
        let (answer, keeps_open) = result?;
        if keeps_open && self.kept == Connection::KeepAlive && connection.buffer.is_empty() {
            self.open = Some(connection);
        }
        Ok(answer)
    }
}

// === impl OpenConnection ===

impl OpenConnection {
    /// The answer, and whether the server keeps the connection open.
    async fn exchange(
        &mut self,
        request: &[u8],
        step: &ProgramStep,
        progress: &Progress<'_>,
    ) -> Result<(Answer, bool), Broken> {
        self.write(request, progress).await.map_err(|error| Broken::of_io(&error, FailureKind::Reset))?;
        let (head, headers) = self.read_head(step.keep.headers).await?;
        let mut excerpt = Excerpt::of(step, head.status);
        // The length that an answer to HEAD tells is that of a body that does not come (RFC 9110 section 9.3.2).
        let framing = if step.bodiless { Framing::Length(0) } else { head.framing };
        self.read_body(framing, &mut excerpt).await?;
        Ok((Answer { status: head.status, excerpt, headers }, head.keeps_open))
    }

    async fn write(&mut self, mut request: &[u8], progress: &Progress<'_>) -> io::Result<()> {
        // A failed write through TLS does not tell how much of the record went out, so it counts as written.
        if matches!(self.wire.stream, Stream::Tls(_)) {
            progress.mark_written();
        }
        while !request.is_empty() {
            let stream = &mut self.wire.stream;
            let written = poll_fn(|context| Pin::new(&mut *stream).poll_write(context, request)).await?;
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            progress.mark_written();
            request = &request[written..];
        }
        self.wire.stream.flush().await
    }

    /// The final head, with its headers if they are wanted or set a cookie.
    pub(crate) async fn read_head(
        &mut self,
        headers_wanted: bool,
    ) -> Result<(Head, Option<HeaderMap>), Broken> {
        let mut interim = 0;
        loop {
            let parsed =
                parse_head(&self.buffer).map_err(|error| Broken::new(FailureKind::Protocol, error))?;
            match parsed {
                Some((head, length)) => {
                    let head_bytes = self.buffer.split_to(length);
                    // 101 switches protocols: nothing of HTTP follows.
                    if !(100..200).contains(&head.status) || head.status == 101 {
                        let wanted = headers_wanted || head.sets_cookie;
                        return Ok((head, wanted.then(|| headers(&head_bytes))));
                    }
                    interim += 1;
                    if interim > INTERIM_MAX {
                        return Err(Broken::new(FailureKind::Protocol, "too many interim answers"));
                    }
                }
                None if self.buffer.len() > HEAD_BYTES_MAX => {
                    return Err(Broken::new(FailureKind::Protocol, "the head of the answer is too long"));
                }
                None => {
                    let nothing_yet = self.buffer.is_empty() && interim == 0;
                    let at_close =
                        if nothing_yet { FailureKind::ClosedBeforeAnswer } else { FailureKind::Truncated };
                    self.fill_or(at_close).await?;
                }
            }
        }
    }

    pub(crate) async fn read_body(&mut self, framing: Framing, excerpt: &mut Excerpt) -> Result<(), Broken> {
        match framing {
            Framing::Length(length) => self.read_length(length, excerpt).await,
            Framing::Chunked => self.read_chunks(excerpt).await,
            Framing::UntilClose => self.read_to_close(excerpt).await,
        }
    }

    async fn read_length(&mut self, mut left: u64, excerpt: &mut Excerpt) -> Result<(), Broken> {
        loop {
            let taken = self.buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            excerpt.push(&self.buffer[..taken]);
            self.buffer.advance(taken);
            left -= taken as u64;
            if left == 0 {
                return Ok(());
            }
            self.fill_or(FailureKind::Truncated).await?;
        }
    }

    async fn read_chunks(&mut self, excerpt: &mut Excerpt) -> Result<(), Broken> {
        let mut body = ChunkedBody::new();
        loop {
            let taken = body
                .feed(&self.buffer, |data| excerpt.push(data))
                .map_err(|error| Broken::new(FailureKind::Protocol, error))?;
            self.buffer.advance(taken);
            if body.done() {
                return Ok(());
            }
            self.fill_or(FailureKind::Truncated).await?;
        }
    }

    async fn read_to_close(&mut self, excerpt: &mut Excerpt) -> Result<(), Broken> {
        loop {
            excerpt.push(&self.buffer);
            self.buffer.clear();
            if !self.fill(FailureKind::Truncated).await? {
                return Ok(());
            }
        }
    }

    /// Reads more; a close is a failure of the kind `at_close`.
    async fn fill_or(&mut self, at_close: FailureKind) -> Result<(), Broken> {
        match self.fill(at_close).await? {
            true => Ok(()),
            false => Err(Broken::new(at_close, "the server closed the connection")),
        }
    }

    /// Reads more; false once the server closed.
    async fn fill(&mut self, at_close: FailureKind) -> Result<bool, Broken> {
        self.buffer.reserve(READ_BYTES);
        let read = self.wire.stream.read_buf(&mut self.buffer).await;
        read.map(|bytes| bytes > 0).map_err(|error| Broken::of_io(&error, at_close))
    }
}
