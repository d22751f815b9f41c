//! An account's checks in numbers.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::{RawQuery, State},
};
use jiff::{Timestamp, ToSpan};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    mistakes::Mistakes,
    problem::{Location, Problem},
    state::App,
};
use crate::{
    accounts::scopes::URL_CHECK,
    analysis::ThreatLevel,
    gate::Authenticated,
    store::{CheckCount, CheckId, CheckStats, CheckStatus, RecentCheck},
};

const DAYS_DEFAULT: u32 = 30;
const DAYS_MAX: u32 = 365;

/// The checks of the last days in numbers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StatsResponse {
    total_checks: u64,
    completed_checks: u64,
    failed_checks: u64,
    /// Completed ones, in percent of all; 0 when there are none.
    success_rate: f64,
    /// How many have each level.
    #[schema(value_type = BTreeMap<String, u64>)]
    threat_distribution: BTreeMap<&'static str, u64>,
    /// The hosts that were checked most, at most ten.
    top_domains: Vec<DomainCount>,
    /// The newest checks, at most ten.
    recent_activity: Vec<Activity>,
}

/// How often a host was checked.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DomainCount {
    domain: String,
    count: u64,
}

/// A check in a line.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Activity {
    id: CheckId,
    url: String,
    threat_level: Option<ThreatLevel>,
    status: CheckStatus,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

/// Counts the account's checks of the last days. Checks that were deleted after the retention period are not among them.
#[utoipa::path(get, path = "/api/v1/url-check/stats", tag = "url-check", params(
    ("days" = Option<u32>, Query, description = "How many days back, 30 unless given", minimum = 1, maximum = 365),
), responses(
    (status = 200, description = "The numbers", body = StatsResponse),
))]
pub(super) async fn stats(
    State(app): State<App>,
    Authenticated(principal): Authenticated,
    RawQuery(query): RawQuery,
) -> Result<Json<StatsResponse>, Problem> {
    principal.require(&app, URL_CHECK)?;
    let days = days(query.as_deref().unwrap_or_default())?;
    let since = Timestamp::now() - (i64::from(days) * 24).hours();
    Ok(Json(app.service().store().check_stats(principal.account, since).await?.into()))
}

fn days(query: &str) -> Result<u32, Problem> {
    let (mut days, mut mistakes) = (None, Mistakes::default());
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let read = value.parse().ok().filter(|days| (1..=DAYS_MAX).contains(days));
        let mistake = match (name.as_ref(), read, days) {
            ("days", _, Some(_)) => "is given twice".to_owned(),
            ("days", Some(number), None) => {
                days = Some(number);
                continue;
            }
            ("days", None, None) => format!("is not a whole number from 1 to {DAYS_MAX}"),
            _ => "is not a parameter, accepted is days".to_owned(),
        };
        let name: String = name.chars().take(64).collect();
        mistakes.add(Location::Query, &name, mistake);
    }
    mistakes.none_or(days.unwrap_or(DAYS_DEFAULT))
}

impl From<CheckStats> for StatsResponse {
    fn from(stats: CheckStats) -> Self {
        let count = |of: &dyn Fn(&CheckCount) -> bool| {
            stats.counts.iter().filter(|count| of(count)).map(|count| count.count).sum::<u64>()
        };
        let level = |level: ThreatLevel| (level.as_str(), count(&|count| count.threat_level == Some(level)));
        let (total_checks, completed_checks) =
            (count(&|_| true), count(&|count| count.status == CheckStatus::Completed));
        let rate = completed_checks as f64 / total_checks.max(1) as f64;
        Self {
            total_checks,
            completed_checks,
            failed_checks: count(&|count| count.status == CheckStatus::Failed),
            success_rate: (rate * 10_000.0).round() / 100.0,
            threat_distribution: ThreatLevel::ALL.map(level).into(),
            top_domains: stats.top_domains.into_iter().map(DomainCount::from).collect(),
            recent_activity: stats.recent.into_iter().map(Activity::from).collect(),
        }
    }
}

impl From<(String, u64)> for DomainCount {
    fn from((domain, count): (String, u64)) -> Self {
        Self { domain, count }
    }
}

impl From<RecentCheck> for Activity {
    fn from(check: RecentCheck) -> Self {
        let RecentCheck { id, normalized_url, threat_level, status, created_at } = check;
        Self { id, url: normalized_url, threat_level, status, created_at }
    }
}

#[cfg(test)]
mod tests {
    use super::{CheckStats, StatsResponse, days};
    use crate::{
        analysis::ThreatLevel,
        store::{CheckCount, CheckStatus},
    };

    #[test]
    fn days_are_one_to_a_year() {
        assert_eq!((days("").unwrap(), days("days=1").unwrap(), days("days=365").unwrap()), (30, 1, 365));
        for query in ["days=0", "days=366", "days=x", "days=", "days=1&days=1", "day=1"] {
            assert!(days(query).is_err(), "{query}");
        }
    }

    #[test]
    fn every_level_is_counted_even_when_there_is_none() {
        let count = |status, threat_level, count| CheckCount { status, threat_level, count };
        let counts = vec![
            count(CheckStatus::Completed, Some(ThreatLevel::Safe), 5),
            count(CheckStatus::Completed, Some(ThreatLevel::High), 1),
            count(CheckStatus::Failed, None, 3),
        ];
        let stats = StatsResponse::from(CheckStats { counts, top_domains: Vec::new(), recent: Vec::new() });
        assert_eq!((stats.total_checks, stats.completed_checks, stats.failed_checks), (9, 6, 3));
        assert_eq!(stats.success_rate, 66.67);
        assert_eq!((stats.threat_distribution["safe"], stats.threat_distribution["low"]), (5, 0));
        assert_eq!(stats.threat_distribution.len(), 5);
    }
}
