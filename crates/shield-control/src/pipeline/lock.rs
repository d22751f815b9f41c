//! One pipeline per project at a time. The kernel frees the lock when the holder dies.

use std::{
    fs::{File, OpenOptions},
    io::{Read, Seek, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use rustix::fs::{FlockOperation, flock};

use crate::durable::{StateFileError, failed};

/// The pipeline cannot have the project to itself.
#[derive(Debug, thiserror::Error)]
pub enum ShipLockError {
    /// Another pipeline runs.
    #[error("start the pipeline: {holder} is shipping this project")]
    Held {
        /// Who.
        holder: String,
    },
    /// The lock file cannot be used.
    #[error("start the pipeline")]
    File {
        /// Why.
        #[source]
        source: StateFileError,
    },
}

/// Takes the lock for `holder`; held until the value is dropped.
pub(super) fn take(path: &Path, holder: &str) -> Result<File, ShipLockError> {
    let file = |source| ShipLockError::File { source };
    let options =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path);
    let mut lock = options.map_err(failed("open", path)).map_err(file)?;
    if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
        let mut holder = String::new();
        // The name is only for the message.
        let _ = lock.read_to_string(&mut holder);
        return Err(ShipLockError::Held { holder });
    }
    lock.set_len(0)
        .and_then(|()| lock.rewind())
        .and_then(|()| lock.write_all(holder.as_bytes()))
        .map_err(failed("write", path))
        .map_err(file)?;
    Ok(lock)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn second_pipeline_learns_the_holder() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ship.lock");
        let held = take(&path, "ada (process 7)").unwrap();
        let error = take(&path, "bob (process 8)").unwrap_err();
        assert!(error.to_string().contains("ada (process 7)"), "{error}");
        drop(held);
        take(&path, "bob (process 8)").unwrap();
    }
}
