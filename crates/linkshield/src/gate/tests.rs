//! Requests through the gate, in front of a handler that says whom it sees.

use std::{
    fs,
    sync::{Arc, atomic::Ordering},
};

use axum::{Extension, Router, body::Body, extract::Request, routing::get};
use http::{HeaderMap, Method};
use http_body_util::BodyExt;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use shield_guard::{
    ScopeSet,
    chain::{Access, Chain, CsrfScope, RouteLimits, RoutePolicy, Use},
    headers::{HstsPreload, ReportPath, SecurityHeaders},
    revocation::Sensitivity,
    token::KeyRing,
};

use super::{
    EventFile, EventWriter, Fanout, Gate, GateParts, GateStore, GlobalLimits, Guard, Peer, RouteTable,
    UseWriter, catch_up,
    principal::Caller,
    testing::{MemoryStore, chain, chain_with, ring, session, token, token_policy},
};
use crate::{clock::now, scratch::ScratchDirectory};

/// A service behind a gate.
struct Backend {
    router: Router,
    store: Arc<MemoryStore>,
    chain: Arc<Chain>,
    writer: EventWriter,
    /// Ends when it is dropped with its backend.
    use_writer: UseWriter,
    directory: ScratchDirectory,
}

struct Response {
    status: u16,
    headers: HeaderMap,
    body: String,
}

async fn whom(Extension(Caller { client, principal }): Extension<Caller>) -> String {
    let name = principal.map_or("nobody", |principal| match principal.identity.session() {
        Some(_) => "somebody",
        None => "a program",
    });
    format!("{name} at {client}")
}

fn policy(access: Access) -> RoutePolicy {
    let limits = RouteLimits::default();
    RoutePolicy { access, sensitivity: Sensitivity::Ordinary, csrf: CsrfScope::Cookies, limits }
}

// === impl Backend ===

impl Backend {
    async fn over(chain: Chain) -> Self {
        let (directory, store) = (ScratchDirectory::new(), Arc::new(MemoryStore::new()));
        let chain = Arc::new(chain);
        catch_up(&store.log, &chain).await.unwrap();
        let place = EventFile::at(directory.path().join("events.jsonl"));
        let (events, writer) = EventWriter::start(place, "one").await.unwrap();
        let (uses, use_writer) = UseWriter::start(Arc::clone(&store));
        let report = ReportPath::parse("/api/security/csp-report").unwrap();
        let required = policy(Access::Required(ScopeSet::EMPTY));
        let sensitive = RoutePolicy { sensitivity: Sensitivity::Sensitive, ..required };
        let routes = RouteTable::new(token_policy().scopes().all())
            .with(Method::GET, "/open", policy(Access::Optional(ScopeSet::EMPTY)))
            .with(Method::GET, "/own", policy(Access::Required(ScopeSet::EMPTY)))
            .with(Method::POST, "/own", policy(Access::Required(ScopeSet::EMPTY)))
            .with(Method::GET, "/sensitive", sensitive.clone())
            .with(Method::POST, "/sensitive", sensitive);
        let gate = Gate::new(GateParts {
            chain: Arc::clone(&chain),
            store: Arc::clone(&store),
            routes,
            headers: SecurityHeaders::new(&report, HstsPreload::No),
            events,
            uses,
            global: GlobalLimits::none(),
            fanout: Fanout::through(None),
        });
        let router = Router::new()
            .route("/open", get(whom))
            .route("/own", get(whom).post(whom))
            .route("/sensitive", get(whom).post(whom))
            .route("/forgotten", get(whom))
            .fallback(async || "nothing here")
            .layer(Guard::new(Arc::new(gate)));
        Self { router, store, chain, writer, use_writer, directory }
    }

    async fn ask(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> Response {
        let mut request = Request::builder().method(method).uri(path).extension(Peer([127, 0, 0, 1].into()));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).unwrap();
        let response = TowerToHyperService::new(self.router.clone()).call(request).await.unwrap();
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Response {
            status: head.status.as_u16(),
            headers: head.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Response {
        self.ask(Method::GET, path, headers).await
    }

    fn bearer(&self) -> String {
        self.bearer_of(&self.store.ring())
    }

    fn bearer_of(&self, ring: &KeyRing) -> String {
        let record = &self.store.session.record;
        format!("Bearer {}", token(ring, record.account, record.id))
    }

    fn cookie(&self) -> String {
        format!("__Host-session={}", self.store.session.secret.text().expose())
    }

    /// The refusals, in their order.
    async fn events(self) -> String {
        self.writer.finish().await;
        fs::read_to_string(self.directory.path().join("events.anybody.jsonl")).unwrap()
    }
}

#[tokio::test]
async fn strangers_pass_where_they_may() {
    let service = Backend::over(chain()).await;
    let open = service.get("/open", &[("x-forwarded-for", "192.0.2.7, 203.0.113.9")]).await;
    assert_eq!((open.status, open.body.as_str()), (200, "nobody at 203.0.113.9"));
    assert_eq!(open.headers["ratelimit-policy"], "\"address\";q=1000;w=60");
    assert_eq!(open.headers["x-ratelimit-remaining"], "999");
    for name in ["content-security-policy", "strict-transport-security", "x-content-type-options"] {
        assert!(open.headers.contains_key(name), "{name}");
    }
    assert!(!open.headers.contains_key("cache-control"));
    let own = service.get("/own", &[]).await;
    assert_eq!((own.status, &own.headers["www-authenticate"]), (401, &"Bearer".parse().unwrap()));
    assert_eq!(service.ask(Method::HEAD, "/own", &[]).await.status, 401, "HEAD is GET");
}

#[tokio::test]
async fn a_token_costs_one_question_and_then_none() {
    let service = Backend::over(chain()).await;
    for _ in 0..3 {
        let own = service.get("/own", &[("authorization", &service.bearer())]).await;
        assert_eq!((own.status, own.body.as_str()), (200, "somebody at 127.0.0.1"));
        assert_eq!(own.headers["cache-control"], "no-store");
    }
    assert_eq!(service.store.questions.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn the_successor_of_a_killed_key_is_looked_for() {
    let service = Backend::over(chain()).await;
    let (store, old) = (&service.store, service.bearer());
    let key = store.kill_elsewhere();
    let stored = Arc::clone(&store.stored_ring.lock().unwrap());
    let next = service.bearer_of(&stored);
    assert_eq!(service.get("/own", &[("authorization", &next)]).await.status, 200, "at first sight");
    assert_eq!(store.looks.load(Ordering::SeqCst), 1);
    assert!(store.ring().verifying_key(key, now()).is_err());
    assert_eq!(service.get("/own", &[("authorization", &old)]).await.status, 401);
    assert_eq!(store.looks.load(Ordering::SeqCst), 1, "that key is known");
    let stranger = service.bearer_of(&ring());
    assert_eq!(service.get("/own", &[("authorization", &stranger)]).await.status, 401);
    assert_eq!(store.looks.load(Ordering::SeqCst), 2, "it might have been one");
}

#[tokio::test]
async fn a_cookie_is_taken_and_its_use_is_noted_once() {
    let service = Backend::over(chain()).await;
    for _ in 0..3 {
        assert_eq!(service.get("/own", &[("cookie", &service.cookie())]).await.status, 200);
    }
    assert_eq!(service.store.questions.load(Ordering::SeqCst), 1, "session and account in one");
    let id = service.store.session.record.id;
    let forged = service.ask(Method::POST, "/own", &[("cookie", &service.cookie())]).await;
    assert_eq!(forged.status, 403, "no CSRF token");
    let csrf = service.chain.csrf.keys.issue(id, [1; 16]);
    let headers = [("cookie", service.cookie()), ("x-csrf-token", csrf.expose().to_owned())];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    assert_eq!(service.ask(Method::POST, "/own", &headers).await.status, 200);
    let (store, use_writer) = (service.store, service.use_writer);
    use_writer.finish().await;
    assert_eq!(*store.touched.lock().unwrap(), [Use::Session(id)]);
}

#[tokio::test]
async fn a_sensitive_change_counts_before_its_answer() {
    let service = Backend::over(chain()).await;
    let bearer = service.bearer();
    let settled = || service.store.settled.load(Ordering::SeqCst);
    assert_eq!(service.ask(Method::POST, "/own", &[("authorization", &bearer)]).await.status, 200);
    assert_eq!(settled(), 0, "an ordinary route");
    assert_eq!(service.ask(Method::GET, "/sensitive", &[("authorization", &bearer)]).await.status, 200);
    assert_eq!(settled(), 0, "a safe method");
    assert_eq!(service.ask(Method::POST, "/sensitive", &[("authorization", &bearer)]).await.status, 200);
    assert_eq!(settled(), 1);
}

#[tokio::test]
async fn an_ended_session_loses_its_cookie() {
    let service = Backend::over(chain()).await;
    let unknown = format!("__Host-session={}", session(9).secret.text().expose());
    let refused = service.get("/open", &[("cookie", &unknown)]).await;
    assert_eq!(refused.status, 401);
    let cleared = refused.headers["set-cookie"].to_str().unwrap();
    assert!(cleared.starts_with("__Host-session=; ") && cleared.contains("Max-Age=0"), "{cleared}");
}

#[tokio::test]
async fn asvs_v16_5_3_a_store_that_is_away_is_503_and_ends_no_session() {
    let service = Backend::over(chain()).await;
    service.store.away.store(true, Ordering::SeqCst);
    let refused = service.get("/own", &[("cookie", &service.cookie())]).await;
    assert_eq!((refused.status, &refused.headers["retry-after"]), (503, &"1".parse().unwrap()));
    assert!(!refused.headers.contains_key("set-cookie"));
    assert_eq!(service.get("/open", &[]).await.status, 200, "strangers need no store");
    service.store.away.store(false, Ordering::SeqCst);
    assert_eq!(service.get("/own", &[("cookie", &service.cookie())]).await.status, 200);
}

#[tokio::test]
async fn what_nobody_declared_is_closed() {
    let service = Backend::over(chain()).await;
    assert_eq!(service.get("/forgotten", &[]).await.status, 401);
    let known = service.get("/forgotten", &[("authorization", &service.bearer())]).await;
    assert_eq!(known.status, 403, "an account that may not do everything");
    let missing = service.get("/missing", &[("authorization", "Bearer garbage")]).await;
    assert_eq!((missing.status, missing.body.as_str()), (200, "nothing here"));
    assert_eq!(service.ask(Method::DELETE, "/open", &[]).await.status, 405);
}

#[tokio::test]
async fn without_a_peer_nothing_is_decided() {
    let service = Backend::over(chain()).await;
    let request = Request::builder().uri("/open").body(Body::empty()).unwrap();
    let response = TowerToHyperService::new(service.router.clone()).call(request).await.unwrap();
    assert_eq!(response.status(), 500);
}

#[tokio::test]
async fn asvs_v16_3_2_to_16_3_3_refusals_are_written_down_with_who_and_where() {
    let service = Backend::over(chain_with(2)).await;
    service.get("/forgotten", &[("authorization", &service.bearer())]).await;
    service.get("/own", &[("authorization", "Bearer garbage"), ("user-agent", "curl/8")]).await;
    let limited = service.get("/open", &[]).await;
    assert_eq!((limited.status, &limited.headers["retry-after"]), (429, &"30".parse().unwrap()));
    let account = service.store.session.record.account.to_string();
    let text = service.events().await;
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 3, "{text}");
    assert!(lines[0].contains("access.denied") && lines[0].contains(&account), "{}", lines[0]);
    assert!(lines[1].contains("token.refused") && lines[1].contains("curl/8"), "{}", lines[1]);
    assert!(lines[2].contains("rate.limited") && lines[2].contains("/open"), "{}", lines[2]);
    assert!(!text.contains("garbage"), "no credential is written");
}
