//! The Ed25519 key of a log: signing half, public half, and their files.

mod files;
mod public;
mod signing;

pub(crate) use files::open_or_create_locked;
pub use files::{OpenKeyError, ReadPublicKeyError};
pub use public::{KeyId, ParseKeyIdError, ParsePublicKeyError, PublicKey};
pub use signing::{GenerateKeyError, SigningKey};
