//! Answers the edge makes itself: RFC 9457 problem documents.
//!
//! Texts are fixed here; nothing a client or a backend sent is repeated in them.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};

use crate::body::EdgeBody;

/// Why the edge answers instead of a backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// The request breaks HTTP's rules in the named way.
    Malformed(&'static str),
    /// The request body did not arrive in time.
    BodyTimeout,
    /// A method no backend gets.
    MethodRefused,
    /// CONNECT: this is no forward proxy.
    ConnectRefused,
    /// The request body is larger than allowed.
    BodyTooLarge,
    /// More header fields than allowed.
    TooManyFields,
    /// The backend broke the connection, or answered with something that is not HTTP.
    BackendBroken,
    /// No backend can be reached.
    NoBackend,
    /// The backend did not answer in time.
    BackendTimeout,
}

// === impl Problem ===

impl Problem {
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::MethodRefused => StatusCode::METHOD_NOT_ALLOWED,
            Self::ConnectRefused => StatusCode::NOT_IMPLEMENTED,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooManyFields => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::BackendBroken => StatusCode::BAD_GATEWAY,
            Self::NoBackend => StatusCode::SERVICE_UNAVAILABLE,
            Self::BackendTimeout => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    fn detail(self) -> &'static str {
        match self {
            Self::Malformed(detail) => detail,
            Self::BodyTimeout => "The request body stopped arriving.",
            Self::MethodRefused => "This method is not served.",
            Self::ConnectRefused => "Tunnels are not served.",
            Self::BodyTooLarge => "The request body is larger than this service takes.",
            Self::TooManyFields => "The request has too many header fields.",
            Self::BackendBroken => "The service closed the connection before it answered.",
            Self::NoBackend => "No instance of the service can be reached.",
            Self::BackendTimeout => "The service did not answer in time.",
        }
    }

    /// The whole answer. `request_id` is one of ours: hexadecimal digits.
    pub(crate) fn answer(self, request_id: &HeaderValue) -> Response<EdgeBody> {
        let status = self.status();
        let document = serde_json::json!({
            "type": "about:blank",
            "title": status.canonical_reason().unwrap_or("Error"),
            "status": status.as_u16(),
            "detail": self.detail(),
            "request_id": request_id.to_str().unwrap_or_default(),
        });
        let mut response = Response::new(EdgeBody::local(Bytes::from(document.to_string())));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(crate::headers::X_REQUEST_ID, request_id.clone());
        match self {
            Self::NoBackend => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            Self::MethodRefused => {
                let allowed = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
                headers.insert(header::ALLOW, allowed);
            }
            _ => {}
        }
        response
    }
}
