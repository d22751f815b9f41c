//! What a plan includes per hour and day, counted in the database: exact over all processes and restarts.

use std::mem;

use shield_guard::{
    AccountId,
    limit::{Quota, QuotaGrant, QuotaPeriod, QuotaRefusal, QuotaUse, QuotaWindow, Tier},
};
use thiserror::Error;

use super::{Accounts, failure::Failure};
use crate::{
    clock::now,
    gate::{CountStanding, Counts},
};

/// Requests of an account's API keys for checks per hour, where the plan names no number: the original's. What a key only reads
/// is counted by the key's own limit, in memory: exactness would cost a write for each reading.
const API_REQUESTS: Quota = Quota::Units(100);

/// Somebody uses what their plan includes.
#[derive(Debug, Clone, Copy)]
pub struct PlanUse {
    /// Whose plan.
    pub account: AccountId,
    /// Which one.
    pub plan: Tier,
    /// How they came.
    pub means: Means,
    /// What for.
    pub purpose: Purpose,
}

/// What kind of credential came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Means {
    /// Of a log-in.
    Session,
    /// An API key, whose requests for checks are counted too.
    ApiKey,
}

/// What is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A check of one URL.
    Check,
    /// A request for so many at once; each counts as a check.
    Bulk {
        /// How many.
        urls: u32,
    },
}

/// Why something is not used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum QuotaError {
    /// The plan does not include it, or never as much at once.
    #[error("use `{feature}`, which the plan does not include")]
    NotIncluded {
        /// What.
        feature: &'static str,
    },
    /// It is used up for this hour or day.
    #[error("use more of `{}` before `{}` s have passed", .by.name, .by.seconds_left)]
    UsedUp {
        /// What: `checks`, `bulk_checks` or `api_requests`.
        by: CountStanding,
        /// What was taken from before it.
        charged: Vec<CountStanding>,
    },
    /// A fault of ours.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// One thing that is counted.
#[derive(Clone, Copy)]
struct Wanted {
    feature: &'static str,
    quota: Quota,
    period: QuotaPeriod,
    cost: u32,
}

// === impl Accounts ===

impl Accounts {
    /// Takes what is used off the account's quotas; answers where each of them stands, without those that have no limit. What a
    /// later one refuses was still taken from those before it: first the hour's requests, then the day's bulk requests, then the
    /// day's checks.
    ///
    /// # Errors
    /// See [`QuotaError`]; then nothing may be used.
    pub async fn use_plan(&self, used: PlanUse) -> Result<Counts, QuotaError> {
        let wanted = wanted(&used);
        // What the plan never includes costs nothing elsewhere.
        for Wanted { feature, quota, cost, .. } in &wanted {
            quota.units_for(*cost).map_err(|_never| QuotaError::NotIncluded { feature })?;
        }
        let mut charged = Vec::with_capacity(wanted.len());
        for wanted in wanted {
            self.take(used.account, wanted, &mut charged).await?;
        }
        Ok(Counts::granted(charged))
    }

    async fn take(
        &self,
        account: AccountId,
        wanted: Wanted,
        charged: &mut Vec<CountStanding>,
    ) -> Result<(), QuotaError> {
        let Wanted { feature, quota, period, cost } = wanted;
        // Without a limit nothing is counted.
        let Quota::Units(units) = quota else { return Ok(()) };
        let now = now();
        let taken = quota.take(&self.inner.quotas, QuotaUse { account, feature, period, cost }, now).await;
        let window = QuotaWindow::at(period, now);
        let standing = |remaining| CountStanding {
            name: feature,
            units,
            window: window.end.since(window.start),
            remaining,
            seconds_left: window.seconds_left(now),
            full_at: window.end,
        };
        match taken.map_err(Failure::from)? {
            Ok(QuotaGrant::Taken { remaining }) => charged.push(standing(remaining)),
            Ok(QuotaGrant::Unlimited) => {}
            Err(QuotaRefusal::UsedUp { remaining, .. }) => {
                return Err(QuotaError::UsedUp { by: standing(remaining), charged: mem::take(charged) });
            }
            Err(QuotaRefusal::NotIncluded | QuotaRefusal::TooCostly) => {
                return Err(QuotaError::NotIncluded { feature });
            }
        }
        Ok(())
    }
}

/// In the order in which they are taken.
fn wanted(used: &PlanUse) -> Vec<Wanted> {
    let quotas = used.plan.quotas();
    let (quota, period) = (quotas.api_requests_per_hour.unwrap_or(API_REQUESTS), QuotaPeriod::Hour);
    let request = Wanted { feature: "api_requests", quota, period, cost: 1 };
    let day = |feature, quota, cost| Wanted { feature, quota, period: QuotaPeriod::Day, cost };
    let (bulk, checks) = match used.purpose {
        Purpose::Check => (None, 1),
        Purpose::Bulk { urls } => (Some(day("bulk_checks", quotas.bulk_requests_per_day, 1)), urls),
    };
    let checks = day("checks", quotas.checks_per_day, checks);
    [(used.means == Means::ApiKey).then_some(request), bulk, Some(checks)].into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use shield_guard::{AccountId, limit::Tier};
    use shield_types::Timestamp;

    use super::{Means, PlanUse, Purpose, wanted};

    fn features(plan: Tier, means: Means, purpose: Purpose) -> Vec<(&'static str, u32)> {
        let account = AccountId::new(Timestamp(0), [1; 10]);
        let wanted = wanted(&PlanUse { account, plan, means, purpose });
        wanted.into_iter().map(|wanted| (wanted.feature, wanted.cost)).collect()
    }

    #[test]
    fn bulk_counts_each_url() {
        let bulk = Purpose::Bulk { urls: 40 };
        assert_eq!(features(Tier::Creator, Means::Session, bulk), [("bulk_checks", 1), ("checks", 40)]);
        assert_eq!(features(Tier::Creator, Means::ApiKey, bulk)[0], ("api_requests", 1));
        assert_eq!(features(Tier::Free, Means::Session, Purpose::Check), [("checks", 1)]);
    }
}
