//! What is granted and taken back: sessions, API keys, and the log of what was taken back.

mod api_keys;
mod revocations;
mod sessions;

pub use api_keys::SqlApiKeys;
pub use revocations::SqlRevocations;
pub(crate) use revocations::append;
pub use sessions::{BegunSession, SqlSessions};
