//! What coordinator and worker say to each other: a length (four bytes, the highest first), then that many bytes of JSON.
//!
//! Whoever reads says how long the frame may be at that point of the conversation and how long the other side may be silent.
//! Memory is taken as bytes arrive, never by what a length promises.

use std::io;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use crate::measure::report::LoadReport;
use crate::measure::series::Snapshot;
use crate::plan::model::LoadPlan;

/// Version of the conversation.
pub(crate) const FORMAT: u32 = 2;

/// Longest silence of the other side while a run goes on.
pub(crate) const SILENCE_MAX: Duration = Duration::from_secs(5);
/// Longest time for one frame.
const FRAME_TIME_MAX: Duration = Duration::from_secs(120);

/// Longest frame of somebody who has not proved its token.
pub(crate) const HELLO_BYTES_MAX: usize = 512;
/// Longest frame that orders or answers something.
pub(crate) const WORD_BYTES_MAX: usize = 16 * 1024;
/// Longest plan, feeds included.
pub(crate) const PLAN_BYTES_MAX: usize = 128 * 1024 * 1024;
/// Longest report, ids included: some 10^9 of them.
pub(crate) const REPORT_BYTES_MAX: usize = 512 * 1024 * 1024;

/// Most bytes that one read asks for.
const CHUNK_BYTES: u64 = 64 * 1024;

/// From a coordinator. It holds the worker's token and the plan's secrets, and is not for people.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum ToWorker {
    /// First of all.
    Hello { format: u32, token: String },
    /// What is to be done.
    Plan(Box<LoadPlan>),
    /// Begin after this time.
    Start { in_ms: u64 },
    /// The coordinator is there.
    Alive,
    /// Begin no request any more.
    Stop,
}

/// From a worker.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum ToCoordinator {
    /// The token is right, and nobody else is served.
    Welcome,
    /// Another run is under way.
    Busy,
    /// Nothing will be done.
    Refused { problem: String },
    /// The plan can be run.
    Ready,
    /// Everything counted up to now; numbered by the ticks of a common clock.
    Sample { tick: u64, snapshot: Box<Snapshot> },
    /// The worker was interrupted, and its report comes next.
    Leaving,
    /// The load has ended.
    Report(Box<LoadReport>),
}

/// The conversation cannot go on.
#[derive(Debug, Error)]
pub(crate) enum FrameError {
    #[error("the connection was closed")]
    Closed,
    #[error("nothing was heard for {SILENCE_MAX:?}")]
    Silent,
    #[error("the connection failed: {0}")]
    Connection(io::Error),
    #[error("a frame of `{bytes}` bytes, where at most `{bytes_max}` fit")]
    Long { bytes: usize, bytes_max: usize },
    #[error("a frame that cannot be read: {0}")]
    Content(serde_json::Error),
}

/// What a reader allows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) bytes_max: usize,
    pub(crate) silence_max: Duration,
}

/// Reads one frame.
pub(crate) async fn read_frame<T: DeserializeOwned>(
    reader: &mut (impl AsyncRead + Unpin),
    bounds: Bounds,
) -> Result<T, FrameError> {
    let mut length = Vec::with_capacity(4);
    read_to(reader, &mut length, 4, bounds.silence_max).await?;
    let length: [u8; 4] = length.as_slice().try_into().expect("four bytes were read");
    let bytes = u32::from_be_bytes(length) as usize;
    if bytes > bounds.bytes_max {
        return Err(FrameError::Long { bytes, bytes_max: bounds.bytes_max });
    }
    let mut frame = Vec::new();
    let whole = read_to(reader, &mut frame, bytes, bounds.silence_max);
    timeout(FRAME_TIME_MAX, whole).await.map_err(|_| FrameError::Silent)??;
    serde_json::from_slice(&frame).map_err(FrameError::Content)
}

/// Reads until `into` has `bytes`.
async fn read_to(
    reader: &mut (impl AsyncRead + Unpin),
    into: &mut Vec<u8>,
    bytes: usize,
    silence_max: Duration,
) -> Result<(), FrameError> {
    while into.len() < bytes {
        let left = (bytes - into.len()) as u64;
        let mut chunk = (&mut *reader).take(left.min(CHUNK_BYTES));
        let read = timeout(silence_max, chunk.read_buf(into)).await.map_err(|_| FrameError::Silent)?;
        if read.map_err(of_io)? == 0 {
            return Err(FrameError::Closed);
        }
    }
    Ok(())
}

/// Writes one frame; nothing is written of one that is too long.
pub(crate) async fn write_frame(
    writer: &mut (impl AsyncWrite + Unpin),
    frame: &impl Serialize,
    bytes_max: usize,
) -> Result<(), FrameError> {
    let mut bytes = vec![0; 4];
    serde_json::to_writer(&mut bytes, frame).map_err(FrameError::Content)?;
    let length = bytes.len() - 4;
    let prefix = u32::try_from(length).ok().filter(|_| length <= bytes_max);
    let prefix = prefix.ok_or(FrameError::Long { bytes: length, bytes_max })?;
    bytes[..4].copy_from_slice(&prefix.to_be_bytes());
    for chunk in bytes.chunks(CHUNK_BYTES as usize) {
        let written = timeout(SILENCE_MAX, writer.write_all(chunk)).await;
        written.map_err(|_| FrameError::Silent)?.map_err(of_io)?;
    }
    timeout(SILENCE_MAX, writer.flush()).await.map_err(|_| FrameError::Silent)?.map_err(of_io)
}

/// A peer that was killed resets its connections or leaves them without TLS's farewell.
fn of_io(error: io::Error) -> FrameError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
            FrameError::Closed
        }
        _ => FrameError::Connection(error),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use tokio::io::{AsyncWriteExt, duplex};
    use tokio::runtime::Builder;

    use super::{Bounds, FrameError, ToCoordinator, ToWorker, WORD_BYTES_MAX, read_frame, write_frame};

    const BOUNDS: Bounds = Bounds { bytes_max: 4096, silence_max: Duration::from_secs(5) };

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300), sane: bool) {
            let mut bytes = bytes;
            if sane && bytes.len() >= 4 {
                let length = (bytes.len() - 4) as u32;
                bytes[..4].copy_from_slice(&length.to_be_bytes());
            }
            Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
                // Nobody waits here: what is there is all there is.
                let bounds = Bounds { silence_max: Duration::MAX, ..BOUNDS };
                let mut reader = bytes.as_slice();
                while read_frame::<ToWorker>(&mut reader, bounds).await.is_ok() {}
                let mut reader = bytes.as_slice();
                while read_frame::<ToCoordinator>(&mut reader, bounds).await.is_ok() {}
            });
        }
    }

    #[tokio::test]
    async fn silence_has_an_end() {
        let (mut near, mut far) = duplex(64);
        far.write_all(&[0, 0, 0, 9, b'"']).await.unwrap();
        let bounds = Bounds { silence_max: Duration::from_millis(20), ..BOUNDS };
        let read = read_frame::<ToWorker>(&mut near, bounds).await;
        assert!(matches!(&read, Err(FrameError::Silent)), "{:?}", read.err());
    }

    #[tokio::test]
    async fn bounds_hold_on_both_sides() {
        let mut long: &[u8] = &[0, 0, 0x10, 1];
        assert!(matches!(read_frame::<ToWorker>(&mut long, BOUNDS).await, Err(FrameError::Long { .. })));
        let frame = ToWorker::Hello { format: 1, token: "x".repeat(WORD_BYTES_MAX) };
        let mut written = Vec::new();
        let refused = write_frame(&mut written, &frame, WORD_BYTES_MAX).await;
        assert!(matches!(refused, Err(FrameError::Long { .. })) && written.is_empty());
    }

    #[tokio::test]
    async fn frames_come_as_they_went() {
        let mut written = Vec::new();
        write_frame(&mut written, &ToWorker::Start { in_ms: 7 }, WORD_BYTES_MAX).await.unwrap();
        write_frame(&mut written, &ToWorker::Stop, WORD_BYTES_MAX).await.unwrap();
        let mut reader = written.as_slice();
        let first = read_frame::<ToWorker>(&mut reader, BOUNDS).await.unwrap();
        let second = read_frame::<ToWorker>(&mut reader, BOUNDS).await.unwrap();
        assert!(matches!((first, second), (ToWorker::Start { in_ms: 7 }, ToWorker::Stop)));
        assert!(matches!(read_frame::<ToWorker>(&mut reader, BOUNDS).await, Err(FrameError::Closed)));
    }
}
