//! One GET of something small from the target: its metrics, its ledger.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use http::header::HOST;
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use thiserror::Error;
use tokio::net::lookup_host;
use tokio::time::timeout;

use crate::plan::model::{Connection, LoadPlan, Protocol, Scheme, Target};
use crate::plan::validate::StartLoadError;
use crate::wire::connect::Connector;

/// Longest time for one answer.
const LIMIT: Duration = Duration::from_secs(30);

/// Nothing was got.
#[derive(Debug, Error)]
pub enum FetchError {
    /// The URL.
    #[error("read the URL `{url}`: not a `http` or `https` one with a host")]
    Url {
        /// As written.
        url: String,
    },
    /// Its host.
    #[error("resolve the host of `{authority}`")]
    Resolve {
        /// Host and port.
        authority: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// TLS.
    #[error("prepare a connection to `{authority}`")]
    Prepare {
        /// Host and port.
        authority: String,
        /// Why.
        #[source]
        source: StartLoadError,
    },
    /// The connection, or the answer.
    #[error("get `{path}` of `{authority}`: {reason}")]
    Get {
        /// Host and port.
        authority: String,
        /// Path and query.
        path: String,
        /// What happened.
        reason: String,
    },
}

/// A URL, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) scheme: Scheme,
    pub(crate) authority: String,
    pub(crate) path: String,
}

// === impl Place ===

impl Place {
    pub(crate) fn parse(url: &str) -> Result<Self, FetchError> {
        let refused = || FetchError::Url { url: url.to_owned() };
        let uri: Uri = url.parse().map_err(|_| refused())?;
        let scheme = match uri.scheme_str() {
            Some("http") => Scheme::Http,
            Some("https") => Scheme::Https,
            _ => return Err(refused()),
        };
        let authority = uri.authority().ok_or_else(refused)?.to_string();
        let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        Ok(Self { scheme, authority, path })
    }
}

/// Where an authority is: its own port, or that of its scheme; the first address that its name resolves to.
pub(crate) async fn resolve(scheme: Scheme, authority: &str) -> Result<SocketAddr, FetchError> {
    let port = match scheme {
        Scheme::Http => 80,
        Scheme::Https => 443,
    };
    let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let host = if has_port { authority.to_owned() } else { format!("{authority}:{port}") };
    let failed = |source| FetchError::Resolve { authority: authority.to_owned(), source };
    let mut addresses = lookup_host(host).await.map_err(failed)?;
    addresses.next().ok_or_else(|| failed(io::Error::new(io::ErrorKind::NotFound, "it has no address")))
}

/// Gets a text of at most `bytes_max` bytes, with status 200.
pub(crate) async fn get_text(
    target: Target,
    trust_pem: Option<String>,
    path: &str,
    bytes_max: usize,
) -> Result<String, FetchError> {
    let authority = target.authority.clone();
    let plan = LoadPlan { trust_pem, ..LoadPlan::new(target) };
    let prepared = Connector::new(&plan, Protocol::Http1, Connection::Fresh);
    let connector =
        prepared.map_err(|source| FetchError::Prepare { authority: authority.clone(), source })?;
    let answer = timeout(LIMIT, exchange(&connector, &authority, path, bytes_max)).await;
    let result = answer.unwrap_or_else(|_| Err(format!("no whole answer within {LIMIT:?}")));
    result.map_err(|reason| FetchError::Get { authority, path: path.to_owned(), reason })
}

async fn exchange(
    connector: &Connector,
    authority: &str,
    path: &str,
    bytes_max: usize,
) -> Result<String, String> {
    let wire = connector.open().await.map_err(|broken| format!("{}: {}", broken.kind, broken.detail))?;
    let text = |error: hyper::Error| error.to_string();
    let (mut sender, connection) = handshake(TokioIo::new(wire.stream)).await.map_err(text)?;
    let driver = tokio::spawn(connection);
    let request = Request::get(path).header(HOST, authority).body(Empty::<bytes::Bytes>::new());
    let request = request.map_err(|error| error.to_string())?;
    let answer = sender.send_request(request).await.map_err(text)?;
    if answer.status() != StatusCode::OK {
        return Err(format!("status {}", answer.status()));
    }
    let body = Limited::new(answer.into_body(), bytes_max).collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() {
            return format!("longer than {bytes_max} bytes");
        }
        error.to_string()
    })?;
    driver.abort();
    String::from_utf8(body.to_bytes().into()).map_err(|_| "not UTF-8".to_owned())
}

#[cfg(test)]
mod tests {
    use super::Place;
    use crate::plan::model::Scheme;

    #[test]
    fn takes_urls_apart() {
        let place = Place::parse("https://localhost:8443/metrics?x=1").unwrap();
        assert_eq!((place.scheme, place.authority.as_str()), (Scheme::Https, "localhost:8443"));
        assert_eq!(place.path, "/metrics?x=1");
        assert_eq!(Place::parse("http://a").unwrap().path, "/");
        assert!(Place::parse("ftp://a/").is_err() && Place::parse("/x").is_err());
    }
}
