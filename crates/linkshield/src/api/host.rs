//! Whom a request is for: one `Host`, as RFC 9112 (3.2) demands.
//!
//! Of two that differ a proxy may have read the other one, and what is expected of `Origin` is judged by it. hyper lets none and two
//! pass.

use axum::extract::Request;
use http::{HeaderValue, Version, header, uri::Authority};

use super::problem::Problem;

/// Refuses a request that has more than one `Host`, one that is none, or, since HTTP/1.1, none.
pub(super) fn check_host(request: &Request) -> Result<(), Problem> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) if names_host(host) => Ok(()),
        (None, _) if request.version() < Version::HTTP_11 => Ok(()),
        (None, _) => Err(Problem::no_single_host("`host` is missing, which HTTP/1.1 requires")),
        (Some(_), None) => Err(Problem::no_single_host("`host` is not a host with or without a port")),
        (Some(_), Some(_)) => Err(Problem::no_single_host("`host` is there more than once")),
    }
}

/// An empty one is right where the client has no name for us.
fn names_host(value: &HeaderValue) -> bool {
    let bytes = value.as_bytes();
    bytes.is_empty() || (!bytes.contains(&b'@') && Authority::try_from(bytes).is_ok())
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn accepted(version: Version, hosts: &[&str]) -> bool {
        let request = Request::get("/").version(version);
        let request = hosts.iter().fold(request, |request, host| request.header("host", *host));
        check_host(&request.body(Body::empty()).unwrap()).is_ok()
    }

    #[test]
    fn one_host_is_needed() {
        for hosts in [["a.example:8080"].as_slice(), &["[::1]:80"], &["127.0.0.1"], &["under_score"], &[""]] {
            assert!(accepted(Version::HTTP_11, hosts), "{hosts:?}");
        }
        for hosts in [[].as_slice(), &["a", "a"], &["a", "b"], &["a b"], &["user@a"], &["a/b"], &["a:b:c"]] {
            assert!(!accepted(Version::HTTP_11, hosts), "{hosts:?}");
        }
        assert!(accepted(Version::HTTP_10, &[]), "it had none yet");
        assert!(!accepted(Version::HTTP_10, &["a", "b"]));
    }
}
