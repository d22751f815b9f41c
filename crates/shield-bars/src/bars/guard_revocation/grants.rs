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
pub(super) fn bearer(person: &Person, login: &Login, question: Question) -> Question {
    person.says(question).with("authorization", login.bearer.clone())
}
