//! Reading the address of PostgreSQL, to its end whatever is wrong with it: all mistakes are told at once.

use shield_types::Secret;

use super::address::{HOSTS_MAX, Parameter, PostgresAddress, PostgresAddressMistake, PostgresHost, ssl_mode};

const SCHEMES: [&str; 2] = ["postgres://", "postgresql://"];
const PORT: u16 = 5432;

/// What reading found so far.
struct Reader {
    mistakes: Vec<PostgresAddressMistake>,
}

/// # Errors
/// Every mistake; at least one.
pub(super) fn read(text: &str) -> Result<PostgresAddress, Vec<PostgresAddressMistake>> {
    let mut reader = Reader { mistakes: Vec::new() };
    match reader.address(text) {
        Some(address) if reader.mistakes.is_empty() => Ok(address),
        _ => Err(reader.mistakes),
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
