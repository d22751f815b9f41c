//! What a backend is told: by flags, by environment variables (so that either half of a `shield.toml` can carry it),
//! or by a test.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use shield_types::{format_duration, parse_duration};

use super::Behaviour;

/// Settings of a backend. A flag wins over its environment variable.
#[derive(Clone, Debug, Args)]
pub struct BackendOptions {
    /// Address to listen on.
    #[arg(long, env = "TESTKIT_ADDRESS", default_value = "127.0.0.1")]
    pub address: IpAddr,
    /// Port to listen on; 0 lets the kernel choose.
    #[arg(long, env = "TESTKIT_PORT", default_value_t = 0)]
    pub port: u16,
    /// Directory that gets `ledger/`; without it `POST /apply` answers 503.
    #[arg(long, env = "TESTKIT_DATA")]
    pub data: Option<PathBuf>,
    /// How to misbehave.
    #[arg(long, env = "TESTKIT_BEHAVIOUR", value_enum, default_value_t = Behaviour::Honest)]
    pub behaviour: Behaviour,
    /// Wait before every answer that is not a probe's, such as `3ms`.
    #[arg(long, env = "TESTKIT_DELAY", value_parser = parse_duration, default_value = "0ms")]
    pub delay: Duration,
    /// What `GET /` says.
    #[arg(long, env = "TESTKIT_VERSION", default_value = "unnamed")]
    pub version: String,
    /// How late `binds-late` is.
    #[arg(long, env = "TESTKIT_BIND_AFTER", value_parser = parse_duration, default_value = "20s")]
    pub bind_after: Duration,
    /// How long `hangs-after` is honest, from the first request that is not a probe.
    #[arg(long, env = "TESTKIT_HANG_AFTER", value_parser = parse_duration, default_value = "3s")]
    pub hang_after: Duration,
    /// Idle time after which a connection is closed without a word, as common servers do.
    #[arg(long, env = "TESTKIT_KEEP_ALIVE", value_parser = parse_duration, default_value = "5s")]
    pub keep_alive: Duration,
    /// On SIGTERM, finish what is in flight instead of ending at once.
    #[arg(long, env = "TESTKIT_GRACEFUL")]
    pub graceful: bool,
}

impl Default for BackendOptions {
    /// The defaults of the command line.
    fn default() -> Self {
        Self {
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 0,
            data: None,
            behaviour: Behaviour::Honest,
            delay: Duration::ZERO,
            version: "unnamed".to_owned(),
            bind_after: Duration::from_secs(20),
            hang_after: Duration::from_secs(3),
            keep_alive: Duration::from_secs(5),
            graceful: false,
        }
    }
}

// === impl BackendOptions ===

impl BackendOptions {
    /// The same settings as flags of `testkit-backend`.
    #[must_use]
    pub fn to_arguments(&self) -> Vec<OsString> {
        let behaviour = self.behaviour.to_possible_value().map(|value| value.get_name().to_owned());
        let mut arguments: Vec<OsString> = Vec::new();
        let pairs = [
            ("--address", self.address.to_string()),
            ("--port", self.port.to_string()),
            ("--behaviour", behaviour.unwrap_or_default()),
            ("--delay", format_duration(self.delay)),
            ("--version", self.version.clone()),
            ("--bind-after", format_duration(self.bind_after)),
            ("--hang-after", format_duration(self.hang_after)),
            ("--keep-alive", format_duration(self.keep_alive)),
        ];
        for (flag, value) in pairs {
            arguments.extend([flag.into(), value.into()]);
        }
        if let Some(data) = &self.data {
            arguments.extend(["--data".into(), data.into()]);
        }
        if self.graceful {
            arguments.push("--graceful".into());
        }
        arguments
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a panic is a test's failure")]
mod tests {
    use std::time::Duration;

    use clap::Parser;

    use super::{BackendOptions, Behaviour};

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: BackendOptions,
    }

    fn parse(options: &BackendOptions) -> BackendOptions {
        let program = std::iter::once("testkit-backend".into());
        Line::try_parse_from(program.chain(options.to_arguments())).unwrap().options
    }

    #[test]
    fn survives_the_command_line() {
        let options = BackendOptions {
            port: 1234,
            data: Some("some/where".into()),
            behaviour: Behaviour::HangsAfterFirstProbe,
            delay: Duration::from_millis(3),
            hang_after: Duration::from_millis(1500),
            graceful: true,
            ..BackendOptions::default()
        };
        assert_eq!(format!("{:?}", parse(&options)), format!("{options:?}"));
        let defaults = Line::try_parse_from(["testkit-backend"]).unwrap().options;
        assert_eq!(format!("{defaults:?}"), format!("{:?}", BackendOptions::default()));
    }
}
