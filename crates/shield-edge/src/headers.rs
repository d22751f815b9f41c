//! What of a message's head crosses the edge, and what it says on the other side.
//!
//! The edge is the first trusted hop: everything about where a request came from (`Forwarded`, `X-Forwarded-*`,
//! `X-Real-IP`, `X-Request-Id`) is written here and never taken from a client, also not in the spelling with underscores
//! that some backends cannot tell apart. Fields of one hop, and those that `Connection` names, end here in both
//! directions. A request without exactly one `Host` is refused: hyper itself lets none and two pass. Framing
//! (`Content-Length` against `Transfer-Encoding`) is decided by hyper, which drops a request's length and closes the
//! connection after the answer; both sides only ever see the framing that we write. A coding besides `chunked` ends here:
//! hyper undoes only that one, and the field that names the others belongs to one hop.

use std::net::{IpAddr, SocketAddr};

use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version, header,
    request::Parts,
    response,
    uri::{Authority, PathAndQuery, Uri},
};
use http_body::Body;

use crate::{ids, problem::Problem};

pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Fields of one hop.
const ONE_HOP: [HeaderName; 8] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("http2-settings"),
];

/// What is the same for every request of a client connection.
#[derive(Clone, Debug)]
pub(crate) struct ClientFacts {
    address: HeaderValue,
    protocol: HeaderValue,
    /// `for=…;proto=…;host=`, to be completed by the quoted host.
    forwarded: Box<str>,
}

// === impl ClientFacts ===

impl ClientFacts {
    pub(crate) fn new(remote: SocketAddr, encrypted: bool) -> Self {
        let ip = remote.ip().to_canonical();
        let protocol = if encrypted { "https" } else { "http" };
        let node = match ip {
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => format!("\"[{ip}]\""),
        };
        Self {
            address: HeaderValue::try_from(ip.to_string()).expect("an address is plain ASCII"),
            protocol: HeaderValue::from_static(protocol),
            forwarded: format!("for={node};proto={protocol};host=").into(),
        }
    }

    fn forwarded(&self, host: &str) -> HeaderValue {
        let mut text = String::with_capacity(self.forwarded.len() + host.len() + 2);
        text.push_str(&self.forwarded);
        text.push('"');
        text.push_str(host);
        text.push('"');
        HeaderValue::try_from(text).expect("a parsed authority has neither quotes nor control characters")
    }
}

/// Rewrites a client's request head for the backend. The protocol it wants to upgrade to is the answer, if any.
pub(crate) fn prepare_request(
    parts: &mut Parts,
    client: &ClientFacts,
    request_id: &HeaderValue,
    body_empty: bool,
) -> Result<Option<HeaderValue>, Problem> {
    match parts.method {
        Method::CONNECT => return Err(Problem::ConnectRefused),
        Method::TRACE => return Err(Problem::MethodRefused),
        _ => {}
    }
    check_target(parts)?;
    if !only_chunked(&parts.headers) {
        return Err(Problem::Malformed("The request body has a transfer coding besides chunked."));
    }
    let host = single_host(parts)?;
    let upgrade = wanted_upgrade(parts, body_empty);
    strip_one_hop(&mut parts.headers, true);
    strip_ours(&mut parts.headers);
    // hyper asks the client to continue when the backend's connection first wants the body.
    parts.headers.remove(header::EXPECT);
    if parts.version == Version::HTTP_2 {
        join_cookies(&mut parts.headers);
    }
    let (trace, continued) = ids::next_hop_trace(single(&parts.headers, &TRACEPARENT));
    if !continued {
        parts.headers.remove(TRACESTATE);
    }
    let headers = &mut parts.headers;
    headers.insert(TRACEPARENT, trace);
    headers.insert(X_REQUEST_ID, request_id.clone());
    headers.insert(X_FORWARDED_FOR, client.address.clone());
    headers.insert(X_FORWARDED_PROTO, client.protocol.clone());
    headers.insert(header::FORWARDED, client.forwarded(host.to_str().unwrap_or_default()));
    headers.insert(X_FORWARDED_HOST, host.clone());
    headers.insert(header::HOST, host);
    if let Some(protocol) = &upgrade {
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, protocol.clone());
    }
    parts.uri = origin_form(&parts.uri);
    parts.version = Version::HTTP_11;
    Ok(upgrade)
}

/// Rewrites a backend's response head for the client.
pub(crate) fn prepare_response(headers: &mut HeaderMap, request_id: &HeaderValue) {
    strip_one_hop(headers, false);
    headers.insert(X_REQUEST_ID, request_id.clone());
}

/// Leaves the one statement of a response's length that hyper reads its body by; false if the body is coded in a way
/// that nobody undoes.
pub(crate) fn settle_framing(head: &mut response::Parts, body: &impl Body) -> bool {
    let headers = &mut head.headers;
    if headers.contains_key(header::TRANSFER_ENCODING) || head.status == StatusCode::NO_CONTENT {
        // RFC 9112 6.3: the coding overrides the length; whoever passes both on splits the answer.
        headers.remove(header::CONTENT_LENGTH);
    } else if !body.is_end_stream()
        && let Some(length) =
            body.size_hint().exact().filter(|_| headers.contains_key(header::CONTENT_LENGTH))
    {
        headers.insert(header::CONTENT_LENGTH, length.into());
    }
    only_chunked(headers)
}

/// Takes out of a request's trailers what its head may not say either: some backends merge the two.
pub(crate) fn strip_trailers(trailers: &mut HeaderMap) {
    strip_ours(trailers);
}

/// The target is a path, or `*` where it means something. A bare authority, which is for CONNECT alone, has none.
fn check_target(parts: &Parts) -> Result<(), Problem> {
    let path = parts.uri.path();
    if path.starts_with('/') || (path == "*" && parts.method == Method::OPTIONS) {
        return Ok(());
    }
    Err(Problem::Malformed("The request target is not a path."))
}

fn only_chunked(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    let first = codings.next();
    let chunked = first.is_none_or(|coding| coding.as_bytes().eq_ignore_ascii_case(b"chunked"));
    chunked && codings.next().is_none()
}

/// The one host a request names: the authority of HTTP/2 or of an absolute URI, else the one `Host` field.
fn single_host(parts: &Parts) -> Result<HeaderValue, Problem> {
    let mut fields = parts.headers.get_all(header::HOST).iter();
    let field = fields.next();
    if fields.next().is_some() {
        return Err(Problem::Malformed("The request has more than one Host field."));
    }
    if field.is_none() && parts.version != Version::HTTP_2 {
        return Err(Problem::Malformed("The request has no Host field."));
    }
    if let Some(field) = field {
        check_host(field.as_bytes())?;
    }
    let Some(authority) = parts.uri.authority() else {
        return field.cloned().ok_or(Problem::Malformed("The request has no authority."));
    };
    check_host(authority.as_str().as_bytes())?;
    let differs =
        field.is_some_and(|field| !field.as_bytes().eq_ignore_ascii_case(authority.as_str().as_bytes()));
    // RFC 9112 3.2.2 lets the absolute URI win; whoever sends both, and differently, is hoping for confusion.
    if differs {
        return Err(Problem::Malformed("The Host field contradicts the request's authority."));
    }
    HeaderValue::from_str(authority.as_str()).map_err(|_| Problem::Malformed("The authority is not valid."))
}

/// Narrower than RFC 3986: what no DNS name or address has in it has no business in a backend's logs and links.
fn check_host(text: &[u8]) -> Result<(), Problem> {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(byte);
    let authority = Authority::try_from(text).ok().filter(|host| !host.host().is_empty());
    if text.iter().all(plain) && authority.is_some() {
        return Ok(());
    }
    Err(Problem::Malformed("The Host field is not a host."))
}

/// The protocol to upgrade to, if the request may: HTTP/1.1, GET, no body, one protocol that is not HTTP itself (a
/// tunnelled second HTTP connection would pass by everything the edge enforces).
fn wanted_upgrade(parts: &Parts, body_empty: bool) -> Option<HeaderValue> {
    let asked = parts.version == Version::HTTP_11
        && parts.method == Method::GET
        && body_empty
        && connection_tokens(&parts.headers).any(|token| token.eq_ignore_ascii_case("upgrade"));
    let protocol = asked.then(|| single(&parts.headers, &header::UPGRADE)).flatten()?;
    let text = protocol.to_str().ok()?.trim();
    let name = text.split('/').next().unwrap_or_default();
    let refused =
        text.contains(',') || ["h2c", "h2", "http", "tls"].iter().any(|no| name.eq_ignore_ascii_case(no));
    (!refused && !name.is_empty()).then(|| protocol.clone())
}

/// Whether the connection ends with this answer.
pub(crate) fn says_close(headers: &HeaderMap) -> bool {
    connection_tokens(headers).any(|token| token.eq_ignore_ascii_case("close"))
}

fn connection_tokens(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers.get_all(header::CONNECTION).iter();
    values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).map(str::trim)
}

fn strip_one_hop(headers: &mut HeaderMap, request: bool) {
    if headers.contains_key(header::CONNECTION) {
        let named: Vec<HeaderName> =
            connection_tokens(headers).filter_map(|token| HeaderName::try_from(token).ok()).collect();
        for name in named {
            headers.remove(name);
        }
    }
    for name in &ONE_HOP {
        headers.remove(name);
    }
    if headers.contains_key(header::TE) {
        let trailers = headers.get_all(header::TE).iter().any(|value| value == "trailers");
        headers.remove(header::TE);
        if trailers && request {
            headers.insert(header::TE, HeaderValue::from_static("trailers"));
        }
    }
}

fn strip_ours(headers: &mut HeaderMap) {
    let said: Vec<HeaderName> = headers.keys().filter(|name| only_we_say(name.as_str())).cloned().collect();
    for name in said {
        headers.remove(name);
    }
}

/// Names of fields that only the edge may write, and their look-alikes with underscores.
fn only_we_say(name: &str) -> bool {
    let ours = |name: &str| {
        name == "forwarded"
            || name.starts_with("x-forwarded")
            || name == "x-real-ip"
            || name == "x-request-id"
    };
    if !name.contains('_') {
        return ours(name);
    }
    let hyphened = name.replace('_', "-");
    ours(&hyphened) || hyphened == "host" || hyphened == "traceparent"
}

/// HTTP/2 may split cookies over several fields; HTTP/1.1 may not (RFC 9113 8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    let mut cookies = headers.get_all(header::COOKIE).iter();
    let (Some(first), Some(second)) = (cookies.next(), cookies.next()) else { return };
    let mut joined = first.as_bytes().to_vec();
    for cookie in [second].into_iter().chain(cookies) {
        joined.extend_from_slice(b"; ");
        joined.extend_from_slice(cookie.as_bytes());
    }
    if let Ok(joined) = HeaderValue::from_bytes(&joined) {
        headers.insert(header::COOKIE, joined);
    }
}

fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() { None } else { first }
}

fn origin_form(uri: &Uri) -> Uri {
    if uri.scheme().is_none() && uri.authority().is_none() {
        return uri.clone();
    }
    uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/")).into()
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn client() -> ClientFacts {
        ClientFacts::new("[2001:db8::7]:4711".parse().unwrap(), true)
    }

    fn prepare(request: http::request::Builder) -> Result<(Parts, Option<HeaderValue>), Problem> {
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        let upgrade = prepare_request(&mut parts, &client(), &HeaderValue::from_static("feed"), true)?;
        Ok((parts, upgrade))
    }

    fn get(uri: &str) -> http::request::Builder {
        Request::get(uri)
    }

    #[test]
    fn spoofed_origin_is_dropped() {
        let request = get("/")
            .header("host", "a.test")
            .header("x-forwarded-for", "6.6.6.6")
            .header("x_forwarded_for", "6")
            .header("x-forwarded-ssl", "on")
            .header("x_forwarded_user", "root");
        let request = request
            .header("forwarded", "for=6.6.6.6")
            .header("x-real-ip", "6.6.6.6")
            .header("x-request-id", "mine");
        let (parts, _) = prepare(request).unwrap();
        assert_eq!(parts.headers["x-forwarded-for"], "2001:db8::7");
        assert_eq!(parts.headers["x-forwarded-proto"], "https");
        assert_eq!(parts.headers["x-forwarded-host"], "a.test");
        assert_eq!(parts.headers["forwarded"], "for=\"[2001:db8::7]\";proto=https;host=\"a.test\"");
        assert_eq!(parts.headers["x-request-id"], "feed");
        for name in ["x-real-ip", "x_forwarded_for", "x-forwarded-ssl", "x_forwarded_user"] {
            assert!(!parts.headers.contains_key(name), "{name}");
        }
    }

    #[test]
    fn exactly_one_host_passes() {
        assert!(prepare(get("/")).is_err());
        assert!(prepare(get("/").header("host", "a").header("host", "a")).is_err());
        for host in ["", "a@b", "a b", "a/b", "a,b"] {
            assert!(prepare(get("/").header("host", host)).is_err(), "{host:?}");
        }
        for host in ["a.test", "a.test:8443", "[::1]:80", "127.0.0.1"] {
            assert!(prepare(get("/").header("host", host)).is_ok(), "{host:?}");
        }
    }

    #[test]
    fn authority_becomes_host() {
        let (parts, _) = prepare(get("https://a.test/x?y=1").version(Version::HTTP_2)).unwrap();
        assert_eq!(
            (&parts.headers["host"], parts.uri.to_string()),
            (&HeaderValue::from_static("a.test"), "/x?y=1".to_owned())
        );
        assert!(prepare(get("http://a.test/").header("host", "b.test")).is_err());
    }

    #[test]
    fn one_hop_fields_end_here() {
        let request =
            get("/").header("host", "a").header("connection", "close, X-Secret").header("x-secret", "1");
        let (parts, _) = prepare(
            request.header("keep-alive", "5").header("te", "gzip").header("transfer-encoding", "Chunked"),
        )
        .unwrap();
        for name in ["connection", "x-secret", "keep-alive", "te", "transfer-encoding"] {
            assert!(!parts.headers.contains_key(name), "{name}");
        }
        let (parts, _) = prepare(get("/").header("host", "a").header("te", "trailers")).unwrap();
        assert_eq!(parts.headers["te"], "trailers");
    }

    #[test]
    fn target_is_a_path() {
        let ask = |method, uri| prepare(Request::builder().method(method).uri(uri).header("host", "a:80"));
        assert!(ask("GET", "a:80").is_err() && ask("GET", "*").is_err());
        assert!(ask("OPTIONS", "*").is_ok() && ask("GET", "http://a:80?x").is_ok());
    }

    #[test]
    fn codings_besides_chunked_are_refused() {
        for coding in ["gzip, chunked", "chunked, chunked", "gzip", "identity"] {
            assert!(prepare(get("/").header("host", "a").header("transfer-encoding", coding)).is_err());
        }
        let twice = get("/").header("host", "a").header("transfer-encoding", "chunked");
        assert!(prepare(twice.header("transfer-encoding", "chunked")).is_err());
    }

    #[test]
    fn connection_cannot_name_our_fields() {
        let request =
            get("/").header("host", "a").header("connection", "host, x-forwarded-for, x-request-id");
        let (parts, _) = prepare(request).unwrap();
        for name in ["host", "x-forwarded-for", "x-request-id"] {
            assert!(parts.headers.contains_key(name), "{name}");
        }
    }

    #[test]
    fn upgrades_only_to_other_protocols() {
        let ask = |protocol| {
            get("/").header("host", "a").header("connection", "Upgrade").header("upgrade", protocol)
        };
        assert!(prepare(ask("websocket")).unwrap().1.is_some());
        for refused in ["h2c", "HTTP/2.0", "TLS/1.0", "websocket, h2c", ""] {
            let (parts, upgrade) = prepare(ask(refused)).unwrap();
            assert!(upgrade.is_none() && !parts.headers.contains_key("upgrade"), "{refused}");
        }
    }

    #[test]
    fn joins_split_cookies() {
        let request =
            get("https://a/").version(Version::HTTP_2).header("cookie", "a=1").header("cookie", "b=2");
        let (parts, _) = prepare(request).unwrap();
        assert_eq!(parts.headers.get_all("cookie").iter().collect::<Vec<_>>(), ["a=1; b=2"]);
    }

    #[test]
    fn refuses_tunnels_and_trace() {
        let host = |method| Request::builder().method(method).uri("/").header("host", "a");
        assert_eq!(prepare(host("TRACE")).err(), Some(Problem::MethodRefused));
        let connect = Request::builder().method("CONNECT").uri("a:443").header("host", "a");
        assert_eq!(prepare(connect).err(), Some(Problem::ConnectRefused));
    }
}
