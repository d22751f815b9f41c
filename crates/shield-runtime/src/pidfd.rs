//! A pidfd that a task can wait on.
#![expect(unsafe_code, reason = "Tokio leaves the promise that a descriptor stays open to its caller")]

use std::{io, os::fd::OwnedFd};

use tokio::io::{Interest, unix::AsyncFd};

/// Becomes readable when the process has ended, reaped or not. Must be called inside a Tokio runtime.
pub(crate) fn awaitable(pidfd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an `OwnedFd` is open, always names the same descriptor and closes it only when dropped, and the `AsyncFd`
    // owns it from here on.
    Ok(unsafe { AsyncFd::register_with_interest(pidfd, Interest::READABLE) }?)
}
