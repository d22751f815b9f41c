//! Lock files: one control plane per state directory, one pipeline per project. The kernel frees a lock when its holder dies.

use std::{
    fs::{File, OpenOptions},
    io::{Read, Seek, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    thread,
    time::Duration,
};

use rustix::fs::{FlockOperation, flock};

use crate::durable::{StateFileError, failed};

/// [`holder`] holds a lock for an instant when nobody else does: whoever takes it tries so often, so far apart.
const ATTEMPTS: u32 = 10;
const PAUSE: Duration = Duration::from_millis(5);

/// A lock could not be taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TakeLockError {
    #[error("take the lock: {holder} holds it")]
    Held { holder: String },
    #[error("take the lock")]
    File {
        #[source]
        source: StateFileError,
    },
}

/// Takes the lock at `path` in the name of `holder`; held until the value is dropped.
pub(crate) fn take(path: &Path, holder: &str) -> Result<File, TakeLockError> {
    let file = |source| TakeLockError::File { source };
    let options =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path);
    let mut lock = options.map_err(failed("open", path)).map_err(file)?;
    let mut attempts = (1..ATTEMPTS).map(|_| thread::sleep(PAUSE));
    while flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
        if attempts.next().is_none() {
            return Err(TakeLockError::Held { holder: name(&mut lock) });
        }
    }
    lock.set_len(0)
        .and_then(|()| lock.rewind())
        .and_then(|()| lock.write_all(holder.as_bytes()))
        .map_err(failed("write", path))
        .map_err(file)?;
    Ok(lock)
}

/// Who holds the lock at `path`; `None` when nobody does.
pub(crate) fn holder(path: &Path) -> Option<String> {
    let mut lock = File::open(path).ok()?;
    match flock(&lock, FlockOperation::NonBlockingLockShared) {
        Ok(()) => None,
        Err(_) => Some(name(&mut lock)),
    }
}

/// The name is only for messages.
fn name(lock: &mut File) -> String {
    let mut holder = String::new();
    match lock.read_to_string(&mut holder) {
        Ok(length) if length > 0 => holder,
        _ => "somebody whose name is not yet written".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn second_taker_learns_the_holder() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.lock");
        assert_eq!(holder(&path), None);
        let held = take(&path, "ada (process 7)").unwrap();
        let error = take(&path, "bob (process 8)").unwrap_err();
        assert!(error.to_string().contains("ada (process 7)"), "{error}");
        assert_eq!(holder(&path).as_deref(), Some("ada (process 7)"));
        drop(held);
        assert_eq!(holder(&path), None);
        take(&path, "bob (process 8)").unwrap();
    }
}
