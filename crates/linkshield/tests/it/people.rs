//! Somebody with an account, and administrators.

use linkshield::{
    accounts::promote,
    clock::now,
    store::{Role, StandingChange},
};
use serde_json::{Value, json};

use crate::{
    backend::Backend,
    client::{Reply, post},
};

pub(crate) const REGISTER: &str = "/api/v1/user/register";
pub(crate) const VERIFY: &str = "/api/v1/user/verify-email";
pub(crate) const LOGIN: &str = "/api/v1/user/login";

pub(crate) const EMAIL: &str = "Ada@example.org";
pub(crate) const PASSWORD: &str = "wombat seventy";
pub(crate) const REFRESH: &str = "/api/v1/user/refresh";
pub(crate) const PROFILE: &str = "/api/v1/user/profile";
pub(crate) const FORGOT: &str = "/api/v1/user/forgot-password";
pub(crate) const RESET: &str = "/api/v1/user/reset-password";
pub(crate) const JWKS: &str = "/.well-known/jwks.json";
pub(crate) const OTHER_PASSWORD: &str = "giraffe ninety-one";
pub(crate) const USERS: &str = "/api/v1/admin/users";
pub(crate) const SIGNING_KEYS: &str = "/api/v1/jwt/keys";

/// What a log-in gave.
pub(crate) struct Held {
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) session: String,
    /// `name=value` of the session's cookie.
    pub(crate) cookie: String,
}

impl Backend {
    pub(crate) async fn register(&self) -> Reply {
        let body = json!({ "email": EMAIL, "password": PASSWORD, "first_name": "Ada", "accept_terms": true });
        post(self.address, REGISTER, &body.to_string()).await
    }

    pub(crate) async fn verified(&self) {
        assert_eq!(self.register().await.status, 200);
        let token = self.mailed_token(EMAIL, "Confirm your e-mail address").await;
        assert_eq!(post(self.address, VERIFY, &json!({ "token": token }).to_string()).await.status, 200);
    }

    pub(crate) async fn log_in(&self, password: &str) -> Reply {
        post(self.address, LOGIN, &json!({ "email": EMAIL, "password": password }).to_string()).await
    }

    pub(crate) async fn logged_in(&self) -> Held {
        self.held_by(EMAIL).await
    }

    pub(crate) async fn held_by(&self, email: &str) -> Held {
        let body = json!({ "email": email, "password": PASSWORD }).to_string();
        let reply = post(self.address, LOGIN, &body).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        let cookie = reply.cookie("__Host-session").unwrap().to_owned();
        let body = reply.json();
        let text = |field: &str| body[field].as_str().unwrap().to_owned();
        Held {
            access: text("access_token"),
            refresh: text("refresh_token"),
            session: text("session_id"),
            cookie,
        }
    }

    /// Somebody of this role, logged in.
    pub(crate) async fn admin(&self, email: &str, role: Role) -> Held {
        let body = json!({ "email": email, "password": PASSWORD, "accept_terms": true }).to_string();
        assert_eq!(post(self.address, REGISTER, &body).await.status, 200);
        let account = promote(&self.store, &email.parse().unwrap()).await.unwrap().unwrap();
        let change = StandingChange { role: Some(role), ..StandingChange::default() };
        self.store.change_standing(account.id, change, now()).await.unwrap().unwrap();
        self.held_by(email).await
    }

    pub(crate) async fn bearer(&self, method: &str, path: &str, held: &Held, body: Option<Value>) -> Reply {
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        self.with(method, path, &format!("authorization: Bearer {}", held.access), &body).await
    }
}
