//! Where Redis is, as a URL.

use std::{fmt, str::FromStr};

use shield_types::Secret;

/// What a URL of Redis may be, for messages.
pub const REDIS_ACCEPTED: &str = "`redis://host:port/database`, `redis+sentinel://host:port,host:port,…/master` \
or `redis+cluster://host:port,host:port,…`, with `user:password@` before the hosts where Redis asks for one";

const PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26_379;
/// Hosts of one URL.
const HOSTS_MAX: usize = 16;
/// Databases that a server has unless it is told otherwise.
const DATABASE_MAX: u8 = 15;

/// Where Redis is, and how it lets us in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisSettings {
    /// Which servers.
    pub topology: RedisTopology,
    /// The name of an ACL user; the default one if it is none.
    pub user: Option<String>,
    /// Its password, for the Redis servers (Sentinels are asked without one).
    pub password: Option<Secret<String>>,
    /// The number of the database: 0 to 15, and 0 in a cluster.
    pub database: u8,
}

/// Which servers there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedisTopology {
    /// One.
    Single(ServerAddress),
    /// A master and its copies, watched by Sentinels.
    Sentinel {
        /// All Sentinels: more than half of them decide.
        sentinels: Vec<ServerAddress>,
        /// What they call the master.
        master: String,
    },
    /// A cluster.
    Cluster {
        /// Some of its nodes; they know the others.
        seeds: Vec<ServerAddress>,
    },
}

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServerAddress {
    /// A name or an address, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// Why a text is no URL of Redis. Never says a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseRedisSettingsError {
    /// None of the schemes.
    #[error("read the scheme `{scheme}`: expected `redis`, `redis+sentinel` or `redis+cluster`")]
    Scheme {
        /// What is there.
        scheme: String,
    },
    /// User or password.
    #[error("read user and password: expected `user:password@`, with `%` only before two hexadecimal digits")]
    Credentials,
    /// No host, or more than can be asked.
    #[error("read `{hosts}` hosts: expected {expected}")]
    Hosts {
        /// How many there are.
        hosts: usize,
        /// What this scheme takes.
        expected: &'static str,
    },
    /// Not a host and a port.
    #[error("read the host `{host}`: expected a name or an address, and after `:` a port from 1 to 65535")]
    Host {
        /// What is there.
        host: String,
    },
    /// Sentinel without a master.
    #[error("read the path `{path}`: expected the master's name, and perhaps the number of a database")]
    Master {
        /// What is there.
        path: String,
    },
    /// Not a database.
    #[error("read the database `{database}`: expected {expected}")]
    Database {
        /// What is there.
        database: String,
        /// What this scheme takes.
        expected: &'static str,
    },
    /// Something after `?` or `#`.
    #[error("read `{rest}`: expected nothing after the path")]
    Rest {
        /// What is there.
        rest: String,
    },
}

// === impl RedisSettings ===

impl FromStr for RedisSettings {
    type Err = ParseRedisSettingsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (scheme, rest) = text.split_once("://").unwrap_or((text.split(':').next().unwrap_or(""), ""));
        let (credentials, rest) = match rest.rsplit_once('@') {
            Some((credentials, rest)) => (Some(credentials), rest),
            None => (None, rest),
        };
        if let Some(at) = rest.find(['?', '#']) {
            return Err(ParseRedisSettingsError::Rest { rest: rest[at..].to_owned() });
        }
        let (hosts, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (topology, database) = match scheme {
            "redis" => (RedisTopology::Single(one(hosts)?), database(path)?),
            "redis+sentinel" => {
                let (master, number) = path.split_once('/').unwrap_or((path, ""));
                let named = !master.is_empty() && !master.contains(char::is_whitespace);
                if !named {
                    return Err(ParseRedisSettingsError::Master { path: path.to_owned() });
                }
                let sentinels = several(hosts, SENTINEL_PORT)?;
                (RedisTopology::Sentinel { sentinels, master: master.to_owned() }, database(number)?)
            }
            "redis+cluster" => {
                if !path.is_empty() && path != "0" {
                    let expected = "none: a cluster has one";
                    return Err(ParseRedisSettingsError::Database { database: path.to_owned(), expected });
                }
                (RedisTopology::Cluster { seeds: several(hosts, PORT)? }, 0)
            }
            scheme => return Err(ParseRedisSettingsError::Scheme { scheme: scheme.to_owned() }),
        };
        let (user, password) = credentials.map(read_credentials).transpose()?.unwrap_or_default();
        Ok(Self { topology, user, password, database })
    }
}

fn one(hosts: &str) -> Result<ServerAddress, ParseRedisSettingsError> {
    let mut addresses = several(hosts, PORT)?;
    match addresses.len() {
        1 => Ok(addresses.remove(0)),
        hosts => Err(ParseRedisSettingsError::Hosts { hosts, expected: "one" }),
    }
}

fn several(hosts: &str, port: u16) -> Result<Vec<ServerAddress>, ParseRedisSettingsError> {
    let count = hosts.split(',').filter(|host| !host.is_empty()).count();
    if !(1..=HOSTS_MAX).contains(&count) {
        return Err(ParseRedisSettingsError::Hosts { hosts: count, expected: "1 to 16" });
    }
    hosts.split(',').map(|host| ServerAddress::parse(host, port)).collect()
}

fn database(text: &str) -> Result<u8, ParseRedisSettingsError> {
    let number = if text.is_empty() { Some(0) } else { text.parse().ok() };
    number.filter(|number| *number <= DATABASE_MAX).ok_or_else(|| ParseRedisSettingsError::Database {
        database: text.to_owned(),
        expected: "a number from 0 to 15",
    })
}

/// `user:password`, `:password`, or a user alone, which Redis cannot let in.
fn read_credentials(text: &str) -> Result<(Option<String>, Option<Secret<String>>), ParseRedisSettingsError> {
    let (user, password) = text.split_once(':').ok_or(ParseRedisSettingsError::Credentials)?;
    let password = Some(decoded(password)?).filter(|password| !password.is_empty());
    let password = password.ok_or(ParseRedisSettingsError::Credentials)?;
    let user = Some(decoded(user)?).filter(|user| !user.is_empty());
    Ok((user, Some(Secret::new(password))))
}

/// Without its percent escapes.
fn decoded(text: &str) -> Result<String, ParseRedisSettingsError> {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let digits = part.get(..2).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(byte.ok_or(ParseRedisSettingsError::Credentials)?);
        bytes.extend_from_slice(&part.as_bytes()[2..]);
    }
    String::from_utf8(bytes).map_err(|_| ParseRedisSettingsError::Credentials)
}

// === impl ServerAddress ===

impl ServerAddress {
    fn parse(text: &str, port: u16) -> Result<Self, ParseRedisSettingsError> {
        let wrong = || ParseRedisSettingsError::Host { host: text.to_owned() };
        let (host, after) = match text.strip_prefix('[') {
            Some(rest) => rest.split_once(']').ok_or_else(wrong)?,
            None => text.split_at(text.find(':').unwrap_or(text.len())),
        };
        let port = match after.strip_prefix(':') {
            Some(number) => number.parse().ok().filter(|port| *port != 0).ok_or_else(wrong)?,
            None if after.is_empty() => port,
            None => return Err(wrong()),
        };
        let letter = |letter: char| letter.is_ascii_alphanumeric() || ".-_:".contains(letter);
        match !host.is_empty() && host.chars().all(letter) {
            true => Ok(Self { host: host.to_owned(), port }),
            false => Err(wrong()),
        }
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(formatter, "[{}]:{}", self.host, self.port),
            false => write!(formatter, "{}:{}", self.host, self.port),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a panic is a test's failure")]
mod tests {
    use super::{ParseRedisSettingsError, RedisSettings, RedisTopology, ServerAddress};

    fn address(host: &str, port: u16) -> ServerAddress {
        ServerAddress { host: host.to_owned(), port }
    }

    #[test]
    fn three_kinds_are_read() {
        let single: RedisSettings = "redis://127.0.0.1:7000/3".parse().unwrap();
        assert_eq!(single.topology, RedisTopology::Single(address("127.0.0.1", 7000)));
        assert_eq!((single.database, single.user, single.password), (3, None, None));
        let sentinel: RedisSettings =
            "redis+sentinel://app:p%40ss:w@one,two:5,[::1]:6/main/2".parse().unwrap();
        let sentinels = vec![address("one", 26_379), address("two", 5), address("::1", 6)];
        assert_eq!(sentinel.topology, RedisTopology::Sentinel { sentinels, master: "main".to_owned() });
        assert_eq!((sentinel.database, sentinel.user.as_deref()), (2, Some("app")));
        assert_eq!(sentinel.password.unwrap().expose(), "p@ss:w");
        let cluster: RedisSettings = "redis+cluster://:secret@a:1,b:2".parse().unwrap();
        assert_eq!(
            cluster.topology,
            RedisTopology::Cluster { seeds: vec![address("a", 1), address("b", 2)] }
        );
        assert_eq!((cluster.user, cluster.password.unwrap().expose().as_str()), (None, "secret"));
        assert_eq!("redis://h".parse::<RedisSettings>().unwrap().database, 0);
    }

    #[test]
    fn mistakes_are_named_without_passwords() {
        let cases = [
            ("rediss://h", "read the scheme `rediss`"),
            ("h:6379", "read the scheme `h`"),
            ("redis://", "read `0` hosts: expected 1 to 16"),
            ("redis://a,b", "read `2` hosts: expected one"),
            ("redis://h:0", "read the host `h:0`"),
            ("redis://h:70000", "read the host `h:70000`"),
            ("redis://h h", "read the host `h h`"),
            ("redis://[::1", "read the host `[::1`"),
            ("redis://h/16", "read the database `16`"),
            ("redis://h/x", "read the database `x`"),
            ("redis://h/0?a=b", "read `?a=b`"),
            ("redis://hunter2@h", "read user and password"),
            ("redis://u:hunter2%4@h", "read user and password"),
            ("redis://u:@h", "read user and password"),
            ("redis+sentinel://h", "read the path ``"),
            ("redis+sentinel://a,,b/main", "read the host ``"),
            ("redis+cluster://h/1", "read the database `1`"),
        ];
        for (text, expected) in cases {
            let error: ParseRedisSettingsError = text.parse::<RedisSettings>().unwrap_err();
            let told = error.to_string();
            assert!(told.starts_with(expected) && !told.contains("hunter2"), "{text}: {told}");
        }
    }
}
