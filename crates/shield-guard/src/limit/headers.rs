//! What a client is told, as fields of the answer. Everything here is written without allocation, by [`fmt::Display`].
//!
//! - `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10; lists of RFC 9651): `q` units per `w`
//!   seconds, `r` left, more in `t` seconds. `t` is left out when nothing is missing.
//! - `X-RateLimit-Limit`, `-Remaining` and `-Reset`, as the original had them; the reset is the second of the Unix epoch
//!   at which nothing counts any more.
//! - `Retry-After` comes from [`Refusal::retry_after_seconds`](super::Refusal::retry_after_seconds): it is never earlier
//!   than `t`, and a request that comes then is admitted.
//!
//! Partition keys (`pk`) are not sent: they would tell a client how its address is grouped.

use std::fmt;

use shield_types::Timestamp;

use super::{Admission, Reading};

/// The value of `RateLimit-Policy`; empty without limits, and then the field must be left out.
pub struct PolicyField<'a>(pub &'a Admission<'a>);

/// The value of `RateLimit`; empty without limits, and then the field must be left out.
pub struct LimitField<'a>(pub &'a Admission<'a>);

/// The values of the original's three fields, about the tightest limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OlderFields {
    /// `X-RateLimit-Limit`.
    pub limit: u32,
    /// `X-RateLimit-Remaining`.
    pub remaining: u32,
    /// `X-RateLimit-Reset`: seconds since the Unix epoch, rounded up.
    pub reset_seconds: u64,
}

// === impl PolicyField ===

impl fmt::Display for PolicyField<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        list(self.0, formatter, |Reading { limit, rate, .. }, formatter| {
            write!(formatter, "\"{}\";q={};w={}", limit.name(), rate.count(), rate.period().as_secs())?;
            match rate.burst() == rate.count() {
                true => Ok(()),
                false => write!(formatter, ";shield-burst={}", rate.burst()),
            }
        })
    }
}

// === impl LimitField ===

impl fmt::Display for LimitField<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        list(self.0, formatter, |Reading { limit, standing, .. }, formatter| {
            write!(formatter, "\"{}\";r={}", limit.name(), standing.remaining)?;
            match standing.next_ns {
                0 => Ok(()),
                next_ns => write!(formatter, ";t={}", next_ns.div_ceil(1_000_000_000)),
            }
        })
    }
}

// === impl OlderFields ===

impl OlderFields {
    /// About the tightest limit, at the wall-clock time `now`; `None` without limits.
    pub fn new(admission: &Admission<'_>, now: Timestamp) -> Option<Self> {
        let standing = admission.tightest()?.standing;
        let full_ms = now.0.saturating_add(standing.full_ns.div_ceil(1_000_000));
        Some(Self {
            limit: standing.limit,
            remaining: standing.remaining,
            reset_seconds: full_ms.div_ceil(1_000),
        })
    }
}

/// A list of items, one per limit.
fn list(
    admission: &Admission<'_>,
    formatter: &mut fmt::Formatter<'_>,
    item: impl Fn(&Reading<'_>, &mut fmt::Formatter<'_>) -> fmt::Result,
) -> fmt::Result {
    for (index, reading) in admission.readings().enumerate() {
        if index > 0 {
            formatter.write_str(", ")?;
        }
        item(reading, formatter)?;
    }
    Ok(())
}
