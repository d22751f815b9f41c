//! Secrets of the installation: the master key in a file, everything else derived from it or sealed under it.

mod keeper;
mod looks;
mod master;
mod random;
mod signing;

pub use keeper::KeyKeeper;
pub use master::{KeyPurpose, MASTER_KEY_FILE, MasterKey, MasterKeyError};
pub use random::{random_bytes, system_random};
pub use signing::{ChangeKeysError, IssueAccessError, IssuerSettings, OpenKeysError, SigningKeys};
