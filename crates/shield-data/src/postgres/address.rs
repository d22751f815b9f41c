//! Where PostgreSQL is: `postgres://user:password@host:port,host:port/database?sslmode=verify-full`.
//!
//! As in libpq, with less: nothing in it is ignored, and nothing falls back to a connection that anybody can read. Without
//! `sslmode`, TLS is required and verified unless every host is this machine.

use std::{fmt, str::FromStr};

use shield_types::Secret;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

const SCHEMES: [&str; 2] = ["postgres://", "postgresql://"];
const PORT: u16 = 5432;
const HOSTS_MAX: usize = 8;

/// Where the hosts of one cluster are, and as whom to log in. Never prints its password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostgresAddress {
    hosts: Vec<PostgresHost>,
    user: String,
    password: Option<Secret<String>>,
    database: String,
    parameters: Vec<(Parameter, String)>,
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
enum Parameter {
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

/// What reading found so far.
struct Reader {
    mistakes: Vec<PostgresAddressMistake>,
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
        let mut reader = Reader { mistakes: Vec::new() };
        let address = reader.address(text);
        match address {
            Some(address) if reader.mistakes.is_empty() => Ok(address),
            _ => Err(PostgresAddressError { mistakes: reader.mistakes }),
        }
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

// === impl Reader ===

impl Reader {
    fn address(&mut self, text: &str) -> Option<PostgresAddress> {
        let Some(rest) = SCHEMES.iter().find_map(|scheme| text.strip_prefix(scheme)) else {
            return self.refuse(PostgresAddressMistake::Scheme);
        };
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let Some((login, hosts)) = authority.rsplit_once('@') else {
            let missing = match rest.contains('@') {
                true => PostgresAddressMistake::Unescaped,
                false => PostgresAddressMistake::User,
            };
            return self.refuse(missing);
        };
        let (user, password) = match login.split_once(':') {
            Some((user, password)) => (user, Some(password)),
            None => (login, None),
        };
        let user = self.decoded(user, "user name");
        if user.as_deref() == Some("") {
            self.mistakes.push(PostgresAddressMistake::User);
        }
        let password = password.map(|password| self.decoded(password, "password"));
        let hosts = self.hosts(hosts);
        let database = self.decoded(path, "database");
        if database.as_deref() == Some("") {
            self.mistakes.push(PostgresAddressMistake::Database);
        }
        let parameters = self.parameters(query);
        let password = password.map(Option::unwrap_or_default).map(Secret::new);
        Some(PostgresAddress { hosts, user: user?, password, database: database?, parameters })
    }

    fn hosts(&mut self, text: &str) -> Vec<PostgresHost> {
        let mut hosts: Vec<PostgresHost> = Vec::new();
        for part in text.split(',') {
            let Some(host) = self.host(part) else { continue };
            match hosts.contains(&host) {
                true => self.mistakes.push(PostgresAddressMistake::Twice { host: host.to_string() }),
                false => hosts.push(host),
            }
        }
        if hosts.len() > HOSTS_MAX {
            self.mistakes.push(PostgresAddressMistake::Hosts);
        }
        hosts
    }

    fn host(&mut self, text: &str) -> Option<PostgresHost> {
        let (name, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((name, "")) => (name, None),
            Some((name, rest)) => (name, Some(rest.strip_prefix(':').unwrap_or(""))),
            None => match text.split_once(':') {
                Some((name, port)) => (name, Some(port)),
                None => (text, None),
            },
        };
        if name.is_empty() {
            return self.refuse(PostgresAddressMistake::Host);
        }
        let port = port.map_or(Some(PORT), |port| port.parse().ok().filter(|port| *port > 0));
        match port {
            Some(port) => Some(PostgresHost { name: name.to_owned(), port }),
            None => self.refuse(PostgresAddressMistake::Port { host: name.to_owned() }),
        }
    }

    fn parameters(&mut self, query: &str) -> Vec<(Parameter, String)> {
        let mut parameters = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let Some(parameter) = Parameter::of(name) else {
                self.mistakes.push(PostgresAddressMistake::Parameter { name: name.to_owned() });
                continue;
            };
            let Some(value) = self.decoded(value, "parameters") else { continue };
            if parameter == Parameter::SslMode && ssl_mode(&value).is_none() {
                let known = "disable, require, verify-ca, verify-full";
                self.mistakes.push(PostgresAddressMistake::Value { name: "sslmode", known });
                continue;
            }
            parameters.push((parameter, value));
        }
        parameters
    }

    fn decoded(&mut self, text: &str, part: &'static str) -> Option<String> {
        match percent_decoded(text) {
            Some(decoded) => Some(decoded),
            None => self.refuse(PostgresAddressMistake::Encoding { part }),
        }
    }

    fn refuse<T>(&mut self, mistake: PostgresAddressMistake) -> Option<T> {
        self.mistakes.push(mistake);
        None
    }
}

// === impl Parameter ===

impl Parameter {
    fn of(name: &str) -> Option<Self> {
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
fn ssl_mode(text: &str) -> Option<PgSslMode> {
    matches!(text, "disable" | "require" | "verify-ca" | "verify-full").then(|| text.parse().ok())?
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = match (first, tail) {
            (b'%', [high, low, tail @ ..]) => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16);
                let value = digit(high)? * 16 + digit(low)?;
                bytes.push(u8::try_from(value).ok()?);
                tail
            }
            (b'%', _) => return None,
            (byte, tail) => {
                bytes.push(*byte);
                tail
            }
        };
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
#[path = "address_tests.rs"]
mod tests;
