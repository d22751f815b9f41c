//! Finds out who a request speaks for: an API key or an access token, else the session's cookie.
//!
//! Exactly one credential counts. What stands in a header is never passed over for a cookie, and a cookie alone opens only
//! what changes nothing, since browsers send it along with requests that other sites make.

use http::{HeaderMap, HeaderName, Method, header, request::Parts};
use shield_guard::session::{SESSION_COOKIE, SameSite, SessionCookie};

use super::Principal;
use crate::{
    accounts::{Accounts, Identity, KeyIdentity, scopes},
    api::Problem,
};

const API_KEY_HEADER: HeaderName = HeaderName::from_static("x-api-key");

/// Who a request speaks for; None when it holds no credential.
pub(super) async fn authenticate(accounts: &Accounts, parts: &Parts) -> Result<Option<Principal>, Problem> {
    let headers = &parts.headers;
    let found = match (single(headers, &API_KEY_HEADER)?, bearer(headers)?) {
        (Some(_), Some(_)) => None,
        (Some(key), None) => by_key(accounts, key).await?,
        (None, Some(token)) if accounts.is_api_key(token) => by_key(accounts, token).await?,
        (None, Some(token)) => accounts.who_has_token(token).await?.map(|found| logged_in(accounts, &found)),
        (None, None) => match session_cookie().read(cookies(headers)) {
            Ok(None) => return Ok(None),
            Ok(Some(_)) if !safe(&parts.method) => {
                return Err(Problem::not_allowed(
                    "a cookie alone changes nothing, send the access token in `authorization`",
                ));
            }
            Ok(Some(secret)) => {
                accounts.who_has_session(&secret).await?.map(|found| logged_in(accounts, &found))
            }
            Err(_refusal) => None,
        },
    };
    found.map(Some).ok_or_else(Problem::bad_credential)
}

/// The cookie of sessions.
pub(crate) fn session_cookie() -> SessionCookie {
    SessionCookie::new(SESSION_COOKIE, SameSite::Strict).expect("guard's own name is a name")
}

async fn by_key(accounts: &Accounts, key: &[u8]) -> Result<Option<Principal>, Problem> {
    let found = accounts.who_has_key(key).await?;
    Ok(found.map(|KeyIdentity { account, key, permissions }| {
        let table = accounts.keys().scopes();
        // A key never does more than its account may do by now.
        let scopes = permissions.scopes(table) & scopes::of_role(table, account.role);
        Principal {
            account: account.id,
            session: None,
            api_key: Some(key),
            scopes,
            role: account.role,
            plan: account.plan,
            authenticated_at: None,
        }
    }))
}

fn logged_in(accounts: &Accounts, identity: &Identity) -> Principal {
    let Identity { account, session } = identity;
    Principal {
        account: account.id,
        session: Some(session.id),
        api_key: None,
        scopes: scopes::of_role(accounts.keys().scopes(), account.role),
        role: account.role,
        plan: account.plan,
        authenticated_at: Some(session.authenticated_at),
    }
}

/// The token of `Authorization: Bearer`; another scheme is a credential that is not good.
fn bearer(headers: &HeaderMap) -> Result<Option<&[u8]>, Problem> {
    let Some(value) = single(headers, &header::AUTHORIZATION)? else { return Ok(None) };
    match value.split_at_checked(b"Bearer ".len()) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case(b"bearer ") => Ok(Some(token)),
        _ => Err(Problem::bad_credential()),
    }
}

/// The header's value; twice is a credential that is not good.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a [u8]>, Problem> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (value, None) => Ok(value.map(|value| value.as_bytes())),
        (_, Some(_)) => Err(Problem::bad_credential()),
    }
}

fn cookies(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    headers.get_all(header::COOKIE).iter().map(|value| value.as_bytes())
}

fn safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}
