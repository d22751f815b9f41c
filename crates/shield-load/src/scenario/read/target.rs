//! What is loaded, and how users connect to it.

use std::path::{Path, PathBuf};

use http::Uri;
use shield_types::settings::{Refusal, Setting, Table};

use crate::plan::model::{Connection, Protocol, Scheme};
use crate::scenario::file::FileTarget;
use crate::scenario::read::limits::{FILE_BYTES_MAX, PATH_BYTES_MAX};

/// How users connect.
pub(crate) struct Connecting {
    pub(crate) target: FileTarget,
    pub(crate) trust: Option<PathBuf>,
    pub(crate) protocol: Protocol,
    pub(crate) connection: Connection,
}

const TARGET: &str = "a scheme and a host, such as `https://localhost:8443`";
const TRUST: &str = "the path of a PEM file with the certificates to trust";

pub(crate) fn read(root: &Table<'_>, directory: &Path) -> Option<Connecting> {
    let target = root.string("target", PATH_BYTES_MAX, TARGET).hidden_if(|text| has_credentials(text));
    let target = target.and_then(|text| origin(&text)).required();
    let address = root.socket_address("address").optional();
    let trust = root.string("trust", FILE_BYTES_MAX, TRUST);
    let trust = trust.and_then(|file| Ok(directory.join(file))).optional();
    let protocols = [("http/1.1", Protocol::Http1), ("h2", Protocol::Http2)];
    let protocol = root.enumeration("protocol", &protocols).or(Protocol::Http1);
    let connections = [("keep-alive", Connection::KeepAlive), ("fresh", Connection::Fresh)];
    let connection = root.enumeration("connection", &connections).or(Connection::KeepAlive);
    check_trust(root, &target, &trust);
    let (scheme, authority) = target.take()?;
    Some(Connecting {
        target: FileTarget { scheme, authority, address: address.take()? },
        trust: trust.take()?,
        protocol: protocol.take()?,
        connection: connection.take()?,
    })
}

fn check_trust(
    root: &Table<'_>,
    target: &Setting<'_, (Scheme, String)>,
    trust: &Setting<'_, Option<PathBuf>>,
) {
    match (target.value(), trust.value()) {
        (Some((Scheme::Https, _)), Some(None)) => root.missing("trust", TRUST),
        (Some((Scheme::Http, _)), Some(Some(_))) => {
            trust.mistaken(Refusal::new("there is nothing to verify over `http`", "a target with `https`"));
        }
        _ => {}
    }
}

// === impl FileTarget ===

impl FileTarget {
    /// From a URL that has only a scheme and a host.
    pub fn parse(url: &str) -> Result<Self, Refusal> {
        origin(url).map(|(scheme, authority)| Self { scheme, authority, address: None })
    }
}

/// Whether a URL holds a name or password, or may: a mistake about it must not show it.
pub(crate) fn has_credentials(url: &str) -> bool {
    url.contains('@')
}

/// Scheme and authority of a URL that has nothing else.
fn origin(text: &str) -> Result<(Scheme, String), Refusal> {
    let refused = |problem: &str| Refusal::new(problem, TARGET);
    if has_credentials(text) {
        return Err(refused("a name or password does not belong here"));
    }
    let uri: Uri = text.parse().map_err(|_| refused("not a URL"))?;
    let scheme = match uri.scheme_str() {
        Some("http") => Scheme::Http,
        Some("https") => Scheme::Https,
        _ => return Err(refused("neither `http://` nor `https://`")),
    };
    let authority = uri.authority().ok_or_else(|| refused("no host"))?;
    if authority.host().is_empty() || authority.as_str().ends_with(':') {
        return Err(refused("no host, or no port after the colon"));
    }
    let port_written = authority.as_str().rsplit_once(':').is_some_and(|(_, port)| !port.ends_with(']'));
    if port_written && authority.port_u16().is_none() {
        return Err(refused("a port is a number up to 65535"));
    }
    if !matches!(uri.path_and_query().map(|path| path.as_str()), None | Some("/" | "")) || text.contains('#')
    {
        return Err(refused("a path stands in the steps"));
    }
    Ok((scheme, authority.to_string()))
}
