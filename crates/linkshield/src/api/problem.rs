//! Refusals: RFC 9457 problem documents, and nothing else.
//!
//! What the client reads and what the log reads are two things: a problem says what the client did or can do; the
//! cause of a failure inside goes to the log under the same request id.

use std::{error::Error, iter};

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use shield_guard::{
    chain::{RefusalAnswer, RefusalKind},
    headers::CspReportError,
};
use utoipa::ToSchema;

use super::request_id::RequestId;
use crate::{
    analysis::TargetError,
    gate::Counts,
    store::{CheckId, StoreError, WriteObstacle},
    telemetry::causes,
};

/// Media type of every refusal.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";
/// Seconds that a client should wait before it repeats a request that found us busy.
const RETRY_AFTER_S: u32 = 1;
/// The same where a person has to free space first.
const STORAGE_RETRY_AFTER_S: u32 = 10;

/// One refusal, before it knows which request it answers.
#[derive(Debug, Clone)]
pub struct Problem {
    pub(super) status: StatusCode,
    pub(super) kind: &'static str,
    pub(super) title: &'static str,
    pub(super) detail: String,
    pub(super) errors: Box<[FieldError]>,
    /// What the client has to send instead: `www-authenticate`.
    pub(super) challenge: Option<Challenge>,
    /// When it makes sense to come back. (A problem is an `Err` everywhere and kept below 128 bytes.)
    pub(super) retry_after_s: Option<u32>,
    /// The counts that the request was in, for the headers.
    pub(super) counts: Option<Box<Counts>>,
    /// What failed inside, for the log only.
    pub(super) cause: Option<String>,
}

/// What a credential lacks (RFC 6750, 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Challenge {
    /// There is none.
    Missing,
    /// It is not good.
    Invalid,
}

/// One mistake in a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// Which part of the request it is in.
    #[serde(rename = "in")]
    pub location: Location,
    /// JSON pointer to it, as a fragment.
    #[schema(example = "#/scan_depth")]
    pub pointer: String,
    /// What is wrong and what would be accepted.
    pub detail: String,
}

/// A part of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Location {
    /// The JSON body.
    Body,
    /// The query of the URL.
    Query,
    /// The path of the URL.
    Path,
}

/// The document as it is sent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemDocument<'a> {
    /// Stable name of the kind of problem.
    #[serde(rename = "type")]
    #[schema(value_type = String, example = "urn:linkshield:problem:validation-failed")]
    kind: &'a str,
    /// The kind in words.
    #[schema(value_type = String)]
    title: &'a str,
    /// Status code.
    status: u16,
    /// What is the matter this time.
    #[schema(value_type = String)]
    detail: &'a str,
    /// Path of the request.
    #[schema(value_type = String)]
    instance: &'a str,
    /// Id of the request, also in the log and in `x-request-id`.
    #[schema(value_type = String)]
    request_id: &'a str,
    /// The mistakes in the request, at most 32.
    #[serde(skip_serializing_if = "<[FieldError]>::is_empty")]
    errors: &'a [FieldError],
}

// === impl Challenge ===

impl Challenge {
    const fn header(self) -> &'static str {
        match self {
            Self::Missing => "Bearer realm=\"linkshield\"",
            Self::Invalid => "Bearer realm=\"linkshield\", error=\"invalid_token\"",
        }
    }
}

// === impl Problem ===

impl Problem {
    /// A refusal of this kind.
    pub(super) fn new(status: StatusCode, kind: &'static str, title: &'static str, detail: String) -> Self {
        Self {
            status,
            kind,
            title,
            detail,
            errors: Box::default(),
            challenge: None,
            retry_after_s: None,
            counts: None,
            cause: None,
        }
    }

    /// 400: the body is not JSON.
    pub(crate) fn malformed_json(detail: String) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "urn:linkshield:problem:malformed-json",
            "The request body is not JSON",
            detail,
        )
    }

    /// 400: what was submitted is not a URL.
    pub(crate) fn not_a_url(error: &TargetError) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "urn:linkshield:problem:not-a-url",
            "The submitted text is not a URL",
            error.to_string(),
        )
    }

    /// 400: a bulk request with too many URLs or without a usable one.
    pub(crate) fn unusable_bulk(detail: String) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "urn:linkshield:problem:unusable-bulk-request",
            "The list of URLs cannot be used",
            detail,
        )
    }

    /// 400: whom the request is for is not said once.
    pub(crate) fn no_single_host(detail: &str) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "urn:linkshield:problem:bad-host",
            "The request does not say once for which host it is",
            detail.to_owned(),
        )
    }

    /// 404: no such path.
    pub(crate) fn unknown_path(path: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "urn:linkshield:problem:unknown-path",
            "There is nothing at this path",
            format!("`{path}` is not a path of this API; /openapi.json lists them all"),
        )
    }

    /// 404: no such check.
    pub(crate) fn unknown_check(id: CheckId) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "urn:linkshield:problem:unknown-check",
            "There is no such check",
            format!("no check has the id `{id}`; checks are deleted after the retention period"),
        )
    }

    /// 405: the path exists, the method does not.
    pub(crate) fn wrong_method(method: &str, path: &str) -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "urn:linkshield:problem:wrong-method",
            "The path does not accept this method",
            format!("`{path}` does not accept {method}; the header `allow` lists what it accepts"),
        )
    }

    /// 408: the body did not arrive in time.
    pub(crate) fn slow_body(waited_s: u64) -> Self {
        Self::new(
            StatusCode::REQUEST_TIMEOUT,
            "urn:linkshield:problem:slow-body",
            "The request body did not arrive in time",
            format!("the body was not complete after {waited_s} seconds"),
        )
    }

    /// 413: the body is larger than anything this API accepts.
    pub(crate) fn body_too_large(bytes_max: usize) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "urn:linkshield:problem:body-too-large",
            "The request body is too large",
            format!("at most {bytes_max} bytes are accepted"),
        )
    }

    /// 400: the body ended early.
    pub(crate) fn broken_body() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "urn:linkshield:problem:broken-body",
            "The request body could not be read",
            "the connection broke or the transfer encoding is wrong".to_owned(),
        )
    }

    /// 415: the body claims to be something other than JSON.
    pub(crate) fn not_json(content_type: Option<&str>) -> Self {
        let found = content_type.map_or("is missing".to_owned(), |found| format!("is `{found}`"));
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "urn:linkshield:problem:unsupported-media-type",
            "The request body must be JSON",
            format!("`content-type` {found}, accepted is `application/json` in UTF-8"),
        )
    }

    /// 415: the body claims to be something other than a report.
    pub(crate) fn no_report_type() -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "urn:linkshield:problem:unsupported-media-type",
            "The request body must be a report",
            "`content-type` is neither `application/csp-report` nor `application/reports+json`".to_owned(),
        )
    }

    /// 400: the body is no report.
    pub(crate) fn unreadable_report(error: CspReportError) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "urn:linkshield:problem:unreadable-report",
            "The request body is no report",
            format!("failed to {error}"),
        )
    }

    /// 415: the body is compressed.
    pub(crate) fn encoded_body() -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "urn:linkshield:problem:unsupported-content-encoding",
            "The request body must not be compressed",
            "`content-encoding` is present, accepted are plain bodies".to_owned(),
        )
    }

    /// 422: the request can be read but not accepted.
    pub(crate) fn invalid(detail: String, errors: Vec<FieldError>) -> Self {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        let (kind, title) = ("urn:linkshield:problem:validation-failed", "The request is not valid");
        Self { errors: errors.into(), ..Self::new(status, kind, title, detail) }
    }

    /// 401, 403, 429 or 503: the gate did not let the request through.
    pub(crate) fn refused(answer: &RefusalAnswer) -> Self {
        let status = StatusCode::from_u16(answer.status).expect("refusals have statuses of HTTP");
        let kind = match answer.kind {
            RefusalKind::AuthenticationRequired => "urn:linkshield:problem:no-credential",
            RefusalKind::CredentialRefused => "urn:linkshield:problem:bad-credential",
            RefusalKind::ScopeMissing => "urn:linkshield:problem:not-allowed",
            RefusalKind::CsrfRefused => "urn:linkshield:problem:csrf-refused",
            RefusalKind::RateLimited => "urn:linkshield:problem:too-many-requests",
            RefusalKind::TryLater => "urn:linkshield:problem:unavailable",
        };
        Self::new(status, kind, answer.title, answer.detail.to_owned())
    }

    /// The same, with more to say about this time.
    pub(crate) fn saying(self, detail: String) -> Self {
        Self { detail, ..self }
    }

    /// 500: our fault; `cause` goes to the log.
    pub(crate) fn internal(cause: String) -> Self {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        let (kind, title) = ("urn:linkshield:problem:internal-error", "Something failed inside");
        let detail = "the failure is in the log under this request id".to_owned();
        Self { cause: Some(cause), ..Self::new(status, kind, title, detail) }
    }

    /// 503: cannot serve now; trying again later makes sense.
    pub(crate) fn unavailable(detail: &str) -> Self {
        Self::busy(detail, RETRY_AFTER_S)
    }

    /// 503: cannot serve before so many seconds have passed.
    pub(crate) fn busy(detail: &str, retry_after_s: u32) -> Self {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let (kind, title) = ("urn:linkshield:problem:unavailable", "The service cannot answer right now");
        Self { retry_after_s: Some(retry_after_s), ..Self::new(status, kind, title, detail.to_owned()) }
    }

    /// 500, or 503 where the storage of the database is at fault, which is told; the causes go to the log.
    pub(super) fn of_failure(error: &(dyn Error + 'static)) -> Self {
        let cause = iter::once(error.to_string()).chain(causes(error)).collect::<Vec<_>>().join(": ");
        match WriteObstacle::behind(error) {
            Some(obstacle) => {
                Self { cause: Some(cause), ..Self::busy(obstacle.text(), STORAGE_RETRY_AFTER_S) }
            }
            None => Self::internal(cause),
        }
    }

    /// Its status code.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// What failed inside, when something did.
    pub(crate) fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// The response, now that the request is known. Headers set on the way (`allow`) are kept.
    pub(crate) fn render(&self, mut response: Response, instance: &str, request_id: &RequestId) -> Response {
        let document = ProblemDocument {
            kind: self.kind,
            title: self.title,
            status: self.status.as_u16(),
            detail: &self.detail,
            instance,
            request_id: request_id.as_str(),
            errors: &self.errors,
        };
        let body = serde_json::to_vec(&document).expect("a struct of strings and numbers becomes JSON");
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.remove(header::CONTENT_LENGTH);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(challenge) = self.challenge {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge.header()));
        }
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        *response.body_mut() = Body::from(body);
        response
    }
}

/// The empty shell of a refusal; the gate takes the counts, and `observe` fills in the document.
impl IntoResponse for Problem {
    fn into_response(mut self) -> Response {
        let mut response = self.status.into_response();
        if let Some(counts) = self.counts.take() {
            response.extensions_mut().insert(*counts);
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let problem = Self::of_failure(&error);
        if problem.status == StatusCode::SERVICE_UNAVAILABLE {
            problem
        } else if error.retryable() {
            Self { cause: problem.cause, ..Self::unavailable("the database is busy") }
        } else if error.unanswered() {
            let detail = "the database gave no answer: whether this was done is not known";
            Self { cause: problem.cause, ..Self::unavailable(detail) }
        } else {
            problem
        }
    }
}
