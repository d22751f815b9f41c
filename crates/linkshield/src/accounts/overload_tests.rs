//! More people want to log in than passwords can be hashed.

use std::time::Duration;

use axum::{Router, body::Body};
use http::{HeaderMap, Method, Request, header};
use http_body_util::BodyExt;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use serde_json::{Value, json};
use shield_data::Statement;
use shield_types::Secret;

use super::{Accounts, Register};
use crate::{
    api::{App, router},
    gate::{GateTasks, Peer},
    opened::{UNLIMITED, open_accounts, open_gate},
    scratch::ScratchDirectory,
    service::CheckService,
    settings::Environment,
    store::{Profile, RetentionLimits, Store},
};

const LOGIN: &str = "/api/v1/user/login";
const EMAIL: &str = "ada@example.org";
/// Registrations of one address an hour.
const REGISTRATIONS_MAX: u32 = 5;
const REGISTER: &str = "/api/v1/user/register";

struct World {
    router: Router,
    accounts: Accounts,
    store: Store,
    _tasks: GateTasks,
    _directory: ScratchDirectory,
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl World {
    /// With an account for [`EMAIL`].
    async fn begin() -> Self {
        let directory = ScratchDirectory::new();
        let store = Store::open(directory.path()).await.unwrap();
        let accounts = open_accounts(&store, &directory).await;
        let (gate, tasks) = open_gate(&accounts, &directory, UNLIMITED).await;
        let limits = RetentionLimits { age_max: Duration::from_mins(1), rows_max: 10 };
        let service = CheckService::new(store.clone(), limits);
        let parts = (accounts.clone(), gate);
        let app = App::new(service, parts, Environment::Development, Duration::from_mins(1));
        let register = Register {
            email: EMAIL.parse().unwrap(),
            password: Secret::new("wombat seventy".to_owned()),
            profile: Profile::default(),
        };
        accounts.register(register).await.unwrap();
        Self { router: router(app), accounts, store, _tasks: tasks, _directory: directory }
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        let request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header("host", "test")
            .header(header::CONTENT_TYPE, "application/json")
            .header("x-request-id", "one")
            .extension(Peer([192, 0, 2, 7].into()))
            .body(Body::from(body.to_string()))
            .unwrap();
        let response = TowerToHyperService::new(self.router.clone()).call(request).await.unwrap();
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer {
            status: head.status.as_u16(),
            headers: head.headers,
            body: if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() },
        }
    }

    async fn log_in(&self, email: &str) -> Answer {
        self.post(LOGIN, json!({ "email": email, "password": "wrong" })).await
    }

    /// Rows that count attempts.
    async fn counted(&self) -> usize {
        let rows = "SELECT 1 FROM guard_leases UNION ALL SELECT 1 FROM guard_login_failures";
        self.store.guard_database().read(Statement::new(rows)).await.unwrap().len()
    }
}

#[tokio::test]
async fn overload_writes_nothing_and_tells_nothing() {
    let world = World::begin().await;
    let full = world.accounts.inner.hashing.fill();
    let known = world.log_in(EMAIL).await;
    let unknown = world.log_in("nobody@example.org").await;
    assert_eq!((known.status, unknown.status), (503, 503), "{}", known.body);
    assert_eq!(known.body, unknown.body);
    for name in ["retry-after", "content-security-policy", "ratelimit-policy"] {
        assert_eq!(known.headers.get(name), unknown.headers.get(name), "{name}");
        assert!(known.headers.contains_key(name), "{name}");
    }
    for path in [REGISTER, "/api/v1/user/reset-password"] {
        assert_eq!(world.post(path, json!({})).await.status, 503, "{path} hashes as well");
    }
    assert_eq!(world.counted().await, 0);
    drop(full);
    assert_eq!(world.log_in(EMAIL).await.status, 401);
    assert!(world.counted().await > 0);
}

/// Of registrations: log-ins are limited by what fails, and here nothing is looked at.
#[tokio::test]
async fn overload_is_counted_in_memory() {
    let world = World::begin().await;
    let _full = world.accounts.inner.hashing.fill();
    for number in (0..REGISTRATIONS_MAX).rev() {
        let refused = world.post(REGISTER, json!({})).await;
        let remaining = refused.headers["x-ratelimit-remaining"].to_str().unwrap();
        assert_eq!((refused.status, remaining), (503, number.to_string().as_str()));
    }
    assert_eq!(world.post(REGISTER, json!({})).await.status, 429, "whoever keeps trying is no better off");
    assert_eq!(world.counted().await, 0);
}

#[tokio::test]
async fn overload_hinders_nothing_else() {
    let world = World::begin().await;
    let _full = world.accounts.inner.hashing.fill();
    let answer = world.post("/api/v1/user/forgot-password", json!({ "email": EMAIL })).await;
    assert!(answer.status < 300, "{}: {}", answer.status, answer.body);
}
