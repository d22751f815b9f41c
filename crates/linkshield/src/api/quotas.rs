//! Charging an account's plan, and telling the client what is left of it.

use axum::response::Response;
use http::{HeaderName, HeaderValue, StatusCode};
use shield_guard::event::SecurityEvent;

use super::{problem::Problem, state::App};
use crate::{
    accounts::{Means, PlanUse, Purpose, QuotaError, QuotaStanding},
    gate::{Principal, Witness},
};

/// What is left of a plan, for the headers of an answer; the gate adds its own limits to them.
#[derive(Debug, Default)]
pub(super) struct Quotas(Vec<QuotaStanding>);

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
        let standings = used.inspect_err(|error| match error {
            QuotaError::NotIncluded { .. } => {
                witness.tell(&SecurityEvent::AccessDenied { reason: "plan" }, StatusCode::FORBIDDEN);
            }
            QuotaError::UsedUp { feature, retry_after_s } => {
                let (scope, retry_after_s) = (*feature, *retry_after_s);
                let limited = SecurityEvent::RateLimited { scope, retry_after_s };
                witness.tell(&limited, StatusCode::TOO_MANY_REQUESTS);
            }
            QuotaError::Failed(_) => {}
        })?;
        Ok(Self(standings))
    }

    /// Adds them to an answer.
    pub(super) fn put(self, mut response: Response) -> Response {
        let text = |text: String| HeaderValue::from_str(&text).expect("names and numbers are visible ASCII");
        for QuotaStanding { feature, units, window, remaining, seconds_left } in self.0 {
            let policy = format!("\"{feature}\";q={units};w={}", window.as_secs());
            let left = format!("\"{feature}\";r={remaining};t={seconds_left}");
            let headers = response.headers_mut();
            headers.append(HeaderName::from_static("ratelimit-policy"), text(policy));
            headers.append(HeaderName::from_static("ratelimit"), text(left));
        }
        response
    }
}
