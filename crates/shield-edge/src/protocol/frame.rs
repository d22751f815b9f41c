//! Frames on a Unix socket: four bytes of length, big-endian, then JSON; descriptors ride on the first byte.
//!
//! Every read goes through `recvmsg`, or descriptors would be lost; they are closed on exec from the first moment. A
//! frame, the number of descriptors and the wait for the rest of a begun frame are bounded. The two sides take turns, so
//! the descriptors that came with a frame's bytes are that frame's.

use std::{
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    time::Duration,
};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};
use serde::{Serialize, de::DeserializeOwned};
use tokio::{io::Interest, net::UnixStream, time::timeout};

/// Largest frame, in bytes.
const FRAME_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Most descriptors with one frame.
pub(crate) const DESCRIPTORS_MAX: usize = 16;
/// From the first byte of a frame to its last.
const FRAME_DEADLINE: Duration = Duration::from_secs(10);
const LENGTH_BYTES: usize = 4;

/// A frame that did not cross.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The socket failed.
    #[error("use the control socket")]
    Socket(#[source] io::Error),
    /// The other side closed in the middle of a frame.
    #[error("read a whole frame: the other side closed the control socket")]
    Closed,
    /// The length breaks the bound.
    #[error("pass a frame of {bytes} bytes: at most {FRAME_BYTES_MAX} are allowed")]
    TooLarge {
        /// Announced length.
        bytes: usize,
    },
    /// More descriptors than allowed.
    #[error("pass {count} descriptors: at most {DESCRIPTORS_MAX} are allowed")]
    TooManyDescriptors {
        /// How many.
        count: usize,
    },
    /// The frame did not complete in time.
    #[error("pass a whole frame within {FRAME_DEADLINE:?}")]
    Late,
    /// The frame is not the JSON that was expected.
    #[error("read a frame as a message")]
    Json(#[source] serde_json::Error),
}

/// One end of a control connection.
#[derive(Debug)]
pub(crate) struct FrameStream {
    stream: UnixStream,
}

// === impl FrameStream ===

impl FrameStream {
    pub(crate) fn new(stream: UnixStream) -> Self {
        Self { stream }
    }

    pub(crate) async fn send(
        &self,
        message: &(impl Serialize + Sync),
        descriptors: &[BorrowedFd<'_>],
    ) -> Result<(), FrameError> {
        if descriptors.len() > DESCRIPTORS_MAX {
            return Err(FrameError::TooManyDescriptors { count: descriptors.len() });
        }
        let mut frame = vec![0; LENGTH_BYTES];
        serde_json::to_writer(&mut frame, message).map_err(FrameError::Json)?;
        let bytes = frame.len() - LENGTH_BYTES;
        let length = u32::try_from(bytes).ok().filter(|_| bytes <= FRAME_BYTES_MAX);
        let length = length.ok_or(FrameError::TooLarge { bytes })?;
        frame[..LENGTH_BYTES].copy_from_slice(&length.to_be_bytes());
        let sending = async {
            let mut sent = 0;
            while sent < frame.len() {
                let with = if sent == 0 { descriptors } else { &[] };
                let write = || send_some(self.stream.as_fd(), &frame[sent..], with);
                sent += self.stream.async_io(Interest::WRITABLE, write).await.map_err(FrameError::Socket)?;
            }
            Ok(())
        };
        timeout(FRAME_DEADLINE, sending).await.unwrap_or(Err(FrameError::Late))
    }

    /// The next message and its descriptors; `None` when the other side closed between frames. Waiting for the first
    /// byte has no bound here; the caller has one, or is content to wait.
    pub(crate) async fn receive<M: DeserializeOwned>(&self) -> Result<Option<(M, Vec<OwnedFd>)>, FrameError> {
        let mut descriptors = Vec::new();
        let mut length = [0; LENGTH_BYTES];
        let first = self.read(&mut length, &mut descriptors).await?;
        if first == 0 {
            return Ok(None);
        }
        let rest = async {
            self.read_exact(&mut length[first..], &mut descriptors).await?;
            let bytes = u32::from_be_bytes(length) as usize;
            if bytes > FRAME_BYTES_MAX {
                return Err(FrameError::TooLarge { bytes });
            }
            let mut body = vec![0; bytes];
            self.read_exact(&mut body, &mut descriptors).await?;
            serde_json::from_slice(&body).map_err(FrameError::Json)
        };
        let message = timeout(FRAME_DEADLINE, rest).await.unwrap_or(Err(FrameError::Late))?;
        Ok(Some((message, descriptors)))
    }

    async fn read_exact(
        &self,
        mut buffer: &mut [u8],
        descriptors: &mut Vec<OwnedFd>,
    ) -> Result<(), FrameError> {
        while !buffer.is_empty() {
            let read = self.read(buffer, descriptors).await?;
            if read == 0 {
                return Err(FrameError::Closed);
            }
            buffer = &mut buffer[read..];
        }
        Ok(())
    }

    async fn read(&self, buffer: &mut [u8], descriptors: &mut Vec<OwnedFd>) -> Result<usize, FrameError> {
        let read = || receive_some(self.stream.as_fd(), buffer, descriptors);
        let read = self.stream.async_io(Interest::READABLE, read).await.map_err(FrameError::Socket)?;
        if descriptors.len() > DESCRIPTORS_MAX {
            return Err(FrameError::TooManyDescriptors { count: descriptors.len() });
        }
        Ok(read)
    }
}

fn send_some(socket: BorrowedFd<'_>, bytes: &[u8], descriptors: &[BorrowedFd<'_>]) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    Ok(sendmsg(socket, &[IoSlice::new(bytes)], &mut control, SendFlags::NOSIGNAL)?)
}

fn receive_some(
    socket: BorrowedFd<'_>,
    buffer: &mut [u8],
    descriptors: &mut Vec<OwnedFd>,
) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received = recvmsg(socket, &mut [IoSliceMut::new(buffer)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            descriptors.extend(rights);
        }
    }
    Ok(received.bytes)
}
