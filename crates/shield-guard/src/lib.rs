//! Security components for HTTP backends: what a request may do, decided from data.
//!
//! Every decision is a plain function of its arguments: the clock, random bytes and stored records come in, a decision
//! goes out. What must be remembered lies behind traits that `shield-data` implements. On a hit no function here waits,
//! allocates or asks anybody.
//!
//! **Invariant.** Nothing fails open: what cannot be decided is refused, with a reason that its caller can tell apart
//! from a refusal on the merits (ASVS 5.0, 16.5.3).
#![cfg_attr(test, expect(clippy::unwrap_used, reason = "a panic is a test's failure"))]

pub mod address;
pub mod api_key;
mod base64url;
pub mod chain;
pub mod csrf;
pub mod event;
pub mod headers;
mod id;
mod key_id;
pub mod limit;
pub mod one_time;
pub mod password;
pub mod revocation;
mod scope;
pub mod session;
mod store_error;
mod table;
pub mod token;
pub mod totp;
pub mod webhook;

pub use id::{AccountId, ApiKeyId, ParseIdError, SessionId, TokenId};
pub use key_id::{KeyId, ParseKeyIdError};
pub use scope::{ParseScopeError, SCOPE_NAME_BYTES_MAX, SCOPES_MAX, ScopeSet, ScopeTable, ScopeTableError};
pub use store_error::StoreError;
