//! From text to settings, with every mistake there is.

use std::{
    net::{IpAddr, SocketAddr},
    path::Path,
    time::Duration,
};

use lettre::message::Mailbox;
use shield_data::{REDIS_ACCEPTED, RedisSettings};
use shield_guard::csrf::Origins;

use super::{
    Environment, RawSettings, Settings, SettingsError,
    parse::{DAY, MINUTE, bounded_duration, filter, origin, parsed, path, proxies},
    reader::Reader,
};
use crate::{
    gate::GateSettings,
    keys::MASTER_KEY_FILE,
    mail::{MAIL_ACCEPTED, MailDestination},
};

/// The claim `iss` where no public URL is set.
const ISSUER: &str = "linkshield";
/// Security events, in the data directory.
pub const EVENTS_FILE: &str = "security-events.jsonl";

// === impl RawSettings ===

impl RawSettings {
    /// Checks every value; `variables` are the names of all environment variables.
    ///
    /// # Errors
    /// Names every mistake there is, not only the first.
    pub fn resolve(self, variables: impl Iterator<Item = String>) -> Result<Settings, SettingsError> {
        let mut reader = Reader::new(variables);
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
        let breached_passwords = match &self.breached_passwords {
            Some(file) => {
                reader.read("breached-passwords", file, "the path of a file in UTF-8", path).map(Some)
            }
            None => Some(None),
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
                breached_passwords: breached_passwords?,
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
