//! Charging an account's plan, and telling the client what is left of it.

use axum::response::Response;
use http::StatusCode;
use shield_guard::event::SecurityEvent;

use super::{problem::Problem, state::App};
use crate::{
    accounts::{Means, PlanUse, Purpose, QuotaError},
    gate::{Counts, Principal, Witness},
};

/// What is left of a plan, for the headers of an answer, if one was charged; the gate puts it beside its own limits.
#[derive(Debug, Default)]
pub(super) struct Quotas(Option<Counts>);

// === impl Quotas ===

impl Quotas {
    /// Takes what is used off the plan of whoever asks.
    pub(super) async fn charge(
        app: &App,
        principal: &Principal,
        purpose: Purpose,
        witness: &Witness,
    ) -> Result<Self, Problem> {
        let means = if principal.api_key.is_some() { Means::ApiKey } else { Means::Session };
        let Principal { account, plan, .. } = *principal;
        let used = app.accounts().use_plan(PlanUse { account, plan, means, purpose }).await;
        let counts = used.inspect_err(|error| match error {
            QuotaError::NotIncluded { .. } => {
                witness.tell(&SecurityEvent::AccessDenied { reason: "plan" }, StatusCode::FORBIDDEN);
            }
            QuotaError::UsedUp { by, .. } => {
                let limited = SecurityEvent::RateLimited { scope: by.name, retry_after_s: by.seconds_left };
                witness.tell(&limited, StatusCode::TOO_MANY_REQUESTS);
            }
            QuotaError::Failed(_) => {}
        })?;
        Ok(Self(Some(counts)))
    }

    /// Leaves them with an answer.
    pub(super) fn put(self, mut response: Response) -> Response {
        if let Some(counts) = self.0 {
            response.extensions_mut().insert(counts);
        }
        response
    }
}
