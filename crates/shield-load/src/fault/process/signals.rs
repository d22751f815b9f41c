//! Signals to processes by identity.

use std::io;

use rustix::io::Errno;
use rustix::process::{Signal, pidfd_send_signal};

use crate::fault::process::identity::{ProcessIdentity, TargetError};

/// A signal was not delivered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SignalError {
    #[error("signal a process")]
    Target(#[source] TargetError),
    #[error("signal {process}")]
    Refused {
        process: ProcessIdentity,
        #[source]
        source: io::Error,
    },
}

/// Sends `signal` to this very process.
pub(crate) fn send(process: ProcessIdentity, signal: Signal) -> Result<(), SignalError> {
    let pidfd = process.open().map_err(SignalError::Target)?;
    pidfd_send_signal(&pidfd, signal).map_err(|error| match error {
        Errno::SRCH => SignalError::Target(TargetError::Gone { process }),
        other => SignalError::Refused { process, source: other.into() },
    })
}

/// The same, content if the process has ended: then there is nothing to undo.
pub(crate) fn send_unless_gone(process: ProcessIdentity, signal: Signal) -> Result<(), SignalError> {
    match send(process, signal) {
        Err(SignalError::Target(TargetError::Gone { .. })) => Ok(()),
        other => other,
    }
}
