//! Credentials, with the question that they answer and the call that takes them back.

use crate::harness::{HttpClient, Login, Person, Question, Result};

/// A credential that works, and how it is taken back.
#[derive(Clone, Debug)]
pub(super) struct Grant {
    /// What is taken back.
    pub(super) kind: &'static str,
    /// Answered with 200 while it works, and 401 once it was taken back.
    pub(super) check: Question,
    /// Takes it back.
    pub(super) revoke: Question,
}

/// Paths.
const PROFILE: &str = "/api/v1/user/profile";
const HISTORY: &str = "/api/v1/url-check/history";

/// How often somebody logs in for [`of_person`].
const LOGINS: usize = 5;

/// What the last log-in of [`of_person`] ends with.
#[derive(Clone, Copy)]
pub(super) enum End<'a> {
    /// By itself.
    LogOut,
    /// With everything of its account, by this administrator.
    Account(&'a Person, &'a Login),
}

/// Two keys and four log-ins to be taken back one by one, and the log-in that made the keys, which comes last.
pub(super) async fn of_person(client: &mut HttpClient, person: &Person, end: End<'_>) -> Result<Vec<Grant>> {
    let mut logins = Vec::new();
    for _ in 0..LOGINS {
        logins.push(person.log_in(client).await?);
    }
    let last = &logins[LOGINS - 1];
    Ok(vec![
        Grant::api_key(client, person, last).await?,
        Grant::api_key(client, person, last).await?,
        Grant::token(person, &logins[0]),
        Grant::session(person, &logins[1]),
        Grant::token(person, &logins[2]),
        Grant::session(person, &logins[3]),
        match end {
            End::LogOut => Grant::token(person, last),
            End::Account(admin, login) => Grant::account(person, last, (admin, login)),
        },
    ])
}

/// A fresh token of an administrator, to be taken back with the key that signs now.
pub(super) async fn of_signing_key(client: &mut HttpClient, admin: &Person) -> Result<Grant> {
    let login = admin.log_in(client).await?;
    let status = bearer(admin, &login, Question::get("/api/v1/jwt/status"));
    let key = client.ask_for(200, &status).await?.text("active_key_id")?;
    let victim = admin.log_in(client).await?;
    Ok(Grant::signing_key(admin, &victim, &key, (admin, &login)))
}

// === impl Grant ===

impl Grant {
    /// An access token, taken back by logging out.
    pub(super) fn token(person: &Person, login: &Login) -> Self {
        let revoke = Question::post("/api/v1/user/logout", serde_json::json!({}));
        Self {
            kind: "token",
            check: bearer(person, login, Question::get(PROFILE)),
            revoke: bearer(person, login, revoke),
        }
    }

    /// A session's cookie, taken back from the list of sessions.
    pub(super) fn session(person: &Person, login: &Login) -> Self {
        let revoke = Question::delete(&format!("/api/v1/user/sessions/{}", login.session));
        Self {
            kind: "session",
            check: person.says(Question::get(PROFILE)).with("cookie", login.cookie.clone()),
            revoke: bearer(person, login, revoke),
        }
    }

    /// An access token, taken back with everything of its account by an administrator.
    pub(super) fn account(person: &Person, login: &Login, admin: (&Person, &Login)) -> Self {
        let path = format!("/auth/admin/revoke-user-tokens/{}", person.id);
        let revoke = Question::post(&path, serde_json::json!({}));
        Self { kind: "user", revoke: bearer(admin.0, admin.1, revoke), ..Self::token(person, login) }
    }

    /// An access token, taken back with the key that signed it by an administrator.
    pub(super) fn signing_key(person: &Person, login: &Login, key: &str, admin: (&Person, &Login)) -> Self {
        let revoke = Question::delete(&format!("/api/v1/jwt/keys/{key}"));
        Self { kind: "kid", revoke: bearer(admin.0, admin.1, revoke), ..Self::token(person, login) }
    }

    /// A new API key, taken back by its owner.
    pub(super) async fn api_key(client: &mut HttpClient, person: &Person, login: &Login) -> Result<Self> {
        let (id, key) = person.make_key(client, login).await?;
        let revoke = Question::delete(&format!("/api/v1/user/api-keys/{id}"));
        Ok(Self {
            kind: "key",
            check: person.says(Question::get(HISTORY)).with("x-api-key", key),
            revoke: bearer(person, login, revoke),
        })
    }
}

/// The question as a person asks it who has an access token.
fn bearer(person: &Person, login: &Login, question: Question) -> Question {
    person.says(question).with("authorization", login.bearer.clone())
}
