//! Refusals: RFC 9457 problem documents, and nothing else.
//!
//! What the client reads and what the log reads are two things: a problem says what the client did or can do; the
//! cause of a failure inside goes to the log under the same request id.

use std::iter;

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use shield_guard::{
    chain::{RefusalAnswer, RefusalKind},
    password::PasswordRefusal,
};
use utoipa::ToSchema;

use super::request_id::RequestId;
use crate::{
    accounts::{Failure, HashingError},
    analysis::TargetError,
    store::{CheckId, StoreError},
    telemetry::causes,
};

/// Media type of every refusal.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";
/// Seconds that a client should wait before it repeats a request that found us busy.
const RETRY_AFTER_S: u64 = 1;
/// What a request without a credential lacks (RFC 6750, 3).
const CHALLENGE: &str = "Bearer realm=\"linkshield\"";
/// What a request with a credential that is not good lacks.
const CHALLENGE_INVALID: &str = "Bearer realm=\"linkshield\", error=\"invalid_token\"";

/// One refusal, before it knows which request it answers.
#[derive(Debug, Clone)]
pub struct Problem {
    status: StatusCode,
    kind: &'static str,
    title: &'static str,
    detail: String,
    errors: Vec<FieldError>,
    /// What the client has to send instead: `www-authenticate`.
    challenge: Option<&'static str>,
    /// When it makes sense to come back.
    retry_after_s: Option<u64>,
    /// What failed inside, for the log only.
    cause: Option<String>,
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

// === impl Problem ===

impl Problem {
    const fn new(status: StatusCode, kind: &'static str, title: &'static str, detail: String) -> Self {
        Self {
            status,
            kind,
            title,
            detail,
            errors: Vec::new(),
            challenge: None,
            retry_after_s: None,
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
            format!("`content-type` {found}, accepted is `application/json`"),
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
        Self { errors, ..Self::new(status, kind, title, detail) }
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

    /// 401: the path needs a credential.
    pub(crate) fn no_credential() -> Self {
        let (status, kind) = (StatusCode::UNAUTHORIZED, "urn:linkshield:problem:no-credential");
        let detail = "send an access token in `authorization: Bearer`".to_owned();
        Self { challenge: Some(CHALLENGE), ..Self::new(status, kind, "The path needs a credential", detail) }
    }

    /// 401: the credential is not good, whatever the reason.
    pub(crate) fn bad_credential() -> Self {
        let (status, kind) = (StatusCode::UNAUTHORIZED, "urn:linkshield:problem:bad-credential");
        let detail = "it is malformed, expired or revoked; log in again".to_owned();
        Self {
            challenge: Some(CHALLENGE_INVALID),
            ..Self::new(status, kind, "The credential is not valid", detail)
        }
    }

    /// 401: nobody has this address and password. `WWW-Authenticate` names what the rest of the API takes.
    pub(crate) fn wrong_login() -> Self {
        let (status, kind) = (StatusCode::UNAUTHORIZED, "urn:linkshield:problem:wrong-login");
        let detail = "Invalid email or password".to_owned();
        Self { challenge: Some(CHALLENGE), ..Self::new(status, kind, "The log-in is refused", detail) }
    }

    /// 403: the credential is good, and not for this.
    pub(crate) fn not_allowed(detail: &str) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "urn:linkshield:problem:not-allowed",
            "This is not allowed",
            detail.to_owned(),
        )
    }

    /// 403: the address has to be verified first.
    pub(crate) fn email_not_verified() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "urn:linkshield:problem:email-not-verified",
            "The e-mail address is not verified",
            "use the token that was sent to it, or ask for another at /api/v1/user/resend-verification"
                .to_owned(),
        )
    }

    /// 403: the account is suspended or given up.
    pub(crate) fn account_closed() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "urn:linkshield:problem:account-closed",
            "The account is closed",
            "it was suspended or given up".to_owned(),
        )
    }

    /// 404: the account has no such session.
    pub(crate) fn unknown_session() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "urn:linkshield:problem:unknown-session",
            "There is no such session",
            "the account has no session of this id; it may have ended".to_owned(),
        )
    }

    /// 401: the credential is good, and the log-in too long ago for this (ASVS 5.0, 7.5.1).
    pub(crate) fn recent_login_required() -> Self {
        let (status, kind) = (StatusCode::UNAUTHORIZED, "urn:linkshield:problem:recent-login-required");
        let detail = "this needs a log-in of the last ten minutes; log in again".to_owned();
        Self { challenge: Some(CHALLENGE), ..Self::new(status, kind, "The log-in is too long ago", detail) }
    }

    /// 404: no such account.
    pub(crate) fn unknown_user() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "urn:linkshield:problem:unknown-user",
            "There is no such account",
            "no account has this id".to_owned(),
        )
    }

    /// 404: no such signing key.
    pub(crate) fn unknown_signing_key() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "urn:linkshield:problem:unknown-signing-key",
            "There is no such signing key",
            "no key of the ring has this id; nothing that it signed is accepted".to_owned(),
        )
    }

    /// 409: the rules of rotation forbid it now.
    pub(crate) fn rotation_refused(detail: String) -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "urn:linkshield:problem:rotation-refused",
            "The signing keys cannot change now",
            detail,
        )
    }

    /// 404: the account has no such key.
    pub(crate) fn unknown_api_key() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "urn:linkshield:problem:unknown-api-key",
            "There is no such API key",
            "the account has no key of this id; it may have expired".to_owned(),
        )
    }

    /// 409: the account has as many keys as its plan allows.
    pub(crate) fn key_limit(keys_max: u16) -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "urn:linkshield:problem:api-key-limit",
            "The account has as many API keys as its plan allows",
            format!("the plan allows {keys_max} keys; take one back, or change the plan"),
        )
    }

    /// 409: the key has a successor already.
    pub(crate) fn key_over() -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "urn:linkshield:problem:api-key-replaced",
            "The API key cannot be replaced",
            "it was replaced before, or has expired".to_owned(),
        )
    }

    /// 409: the address has an account.
    pub(crate) fn email_taken() -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "urn:linkshield:problem:email-taken",
            "The e-mail address has an account",
            "log in, or ask for a new password at /api/v1/user/forgot-password".to_owned(),
        )
    }

    /// 400: a one-time token is not good, whatever the reason.
    pub(crate) fn bad_link() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "urn:linkshield:problem:bad-one-time-token",
            "The token is not valid",
            "it was used, has expired, was replaced by a newer one, or never was one".to_owned(),
        )
    }

    /// 400: the current password was not confirmed.
    pub(crate) fn wrong_password() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "urn:linkshield:problem:wrong-password",
            "The current password is wrong",
            "`current_password` is not the password of this account".to_owned(),
        )
    }

    /// 423: an administrator locked the account.
    pub(crate) fn account_locked() -> Self {
        Self::new(
            StatusCode::LOCKED,
            "urn:linkshield:problem:account-locked",
            "The account is locked",
            "an administrator locked it".to_owned(),
        )
    }

    /// 429: too much of something; it makes sense to come back after so many seconds.
    pub(crate) fn too_many(detail: &str, retry_after_s: u64) -> Self {
        let (status, kind) = (StatusCode::TOO_MANY_REQUESTS, "urn:linkshield:problem:too-many-requests");
        let problem = Self::new(status, kind, "There were too many requests", detail.to_owned());
        Self { retry_after_s: Some(retry_after_s), ..problem }
    }

    /// 422: the password may not be one.
    pub(crate) fn refused_password(field: &str, refusal: PasswordRefusal) -> Self {
        let (pointer, detail) = (format!("#/{field}"), refusal.to_string());
        let error = FieldError { location: Location::Body, pointer, detail };
        Self::invalid("the password is not accepted, see `errors`".to_owned(), vec![error])
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
    pub(crate) fn busy(detail: &str, retry_after_s: u64) -> Self {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let (kind, title) = ("urn:linkshield:problem:unavailable", "The service cannot answer right now");
        Self { retry_after_s: Some(retry_after_s), ..Self::new(status, kind, title, detail.to_owned()) }
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
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        *response.body_mut() = Body::from(body);
        response
    }
}

/// The empty shell of a refusal; `observe` fills in the document.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Hashing(HashingError::Busy { retry_after_s }) => {
                Self::busy("too many passwords are being checked", retry_after_s)
            }
            Failure::Accounts(error) => error.into(),
            Failure::Contended => Self::unavailable("the session is being changed by others"),
            failure => {
                let cause =
                    iter::once(failure.to_string()).chain(causes(&failure)).collect::<Vec<_>>().join(": ");
                let kept = "the database of accounts does not answer";
                match failure {
                    Failure::Sessions(_) | Failure::Refresh(_) | Failure::OneTime(_) | Failure::Limits(_) => {
                        Self { cause: Some(cause), ..Self::unavailable(kept) }
                    }
                    _ => Self::internal(cause),
                }
            }
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let cause = iter::once(error.to_string()).chain(causes(&error)).collect::<Vec<_>>().join(": ");
        if error.retryable() {
            Self { cause: Some(cause), ..Self::unavailable("the database is busy") }
        } else {
            Self::internal(cause)
        }
    }
}
