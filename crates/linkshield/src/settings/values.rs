//! The settings once they are accepted.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use lettre::message::Mailbox;

use crate::{gate::GateSettings, mail::MailDestination, store::StorePlace};

/// The settings, checked; nothing in here means "default" any more.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where to listen.
    pub address: SocketAddr,
    /// Directory of the database's file, keys, letters and events.
    pub data: PathBuf,
    /// Where the database is.
    pub database: StorePlace,
    /// Where this runs.
    pub environment: Environment,
    /// How long requests may finish after the first signal.
    pub drain_timeout: Duration,
    /// How long one request may take.
    pub request_timeout: Duration,
    /// Connections served at a time.
    pub connections_max: usize,
    /// How long checks are kept.
    pub retention: Duration,
    /// How many checks are kept.
    pub checks_max: u32,
    /// File of the master key.
    pub master_key: PathBuf,
    /// The claim `iss` of tokens: the public URL, or `linkshield` where none is set.
    pub issuer: String,
    /// File of breached passwords that nobody may set; none where the operator has no list.
    pub breached_passwords: Option<PathBuf>,
    /// Where mail goes.
    pub mail: MailDestination,
    /// Sender of mail.
    pub mail_from: Mailbox,
    /// Who is let in, and how often.
    pub gate: GateSettings,
    /// What is logged, a filter that is known to parse.
    pub log: String,
}

/// Where the backend runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Environment {
    /// A developer's machine.
    Development,
    /// The last stop before production.
    Staging,
    /// Real clients.
    Production,
}

// === impl Environment ===

impl Environment {
    /// The name used on the command line and in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Staging => "staging",
            Self::Production => "production",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        [Self::Development, Self::Staging, Self::Production].into_iter().find(|known| known.as_str() == name)
    }
}
