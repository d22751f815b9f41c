//! Where mail goes: a directory of files, or an SMTP server.

use std::{fmt, net::IpAddr, str::FromStr};

use shield_types::Secret;
use thiserror::Error;
use url::{Host, Url};

/// What is accepted.
pub(crate) const MAIL_ACCEPTED: &str = "`file`, `smtps://user:password@host`, `smtp://user:password@host?tls=required`, \
or, on this machine, `smtp://127.0.0.1:port`";

/// Where mail goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MailDestination {
    /// Files in the directory `mail` of the data directory, for whoever looks there.
    File,
    /// An SMTP server; the URL may hold a password.
    Smtp(Secret<String>),
}

/// Text that is no destination. Never prints the text: it may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("use it as a destination of mail: accepted is {MAIL_ACCEPTED}")]
pub struct ParseDestinationError;

// === impl MailDestination ===

impl FromStr for MailDestination {
    type Err = ParseDestinationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "file" {
            return Ok(Self::File);
        }
        let url = Url::parse(text).map_err(|_| ParseDestinationError)?;
        if protected(&url) {
            Ok(Self::Smtp(Secret::new(text.to_owned())))
        } else {
            Err(ParseDestinationError)
        }
    }
}

/// Whether nobody between here and the server can read along: letters hold tokens (ASVS 5.0, 12.3.1).
fn protected(url: &Url) -> bool {
    match (url.scheme(), url.query()) {
        ("smtps", None) | ("smtp", Some("tls=required")) => url.has_host(),
        ("smtp", None) => url.host().is_some_and(loopback),
        _ => false,
    }
}

fn loopback(host: Host<&str>) -> bool {
    match host {
        Host::Domain(name) => {
            name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

impl fmt::Display for MailDestination {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File => formatter.write_str("file"),
            Self::Smtp(url) => {
                let host = Url::parse(url.expose()).ok().and_then(|url| url.host_str().map(str::to_owned));
                write!(formatter, "smtp server {}", host.unwrap_or_default())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{MailDestination, ParseDestinationError};

    #[test]
    fn servers_and_files_are_read() {
        assert_eq!("file".parse(), Ok(MailDestination::File));
        for text in
            ["smtp://127.0.0.1:2525", "smtps://user:secret@mail.example", "smtp://m.example:587?tls=required"]
        {
            assert!(matches!(text.parse(), Ok(MailDestination::Smtp(_))), "{text}");
        }
        for text in [
            "",
            "files",
            "http://mail.example",
            "smtp:",
            "smtp://m.example?tls=opportunistic",
            "smtp://m.example:25",
        ] {
            assert_eq!(text.parse::<MailDestination>(), Err(ParseDestinationError), "{text}");
        }
    }

    #[test]
    fn passwords_are_never_shown() {
        let destination: MailDestination = "smtps://user:hunter2@mail.example".parse().unwrap();
        let shown = format!("{destination} {destination:?}");
        assert!(!shown.contains("hunter2") && shown.contains("mail.example"), "{shown}");
    }
}
