//! Events of handlers: what came of a request, with where it came from and who sent it.

use std::net::IpAddr;

use axum::extract::FromRequestParts;
use http::{StatusCode, request::Parts};
use shield_guard::{
    AccountId, SessionId,
    event::{EventContext, SecurityEvent},
};

use super::{Circumstances, EventSink, principal::Caller};
use crate::api::{App, Problem};

/// Saw a request, and tells of what came of it. Until somebody else is named, who is known by their credential acts, on their
/// own account.
#[derive(Clone, Debug)]
pub struct Witness {
    events: EventSink,
    circumstances: Circumstances,
    client: Option<IpAddr>,
    actor: Option<AccountId>,
    subject: Option<AccountId>,
    session: Option<SessionId>,
}

// === impl Witness ===

impl Witness {
    /// Of a request that the gate let through.
    pub(super) fn of(parts: &Parts, app: &App) -> Self {
        let Parts { method, headers, extensions, .. } = parts;
        let caller = extensions.get::<Caller>();
        let identity = caller.and_then(|caller| caller.principal).map(|principal| principal.identity);
        let actor = identity.map(|identity| identity.account());
        Self {
            events: app.gate().events().clone(),
            circumstances: Circumstances::of(method, headers, extensions),
            client: caller.map(|caller| caller.client),
            actor,
            subject: actor,
            session: identity.and_then(|identity| identity.session()),
        }
    }

    /// Somebody has proved just now to be the holder of `account`.
    #[must_use]
    pub fn proven(self, account: AccountId, session: Option<SessionId>) -> Self {
        Self { actor: Some(account), subject: Some(account), session, ..self }
    }

    /// What happens is about `account`, whoever does it.
    #[must_use]
    pub fn about(self, account: AccountId) -> Self {
        Self { subject: Some(account), ..self }
    }

    /// Somebody known asked for something that is not theirs, or not for this credential: writes that down, and answers 403.
    pub(crate) fn deny(&self, reason: &'static str, detail: &str) -> Problem {
        self.tell(&SecurityEvent::AccessDenied { reason }, StatusCode::FORBIDDEN);
        Problem::not_allowed(detail)
    }

    /// Writes an event down; `status` is that of the answer.
    pub fn tell(&self, event: &SecurityEvent, status: StatusCode) {
        self.events.tell(event, |context| EventContext {
            client: self.client,
            actor: self.actor,
            subject: self.subject,
            session: self.session,
            status: Some(status.as_u16()),
            ..self.circumstances.put(context)
        });
    }
}

impl FromRequestParts<App> for Witness {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        Ok(Self::of(parts, app))
    }
}
