//! The options and variables, as they are given.

use std::ffi::OsString;

use clap::Args;

/// The settings as text, from the command line and the environment.
#[derive(Debug, Clone, Args)]
pub struct RawSettings {
    /// Address to listen on: an IPv4 or IPv6 address.
    #[arg(long, env = "LINKSHIELD_ADDRESS", default_value = "127.0.0.1")]
    pub(super) address: OsString,
    /// Port to listen on: 0 to 65535; 0 picks a free one and prints it.
    #[arg(long, env = "LINKSHIELD_PORT", default_value = "8080")]
    pub(super) port: OsString,
    /// Directory of the database (`linkshield.db`); created when missing. Two processes may share it.
    #[arg(long, value_name = "DIR", env = "LINKSHIELD_DATA", default_value = "linkshield-data")]
    pub(super) data: OsString,
    /// The database: `sqlite` (a file in the data directory), or PostgreSQL on all hosts of a cluster, such as
    /// `postgres://user:password@one:5432,two:5432/linkshield?sslmode=verify-full`.
    #[arg(
        long,
        value_name = "ADDRESS",
        env = "LINKSHIELD_DATABASE",
        default_value = "sqlite",
        hide_env_values = true
    )]
    pub(super) database: OsString,
    /// Where this runs: development, staging or production. Shown by `version` and `health`.
    #[arg(long, env = "LINKSHIELD_ENVIRONMENT", default_value = "development")]
    pub(super) environment: OsString,
    /// How long requests may finish after SIGTERM or SIGINT: 0s to 10m.
    #[arg(long, value_name = "DURATION", env = "LINKSHIELD_DRAIN_TIMEOUT", default_value = "30s")]
    pub(super) drain_timeout: OsString,
    /// How long one request may take, reading its body included: 100ms to 5m.
    #[arg(long, value_name = "DURATION", env = "LINKSHIELD_REQUEST_TIMEOUT", default_value = "15s")]
    pub(super) request_timeout: OsString,
    /// Connections served at a time: 1 to 65536; further ones wait to be accepted.
    #[arg(long, value_name = "COUNT", env = "LINKSHIELD_CONNECTIONS_MAX", default_value = "1024")]
    pub(super) connections_max: OsString,
    /// How long checks are kept: 1m to 3650d.
    #[arg(long, value_name = "DURATION", env = "LINKSHIELD_RETENTION", default_value = "30d")]
    pub(super) retention: OsString,
    /// How many checks are kept at most: 1 to 100000000; the oldest go first.
    #[arg(long, value_name = "COUNT", env = "LINKSHIELD_CHECKS_MAX", default_value = "1000000")]
    pub(super) checks_max: OsString,
    /// File of the master key; made when missing. Default: `master.key` in the data directory.
    #[arg(long, value_name = "FILE", env = "LINKSHIELD_MASTER_KEY")]
    pub(super) master_key: Option<OsString>,
    /// Where clients reach this service, such as `https://links.example.org`: the issuer of its tokens.
    #[arg(long, value_name = "URL", env = "LINKSHIELD_PUBLIC_URL")]
    pub(super) public_url: Option<OsString>,
    /// Where mail goes: `file` (the directory `mail` of the data directory), or an SMTP server such as
    /// `smtps://user:password@mail.example`.
    #[arg(
        long,
        value_name = "DESTINATION",
        env = "LINKSHIELD_MAIL",
        default_value = "file",
        hide_env_values = true
    )]
    pub(super) mail: OsString,
    /// Sender of mail.
    #[arg(
        long,
        value_name = "ADDRESS",
        env = "LINKSHIELD_MAIL_FROM",
        default_value = "linkshield@localhost"
    )]
    pub(super) mail_from: OsString,
    /// Networks of proxies whose `X-Forwarded-For` is believed, separated by commas, such as `127.0.0.0/8,10.1.0.0/16`.
    #[arg(long, value_name = "NETWORKS", env = "LINKSHIELD_TRUSTED_PROXIES", default_value = "")]
    pub(super) trusted_proxies: OsString,
    /// Requests that one client address may send per minute, of any kind: 1 to 100000000.
    #[arg(long, value_name = "COUNT", env = "LINKSHIELD_ADDRESS_LIMIT", default_value = "6000")]
    pub(super) address_limit: OsString,
    /// Requests about checks that one client address may send per hour without a credential: 1 to 100000000.
    #[arg(long, value_name = "COUNT", env = "LINKSHIELD_ANONYMOUS_LIMIT", default_value = "100")]
    pub(super) anonymous_limit: OsString,
    /// Requests that one account may send per hour, times what its plan multiplies: 1 to 100000000. As many again for each of its
    /// API keys, and for each of its sessions about the account itself.
    #[arg(long, value_name = "COUNT", env = "LINKSHIELD_ACCOUNT_LIMIT", default_value = "1000")]
    pub(super) account_limit: OsString,
    /// File of security events (OCSF, one line each); refusals go to `NAME.anybody.jsonl` beside it. Default:
    /// `security-events.jsonl` in the data directory.
    #[arg(long, value_name = "FILE", env = "LINKSHIELD_EVENTS")]
    pub(super) events: Option<OsString>,
    /// File of breached passwords that nobody may set, made by `linkshield breached-passwords`. Read into memory when the service
    /// starts. Without it only common and predictable ones are refused.
    #[arg(long, value_name = "FILE", env = "LINKSHIELD_BREACHED_PASSWORDS")]
    pub(super) breached_passwords: Option<OsString>,
    /// Redis that several processes share, such as `redis://127.0.0.1:6379`, `redis+sentinel://a:26379,b:26379,c:26379/master`
    /// or `redis+cluster://a:6379,b:6379`. Without it each process counts its limits by itself.
    #[arg(long, value_name = "URL", env = "LINKSHIELD_REDIS", hide_env_values = true)]
    pub(super) redis: Option<OsString>,
    /// What is logged: error, warn, info, debug, trace, off, or a tracing filter such as `info,linkshield=debug`.
    #[arg(long, value_name = "FILTER", env = "LINKSHIELD_LOG", default_value = "info")]
    pub(super) log: OsString,
}

/// All variables that [`RawSettings`] reads.
pub const ENVIRONMENT_VARIABLES: [&str; 22] = [
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
    "LINKSHIELD_BREACHED_PASSWORDS",
    "LINKSHIELD_REDIS",
    "LINKSHIELD_LOG",
];
