//! The check itself.

use std::sync::Arc;

use crate::{
    address::{AddressBlock, TrustedHops},
    api_key::{ApiKeyFormat, ApiKeyIndex},
    csrf::{CSRF_HEADER, Credential, Csrf, CsrfDecision, CsrfRequest},
    limit::{Charge, Limit, LimitKey, Tier, take_all},
    revocation::{RevocationSet, Sensitivity},
    session::{SessionCache, SessionCookie},
    token::TokenVerifier,
};

use super::{
    Access, AccountStanding, AccountTable, Admitted, Answer, ApiKeyScopes, Claimant, CredentialRefusal,
    CsrfScope, Decision, Identity, Moment, Observer, Outcome, Part, Pending, Principal, Refusal,
    RequestFacts, RequestHeaders, RoutePolicy, Use,
    charges::{ONE, charge},
    find::{Found, Stop},
    outcome::{Entry, Open, Proven},
};

/// A backend's check of requests. Its parts are open to those who feed them: whoever makes keys, ends sessions, follows the
/// log of revocations.
pub struct Chain {
    /// Whose word about a client's address is taken.
    pub hops: TrustedHops,
    /// What one address may ask in all, good or bad. Counts before anything is read.
    pub coarse: Limit,
    /// Access tokens.
    pub tokens: TokenVerifier,
    /// How sessions come.
    pub cookie: SessionCookie,
    /// Sessions that this node knows.
    pub sessions: SessionCache,
    /// How API keys look.
    pub api_key_format: ApiKeyFormat,
    /// All of them, shared with whoever makes and takes back keys.
    pub api_keys: Arc<ApiKeyIndex>,
    /// What their bits stand for.
    pub api_key_scopes: ApiKeyScopes,
    /// What was taken back.
    pub revocations: RevocationSet,
    /// What accounts may do.
    pub accounts: AccountTable,
    /// Requests of other sites.
    pub csrf: Csrf,
}

// === impl Chain ===

impl Chain {
    /// Decides about a request, or says what it would have to know. Allocates nothing.
    pub fn decide<'a>(
        &'a self,
        request: &RequestFacts<'_, impl RequestHeaders>,
        policy: &'a RoutePolicy,
        moment: &Moment<'_, impl Observer>,
    ) -> Decision<'a> {
        let entry = self.enter(request, policy, moment);
        if let Some(refusal) = entry.overrun() {
            return Decision::Decided(entry.refused(refusal, None));
        }
        Decision::Decided(match self.find(request, policy, moment) {
            Ok(Found::Unknown(open)) => {
                return Decision::NeedsStore(Pending { entry, open, asked_at: moment.now });
            }
            Ok(Found::Nobody) => self.finish(entry, request, moment, None),
            Ok(Found::Somebody(proven, standing)) => self.admit(entry, request, moment, (proven, standing)),
            Err(Stop { refusal, claimant }) => entry.refused(refusal, claimant),
        })
    }

    /// Goes on with what a store answered. `request` is the one that was asked about; `moment` is read after the answer.
    pub fn resume<'a>(
        &'a self,
        pending: Pending<'a>,
        answer: Answer,
        request: &RequestFacts<'_, impl RequestHeaders>,
        moment: &Moment<'_, impl Observer>,
    ) -> Outcome<'a> {
        let Pending { entry, open, asked_at } = pending;
        let (proven, standing) = match (open, answer) {
            (Open::Session(sought), Answer::Session(Some((record, standing))))
                if record.digest == sought.digest() =>
            {
                match moment.observer.watch(Part::Session, || self.resumed(sought, &record, moment)) {
                    Ok(proven) => (proven, standing),
                    Err(refusal) => return entry.refused(refusal, None),
                }
            }
            (Open::Session(_), Answer::Session(_)) => {
                return entry.refused(Refusal::Credential(CredentialRefusal::SessionNotFound), None);
            }
            (Open::Account(proven), Answer::Account(standing)) => (proven, standing),
            (Open::Account(proven), Answer::Away) if entry.policy.sensitivity == Sensitivity::Ordinary => {
                let account = proven.identity.account();
                return match self.accounts.last_known(account) {
                    Some(standing) => self.vouched(entry, request, moment, (proven, standing)),
                    None => entry.refused(Refusal::StoreAway, Some(Claimant::of(&proven.identity))),
                };
            }
            (Open::Session(_), Answer::Account(_) | Answer::Away) => {
                return entry.refused(Refusal::StoreAway, None);
            }
            (Open::Account(proven), Answer::Session(_) | Answer::Away) => {
                return entry.refused(Refusal::StoreAway, Some(Claimant::of(&proven.identity)));
            }
        };
        self.accounts.keep(proven.identity.account(), standing, asked_at);
        self.vouched(entry, request, moment, (proven, standing))
    }

    /// The first gate: the client's address and what it may ask in all.
    fn enter<'a>(
        &'a self,
        request: &RequestFacts<'_, impl RequestHeaders>,
        policy: &'a RoutePolicy,
        moment: &Moment<'_, impl Observer>,
    ) -> Entry<'a> {
        let client = self.hops.client(request.peer, request.headers.lines(self.hops.field_name()));
        let block = AddressBlock::of(client.address);
        let charge =
            Charge { limit: &self.coarse, key: LimitKey::Address(block), tier: Tier::Free, cost: ONE };
        let taken = moment.observer.watch(Part::RateLimit, || take_all(&[charge], moment.now_ns));
        let limits = taken.expect("one limit is not too many");
        Entry { policy, client, block, limits }
    }

    /// After an answer, which took its time: taken back meanwhile?
    fn vouched<'a>(
        &'a self,
        entry: Entry<'a>,
        request: &RequestFacts<'_, impl RequestHeaders>,
        moment: &Moment<'_, impl Observer>,
        known: (Proven, AccountStanding),
    ) -> Outcome<'a> {
        match self.vouch(&known.0.identity, entry.policy.sensitivity, moment) {
            Ok(()) => self.admit(entry, request, moment, known),
            Err(Stop { refusal, claimant }) => entry.refused(refusal, claimant),
        }
    }

    /// Somebody, with what their credential and their account allow.
    fn admit<'a>(
        &'a self,
        entry: Entry<'a>,
        request: &RequestFacts<'_, impl RequestHeaders>,
        moment: &Moment<'_, impl Observer>,
        (proven, standing): (Proven, AccountStanding),
    ) -> Outcome<'a> {
        let Proven { identity, used } = proven;
        let AccountStanding::Acting(facts) = standing else {
            let refusal = CredentialRefusal::Barred { kind: identity.kind() };
            return entry.refused(refusal.into(), Some(Claimant::of(&identity)));
        };
        let scopes = match &identity {
            Identity::Token(token) => token.scopes & facts.scopes,
            Identity::Session(_) => facts.scopes,
            Identity::ApiKey(key) => self.api_key_scopes.of(key.scopes) & facts.scopes,
        };
        let principal = Principal { identity, scopes, tier: facts.tier };
        self.finish(entry, request, moment, Some((principal, used)))
    }

    /// Everything that can be decided once it is known who asks.
    fn finish<'a>(
        &'a self,
        mut entry: Entry<'a>,
        request: &RequestFacts<'_, impl RequestHeaders>,
        moment: &Moment<'_, impl Observer>,
        somebody: Option<(Principal, Option<Use>)>,
    ) -> Outcome<'a> {
        let principal = somebody.map(|(principal, _)| principal);
        let claimant = principal.map(|principal| Claimant::of(&principal.identity));
        let policy = entry.policy;
        if principal.is_none() && matches!(policy.access, Access::Required(_)) {
            return entry.refused(Refusal::Anonymous, None);
        }
        let charge = || charge(&policy.limits, entry.block, principal.as_ref(), moment.now_ns);
        if let Some(limits) = moment.observer.watch(Part::RateLimit, charge) {
            entry.limits = limits;
            if let Some(refusal) = entry.overrun() {
                return entry.refused(refusal, claimant);
            }
        }
        if principal.is_some_and(|principal| !principal.scopes.contains(policy.access.scopes())) {
            return entry.refused(Refusal::Scope, claimant);
        }
        let csrf = || self.csrf(request, policy.csrf, principal.as_ref());
        let csrf_forgiven = match moment.observer.watch(Part::Csrf, csrf) {
            CsrfDecision::Allowed(_) => None,
            CsrfDecision::WouldRefuse(refusal) => Some(refusal),
            CsrfDecision::Refused(refusal) => return entry.refused(refusal.into(), claimant),
        };
        let Entry { client, limits, .. } = entry;
        let used = somebody.and_then(|(_, used)| used);
        Outcome::Admitted(Admitted { client, principal, limits, used, csrf_forgiven })
    }

    fn csrf(
        &self,
        request: &RequestFacts<'_, impl RequestHeaders>,
        scope: CsrfScope,
        principal: Option<&Principal>,
    ) -> CsrfDecision {
        let credential = match (principal.map(|principal| &principal.identity), scope) {
            (Some(Identity::Session(session)), _) => Credential::Cookie(session.id),
            (None, CsrfScope::Everybody) => Credential::None,
            (Some(Identity::Token(_) | Identity::ApiKey(_)), _) | (None, CsrfScope::Cookies) => {
                Credential::Header
            }
        };
        self.csrf.decide(&CsrfRequest {
            method: request.method,
            credential,
            fetch_site: request.headers.field("sec-fetch-site"),
            origin: request.headers.field("origin"),
            host: request.headers.field("host"),
            token: request.headers.field(CSRF_HEADER),
        })
    }
}
