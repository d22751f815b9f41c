//! One handler, bare or behind LinkShield's gate, for `scripts/bar guard.chain`.
//!
//! `bare` and `gated` serve it on one thread, so that the process's time is the server's: `listening on ADDRESS`, then the
//! headers that the gate takes, one `KIND NAME: VALUE` a line. `decide` measures the chain alone, on this thread, in
//! batches: one `KIND LEAST_NS MEDIAN_NS` a line.

use std::{
    convert::Infallible,
    env,
    hint::black_box,
    net::IpAddr,
    num::NonZeroU32,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{Extension, Router, routing::post};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use hyper::{body::Incoming, server::conn::http1, service::Service};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use linkshield::{
    api::Problem,
    clock::now,
    gate::{
        ChainSettings, EventFile, EventWriter, Fanout, Gate, GateParts, GateStore, GlobalLimits, Guard, Peer,
        RevocationFollower, RouteTable, UseWriter, build_chain, catch_up,
    },
};
use ring::rand::SystemRandom;
use shield_guard::{
    AccountId, ScopeSet, ScopeTable, StoreError, TokenId,
    api_key::{ApiKeyFormat, ApiKeyIndex},
    chain::{
        Access, AccountFacts, AccountStanding, Answer, Chain, CsrfScope, Decision, LimitSubject, Moment,
        Outcome, Question, RequestFacts, RequestHeaders, RouteLimit, RouteLimits, RoutePolicy, Use,
    },
    csrf::Origins,
    headers::{HstsPreload, ReportPath, SecurityHeaders},
    limit::{Algorithm, Limit, LimitSettings, Rate, Tier, TierScaling},
    revocation::{LogEpoch, LogPage, Revocation, RevocationLog, Sensitivity, Sequence},
    session::{NewSession, SessionPolicy, SessionRandom, SessionStart, SessionTimes},
    token::{
        AccessClaims, Algorithm as TokenAlgorithm, KeyRing, RotationSchedule, SigningKey, TokenPolicy,
        TokenSettings,
    },
};
use shield_types::{Secret, Timestamp};
use tokio::{net::TcpListener, runtime::Builder};

const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
const ROUTE: &str = "/";
/// Batches of decisions, and how long each is.
const BATCHES: usize = 200;
const BATCH: Duration = Duration::from_millis(2);

/// The only account's session, the key of its token, and nothing else.
struct OneSession {
    session: NewSession,
    ring: Arc<KeyRing>,
}

/// Nothing was ever taken back.
struct EmptyLog;

/// What a request says, wherever it lies.
struct Lines(HeaderMap);

/// Everything that a gate is made of.
struct Scene {
    chain: Arc<Chain>,
    policy: RoutePolicy,
    store: Arc<OneSession>,
    /// Of each kind of credential, the headers that bring it.
    credentials: [(&'static str, HeaderMap); 2],
}

fn main() {
    let runtime = Builder::new_current_thread().enable_all().build().expect("the system has a runtime");
    match env::args().nth(1).as_deref() {
        Some("bare") => runtime.block_on(serve(router(), &[])),
        Some("gated") => runtime.block_on(gated()),
        Some("decide") => runtime.block_on(decide()),
        _ => eprintln!("usage: gate-server bare|gated|decide"),
    }
}

/// What both have: the server's mark of who connected, and a handler.
fn router() -> Router {
    Router::new().route(ROUTE, post(async || "done"))
}

async fn gated() {
    let scene = scene();
    catch_up(&EmptyLog, &scene.chain).await.expect("an empty log is read");
    let events = env::temp_dir().join(format!("gate-server-{}.jsonl", std::process::id()));
    let (sink, _writer) = EventWriter::start(EventFile::at(events), "one").await.expect("a file for events");
    let (uses, _use_writer) = UseWriter::start(Arc::clone(&scene.store));
    let fanout = Fanout::through(None);
    let (store, chain) = (Arc::clone(&scene.store), Arc::clone(&scene.chain));
    let _follower = RevocationFollower::start(store, chain, sink.clone(), fanout.clone());
    let report = ReportPath::parse("/api/security/csp-report").expect("a plain path");
    let gate = Gate::new(GateParts {
        chain: Arc::clone(&scene.chain),
        store: Arc::clone(&scene.store),
        routes: RouteTable::new(ScopeSet::EMPTY).with(Method::POST, ROUTE, scene.policy.clone()),
        headers: SecurityHeaders::new(&report, HstsPreload::No),
        events: sink,
        uses,
        global: GlobalLimits::none(),
        fanout,
    });
    serve(router().layer(Guard::new(Arc::new(gate))), &scene.credentials).await;
}

async fn serve(router: Router, credentials: &[(&'static str, HeaderMap)]) {
    let listener = TcpListener::bind((PEER, 0)).await.expect("a free port");
    println!("listening on {}", listener.local_addr().expect("it is bound"));
    for (kind, headers) in credentials {
        for (name, value) in headers {
            println!("{kind} {name}: {}", value.to_str().expect("credentials are ASCII"));
        }
    }
    println!("ready");
    let service = TowerToHyperService::new(router.layer(Extension(Peer(PEER))));
    loop {
        let (stream, _) = listener.accept().await.expect("a connection");
        let _best_effort = stream.set_nodelay(true);
        let service = service.clone();
        let answer = hyper::service::service_fn(move |request: Request<Incoming>| {
            let answer = service.call(request);
            async move { Ok::<_, Infallible>(answer.await.unwrap_or_else(|never| match never {})) }
        });
        tokio::spawn(async move {
            // A client that went away is the end of its connection.
            let _ended = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
        });
    }
}

/// Measures `Chain::decide` on hits.
async fn decide() {
    let scene = scene();
    catch_up(&EmptyLog, &scene.chain).await.expect("an empty log is read");
    for (kind, headers) in &scene.credentials {
        let lines = Lines(headers.clone());
        let request = RequestFacts { method: "POST", peer: PEER, headers: &lines };
        scene.warm(&request).await;
        let began = Instant::now();
        let once = || {
            let now_ns = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
            let moment = Moment { now: now(), now_ns, ring: &scene.store.ring, observer: () };
            let decision = scene.chain.decide(black_box(&request), &scene.policy, &moment);
            assert!(matches!(decision, Decision::Decided(Outcome::Admitted(_))), "{kind}: a hit is admitted");
        };
        let mut batches: Vec<f64> = (0..BATCHES).map(|_| batch(once)).collect();
        batches.sort_by(f64::total_cmp);
        println!("{kind} {:.0} {:.0}", batches[0], batches[BATCHES / 2]);
        // What was taken back is known again for as long as the next kind takes.
        catch_up(&EmptyLog, &scene.chain).await.expect("an empty log is read");
    }
}

/// Nanoseconds each.
fn batch(once: impl Fn()) -> f64 {
    let (began, mut count) = (Instant::now(), 0_u32);
    while began.elapsed() < BATCH {
        (0..16).for_each(|_| once());
        count += 16;
    }
    began.elapsed().as_secs_f64() * 1e9 / f64::from(count)
}

fn scene() -> Scene {
    let settings = TokenSettings {
        issuer: "linkshield".to_owned(),
        audience: "linkshield".to_owned(),
        lifetime: Duration::from_mins(15),
    };
    let scopes = ScopeTable::new(&["account"]).expect("a name of a scope");
    let tokens = TokenPolicy::new(settings, scopes).expect("settings within their ranges");
    let (begun, policy) =
        (Timestamp(now().0 - 60_000), SessionPolicy::new(SessionTimes::default()).expect("guard's own"));
    let account = AccountId::new(begun, [1; 10]);
    let start = SessionStart { account, address: PEER, user_agent: b"", device: b"" };
    let session = NewSession::begin(&start, &policy, now(), SessionRandom { id: [1; 10], secret: [2; 32] });
    let key = SigningKey::generate(TokenAlgorithm::EdDsa, &SystemRandom::new()).expect("random bytes");
    let ring = KeyRing::begin(RotationSchedule::default(), key, begun);
    let claims = AccessClaims {
        account,
        session: session.record.id,
        token: TokenId::new(begun, [3; 10]),
        scopes: tokens.scopes().all(),
    };
    let token = tokens.issue(&ring, &claims, now(), &SystemRandom::new()).expect("the ring has a key");
    let all = tokens.scopes().all();
    let chain = build_chain(ChainSettings {
        trusted_proxies: &[],
        origins: Origins::new(["https://links.example.org"]).expect("an origin"),
        coarse_per_minute: 100_000_000,
        tokens: tokens.clone(),
        api_key_format: ApiKeyFormat::new("ls").expect("a prefix"),
        api_keys: Arc::new(ApiKeyIndex::new(10)),
        api_key_scopes: &[],
        sessions: policy,
        csrf_key: &Secret::new([4; 32]),
        seed: [5; 16],
    })
    .expect("settings within their ranges");
    let csrf = chain.csrf.keys.issue(session.record.id, [6; 16]);
    let cookie = format!("__Host-session={}", session.secret.text().expose());
    let credentials = [
        ("token", headers(&[("authorization", &format!("Bearer {}", token.text.expose()))])),
        (
            "session",
            headers(&[
                ("cookie", &cookie),
                ("sec-fetch-site", "same-origin"),
                ("x-csrf-token", csrf.expose()),
            ]),
        ),
    ];
    Scene {
        chain: Arc::new(chain),
        policy: policy_of(all),
        store: Arc::new(OneSession { session, ring: Arc::new(ring) }),
        credentials,
    }
}

/// As routes about accounts have it: somebody known, limited by address and by account.
fn policy_of(scopes: ScopeSet) -> RoutePolicy {
    let rate = Rate::new(100_000_000, Duration::from_hours(1)).expect("a rate");
    let limit = |subject| RouteLimit {
        limit: Arc::new(
            Limit::new(
                LimitSettings {
                    name: "account",
                    algorithm: Algorithm::Gcra,
                    rate,
                    scaling: TierScaling::Same,
                    keys: NonZeroU32::new(1_000).expect("more than none"),
                },
                [7; 16],
            )
            .expect("a limit"),
        ),
        subject,
    };
    RoutePolicy {
        access: Access::Required(scopes),
        sensitivity: Sensitivity::Ordinary,
        csrf: CsrfScope::Cookies,
        limits: RouteLimits::new(vec![limit(LimitSubject::Account)]).expect("one limit"),
    }
}

fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
    let value = |value: &str| HeaderValue::from_str(value).expect("credentials are ASCII");
    lines.iter().map(|(name, text)| (HeaderName::from_static(name), value(text))).collect()
}

// === impl Scene ===

impl Scene {
    /// Lets the chain learn what a store knows, as the first request of each does.
    async fn warm(&self, request: &RequestFacts<'_, Lines>) {
        let moment = || Moment { now: now(), now_ns: 0, ring: &self.store.ring, observer: () };
        if let Decision::NeedsStore(pending) = self.chain.decide(request, &self.policy, &moment()) {
            let answer = self.store.answer(pending.question()).await.expect("it is in memory");
            let _admitted = self.chain.resume(pending, answer, request, &moment());
        }
    }
}

// === impl OneSession ===

impl GateStore for OneSession {
    async fn answer(&self, question: Question) -> Result<Answer, StoreError> {
        let record = &self.session.record;
        let scopes = ScopeTable::new(&["account"]).expect("a name of a scope").all();
        let standing = AccountStanding::Acting(AccountFacts { tier: Tier::Free, scopes });
        Ok(match question {
            Question::Session(digest) => {
                Answer::Session((digest == record.digest).then(|| (record.clone(), standing)))
            }
            Question::Account(_) => Answer::Account(standing),
        })
    }

    async fn settle(&self, chain: &Chain) -> Result<(), StoreError> {
        catch_up(&EmptyLog, chain).await
    }

    fn check_room(&self) -> Result<(), Problem> {
        Ok(())
    }

    async fn touch(&self, _used: Use, _at: Timestamp) -> Result<(), StoreError> {
        Ok(())
    }

    fn ring(&self) -> Arc<KeyRing> {
        Arc::clone(&self.ring)
    }

    async fn look_for_keys(&self) {}
}

// === impl EmptyLog ===

impl RevocationLog for EmptyLog {
    async fn append(&self, _entry: &Revocation) -> Result<Sequence, StoreError> {
        Err(StoreError::away("revocations", "nothing is taken back here"))
    }

    async fn read_after(&self, after: Sequence, _limit: usize) -> Result<LogPage, StoreError> {
        let head = Sequence(0);
        Ok(LogPage { epoch: LogEpoch(1), after, through: head, head, entries: Vec::new() })
    }
}

// === impl Lines ===

impl RequestHeaders for Lines {
    fn lines<'a>(&'a self, name: &'static str) -> impl DoubleEndedIterator<Item = &'a [u8]> {
        self.0.get_all(name).iter().map(HeaderValue::as_bytes)
    }
}
