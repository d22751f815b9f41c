//! Where PostgreSQL is: `postgres://user:password@host:port,host:port/database?sslmode=verify-full`.
//!
//! As in libpq, with less: nothing in it is ignored, and nothing falls back to a connection that anybody can read. Without
//! `sslmode`, TLS is required and verified unless every host is this machine.

use std::{fmt, str::FromStr};

use shield_types::Secret;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use super::address_reader::read;

pub(super) const HOSTS_MAX: usize = 8;

/// Where the hosts of one cluster are, and as whom to log in. Never prints its password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostgresAddress {
    pub(super) hosts: Vec<PostgresHost>,
    pub(super) user: String,
    pub(super) password: Option<Secret<String>>,
    pub(super) database: String,
    pub(super) parameters: Vec<(Parameter, String)>,
}

/// One host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostgresHost {
    /// Name or address.
    pub name: String,
    /// Port.
    pub port: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parameter {
    SslMode,
    SslRootCertificate,
    SslCertificate,
    SslKey,
    ApplicationName,
}

/// What is wrong with an address; never empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("read the address of PostgreSQL: {}", told(mistakes))]
pub struct PostgresAddressError {
    /// Every mistake.
    pub mistakes: Vec<PostgresAddressMistake>,
}

/// One mistake. What may be a part of a password is not repeated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PostgresAddressMistake {
    /// Another scheme, or none.
    #[error("it does not begin with `postgres://`")]
    Scheme,
    /// The part before the path has no `@`, and a later one does.
    #[error("`/`, `@`, `?` and `%` in user name and password are written `%2F`, `%40`, `%3F` and `%25`")]
    Unescaped,
    /// Nobody to log in as.
    #[error("it names no user: `postgres://USER@…`")]
    User,
    /// An empty host.
    #[error("one of its hosts has no name")]
    Host,
    /// A port that is none.
    #[error("the port of host `{host}` is not a number from 1 to 65535")]
    Port {
        /// Which host.
        host: String,
    },
    /// The same host and port again.
    #[error("host `{host}` is named twice")]
    Twice {
        /// Which.
        host: String,
    },
    /// More hosts than anybody has.
    #[error("it names more than {HOSTS_MAX} hosts")]
    Hosts,
    /// No database.
    #[error("it names no database: `…/DATABASE`")]
    Database,
    /// A parameter that nobody would obey.
    #[error(
        "parameter `{name}` is not obeyed: known are sslmode, sslrootcert, sslcert, sslkey, application_name"
    )]
    Parameter {
        /// Which.
        name: String,
    },
    /// A value that its parameter does not have.
    #[error("parameter `{name}` has no such value: known are {known}")]
    Value {
        /// Which parameter.
        name: &'static str,
        /// What it can be.
        known: &'static str,
    },
    /// An escape that is none.
    #[error("its {part} is not percent-encoded UTF-8")]
    Encoding {
        /// Where.
        part: &'static str,
    },
}

fn told(mistakes: &[PostgresAddressMistake]) -> String {
    mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

// === impl PostgresAddress ===

impl PostgresAddress {
    /// The hosts, as they were given.
    pub fn hosts(&self) -> &[PostgresHost] {
        &self.hosts
    }

    /// How to connect to one of them.
    pub(super) fn options(&self, host: &PostgresHost) -> PgConnectOptions {
        let mut options = PgConnectOptions::new_without_pgpass()
            .host(&host.name)
            .port(host.port)
            .username(&self.user)
            .database(&self.database)
            .application_name("shield")
            .ssl_mode(self.default_ssl_mode());
        if let Some(password) = &self.password {
            options = options.password(password.expose());
        }
        for (parameter, value) in &self.parameters {
            options = match parameter {
                Parameter::SslMode => options.ssl_mode(ssl_mode(value).expect("checked when it was read")),
                Parameter::SslRootCertificate => options.ssl_root_cert(value),
                Parameter::SslCertificate => options.ssl_client_cert(value),
                Parameter::SslKey => options.ssl_client_key(value),
                Parameter::ApplicationName => options.application_name(value),
            };
        }
        options
    }

    fn default_ssl_mode(&self) -> PgSslMode {
        let here = |host: &PostgresHost| matches!(host.name.as_str(), "localhost" | "127.0.0.1" | "::1");
        if self.hosts.iter().all(here) { PgSslMode::Disable } else { PgSslMode::VerifyFull }
    }
}

impl FromStr for PostgresAddress {
    type Err = PostgresAddressError;

    fn from_str(text: &str) -> Result<Self, PostgresAddressError> {
        read(text).map_err(|mistakes| PostgresAddressError { mistakes })
    }
}

impl fmt::Display for PostgresAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts: Vec<String> = self.hosts.iter().map(ToString::to_string).collect();
        write!(formatter, "postgres://{}@{}/{}", self.user, hosts.join(","), self.database)
    }
}

impl fmt::Display for PostgresHost {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name.contains(':') {
            true => write!(formatter, "[{}]:{}", self.name, self.port),
            false => write!(formatter, "{}:{}", self.name, self.port),
        }
    }
}

// === impl Parameter ===

impl Parameter {
    pub(super) fn of(name: &str) -> Option<Self> {
        Some(match name {
            "sslmode" => Self::SslMode,
            "sslrootcert" => Self::SslRootCertificate,
            "sslcert" => Self::SslCertificate,
            "sslkey" => Self::SslKey,
            "application_name" => Self::ApplicationName,
            _ => return None,
        })
    }
}

/// Those that do what they say: `allow` and `prefer` give in to whoever is between.
pub(super) fn ssl_mode(text: &str) -> Option<PgSslMode> {
    matches!(text, "disable" | "require" | "verify-ca" | "verify-full").then(|| text.parse().ok())?
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a panic is a test's failure")]
#[path = "address_tests.rs"]
mod tests;
