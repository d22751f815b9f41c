//! Every setting of `linkshield serve`: option, environment variable, default, what is accepted.
//!
//! An option beats its variable, which beats the default. Values are taken as text first, so that *all* mistakes are
//! reported at once, each with its key, the value and what would be accepted; nothing falls back silently. A variable
//! that starts with `LINKSHIELD_` but is none of these is a mistake too: a misspelt setting must not go unnoticed.

use std::{
    ffi::{OsStr, OsString},
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use lettre::message::Mailbox;
use shield_data::{PostgresAddressError, PostgresAddressMistake, REDIS_ACCEPTED, RedisSettings};
use shield_guard::{address::Network, csrf::Origins};
use thiserror::Error;
use tracing_subscriber::{EnvFilter, filter::LevelFilter};
use url::Url;

use crate::{
    gate::GateSettings,
    keys::MASTER_KEY_FILE,
    mail::{MAIL_ACCEPTED, MailDestination},
    store::StorePlace,
};

/// The claim `iss` where no public URL is set.
const ISSUER: &str = "linkshield";
/// Security events, in the data directory.
const EVENTS_FILE: &str = "security-events.jsonl";
/// Proxies that may be trusted.
const PROXIES_MAX: usize = 64;

/// The settings as text, from the command line and the environment.
#[derive(Debug, Clone, Args)]
pub struct RawSettings {
    /// Address to listen on: an IPv4 or IPv6 address.
    #[arg(long, env = "LINKSHIELD_ADDRESS", default_value = "127.0.0.1")]
    address: OsString,
    /// Port to listen on: 0 to 65535; 0 picks a free one and prints it.
    #[arg(long, env = "LINKSHIELD_PORT", default_value = "8080")]
    port: OsString,
    /// Directory of the database (`linkshield.db`); created when missing. Two processes may share it.
    #[arg(long, value_name = "DIR", env = "LINKSHIELD_DATA", default_value = "linkshield-data")]
    data: OsString,
    /// The database: `sqlite` (a file in the data directory), or PostgreSQL on all hosts of a cluster, such as
    /// `postgres://user:password@one:5432,two:5432/linkshield?sslmode=verify-full`.
    #[arg(
        long,
        value_name = "ADDRESS",
        env = "LINKSHIELD_DATABASE",
        default_value = "sqlite",
        hide_env_values = true
    )]
    database: OsString,
    /// Where this runs: development, staging or production. Shown by `version` and `health`.
    #[arg(long, env = "LINKSHIELD_ENVIRONMENT", default_value = "development")]
    environment: OsString,
    /// How long requests may finish after SIGTERM or SIGINT: 0s to 10m.
    #[arg(long, value_name = "DURATION", env = "LINKSHIELD_DRAIN_TIMEOUT", default_value = "30s")]
    drain_timeout: OsString,
    /// How long one request may take, reading its body included: 100ms to 5m.
    #[arg(long, value_name = "DURATION", env = "LINKSHIELD_REQUEST_TIMEOUT", default_value = "15s")]
    request_timeout: OsString,
    /// Connections served at a time: 1 to 65536; further ones wait to be accepted.
    #[arg(long, value_name = "COUNT", env = "LINKSHIELD_CONNECTIONS_MAX", default_value = "1024")]
    connections_max: OsString,
    /// How long checks are kept: 1m to 3650d.
    #[arg(long, value_name = "DURATION", env = "LINKSHIELD_RETENTION", default_value = "30d")]
    retention: OsString,
    /// How many checks are kept at most: 1 to 100000000; the oldest go first.
    #[arg(long, value_name = "COUNT", env = "LINKSHIELD_CHECKS_MAX", default_value = "1000000")]
    checks_max: OsString,
    /// File of the master key; made when missing. Default: `master.key` in the data directory.
    #[arg(long, value_name = "FILE", env = "LINKSHIELD_MASTER_KEY")]
    master_key: Option<OsString>,
    /// Where clients reach this service, such as `https://links.example.org`: the issuer of its tokens.
    #[arg(long, value_name = "URL", env = "LINKSHIELD_PUBLIC_URL")]
    public_url: Option<OsString>,
    /// Where mail goes: `file` (the directory `mail` of the data directory), or an SMTP server such as
    /// `smtps://user:password@mail.example`.
    #[arg(
        long,
        value_name = "DESTINATION",
        env = "LINKSHIELD_MAIL",
        default_value = "file",
        hide_env_values = true
    )]
    mail: OsString,
    /// Sender of mail.
    #[arg(
        long,
        value_name = "ADDRESS",
        env = "LINKSHIELD_MAIL_FROM",
        default_value = "linkshield@localhost"
    )]
    mail_from: OsString,
    /// Networks of proxies whose `X-Forwarded-For` is believed, separated by commas, such as `127.0.0.0/8,10.1.0.0/16`.
    #[arg(long, value_name = "NETWORKS", env = "LINKSHIELD_TRUSTED_PROXIES", default_value = "")]
    trusted_proxies: OsString,
    /// Requests that one client address may send per minute, of any kind: 1 to 100000000.
    #[arg(long, value_name = "COUNT", env = "LINKSHIELD_ADDRESS_LIMIT", default_value = "6000")]
    address_limit: OsString,
    /// Requests about checks that one client address may send per hour without a credential: 1 to 100000000.
    #[arg(long, value_name = "COUNT", env = "LINKSHIELD_ANONYMOUS_LIMIT", default_value = "100")]
    anonymous_limit: OsString,
    /// Requests that one account may send per hour, times what its plan multiplies: 1 to 100000000.
    #[arg(long, value_name = "COUNT", env = "LINKSHIELD_ACCOUNT_LIMIT", default_value = "1000")]
    account_limit: OsString,
    /// File of security events (OCSF, one line each). Default: `security-events.jsonl` in the data directory.
    #[arg(long, value_name = "FILE", env = "LINKSHIELD_EVENTS")]
    events: Option<OsString>,
    /// Redis that several processes share, such as `redis://127.0.0.1:6379`, `redis+sentinel://a:26379,b:26379,c:26379/master`
    /// or `redis+cluster://a:6379,b:6379`. Without it each process counts its limits by itself.
    #[arg(long, value_name = "URL", env = "LINKSHIELD_REDIS", hide_env_values = true)]
    redis: Option<OsString>,
    /// What is logged: error, warn, info, debug, trace, off, or a tracing filter such as `info,linkshield=debug`.
    #[arg(long, value_name = "FILTER", env = "LINKSHIELD_LOG", default_value = "info")]
    log: OsString,
}

/// All variables that [`RawSettings`] reads.
pub const ENVIRONMENT_VARIABLES: [&str; 21] = [
    "LINKSHIELD_ADDRESS",
    "LINKSHIELD_PORT",
    "LINKSHIELD_DATA",
    "LINKSHIELD_DATABASE",
    "LINKSHIELD_ENVIRONMENT",
    "LINKSHIELD_DRAIN_TIMEOUT",
    "LINKSHIELD_REQUEST_TIMEOUT",
    "LINKSHIELD_CONNECTIONS_MAX",
    "LINKSHIELD_RETENTION",
    "LINKSHIELD_CHECKS_MAX",
    "LINKSHIELD_MASTER_KEY",
    "LINKSHIELD_PUBLIC_URL",
    "LINKSHIELD_MAIL",
    "LINKSHIELD_MAIL_FROM",
    "LINKSHIELD_TRUSTED_PROXIES",
    "LINKSHIELD_ADDRESS_LIMIT",
    "LINKSHIELD_ANONYMOUS_LIMIT",
    "LINKSHIELD_ACCOUNT_LIMIT",
    "LINKSHIELD_EVENTS",
    "LINKSHIELD_REDIS",
    "LINKSHIELD_LOG",
];

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

/// All mistakes in the settings.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{} not accepted", count(problems.len()))]
pub struct SettingsError {
    /// One entry per mistake, never empty.
    pub problems: Vec<SettingProblem>,
}

/// One mistake in the settings.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SettingProblem {
    /// A value outside of what is accepted.
    #[error("`--{option}` ({variable}) is `{value}`, accepted is {accepted}")]
    Value {
        /// Name of the option.
        option: &'static str,
        /// Its environment variable.
        variable: String,
        /// What was given.
        value: String,
        /// What would have been accepted.
        accepted: &'static str,
    },
    /// A mistake in where the database is.
    #[error("`--database` (LINKSHIELD_DATABASE) is neither `sqlite` nor an address of PostgreSQL: {0}")]
    Database(PostgresAddressMistake),
    /// A variable with our prefix that nothing reads.
    #[error("environment variable `{variable}` is read by nothing, the closest one is `{closest}`")]
    Variable {
        /// Its name.
        variable: String,
        /// The most similar name that is read.
        closest: &'static str,
    },
}

fn count(problems: usize) -> String {
    if problems == 1 { "1 setting was".to_owned() } else { format!("{problems} settings were") }
}

// === impl RawSettings ===

impl RawSettings {
    /// Checks every value; `variables` are the names of all environment variables.
    ///
    /// # Errors
    /// Names every mistake there is, not only the first.
    pub fn resolve(self, variables: impl Iterator<Item = String>) -> Result<Settings, SettingsError> {
        let mut reader = Reader { problems: strangers(variables) };
        let ip = reader.read("address", &self.address, "an IPv4 or IPv6 address", parsed::<IpAddr>);
        let port = reader.read("port", &self.port, "a number from 0 to 65535", parsed::<u16>);
        let data = reader.read("data", &self.data, "the path of a directory in UTF-8", path);
        let database = reader.database(&self.database);
        let places = "development, staging or production";
        let environment = reader.read("environment", &self.environment, places, Environment::from_name);
        let drain = |text: &str| bounded_duration(text, Duration::ZERO, MINUTE * 10);
        let drain_timeout =
            reader.read("drain-timeout", &self.drain_timeout, "a duration from 0s to 10m", drain);
        let request = |text: &str| bounded_duration(text, Duration::from_millis(100), MINUTE * 5);
        let request_timeout =
            reader.read("request-timeout", &self.request_timeout, "a duration from 100ms to 5m", request);
        let connections = |text: &str| parsed::<usize>(text).filter(|count| (1..=65_536).contains(count));
        let connections_max =
            reader.read("connections-max", &self.connections_max, "a number from 1 to 65536", connections);
        let keep = |text: &str| bounded_duration(text, MINUTE, DAY * 3650);
        let retention = reader.read("retention", &self.retention, "a duration from 1m to 3650d", keep);
        let rows = |text: &str| parsed::<u32>(text).filter(|count| (1..=100_000_000).contains(count));
        let checks_max = reader.read("checks-max", &self.checks_max, "a number from 1 to 100000000", rows);
        let master_key = match &self.master_key {
            Some(file) => reader.read("master-key", file, "the path of a file in UTF-8", path),
            None => data.as_ref().map(|data| data.join(MASTER_KEY_FILE)),
        };
        let urls = "an origin such as `https://links.example.org`, or `http://` on this machine";
        let public = match &self.public_url {
            Some(url) => reader.read("public-url", url, urls, origin),
            None => Some((ISSUER.to_owned(), Origins::of_host())),
        };
        let mail = reader.read_secret("mail", &self.mail, MAIL_ACCEPTED, parsed::<MailDestination>);
        let senders = "an address, or a name and an address as in `LinkShield <links@example.org>`";
        let mail_from = reader.read("mail-from", &self.mail_from, senders, parsed::<Mailbox>);
        let gate = self.gate(&mut reader, data.as_deref());
        let levels = "error, warn, info, debug, trace, off, or a tracing filter such as `linkshield=debug`";
        let log = reader.read("log", &self.log, levels, filter);
        let settings = (|| {
            let address = SocketAddr::new(ip?, port?);
            let (issuer, origins) = public?;
            let gate = GateSettings { origins, ..gate? };
            Some(Settings {
                address,
                data: data?,
                database: database?,
                environment: environment?,
                drain_timeout: drain_timeout?,
                request_timeout: request_timeout?,
                connections_max: connections_max?,
                retention: retention?,
                checks_max: checks_max?,
                master_key: master_key?,
                issuer,
                mail: mail?,
                mail_from: mail_from?,
                gate,
                log: log?,
            })
        })();
        match settings {
            Some(settings) if reader.problems.is_empty() => Ok(settings),
            _ => Err(SettingsError { problems: reader.problems }),
        }
    }

    /// Who is let in, and how often; the origins follow from other settings.
    fn gate(&self, reader: &mut Reader, data: Option<&Path>) -> Option<GateSettings> {
        let networks = "networks such as `127.0.0.0/8`, at most 64, separated by commas";
        let trusted_proxies = reader.read("trusted-proxies", &self.trusted_proxies, networks, proxies);
        let count = |text: &str| parsed::<u32>(text).filter(|count| (1..=100_000_000).contains(count));
        let counts = "a number from 1 to 100000000";
        let address_limit = reader.read("address-limit", &self.address_limit, counts, count);
        let anonymous_limit = reader.read("anonymous-limit", &self.anonymous_limit, counts, count);
        let account_limit = reader.read("account-limit", &self.account_limit, counts, count);
        let events = match &self.events {
            Some(file) => reader.read("events", file, "the path of a file in UTF-8", path),
            None => data.map(|data| data.join(EVENTS_FILE)),
        };
        let redis = match &self.redis {
            Some(url) => reader.read_secret("redis", url, REDIS_ACCEPTED, parsed::<RedisSettings>).map(Some),
            None => Some(None),
        };
        Some(GateSettings {
            trusted_proxies: trusted_proxies?,
            origins: Origins::of_host(),
            address_limit: address_limit?,
            anonymous_limit: anonymous_limit?,
            account_limit: account_limit?,
            events: events?,
            redis: redis?,
        })
    }
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

    fn from_name(name: &str) -> Option<Self> {
        [Self::Development, Self::Staging, Self::Production].into_iter().find(|known| known.as_str() == name)
    }
}

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

struct Reader {
    problems: Vec<SettingProblem>,
}

// === impl Reader ===

impl Reader {
    fn read<T>(
        &mut self,
        option: &'static str,
        value: &OsStr,
        accepted: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        // Taken as the system gives it, so that text that is not UTF-8 is a mistake like any other.
        let parsed = value.to_str().and_then(parse);
        if parsed.is_none() {
            self.refuse(option, value.to_string_lossy().into_owned(), accepted);
        }
        parsed
    }

    /// The same for a value that may hold a password: a mistake in it is told without it.
    fn read_secret<T>(
        &mut self,
        option: &'static str,
        value: &OsStr,
        accepted: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let parsed = value.to_str().and_then(parse);
        if parsed.is_none() {
            self.refuse(option, "[redacted]".to_owned(), accepted);
        }
        parsed
    }

    /// The place of the database, whose password is in it: each mistake is told without it.
    fn database(&mut self, value: &OsStr) -> Option<StorePlace> {
        let place = value.to_str().map(str::parse);
        match place {
            Some(Ok(place)) => return Some(place),
            Some(Err(PostgresAddressError { mistakes })) => {
                self.problems.extend(mistakes.into_iter().map(SettingProblem::Database));
            }
            None => self.refuse("database", "[redacted]".to_owned(), "text in UTF-8"),
        }
        None
    }

    fn refuse(&mut self, option: &'static str, value: String, accepted: &'static str) {
        let variable = format!("LINKSHIELD_{}", option.replace('-', "_").to_ascii_uppercase());
        self.problems.push(SettingProblem::Value { option, variable, value, accepted });
    }
}

fn strangers(variables: impl Iterator<Item = String>) -> Vec<SettingProblem> {
    let ours = variables.filter(|name| name.starts_with("LINKSHIELD_"));
    let unread = ours.filter(|name| !ENVIRONMENT_VARIABLES.contains(&name.as_str()));
    let mut unread: Vec<String> = unread.collect();
    unread.sort();
    let problem = |variable: String| SettingProblem::Variable { closest: closest(&variable), variable };
    unread.into_iter().map(problem).collect()
}

/// The variable that shares the most letter pairs with `name`.
fn closest(name: &str) -> &'static str {
    let pairs = |text: &str| text.as_bytes().windows(2).map(<[u8]>::to_vec).collect::<Vec<_>>();
    let wanted = pairs(name);
    let shared = |known: &str| pairs(known).iter().filter(|pair| wanted.contains(pair)).count() * 2;
    let likeness = |known: &&str| shared(known) as i64 - known.len() as i64;
    ENVIRONMENT_VARIABLES.into_iter().max_by_key(likeness).unwrap_or(ENVIRONMENT_VARIABLES[0])
}

fn parsed<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}

fn path(text: &str) -> Option<PathBuf> {
    (!text.trim().is_empty()).then(|| PathBuf::from(text))
}

/// The origin of a URL, as it is: nothing behind host and port. Without TLS only on this machine. Our own pages come from it.
fn origin(text: &str) -> Option<(String, Origins)> {
    let url = Url::parse(text).ok()?;
    let alone = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let anonymous = url.username().is_empty() && url.password().is_none();
    let protected = match url.scheme() {
        "https" => true,
        "http" => matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]")),
        _ => false,
    };
    let origin = (alone && anonymous && protected).then(|| url.origin().ascii_serialization())?;
    let origins = Origins::new([origin.as_str()]).ok()?;
    Some((origin, origins))
}

fn proxies(text: &str) -> Option<Vec<Network>> {
    let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
    let networks: Vec<Network> = names.map(|name| name.parse().ok()).collect::<Option<_>>()?;
    (networks.len() <= PROXIES_MAX).then_some(networks)
}

fn filter(text: &str) -> Option<String> {
    let sensible = !text.trim().is_empty() && EnvFilter::builder().parse(text).is_ok();
    (sensible && !text.split(',').any(misspelt_level)).then(|| text.to_owned())
}

/// Whether a part of a filter is a bare word but no level. `EnvFilter` takes it for the name of a target, and then
/// `wran` would log nothing at all.
fn misspelt_level(part: &str) -> bool {
    let bare = !part.contains(['=', '[', ']', '{', '}']);
    bare && part.trim().parse::<LevelFilter>().is_err()
}

fn bounded_duration(text: &str, least: Duration, most: Duration) -> Option<Duration> {
    duration(text).filter(|duration| (least..=most).contains(duration))
}

/// `500ms`, `30s`, `5m`, `12h`, `30d`: a whole number and one unit.
fn duration(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    let unit_ms: u64 = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    Some(Duration::from_millis(number.checked_mul(unit_ms)?))
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;

    use clap::{CommandFactory, Parser};

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        settings: RawSettings,
    }

    fn resolve(arguments: &[&str], variables: &[&str]) -> Result<Settings, SettingsError> {
        let line = Line::try_parse_from([&["linkshield"], arguments].concat()).unwrap();
        line.settings.resolve(variables.iter().map(|name| (*name).to_owned()))
    }

    #[test]
    fn defaults_are_accepted() {
        let settings = resolve(&[], &["PATH", "LINKSHIELD_PORT"]).unwrap();
        assert_eq!(settings.address.to_string(), "127.0.0.1:8080");
        assert_eq!(settings.drain_timeout, Duration::from_secs(30));
        assert_eq!(settings.master_key, PathBuf::from("linkshield-data/master.key"));
        assert_eq!((settings.mail, settings.issuer.as_str()), (MailDestination::File, "linkshield"));
        assert!(settings.gate.trusted_proxies.is_empty(), "nobody's word is taken unasked");
        assert_eq!(settings.gate.origins, Origins::of_host());
    }

    #[test]
    fn public_url_is_an_origin() {
        let issuer = |url: &str| resolve(&["--public-url", url], &[]).map(|settings| settings.issuer);
        assert_eq!(issuer("https://Links.example.org/").unwrap(), "https://links.example.org");
        assert_eq!(issuer("http://127.0.0.1:8080").unwrap(), "http://127.0.0.1:8080");
        let gate = resolve(&["--public-url=https://links.example.org"], &[]).unwrap().gate;
        assert_eq!(gate.origins, Origins::new(["https://links.example.org"]).unwrap());
        for url in ["https://a.org/app", "https://a.org?x", "ftp://a.org", "a.org", "https://u@a.org"] {
            assert!(issuer(url).is_err(), "{url}");
        }
    }

    #[test]
    fn every_mistake_is_reported() {
        let arguments = [
            "--address=here",
            "--port=70000",
            "--data=",
            "--database=postgres://ada:hunter2@one:x/",
            "--environment=prod",
            "--drain-timeout=30",
            "--request-timeout=1ms",
            "--connections-max=0",
            "--retention=forever",
            "--checks-max=-1",
            "--master-key=",
            "--public-url=http://links.example.org",
            "--mail=smtp://user:hunter2@mail.example",
            "--mail-from=nobody",
            "--trusted-proxies=127.0.0.0/8,edge",
            "--address-limit=0",
            "--anonymous-limit=none",
            "--account-limit=0",
            "--events=",
            "--redis=redis://user:hunter2@",
            "--log=,=,",
        ];
        let error = resolve(&arguments, &["LINKSHIELD_PROT"]).unwrap_err();
        assert_eq!(error.problems.len(), 23, "{error:?}");
        assert_eq!(error.to_string(), "23 settings were not accepted");
        let told: String = error.problems.iter().map(ToString::to_string).collect();
        assert!(!told.contains("hunter2"), "{told}");
        let first = error.problems[0].to_string();
        assert!(first.contains("`LINKSHIELD_PROT`") && first.contains("`LINKSHIELD_PORT`"), "{first}");
        assert_eq!(
            error.problems[2].to_string(),
            "`--port` (LINKSHIELD_PORT) is `70000`, accepted is a number from 0 to 65535"
        );
    }

    #[test]
    fn misspelt_levels_are_refused() {
        for text in ["wran", "info,wran", "linkshield", "verbose", " "] {
            assert!(resolve(&["--log", text], &[]).is_err(), "{text:?}");
        }
        for text in
            ["off", "WARN", "info,linkshield=debug", "linkshield::api=trace,warn", "[request{id=1}]=info"]
        {
            assert!(resolve(&["--log", text], &[]).is_ok(), "{text:?}");
        }
    }

    #[test]
    fn undecodable_value_names_its_key() {
        let mut arguments =
            vec![OsString::from("linkshield"), OsString::from("--port=x"), OsString::from("--data")];
        arguments.push(OsStr::from_bytes(b"a\xff").to_owned());
        let error =
            Line::try_parse_from(arguments).unwrap().settings.resolve(std::iter::empty()).unwrap_err();
        assert_eq!(error.problems.len(), 2, "{error:?}");
        assert!(
            error.problems[1].to_string().starts_with("`--data` (LINKSHIELD_DATA) is `a\u{fffd}`"),
            "{error:?}"
        );
    }

    #[test]
    fn variables_list_is_complete() {
        let command = Line::command();
        let mut read: Vec<_> =
            command.get_arguments().filter_map(|argument| argument.get_env()?.to_str()).collect();
        let mut listed = ENVIRONMENT_VARIABLES.to_vec();
        read.sort_unstable();
        listed.sort_unstable();
        assert_eq!(read, listed);
    }

    #[test]
    fn durations_need_a_unit() {
        assert_eq!(duration("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(duration("2d"), Some(DAY * 2));
        for text in ["", "5", "s", "1.5s", "-1s", "1 s", "99999999999999999999d"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }
}
