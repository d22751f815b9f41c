//! Finds out who a request speaks for: a bearer token, else the session's cookie.
//!
//! Exactly one credential counts. A token in `Authorization` is never passed over for a cookie, and a cookie alone opens only
//! what changes nothing, since browsers send it along with requests that other sites make.

use http::{HeaderMap, Method, header, request::Parts};
use shield_guard::session::{SESSION_COOKIE, SameSite, SessionCookie};

use super::Principal;
use crate::{
    accounts::{Accounts, scopes},
    api::Problem,
};

/// Who a request speaks for; None when it holds no credential.
pub(super) async fn authenticate(accounts: &Accounts, parts: &Parts) -> Result<Option<Principal>, Problem> {
    let identity = match bearer(&parts.headers)? {
        Some(token) => accounts.who_has_token(token).await?,
        None => match session_cookie().read(cookies(&parts.headers)) {
            Ok(None) => return Ok(None),
            Ok(Some(_)) if !safe(&parts.method) => {
                return Err(Problem::not_allowed(
                    "a cookie alone changes nothing, send the access token in `authorization`",
                ));
            }
            Ok(Some(secret)) => accounts.who_has_session(&secret).await?,
            Err(_refusal) => None,
        },
    };
    let identity = identity.ok_or_else(Problem::bad_credential)?;
    let table = accounts.keys().scopes();
    Ok(Some(Principal::of(&identity, scopes::of_role(table, identity.account.role))))
}

/// The cookie of sessions.
pub(crate) fn session_cookie() -> SessionCookie {
    SessionCookie::new(SESSION_COOKIE, SameSite::Strict).expect("guard's own name is a name")
}

/// The token of the one `Authorization: Bearer`; another scheme is a credential that is not good.
fn bearer(headers: &HeaderMap) -> Result<Option<&[u8]>, Problem> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = match (values.next(), values.next()) {
        (None, _) => return Ok(None),
        (Some(value), None) => value.as_bytes(),
        (Some(_), Some(_)) => return Err(Problem::bad_credential()),
    };
    match value.split_at_checked(b"Bearer ".len()) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case(b"bearer ") => Ok(Some(token)),
        _ => Err(Problem::bad_credential()),
    }
}

fn cookies(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    headers.get_all(header::COOKIE).iter().map(|value| value.as_bytes())
}

fn safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}
