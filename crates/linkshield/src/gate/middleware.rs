//! The gate itself: axum on one side, guard's chain on the other.

use std::{
    fmt,
    net::IpAddr,
    pin::Pin,
    sync::{Arc, LazyLock},
    time::Instant,
};

use axum::{
    extract::{MatchedPath, Request},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, Method, header};
use prometheus_client::metrics::histogram::Histogram;
use shield_data::RedisStatus;
use shield_guard::{
    AccountId, ScopeSet, StoreError,
    chain::{
        Access, Admitted, Answer, Chain, CookieFate, CsrfScope, Decision, Moment, Outcome, Pending,
        Principal, Question, Refusal, Refused, RequestFacts, RouteLimits, RoutePolicy, Use,
    },
    csrf::CsrfKeys,
    event::{EventContext, SecurityEvent},
    headers::{Caching, SecurityHeaders},
    revocation::Sensitivity,
    token::KeyRing,
};
use shield_types::Timestamp;
use tokio::sync::watch;

use super::{
    Circumstances, Counts, EventSink, Fanout, GlobalLimits, Peer, Route, RouteTable, UseNotes,
    headers::{AnswerHeaders, Lines, OwnHeaders},
    lacking::lacking,
    principal::Caller,
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

    /// Whether a password could be hashed now. Asked about requests that need it, before anything about them is written
    /// down or read: what a flood of them is refused must cost next to nothing.
    ///
    /// # Errors
    /// What is answered instead: the same to everybody.
    fn check_room(&self) -> Result<(), Problem>;

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

/// The gate of a service. [`super::Guard`] puts it in front of routes.
///
/// A request whose credential is known here is decided at once; only what seldom happens, such as a question to the database,
/// waits, in a future of its own. What every request carries along stays small.
pub struct Gate<S> {
    chain: Arc<Chain>,
    store: Arc<S>,
    routes: RouteTable,
    headers: AnswerHeaders,
    events: EventSink,
    uses: UseNotes,
    global: GlobalLimits,
    fanout: Fanout,
    components: Arc<ComponentTimes>,
    /// The start of the clock that limits count by.
    started: Instant,
}

/// A request at the gate.
pub(super) enum Entry<'a> {
    /// It is decided.
    Settled(Settled),
    /// Not yet.
    Later(Pin<Box<dyn Future<Output = Settled> + Send + 'a>>),
}

/// What became of a request.
pub(super) enum Settled {
    /// It goes on to its handler.
    LetIn(Pass),
    /// It is answered here.
    Answered(Response),
}

/// What the chain said first.
struct FirstDecision<'a> {
    decision: Decision<'a>,
    /// When.
    at: Timestamp,
    /// Of the keys that it knew.
    ring_revision: u64,
    watch: CheckWatch,
}

/// A request that was let in, until it is answered.
pub(super) struct Pass {
    own: OwnHeaders,
    /// Whether its handler may have taken something back.
    settles: bool,
}

// === impl Gate ===

impl<S: GateStore> Gate<S> {
    /// A gate; limits count from now on.
    pub fn new(parts: GateParts<S>) -> Self {
        let GateParts { chain, store, routes, headers, events, uses, global, fanout } = parts;
        let headers = AnswerHeaders::new(&headers);
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

    /// Lets a request in, ready for its handler, or answers it: at once, where everything is known here.
    pub(super) fn admit<'a>(&'a self, request: &'a mut Request) -> Entry<'a> {
        let Some(&Peer(peer)) = request.extensions().get() else {
            let problem = Problem::internal("a request without a peer".to_owned());
            return Entry::Settled(Settled::Answered(problem.into_response()));
        };
        let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
        let route = self.routes.find(request.method(), path);
        let lines = Lines::of(request.headers());
        let facts = RequestFacts { method: request.method().as_str(), peer, headers: &lines };
        let first = self.decide(&facts, &route.policy);
        if let Decision::Decided(outcome) = &first.decision
            && !route.hashes
            && !names_strange_key(&first.decision)
            && !self.global.concerns(outcome)
        {
            self.components.end(first.watch);
            return Entry::Settled(self.settled(request, outcome, &route.policy, first.at));
        }
        Entry::Later(Box::pin(self.admit_later(request, peer, route, first)))
    }

    /// What is not known here is asked for, or counted together with others.
    async fn admit_later<'a>(
        &'a self,
        request: &mut Request,
        peer: IpAddr,
        route: &'a Route,
        first: FirstDecision<'a>,
    ) -> Settled {
        let lines = Lines::of(request.headers());
        let facts = RequestFacts { method: request.method().as_str(), peer, headers: &lines };
        let mut outcome = self.conclude(first, &facts, &route.policy).await;
        if route.hashes
            && let Outcome::Admitted(admitted) = &outcome
            && let Err(problem) = self.store.check_room()
        {
            let response = self.dress(problem.into_response(), own_headers(admitted, now()));
            return Settled::Answered(response);
        }
        if self.global.concerns(&outcome) {
            outcome = self.global.confirm(outcome).await;
        }
        self.settled(request, &outcome, &route.policy, now())
    }

    fn settled(
        &self,
        request: &mut Request,
        outcome: &Outcome<'_>,
        policy: &RoutePolicy,
        now: Timestamp,
    ) -> Settled {
        match outcome {
            Outcome::Admitted(admitted) => Settled::LetIn(self.open(request, admitted, policy, now)),
            Outcome::Refused(refused) => {
                let circumstances =
                    Circumstances::of(request.method(), request.headers(), request.extensions());
                Settled::Answered(self.refuse(refused, policy, &circumstances))
            }
        }
    }

    /// Completes the answer to a request that was let in.
    pub(super) async fn see_off(&self, pass: Pass, response: Response) -> Response {
        if pass.settles {
            Box::pin(self.settle()).await;
        }
        self.dress(response, pass.own)
    }

    /// What the chain says by what is known here.
    fn decide<'a>(
        &'a self,
        facts: &RequestFacts<'_, Lines<'_>>,
        policy: &'a RoutePolicy,
    ) -> FirstDecision<'a> {
        let watch = self.components.begin();
        let ring = self.store.ring();
        let moment = self.moment(watch.began(), &ring, &watch);
        let (at, decision) = (moment.now, self.chain.decide(facts, policy, &moment));
        FirstDecision { decision, at, ring_revision: ring.revision(), watch }
    }

    /// The answer of the chain, with one question to the store at most.
    async fn conclude<'a>(
        &'a self,
        first: FirstDecision<'a>,
        facts: &RequestFacts<'_, Lines<'_>>,
        policy: &'a RoutePolicy,
    ) -> Outcome<'a> {
        let FirstDecision { mut decision, ring_revision, watch, .. } = first;
        if names_strange_key(&decision) {
            decision = self.decide_again(decision, ring_revision, (facts, policy), &watch).await;
        }
        let outcome = match decision {
            Decision::Decided(outcome) => outcome,
            Decision::NeedsStore(pending) => self.ask(pending, facts, &watch).await,
        };
        self.components.end(watch);
        outcome
    }

    /// The key of the token is not in the ring of this revision: another process may have made it. A refusal stays one charge unless
    /// there are newer keys.
    async fn decide_again<'a>(
        &'a self,
        refused: Decision<'a>,
        revision: u64,
        (facts, policy): (&RequestFacts<'_, Lines<'_>>, &'a RoutePolicy),
        watch: &CheckWatch,
    ) -> Decision<'a> {
        self.store.look_for_keys().await;
        let ring = self.store.ring();
        match ring.revision() == revision {
            true => refused,
            false => self.chain.decide(facts, policy, &self.moment(Instant::now(), &ring, watch)),
        }
    }

    async fn ask<'a>(
        &'a self,
        pending: Pending<'a>,
        facts: &RequestFacts<'_, Lines<'_>>,
        watch: &CheckWatch,
    ) -> Outcome<'a> {
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
        let lines = Lines::of(headers);
        let facts = RequestFacts { method: Method::GET.as_str(), peer: address, headers: &lines };
        match self.conclude(self.decide(&facts, &ANYBODY), &facts, &ANYBODY).await {
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
        self.chain.accounts.forget(account, now());
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

    /// Prepares a request that goes on.
    fn open(
        &self,
        request: &mut Request,
        admitted: &Admitted<'_>,
        policy: &RoutePolicy,
        now: Timestamp,
    ) -> Pass {
        if let Some(event) = admitted.event() {
            let circumstances = Circumstances::of(request.method(), request.headers(), request.extensions());
            self.tell_of_admitted(&event, admitted, &circumstances);
        }
        if let Some(used) = admitted.used {
            self.uses.note(used, now);
        }
        let settles = policy.sensitivity == Sensitivity::Sensitive && !request.method().is_safe();
        let caller = Caller { client: admitted.client.address, principal: admitted.principal };
        request.extensions_mut().insert(caller);
        Pass { own: own_headers(admitted, now), settles }
    }

    fn dress(&self, mut response: Response, own: OwnHeaders) -> Response {
        let counts = response.extensions_mut().remove::<Counts>();
        self.headers.put(own, response.headers_mut());
        if let Some(counts) = counts {
            counts.put(response.headers_mut());
        }
        response
    }

    fn refuse(&self, refused: &Refused<'_>, policy: &RoutePolicy, circumstances: &Circumstances) -> Response {
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
        let own = OwnHeaders::of(&refused.limits, Caching::ByHandler, now());
        let problem = match refused.refusal {
            Refusal::Scope => Problem::refused(&answer).saying(self.lacking(refused, policy)),
            _ => Problem::refused(&answer),
        };
        let mut response = self.dress(problem.into_response(), own);
        let headers = response.headers_mut();
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

    /// What the credential of a request would need to have for this route.
    fn lacking(&self, refused: &Refused<'_>, policy: &RoutePolicy) -> String {
        let scopes = self.chain.tokens.policy().scopes().text(policy.access.scopes()).to_string();
        lacking(&scopes, refused.claimant.and_then(|claimant| claimant.session))
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

/// Answers to somebody known lie in no cache (ASVS 5.0, 14.3.2).
fn own_headers(admitted: &Admitted<'_>, now: Timestamp) -> OwnHeaders {
    let caching = if admitted.principal.is_some() { Caching::Private } else { Caching::ByHandler };
    OwnHeaders::of(&admitted.limits, caching, now)
}
