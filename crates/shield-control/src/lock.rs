//! Locks: one control plane per state directory, one pipeline per project. The kernel frees a lock when its holder dies.

use std::{
    fs::{self, File},
    path::PathBuf,
    thread,
    time::Duration,
};

use rustix::fs::{FlockOperation, flock};

use crate::durable::{StateFileError, failed, write_atomically};

/// [`LockPlace::holder`] holds a lock for an instant when nobody else does: whoever takes it tries so often, so far apart.
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

/// A lock: on a directory, which nobody cleans away by accident while it is in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LockPlace {
    /// What is locked.
    pub(crate) directory: PathBuf,
    /// Where the holder writes its name, for messages.
    pub(crate) name: PathBuf,
}

// === impl LockPlace ===

impl LockPlace {
    /// Takes the lock in the name of `holder`; held until the value is dropped.
    pub(crate) fn take(&self, holder: &str) -> Result<File, TakeLockError> {
        let file = |source| TakeLockError::File { source };
        let lock = File::open(&self.directory).map_err(failed("open", &self.directory)).map_err(file)?;
        let mut attempts = (1..ATTEMPTS).map(|_| thread::sleep(PAUSE));
        while flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
            if attempts.next().is_none() {
                return Err(TakeLockError::Held { holder: self.holder_name() });
            }
        }
        if let Err(error) = write_atomically(&self.name, holder.as_bytes()) {
            // A full disk must not keep a control plane from starting.
            tracing::warn!(%error, "the holder of a lock is not written down");
        }
        Ok(lock)
    }

    /// Who holds it; `None` when nobody does.
    pub(crate) fn holder(&self) -> Option<String> {
        let lock = File::open(&self.directory).ok()?;
        match flock(&lock, FlockOperation::NonBlockingLockShared) {
            Ok(()) => None,
            Err(_) => Some(self.holder_name()),
        }
    }

    fn holder_name(&self) -> String {
        let name = fs::read_to_string(&self.name).unwrap_or_default();
        if name.is_empty() { "somebody whose name is not known".to_owned() } else { name }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn second_taker_learns_the_holder() {
        let directory = tempfile::tempdir().unwrap();
        let place =
            LockPlace { directory: directory.path().to_owned(), name: directory.path().join("a.lock") };
        assert_eq!(place.holder(), None);
        let held = place.take("ada (process 7)").unwrap();
        let error = place.take("bob (process 8)").unwrap_err();
        assert!(error.to_string().contains("ada (process 7)"), "{error}");
        assert_eq!(place.holder().as_deref(), Some("ada (process 7)"));
        fs::remove_file(&place.name).unwrap();
        assert!(place.take("bob (process 8)").is_err() && place.holder().is_some());
        drop(held);
        assert_eq!(place.holder(), None);
        place.take("bob (process 8)").unwrap();
    }
}
