//! The gate itself: axum on one side, guard's chain on the other.

use std::{
    fmt,
    net::IpAddr,
    sync::{Arc, LazyLock},
    time::Instant,
};

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, Method, header};
use prometheus_client::metrics::histogram::Histogram;
use shield_data::RedisStatus;
use shield_guard::{
    AccountId, ScopeSet, StoreError,
    chain::{
        Access, Admitted, Answer, Chain, CookieFate, CsrfScope, Decision, Moment, Outcome, Principal,
        Question, Refusal, Refused, RequestFacts, RouteLimits, RoutePolicy, Use,
    },
    csrf::CsrfKeys,
    event::{EventContext, SecurityEvent},
    headers::SecurityHeaders,
    revocation::Sensitivity,
    token::KeyRing,
};
use shield_types::Timestamp;
use tokio::sync::watch;

use super::{
    Circumstances, EventSink, Fanout, GlobalLimits, Peer, RouteTable, UseNotes,
    headers::{FixedHeaders, LimitHeaders, Lines, forbid_storing},
    strange::names_strange_key,
};
use crate::{
    api::Problem,
    clock::now,
    telemetry::{CheckWatch, ComponentTimes, causes},
};

/// Of a question about a credential: whoever has a good one is named.
static ANYBODY: LazyLock<RoutePolicy> = LazyLock::new(|| RoutePolicy {
    access: Access::Optional(ScopeSet::EMPTY),
    sensitivity: Sensitivity::Ordinary,
    csrf: CsrfScope::Cookies,
    limits: RouteLimits::default(),
});

/// What the chain does not know.
pub trait GateStore: Send + Sync + 'static {
    /// Answers a question: the session with its account, or the account. One call, whatever is asked.
    fn answer(&self, question: Question) -> impl Future<Output = Result<Answer, StoreError>> + Send;

    /// Takes into the chain what was taken back until now. Asked ten times a second, and after each unsafe request on a sensitive
    /// route, so that what it took back is refused by the time its client hears of it.
    fn settle(&self, chain: &Chain) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Notes when something was last used; never moves it back.
    fn touch(&self, used: Use, at: Timestamp) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The keys that sign access tokens, as this process knows them.
    fn ring(&self) -> Arc<KeyRing>;

    /// Takes up keys that other processes have made by now. Asked for names of keys that anybody may have made up, so it bounds
    /// what that costs; back soon, with or without them.
    fn look_for_keys(&self) -> impl Future<Output = ()> + Send;
}

/// What a gate is made of.
pub struct GateParts<S> {
    /// Decides.
    pub chain: Arc<Chain>,
    /// Knows what the chain does not.
    pub store: Arc<S>,
    /// What routes ask.
    pub routes: RouteTable,
    /// What answers say about security.
    pub headers: SecurityHeaders,
    /// Takes events.
    pub events: EventSink,
    /// Takes last uses.
    pub uses: UseNotes,
    /// Counts limits over all processes.
    pub global: GlobalLimits,
    /// Tells other processes what was taken back.
    pub fanout: Fanout,
}

/// The gate of a service: the state of [`guard`].
pub struct Gate<S> {
    chain: Arc<Chain>,
    store: Arc<S>,
    routes: RouteTable,
    headers: FixedHeaders,
    events: EventSink,
    uses: UseNotes,
    global: GlobalLimits,
    fanout: Fanout,
    components: Arc<ComponentTimes>,
    /// The start of the clock that limits count by.
    started: Instant,
}

/// Lets a request through to its handler, with a [`shield_guard::address::ClientAddress`] and, where somebody is known, a
/// [`shield_guard::chain::Principal`] in its extensions; or refuses it.
pub async fn guard<S: GateStore>(
    State(gate): State<Arc<Gate<S>>>,
    mut request: Request,
    next: Next,
) -> Response {
    let Some(Peer(peer)) = request.extensions().get().copied() else {
        return Problem::internal("a request without a peer".to_owned()).into_response();
    };
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map(MatchedPath::as_str);
    let policy = gate.routes.find(request.method(), route);
    let lines = Lines(request.headers());
    let facts = RequestFacts { method: request.method().as_str(), peer, headers: &lines };
    let outcome = gate.judge(&facts, policy).await;
    match gate.global.confirm(outcome).await {
        Outcome::Refused(refused) => {
            let circumstances = Circumstances::of(request.method(), request.headers(), request.extensions());
            gate.refuse(&refused, &circumstances)
        }
        Outcome::Admitted(admitted) => {
            if let Some(event) = admitted.event() {
                gate.tell_of_admitted(
                    &event,
                    &admitted,
                    &Circumstances::of(request.method(), request.headers(), request.extensions()),
                );
            }
            let (limits, known) = gate.open(&mut request, &admitted);
            let settles = policy.sensitivity == Sensitivity::Sensitive && !request.method().is_safe();
            let mut response = next.run(request).await;
            if settles {
                gate.settle().await;
            }
            limits.put(response.headers_mut());
            gate.headers.put(response.headers_mut());
            if known {
                forbid_storing(response.headers_mut());
            }
            response
        }
    }
}

// === impl Gate ===

impl<S: GateStore> Gate<S> {
    /// A gate; limits count from now on.
    pub fn new(parts: GateParts<S>) -> Self {
        let GateParts { chain, store, routes, headers, events, uses, global, fanout } = parts;
        let headers = FixedHeaders::new(&headers);
        let (components, started) = (Arc::default(), Instant::now());
        Self { chain, store, routes, headers, events, uses, global, fanout, components, started }
    }

    /// How Redis is, where there is one.
    pub fn redis_status(&self) -> Option<watch::Receiver<RedisStatus>> {
        self.fanout.redis_status()
    }

    /// How long requests waited for Redis, in seconds.
    pub fn redis_waits(&self) -> &Histogram {
        self.global.redis_waits()
    }

    /// How long the parts of its checks take.
    pub fn components(&self) -> &Arc<ComponentTimes> {
        &self.components
    }

    /// The answer of the chain, with one question to the store at most.
    async fn judge<'a>(
        &'a self,
        facts: &RequestFacts<'_, Lines<'_>>,
        policy: &'a RoutePolicy,
    ) -> Outcome<'a> {
        let watch = self.components.begin();
        let outcome = self.decide(facts, policy, &watch).await;
        self.components.end(watch);
        outcome
    }

    async fn decide<'a>(
        &'a self,
        facts: &RequestFacts<'_, Lines<'_>>,
        policy: &'a RoutePolicy,
        watch: &CheckWatch,
    ) -> Outcome<'a> {
        let ring = self.store.ring();
        let mut decision = self.chain.decide(facts, policy, &self.moment(watch.began(), &ring, watch));
        if names_strange_key(&decision) {
            self.store.look_for_keys().await;
            let newer = self.store.ring();
            if newer.revision() != ring.revision() {
                decision = self.chain.decide(facts, policy, &self.moment(Instant::now(), &newer, watch));
            }
        }
        let pending = match decision {
            Decision::Decided(outcome) => return outcome,
            Decision::NeedsStore(pending) => pending,
        };
        let answer = self.store.answer(pending.question()).await.unwrap_or_else(|error| {
            tracing::warn!(error = %error, cause = causes(&error).join(": "), "a credential could not be checked");
            Answer::Away
        });
        let ring = self.store.ring();
        self.chain.resume(pending, answer, facts, &self.moment(Instant::now(), &ring, watch))
    }

    /// Who the credential in these headers speaks for, now; asked by a client at `address`, as whose request it counts. None when
    /// there is none, or it is not good.
    ///
    /// # Errors
    /// 429 or 503, when it is not decided.
    pub async fn whom(&self, headers: &HeaderMap, address: IpAddr) -> Result<Option<Principal>, Problem> {
        let lines = Lines(headers);
        let facts = RequestFacts { method: Method::GET.as_str(), peer: address, headers: &lines };
        match self.judge(&facts, &ANYBODY).await {
            Outcome::Admitted(admitted) => Ok(admitted.principal),
            Outcome::Refused(Refused { refusal, .. }) => match refusal {
                Refusal::Limited { retry_after_s, .. } => {
                    Err(Problem::too_many("the client's address asks too often", retry_after_s))
                }
                Refusal::Stale { .. } | Refusal::StoreAway => {
                    Err(Problem::unavailable("what is needed to judge the credential is not available"))
                }
                Refusal::Anonymous | Refusal::Credential(_) | Refusal::Scope | Refusal::Csrf(_) => Ok(None),
            },
        }
    }

    /// Takes in what was taken back until now.
    pub(crate) async fn settle(&self) {
        match self.store.settle(&self.chain).await {
            Ok(()) => self.fanout.note(),
            // The follower goes on trying, and the set's age says how long it has not succeeded.
            Err(error) => {
                tracing::warn!(error = %error, cause = causes(&error).join(": "), "revocations could not be read");
            }
        }
    }

    /// Makes and checks CSRF tokens.
    pub fn csrf_keys(&self) -> &CsrfKeys {
        &self.chain.csrf.keys
    }

    /// Takes events.
    pub(super) fn events(&self) -> &EventSink {
        &self.events
    }

    /// Forgets what an account may do, because it was just changed.
    pub fn forget(&self, account: AccountId) {
        self.chain.accounts.forget(account);
    }

    fn moment<'a>(
        &self,
        at: Instant,
        ring: &'a KeyRing,
        observer: &'a CheckWatch,
    ) -> Moment<'a, &'a CheckWatch> {
        let now_ns = u64::try_from(at.duration_since(self.started).as_nanos()).unwrap_or(u64::MAX);
        Moment { now: now(), now_ns, ring, observer }
    }

    /// Prepares a request that goes on; whether somebody is known.
    fn open(&self, request: &mut Request, admitted: &Admitted<'_>) -> (LimitHeaders, bool) {
        if let Some(used) = admitted.used {
            self.uses.note(used, now());
        }
        request.extensions_mut().insert(admitted.client);
        if let Some(principal) = admitted.principal {
            request.extensions_mut().insert(principal);
        }
        (LimitHeaders::of(&admitted.limits, now()), admitted.principal.is_some())
    }

    fn refuse(&self, refused: &Refused<'_>, circumstances: &Circumstances) -> Response {
        let answer = refused.refusal.answer();
        if let Some(event) = refused.refusal.event() {
            self.events.tell(&event, |context| EventContext {
                client: Some(refused.client.address),
                actor: refused.claimant.map(|claimant| claimant.account),
                session: refused.claimant.and_then(|claimant| claimant.session),
                status: Some(answer.status),
                ..circumstances.put(context)
            });
        }
        let mut response = Problem::refused(&answer).into_response();
        let headers = response.headers_mut();
        LimitHeaders::of(&refused.limits, now()).put(headers);
        self.headers.put(headers);
        if let Some(challenge) = answer.challenge {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        if let Some(seconds) = answer.retry_after_s {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if answer.cookie == CookieFate::Clear {
            let text = self.chain.cookie.clear();
            headers
                .append(header::SET_COOKIE, HeaderValue::from_str(&text).expect("a cookie's name is ASCII"));
        }
        response
    }

    fn tell_of_admitted(
        &self,
        event: &SecurityEvent,
        admitted: &Admitted<'_>,
        circumstances: &Circumstances,
    ) {
        self.events.tell(event, |context| EventContext {
            client: Some(admitted.client.address),
            actor: admitted.principal.map(|principal| principal.identity.account()),
            session: admitted.principal.and_then(|principal| principal.identity.session()),
            ..circumstances.put(context)
        });
    }
}

impl<S> fmt::Debug for Gate<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Gate").finish_non_exhaustive()
    }
}
