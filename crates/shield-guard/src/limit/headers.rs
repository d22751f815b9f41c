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

impl PolicyField<'_> {
    /// Writes it, without the detour over [`fmt::Formatter`].
    ///
    /// # Errors
    /// Those of `line`.
    pub fn write(&self, line: &mut impl fmt::Write) -> fmt::Result {
        list(self.0, line, |Reading { limit, tier, .. }, line| line.write_str(limit.policy(*tier)))
    }
}

impl fmt::Display for PolicyField<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(formatter)
    }
}

// === impl LimitField ===

impl LimitField<'_> {
    /// Writes it, without the detour over [`fmt::Formatter`].
    ///
    /// # Errors
    /// Those of `line`.
    pub fn write(&self, line: &mut impl fmt::Write) -> fmt::Result {
        list(self.0, line, |Reading { limit, standing, .. }, line| {
            name(limit.name(), line)?;
            parameter(";r=", standing.remaining.into(), line)?;
            match standing.next_ns {
                0 => Ok(()),
                next_ns => parameter(";t=", next_ns.div_ceil(1_000_000_000), line),
            }
        })
    }
}

impl fmt::Display for LimitField<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(formatter)
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
fn list<W: fmt::Write>(
    admission: &Admission<'_>,
    line: &mut W,
    item: impl Fn(&Reading<'_>, &mut W) -> fmt::Result,
) -> fmt::Result {
    for (index, reading) in admission.readings().enumerate() {
        if index > 0 {
            line.write_str(", ")?;
        }
        item(reading, line)?;
    }
    Ok(())
}

/// A string of RFC 9651; names of limits need no escapes.
fn name(name: &str, line: &mut impl fmt::Write) -> fmt::Result {
    line.write_char('"')?;
    line.write_str(name)?;
    line.write_char('"')
}

fn parameter(key: &str, number: u64, line: &mut impl fmt::Write) -> fmt::Result {
    line.write_str(key)?;
    line.write_str(itoa::Buffer::new().format(number))
}
