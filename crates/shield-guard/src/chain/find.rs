//! Who it is that asks, as far as this node knows.

use crate::{
    revocation::{GrantRefusal, Sensitivity},
    session::{
        SessionHit, SessionRecord, SessionRefusal, SessionSecret, SoughtSession, WriteBack, resume_session,
    },
};

use super::{
    Access, AccountStanding, Chain, Claimant, CredentialRefusal, Identity, Moment, Observer, Part, Refusal,
    RequestFacts, RequestHeaders, RoutePolicy, Use,
    credential::Presented,
    outcome::{Open, Proven},
};

/// What came of a credential.
pub(super) enum Found {
    Nobody,
    Somebody(Proven, AccountStanding),
    Unknown(Open),
}

/// A refusal, and whose credential it was about.
pub(super) struct Stop {
    pub(super) refusal: Refusal,
    pub(super) claimant: Option<Claimant>,
}

// === impl Chain ===

impl Chain {
    /// Who it is, as far as this node knows.
    pub(super) fn find(
        &self,
        request: &RequestFacts<'_, impl RequestHeaders>,
        policy: &RoutePolicy,
        moment: &Moment<'_, impl Observer>,
    ) -> Result<Found, Stop> {
        if policy.access == Access::Ignored {
            return Ok(Found::Nobody);
        }
        let presented = Presented::of(request.headers, &self.api_key_format, &self.cookie);
        let proven = match presented.map_err(Stop::credential)? {
            Presented::Nothing => return Ok(Found::Nobody),
            Presented::Token(text) => moment.observer.watch(Part::Token, || self.token(text, moment))?,
            Presented::ApiKey(text) => moment.observer.watch(Part::ApiKey, || self.api_key(text, moment))?,
            Presented::Session(secret) => {
                match moment.observer.watch(Part::Session, || self.session(&secret, moment)) {
                    Ok(proven) => proven,
                    Err(sought) => return Ok(Found::Unknown(Open::Session(sought))),
                }
            }
        };
        self.vouch(&proven.identity, policy.sensitivity, moment)?;
        Ok(match self.accounts.find(proven.identity.account(), moment.now) {
            Some(standing) => Found::Somebody(proven, standing),
            None => Found::Unknown(Open::Account(proven)),
        })
    }

    fn token(&self, text: &[u8], moment: &Moment<'_, impl Observer>) -> Result<Proven, Stop> {
        let verified = self.tokens.verify(moment.ring, text, moment.now);
        let verified = verified.map_err(|refusal| Stop::credential(CredentialRefusal::Token(refusal)))?;
        Ok(Proven { identity: Identity::Token(verified), used: None })
    }

    fn api_key(&self, text: &[u8], moment: &Moment<'_, impl Observer>) -> Result<Proven, Stop> {
        let key = self.api_key_format.parse(text);
        let key = key.map_err(|refusal| Stop::credential(CredentialRefusal::ApiKeyText(refusal)))?;
        let grant = self.api_keys.find(&key, moment.now);
        let grant = grant.map_err(|refusal| Stop::credential(CredentialRefusal::ApiKey(refusal)))?;
        let used = (grant.write_back == WriteBack::Due).then_some(Use::ApiKey(grant.id));
        Ok(Proven { identity: Identity::ApiKey(grant), used })
    }

    fn session(
        &self,
        secret: &SessionSecret,
        moment: &Moment<'_, impl Observer>,
    ) -> Result<Proven, SoughtSession> {
        self.sessions.find(secret, moment.now).map(Proven::from)
    }

    /// A session that the store just returned.
    pub(super) fn resumed(
        &self,
        sought: SoughtSession,
        record: &SessionRecord,
        moment: &Moment<'_, impl Observer>,
    ) -> Result<Proven, Refusal> {
        match resume_session(&self.sessions, sought, record, moment.now) {
            Ok(hit) => Ok(Proven::from(hit)),
            Err(SessionRefusal::NotFound) => Err(CredentialRefusal::SessionNotFound.into()),
            Err(SessionRefusal::Idle) => Err(CredentialRefusal::SessionIdle.into()),
            Err(SessionRefusal::Expired) => Err(CredentialRefusal::SessionExpired.into()),
            Err(SessionRefusal::Store(_)) => Err(Refusal::StoreAway),
        }
    }

    /// Whether it was taken back.
    pub(super) fn vouch(
        &self,
        identity: &Identity,
        sensitivity: Sensitivity,
        moment: &Moment<'_, impl Observer>,
    ) -> Result<(), Stop> {
        let kind = identity.kind();
        self.revocations.admit(&identity.grant(), sensitivity, moment.now).map_err(|refusal| Stop {
            refusal: match refusal {
                GrantRefusal::Stale { age } => Refusal::Stale { age },
                refusal => CredentialRefusal::Revoked { kind, refusal }.into(),
            },
            claimant: Some(Claimant::of(identity)),
        })
    }
}

// === impl Proven ===

impl From<SessionHit> for Proven {
    fn from(SessionHit { session, write_back }: SessionHit) -> Self {
        let used = (write_back == WriteBack::Due).then_some(Use::Session(session.id));
        Self { identity: Identity::Session(session), used }
    }
}

// === impl Stop ===

impl Stop {
    /// About a credential that proves nothing about anybody.
    fn credential(refusal: CredentialRefusal) -> Self {
        Self { refusal: refusal.into(), claimant: None }
    }
}
