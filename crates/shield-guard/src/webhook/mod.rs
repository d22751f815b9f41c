//! Webhooks that can be believed: signed, dated, and taken once. Compatible with Standard Webhooks 1.0.0.
//!
//! What is signed is `id.timestamp.body`, with HMAC-SHA256 (`v1`) or Ed25519 (`v1a`). A receiver trusts the keys it
//! was given, never one from the request; it refuses a message dated more than 300 s from its own clock; and it takes
//! an id once ([`ReplayWindow`]). Several signatures in one header let a sender change keys without an outage. An id
//! with a `.` in it is refused on both sides, since `a.1` + `2` and `a` + `1.2` would be the same signed text.
//!
//! **Deployment.** The signature is over the bytes of the body: verify before parsing, and never re-serialise. A
//! retry carries the same id: answer 2xx to [`ReplayRefusal::Seen`], and call [`ReplayWindow::forget`] when handling
//! failed and the sender should try again. The window is one process's memory: several instances that receive the
//! same hooks need a unique key on the id in the database they write to.

mod key;
mod replay;
mod sign;
mod signature;
mod verify;

pub use key::{ParseWebhookKeyError, SigningKey, VerifyingKey, new_hmac_secret};
pub use replay::{ReplayRefusal, ReplayWindow};
pub use sign::{OutgoingWebhook, SignWebhookError, SignedWebhook, sign_webhook};
pub use verify::{VerifiedWebhook, VerifierError, WebhookHeaders, WebhookRefusal, WebhookVerifier};

/// The header with the id of the message: the same in every retry.
pub const WEBHOOK_ID: &str = "webhook-id";
/// The header with the seconds since the epoch at which this attempt was made.
pub const WEBHOOK_TIMESTAMP: &str = "webhook-timestamp";
/// The header with the signatures, separated by spaces.
pub const WEBHOOK_SIGNATURE: &str = "webhook-signature";
/// How far a message's time may lie from the receiver's, in either direction.
pub const WEBHOOK_WINDOW_S: u64 = 300;
/// The largest body that is signed or verified.
pub const WEBHOOK_BODY_BYTES_MAX: usize = 1024 * 1024;
/// The longest id.
pub const WEBHOOK_ID_BYTES_MAX: usize = 128;
/// Keys that a sender signs with, or a receiver trusts, at a time.
pub const WEBHOOK_KEYS_MAX: usize = 4;

#[cfg(test)]
mod vectors;
