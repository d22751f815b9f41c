//! Credentials in text: in a tree, and in everything that was ever committed.

/// What the ids of its rules begin with.
pub const AREA: &str = "secret/";

mod assignment;
mod checksum;
mod credential_url;
mod header;
mod history;
mod jwt;
mod look;
mod page;
mod private_key;
mod providers;
mod redaction;
mod rules;
mod scanner;
mod secret;
mod shape;
mod text;

pub use history::{
    HistoricSecret, History, HistoryError, HistoryProgress, Origin, UnreadHistory, UnreadReason, scan_history,
};
pub use redaction::{Identity, Redacted};
pub use rules::rules;
pub use scanner::Scanner;
pub use secret::Secret;

/// Whether a text may be a password, and whether a generator made it.
pub(crate) fn looks_like_password(text: &str) -> Option<bool> {
    match look::look(text.as_bytes()) {
        look::Look::Random => Some(true),
        look::Look::Chosen => Some(false),
        look::Look::Uuid | look::Look::Harmless => None,
    }
}
