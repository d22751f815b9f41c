//! Refusals about credentials and accounts.

use std::fmt::Display;

use http::StatusCode;

use crate::{
    accounts::{Failure, HashingError, TooMany},
    api::problem::{Challenge, FieldError, Location, Problem},
    gate::{CountStanding, Counts},
};

// === impl Problem ===

impl Problem {
    /// 401: the path needs a credential.
    pub(crate) fn no_credential() -> Self {
        let (status, kind) = (StatusCode::UNAUTHORIZED, "urn:linkshield:problem:no-credential");
        let detail = "send an access token in `authorization: Bearer`".to_owned();
        Self {
            challenge: Some(Challenge::Missing),
            ..Self::new(status, kind, "The path needs a credential", detail)
        }
    }

    /// 401: the credential is not good, whatever the reason.
    pub(crate) fn bad_credential() -> Self {
        let (status, kind) = (StatusCode::UNAUTHORIZED, "urn:linkshield:problem:bad-credential");
        let detail = "it is malformed, expired or revoked; log in again".to_owned();
        Self {
            challenge: Some(Challenge::Invalid),
            ..Self::new(status, kind, "The credential is not valid", detail)
        }
    }

    /// 401: nobody has this address and password. `WWW-Authenticate` names what the rest of the API takes.
    pub(crate) fn wrong_login() -> Self {
        let (status, kind) = (StatusCode::UNAUTHORIZED, "urn:linkshield:problem:wrong-login");
        let detail = "Invalid email or password".to_owned();
        Self {
            challenge: Some(Challenge::Missing),
            ..Self::new(status, kind, "The log-in is refused", detail)
        }
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

    /// 422: the password may not be one.
    pub(crate) fn refused_password(field: &str, refusal: &dyn Display) -> Self {
        let (pointer, detail) = (format!("#/{field}"), refusal.to_string());
        let error = FieldError { location: Location::Body, pointer, detail };
        Self::invalid("the password is not accepted, see `errors`".to_owned(), vec![error])
    }

    /// 401: the credential is good, and the log-in too long ago for this (ASVS 5.0, 7.5.1).
    pub(crate) fn recent_login_required() -> Self {
        let (status, kind) = (StatusCode::UNAUTHORIZED, "urn:linkshield:problem:recent-login-required");
        let detail = "this needs a log-in of the last ten minutes; log in again".to_owned();
        Self {
            challenge: Some(Challenge::Missing),
            ..Self::new(status, kind, "The log-in is too long ago", detail)
        }
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

    /// 409: the account has too many replaced API keys that still work.
    pub(crate) fn replaced_key_limit(keys_max: u16) -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "urn:linkshield:problem:api-key-limit",
            "The account has too many replaced API keys that still work",
            format!("the plan allows {keys_max} of them; take one back that is not used any more"),
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

    /// 404: no such account.
    pub(crate) fn unknown_user() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "urn:linkshield:problem:unknown-user",
            "There is no such account",
            "no account has this id".to_owned(),
        )
    }

    /// 404: no account of this address.
    pub(crate) fn unknown_address() -> Self {
        Self { detail: "no account has this address".to_owned(), ..Self::unknown_user() }
    }

    /// 404: no such signing key.
    pub(crate) fn unknown_signing_key() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "urn:linkshield:problem:unknown-signing-key",
            "There is no such signing key",
            "no key of the ring has this id, or it was killed before; nothing that it signed is accepted"
                .to_owned(),
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

    /// 401: the password is right; a code of the second factor is missing.
    pub(crate) fn second_factor_required() -> Self {
        let (status, kind) = (StatusCode::UNAUTHORIZED, "urn:linkshield:problem:second-factor-required");
        let detail = "send a code of the authenticator app, or a recovery code, in `totp_code`".to_owned();
        Self {
            challenge: Some(Challenge::Missing),
            ..Self::new(status, kind, "A second factor is needed", detail)
        }
    }

    /// 409: a second factor is set up already.
    pub(crate) fn second_factor_present() -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "urn:linkshield:problem:second-factor-present",
            "A second factor is set up already",
            "take it away before another is set up".to_owned(),
        )
    }

    /// 404: there is no second factor.
    pub(crate) fn second_factor_absent() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "urn:linkshield:problem:second-factor-absent",
            "There is no second factor",
            "none is set up, or being set up".to_owned(),
        )
    }

    /// 400: a code is not good, whatever the reason.
    pub(crate) fn bad_code() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "urn:linkshield:problem:bad-code",
            "The code is not valid",
            "it is wrong, was used, or is of another moment".to_owned(),
        )
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

    /// 403: the plan does not include it.
    pub(crate) fn plan_lacks(feature: &str) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "urn:linkshield:problem:plan-required",
            "The plan does not include this",
            format!("the account's plan does not include `{feature}`, or never as much at once"),
        )
    }

    /// 429: what the plan includes is used up for this hour or day.
    pub(crate) fn quota_used_up(by: CountStanding, charged: Vec<CountStanding>) -> Self {
        let CountStanding { name, seconds_left, .. } = by;
        let detail = format!("the plan's `{name}` are used up; `retry-after` says until when");
        Self {
            kind: "urn:linkshield:problem:quota-used-up",
            title: "What the plan includes is used up",
            counts: Some(Box::new(Counts::refused(by, charged))),
            ..Self::too_many(&detail, seconds_left)
        }
    }

    /// 429: a count of attempts at log-in is full.
    pub(crate) fn throttled(what: TooMany, by: CountStanding) -> Self {
        let counts = Some(Box::new(Counts::refused(by, Vec::new())));
        Self { counts, ..Self::too_many(&what.to_string(), by.seconds_left) }
    }

    /// 429: too much of something; it makes sense to come back after so many seconds.
    pub(crate) fn too_many(detail: &str, retry_after_s: u64) -> Self {
        let (status, kind) = (StatusCode::TOO_MANY_REQUESTS, "urn:linkshield:problem:too-many-requests");
        let problem = Self::new(status, kind, "There were too many requests", detail.to_owned());
        Self { retry_after_s: Some(u32::try_from(retry_after_s).unwrap_or(u32::MAX)), ..problem }
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Hashing(HashingError::Busy { retry_after_s }) => {
                let seconds = u32::try_from(retry_after_s).unwrap_or(u32::MAX);
                Self::busy("too many passwords are being checked", seconds)
            }
            Failure::Accounts(error) => error.into(),
            Failure::Contended => Self::unavailable("the session is being changed by others"),
            failure => {
                let problem = Self::of_failure(&failure);
                let inside = problem.status == StatusCode::INTERNAL_SERVER_ERROR;
                if inside && matches!(failure, Failure::Guard(_)) {
                    let detail = "the database of accounts does not answer";
                    Self { cause: problem.cause, ..Self::unavailable(detail) }
                } else {
                    problem
                }
            }
        }
    }
}
