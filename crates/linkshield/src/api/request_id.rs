//! Request ids: taken from the proxy when well-formed, else made here.
//!
//! The id is echoed and logged, so only characters that mean nothing to terminals, logs and headers are let through.

use http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

/// The header that carries the id in both directions.
pub(crate) const REQUEST_ID_HEADER: HeaderName = HeaderName::from_static("x-request-id");

const LENGTH_MAX: usize = 128;

/// Identifies one request across proxy, log and answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RequestId(String);

// === impl RequestId ===

impl RequestId {
    /// The id in `headers` when exactly one is there and well-formed, else a fresh one.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut values = headers.get_all(REQUEST_ID_HEADER).iter();
        let given = match (values.next(), values.next()) {
            (Some(only), None) => only.to_str().ok().filter(|text| well_formed(text)),
            _ => None,
        };
        Self(given.map_or_else(|| Uuid::now_v7().to_string(), str::to_owned))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn header_value(&self) -> HeaderValue {
        HeaderValue::from_str(&self.0).expect("only letters, digits and `-._` are in an id")
    }
}

fn well_formed(text: &str) -> bool {
    let accepted = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    !text.is_empty() && text.len() <= LENGTH_MAX && text.bytes().all(accepted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_only_well_formed_ids() {
        let of = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(REQUEST_ID_HEADER, HeaderValue::from_str(value).unwrap());
            }
            RequestId::of(&headers).as_str().to_owned()
        };
        assert_eq!(of(&["edge-1.a_b"]), "edge-1.a_b");
        for refused in [&["a b"][..], &["{}"], &[""], &["one", "two"], &[], &["x".repeat(129).as_str()]] {
            assert!(Uuid::try_parse(&of(refused)).is_ok(), "{refused:?}");
        }
    }
}
