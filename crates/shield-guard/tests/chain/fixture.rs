//! A backend with one account, one credential of each kind, and a store in memory.

use std::{net::IpAddr, num::NonZeroU32, sync::Arc, time::Duration};

use ring::rand::SystemRandom;
use shield_guard::{
    AccountId, ScopeSet, ScopeTable, SessionId, TokenId,
    address::{HopField, TrustedHops},
    api_key::{ApiKeyFormat, ApiKeyIndex, ApiKeyOrder, ApiKeyPolicy, ApiKeyRandom, Environment, NewApiKey},
    chain::{
        Access, AccountFacts, AccountStanding, AccountTable, Answer, ApiKeyScopes, Chain, CsrfScope,
        Decision, LimitSubject, Moment, Outcome, Question, RequestFacts, RequestHeaders, RouteLimit,
        RouteLimits, RoutePolicy,
    },
    csrf::{Csrf, CsrfKeys, CsrfMode, Origins, TokenRule},
    limit::{Algorithm, Limit, LimitSettings, Rate, Tier, TierScaling},
    revocation::{
        LogEpoch, LogPage, Revocation, RevocationLimits, RevocationReason, RevocationSet, Revoked,
        Sensitivity, Sequence,
    },
    session::{
        NewSession, SESSION_COOKIE, SameSite, SessionCache, SessionCookie, SessionPolicy, SessionRandom,
        SessionStart, SessionTimes,
    },
    token::{
        AccessClaims, Algorithm as Signature, KeyRing, RotationSchedule, SigningKey, TokenPolicy,
        TokenSettings, TokenVerifier, VerifiedTokenCache,
    },
};
use shield_types::{Secret, Timestamp};

pub(crate) const NOW: Timestamp = Timestamp(1_790_000_000_000);
pub(crate) const PEER: &str = "203.0.113.9";
/// A proxy whose word is taken.
pub(crate) const PROXY: &str = "10.0.0.1";
/// Requests per minute that the coarse limit of [`Backend::new`] admits.
const COARSE: u32 = 1_000_000;

/// Headers in the order in which they came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Headers(pub(crate) Vec<(&'static str, Vec<u8>)>);

pub(crate) struct Backend {
    pub(crate) chain: Chain,
    pub(crate) ring: KeyRing,
    pub(crate) token: String,
    pub(crate) session: NewSession,
    /// May check URLs.
    pub(crate) key: NewApiKey,
    /// May do nothing.
    pub(crate) weak_key: NewApiKey,
    /// What the store says about the account.
    pub(crate) standing: AccountStanding,
}

// === impl Headers ===

impl Headers {
    pub(crate) fn new(lines: &[(&'static str, &str)]) -> Self {
        Self(lines.iter().map(|(name, value)| (*name, value.as_bytes().to_vec())).collect())
    }
}

impl RequestHeaders for Headers {
    fn lines<'a>(&'a self, name: &'static str) -> impl DoubleEndedIterator<Item = &'a [u8]> {
        self.0.iter().filter(move |(known, _)| *known == name).map(|(_, value)| value.as_slice())
    }
}

// === impl Backend ===

impl Backend {
    pub(crate) fn new() -> Self {
        Self::with_coarse(COARSE)
    }

    /// With so many requests per minute and address.
    pub(crate) fn with_coarse(count: u32) -> Self {
        let policy = token_policy();
        let account = account();
        let session = NewSession::begin(&start(account), &session_policy(), NOW, session_random(1));
        let ring = KeyRing::begin(RotationSchedule::default(), signing_key(), NOW);
        let claims = AccessClaims {
            account,
            session: session.record.id,
            token: TokenId::new(NOW, [7; 10]),
            scopes: policy.scopes().all(),
        };
        let token = policy.issue(&ring, &claims, NOW, &random()).unwrap().text.expose().clone();
        let chain = chain(policy, count);
        let (key, weak_key) = (api_key(1, 0b1), api_key(2, 0b10));
        chain.api_keys.insert(&key.record).unwrap();
        chain.api_keys.insert(&weak_key.record).unwrap();
        let facts = AccountFacts { tier: Tier::Free, scopes: scopes("account urls:check") };
        let backend =
            Self { chain, ring, token, session, key, weak_key, standing: AccountStanding::Acting(facts) };
        backend.read_log(&[], NOW);
        backend
    }

    pub(crate) fn moment(&self, now: Timestamp) -> Moment<'_> {
        let now_ns = (now.0 - NOW.0) * 1_000_000;
        Moment { now, now_ns, ring: &self.ring, observer: () }
    }

    /// Reads entries of the log up to its head.
    pub(crate) fn read_log(&self, revoked: &[Revoked], now: Timestamp) {
        let after = self.chain.revocations.cursor();
        let expires_at = now.after(Duration::from_hours(24));
        let entry =
            |revoked| Revocation { revoked, reason: RevocationReason::Logout, revoked_at: now, expires_at };
        let numbered = (after.0 + 1..).map(Sequence).zip(revoked.iter().copied().map(entry)).collect();
        let head = Sequence(after.0 + revoked.len() as u64);
        let page = LogPage { epoch: LogEpoch(1), after, through: head, head, entries: numbered };
        self.chain.revocations.take_page(&page, now);
    }

    /// What the store answers.
    pub(crate) fn answer(&self, question: Question) -> Answer {
        let record = &self.session.record;
        match question {
            Question::Session(digest) if digest == record.digest => {
                Answer::Session(Some((record.clone(), self.standing)))
            }
            Question::Session(_) => Answer::Session(None),
            Question::Account(asked) if asked == record.account => Answer::Account(self.standing),
            Question::Account(_) => Answer::Account(AccountStanding::Barred),
        }
    }

    /// Decides with the help of the store.
    pub(crate) fn judge<'a>(
        &'a self,
        headers: &Headers,
        policy: &'a RoutePolicy,
        now: Timestamp,
    ) -> Outcome<'a> {
        self.judge_method("POST", headers, policy, now)
    }

    pub(crate) fn judge_method<'a>(
        &'a self,
        method: &str,
        headers: &Headers,
        policy: &'a RoutePolicy,
        now: Timestamp,
    ) -> Outcome<'a> {
        let request = request(method, PEER, headers);
        match self.chain.decide(&request, policy, &self.moment(now)) {
            Decision::Decided(outcome) => outcome,
            Decision::NeedsStore(pending) => {
                let answer = self.answer(pending.question());
                self.chain.resume(pending, answer, &request, &self.moment(now))
            }
        }
    }

    pub(crate) fn bearer(&self) -> Headers {
        Headers::new(&[("authorization", &format!("Bearer {}", self.token))])
    }

    /// The cookie, from the service's own page and with its CSRF token.
    pub(crate) fn cookie(&self) -> Headers {
        let csrf = self.chain.csrf.keys.issue(self.session.record.id, [5; 16]);
        Headers::new(&[
            ("cookie", &self.cookie_text()),
            ("sec-fetch-site", "same-origin"),
            ("x-csrf-token", csrf.expose()),
        ])
    }

    pub(crate) fn cookie_text(&self) -> String {
        format!("theme=dark; __Host-session={}", self.session.secret.text().expose())
    }

    pub(crate) fn api_key(&self) -> Headers {
        Headers::new(&[("x-api-key", self.key.text.expose())])
    }
}

pub(crate) fn request<'a>(method: &'a str, peer: &str, headers: &'a Headers) -> RequestFacts<'a, Headers> {
    RequestFacts { method, peer: peer.parse().unwrap(), headers }
}

pub(crate) fn route(access: Access) -> RoutePolicy {
    RoutePolicy {
        access,
        sensitivity: Sensitivity::Ordinary,
        csrf: CsrfScope::Cookies,
        limits: RouteLimits::default(),
    }
}

pub(crate) fn limit(name: &'static str, count: u32) -> Limit {
    let settings = LimitSettings {
        name,
        algorithm: Algorithm::Gcra,
        rate: Rate::new(count, Duration::from_mins(1)).unwrap(),
        scaling: TierScaling::Multiplied,
        keys: NonZeroU32::new(1_000).unwrap(),
    };
    Limit::new(settings, [9; 16]).unwrap()
}

pub(crate) fn limited(access: Access, limits: &[(&'static str, u32, LimitSubject)]) -> RoutePolicy {
    let limits = limits
        .iter()
        .map(|(name, count, subject)| RouteLimit { limit: Arc::new(limit(name, *count)), subject: *subject });
    RoutePolicy { limits: RouteLimits::new(limits.collect()).unwrap(), ..route(access) }
}

pub(crate) fn scopes(text: &str) -> ScopeSet {
    token_policy().scopes().parse(text).unwrap()
}

pub(crate) fn account() -> AccountId {
    AccountId::new(NOW, [1; 10])
}

/// The seconds after [`NOW`].
pub(crate) fn later(seconds: u64) -> Timestamp {
    NOW.after(Duration::from_secs(seconds))
}

fn token_policy() -> TokenPolicy {
    let settings = TokenSettings {
        issuer: "https://link.example".to_owned(),
        audience: "linkshield".to_owned(),
        lifetime: Duration::from_mins(15),
    };
    TokenPolicy::new(settings, ScopeTable::new(&["account", "admin", "urls:check"]).unwrap()).unwrap()
}

fn chain(policy: TokenPolicy, coarse: u32) -> Chain {
    let format = ApiKeyFormat::new("ls").unwrap();
    let networks = ["10.0.0.0/8".parse().unwrap()];
    let revocations = RevocationLimits { entries_max: 1_000, age_max: Duration::from_secs(30) };
    Chain {
        hops: TrustedHops::new(&networks, HopField::XForwardedFor).unwrap(),
        coarse: limit("address", coarse),
        tokens: TokenVerifier::new(policy, VerifiedTokenCache::new(64).unwrap()),
        cookie: SessionCookie::new(SESSION_COOKIE, SameSite::Strict).unwrap(),
        sessions: SessionCache::new(1_000, &session_policy()),
        api_key_format: format,
        api_keys: Arc::new(ApiKeyIndex::new(100)),
        api_key_scopes: ApiKeyScopes::new(&[scopes("urls:check")]).unwrap(),
        revocations: RevocationSet::new(revocations),
        accounts: AccountTable::new(1_000, Duration::from_secs(20)),
        csrf: Csrf {
            origins: Origins::new(["https://link.example"]).unwrap(),
            keys: CsrfKeys::new(&Secret::new([3; 32]), None),
            rule: TokenRule::Always,
            mode: CsrfMode::Enforce,
        },
    }
}

fn api_key(number: u8, scopes: u64) -> NewApiKey {
    let order =
        ApiKeyOrder { account: account(), name: "build", scopes, environment: Environment::Live, life: None };
    let random = ApiKeyRandom { id: [number; 10], key: [number; 32] };
    ApiKeyPolicy::new(ApiKeyFormat::new("ls").unwrap()).make(&order, NOW, random).unwrap()
}

pub(crate) fn session_policy() -> SessionPolicy {
    SessionPolicy::new(SessionTimes::default()).unwrap()
}

fn session_random(number: u8) -> SessionRandom {
    SessionRandom { id: [number; 10], secret: [number; 32] }
}

fn start(account: AccountId) -> SessionStart<'static> {
    SessionStart { account, address: IpAddr::from([192, 0, 2, 1]), user_agent: b"curl/8.5.0", device: b"" }
}

/// Another session of another secret, which no store has.
pub(crate) fn stranger() -> NewSession {
    NewSession::begin(&start(account()), &session_policy(), NOW, session_random(9))
}

/// A token of the same policy, signed by a key that nobody trusts.
pub(crate) fn forged_token(session: SessionId) -> String {
    let policy = token_policy();
    let ring = KeyRing::begin(RotationSchedule::default(), signing_key(), NOW);
    let claims = AccessClaims {
        account: account(),
        session,
        token: TokenId::new(NOW, [8; 10]),
        scopes: policy.scopes().all(),
    };
    policy.issue(&ring, &claims, NOW, &random()).unwrap().text.expose().clone()
}

fn signing_key() -> SigningKey {
    SigningKey::generate(Signature::EdDsa, &random()).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "tests sign with real keys")]
fn random() -> SystemRandom {
    SystemRandom::new()
}
