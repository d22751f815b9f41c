//! What the check answers, and what it asks when this node does not know enough.

use shield_types::Timestamp;

use crate::{
    AccountId, ApiKeyId, SessionId,
    address::{AddressBlock, ClientAddress},
    csrf::CsrfRefusal,
    event::SecurityEvent,
    limit,
    session::{SessionDigest, SessionRecord, SoughtSession},
};

use super::{AccountStanding, Identity, Principal, Refusal, RoutePolicy, reason::csrf_event};

/// The first answer about a request.
pub enum Decision<'a> {
    /// It is decided.
    Decided(Outcome<'a>),
    /// This node does not know enough: ask [`Pending::question`], once, and go on with [`super::Chain::resume`].
    NeedsStore(Pending<'a>),
}

/// The answer about a request.
pub enum Outcome<'a> {
    /// It goes on to its handler.
    Admitted(Admitted<'a>),
    /// It does not.
    Refused(Refused<'a>),
}

/// A request that goes on.
pub struct Admitted<'a> {
    /// Who it comes from, by address.
    pub client: ClientAddress,
    /// Who it comes from, if they said so and the route looked.
    pub principal: Option<Principal>,
    /// Where it stands with the limits of its route, or with the coarse one if it has none; for the headers of the answer.
    pub limits: limit::Admission<'a>,
    /// What is to be noted as used, after the answer.
    pub used: Option<Use>,
    /// Why it would have been refused as another site's, were that in earnest.
    pub csrf_forgiven: Option<CsrfRefusal>,
}

/// A request that does not.
pub struct Refused<'a> {
    /// Who it comes from, by address.
    pub client: ClientAddress,
    /// Who it comes from, as far as it is proven.
    pub claimant: Option<Claimant>,
    /// Why.
    pub refusal: Refusal,
    /// Where it stands with the limits that were asked until then; for the headers of the answer.
    pub limits: limit::Admission<'a>,
}

/// Whose credential a refused request brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claimant {
    /// Whose.
    pub account: AccountId,
    /// In which session, of a token or a cookie.
    pub session: Option<SessionId>,
}

/// Something whose last use is to be written down; asked for about once a minute each, once an hour for keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// A session: [`crate::session::SessionStore::touch`].
    Session(SessionId),
    /// An API key: [`crate::api_key::ApiKeyStore::touch`].
    ApiKey(ApiKeyId),
}

/// What a store has to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// The session under a digest, and what its account may do: [`Answer::Session`].
    Session(SessionDigest),
    /// What an account may do: [`Answer::Account`].
    Account(AccountId),
}

/// What it said.
#[derive(Clone, Debug)]
pub enum Answer {
    /// The session and its account, or that there is none.
    Session(Option<(SessionRecord, AccountStanding)>),
    /// The account.
    Account(AccountStanding),
    /// Nothing. So is the answer to another question.
    Away,
}

/// A request in the middle of its check.
pub struct Pending<'a> {
    pub(super) entry: Entry<'a>,
    pub(super) open: Open,
    /// When the question came up.
    pub(super) asked_at: Timestamp,
}

/// What is not known.
pub(super) enum Open {
    Session(SoughtSession),
    Account(Proven),
}

/// A credential that is good, as far as it goes.
#[derive(Clone, Copy)]
pub(super) struct Proven {
    pub(super) identity: Identity,
    pub(super) used: Option<Use>,
}

/// A request that is through the first gate.
pub(super) struct Entry<'a> {
    pub(super) policy: &'a RoutePolicy,
    pub(super) client: ClientAddress,
    pub(super) block: AddressBlock,
    pub(super) limits: limit::Admission<'a>,
}

// === impl Admitted ===

impl Admitted<'_> {
    /// The event that an admitted request is: one that log-only mode let through.
    pub fn event(&self) -> Option<SecurityEvent> {
        self.csrf_forgiven.map(csrf_event)
    }
}

// === impl Pending ===

impl Pending<'_> {
    /// What is to be asked.
    pub fn question(&self) -> Question {
        match &self.open {
            Open::Session(sought) => Question::Session(sought.digest()),
            Open::Account(proven) => Question::Account(proven.identity.account()),
        }
    }
}

// === impl Claimant ===

impl Claimant {
    pub(super) fn of(identity: &Identity) -> Self {
        Self { account: identity.account(), session: identity.session() }
    }
}

// === impl Entry ===

impl<'a> Entry<'a> {
    /// Refused here, with the limits as they stand.
    pub(super) fn refused(self, refusal: Refusal, claimant: Option<Claimant>) -> Outcome<'a> {
        Outcome::Refused(Refused { client: self.client, claimant, refusal, limits: self.limits })
    }

    /// The refusal of the limits that were asked last.
    pub(super) fn overrun(&self) -> Option<Refusal> {
        let (refusal, reading) = self.limits.refusal()?;
        // One unit fits into every rate, so there is always a wait that helps; were there none, a whole period is.
        let retry_after_s = refusal.retry_after_seconds().unwrap_or(reading.rate().period().as_secs());
        Some(Refusal::Limited { limit: reading.limit.name(), retry_after_s })
    }
}
