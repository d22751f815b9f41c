//! Counts that handlers keep: of what a plan includes, of failed log-ins. The gate tells of them beside its own limits.
//!
//! `RateLimit` and `RateLimit-Policy` get a line for each count, after that of the gate's limits. The older fields are about
//! whatever refused the request; of one that was let in, about what has the smallest part left, count or limit.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use shield_types::Timestamp;

use super::headers::LIMIT_NAMES;

/// Where somebody stands with something that is counted in windows, after the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CountStanding {
    /// What is counted: letters of `a-z_`.
    pub name: &'static str,
    /// Units per window.
    pub units: u32,
    /// Length of the window.
    pub window: Duration,
    /// Units left.
    pub remaining: u32,
    /// Whole seconds until there are more, at least 1.
    pub seconds_left: u64,
    /// When nothing that was used counts any more.
    pub full_at: Timestamp,
}

/// The counts that a request was in. A handler leaves them with its answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    granted: Vec<CountStanding>,
    refused: Option<CountStanding>,
}

// === impl Counts ===

impl Counts {
    /// Of a request that each of them had units for.
    pub fn granted(granted: Vec<CountStanding>) -> Self {
        Self { granted, refused: None }
    }

    /// Of a request that one had none left for, after others had been charged.
    pub fn refused(by: CountStanding, granted: Vec<CountStanding>) -> Self {
        Self { granted, refused: Some(by) }
    }

    /// Adds them to headers that tell of the gate's limits already.
    pub(super) fn put(&self, headers: &mut HeaderMap) {
        let [policies, standings, limit, remaining, reset] = &LIMIT_NAMES;
        for CountStanding { name, units, window, remaining, seconds_left, .. } in
            self.granted.iter().chain(&self.refused)
        {
            headers.append(policies, text(&format!("\"{name}\";q={units};w={}", window.as_secs())));
            headers.append(standings, text(&format!("\"{name}\";r={remaining};t={seconds_left}")));
        }
        if let Some(count) = self.foremost(headers) {
            headers.insert(limit, count.units.into());
            headers.insert(remaining, count.remaining.into());
            headers.insert(reset, count.full_at.0.div_ceil(1_000).into());
        }
    }

    /// The count that the older fields are to be about, unless they are about a tighter limit.
    fn foremost(&self, headers: &HeaderMap) -> Option<&CountStanding> {
        if let Some(by) = &self.refused {
            return Some(by);
        }
        let (least, count) = self
            .granted
            .iter()
            .map(|count| (part(count.remaining, count.units), count))
            .min_by_key(|(part, _)| *part)?;
        // Read back: requests without counts, which are most, carry no more than they send.
        let said = |name: &HeaderName| headers.get(name)?.to_str().ok()?.parse::<u32>().ok();
        let [_, _, limit, remaining, _] = &LIMIT_NAMES;
        let limits = said(remaining).zip(said(limit)).map(|(remaining, limit)| part(remaining, limit));
        limits.is_none_or(|limits| least < limits).then_some(count)
    }
}

/// In parts of 2^32, to compare counts of different size.
fn part(remaining: u32, units: u32) -> u64 {
    (u64::from(remaining) << 32) / u64::from(units.max(1))
}

fn text(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("names and numbers are visible ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checks(remaining: u32) -> CountStanding {
        CountStanding {
            name: "checks",
            units: 30,
            window: Duration::from_hours(24),
            remaining,
            seconds_left: 56_590,
            full_at: Timestamp(1_790_000_000_001),
        }
    }

    /// The five headers of a request whose own limit has 500 of 1,000 units left.
    fn told(counts: &Counts) -> [Vec<String>; 5] {
        let mut headers = HeaderMap::new();
        let limit = ["\"api\";q=1000;w=3600", "\"api\";r=500;t=4", "1000", "500", "1700000000"];
        for (name, value) in LIMIT_NAMES.iter().zip(limit) {
            headers.insert(name, HeaderValue::from_static(value));
        }
        counts.put(&mut headers);
        LIMIT_NAMES.each_ref().map(|name| {
            headers.get_all(name).iter().map(|value| value.to_str().unwrap().to_owned()).collect()
        })
    }

    #[test]
    fn counts_stand_beside_limits() {
        let [policy, left, limit, remaining, reset] = told(&Counts::granted(vec![checks(29)]));
        assert_eq!(policy, ["\"api\";q=1000;w=3600", "\"checks\";q=30;w=86400"]);
        assert_eq!(left, ["\"api\";r=500;t=4", "\"checks\";r=29;t=56590"]);
        assert_eq!([limit, remaining, reset].concat(), ["1000", "500", "1700000000"], "it is tighter");
    }

    #[test]
    fn older_fields_follow_the_tightest() {
        let [_, _, limit, remaining, reset] = told(&Counts::granted(vec![checks(14)]));
        assert_eq!([limit, remaining, reset].concat(), ["30", "14", "1790000001"]);
    }

    #[test]
    fn older_fields_follow_the_refusal() {
        let requests = CountStanding { name: "api_requests", remaining: 0, ..checks(0) };
        let [policy, left, limit, remaining, reset] = told(&Counts::refused(checks(20), vec![requests]));
        assert_eq!(policy.len(), 3, "{policy:?}");
        assert_eq!(left[2], "\"checks\";r=20;t=56590");
        assert_eq!([limit, remaining, reset].concat(), ["30", "20", "1790000001"]);
    }
}
