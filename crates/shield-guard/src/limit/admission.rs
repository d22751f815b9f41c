//! Several limits on one request.
//!
//! All limits are looked at first, and only if all of them would admit the request is it taken from each, so that what
//! one refuses costs nothing elsewhere. When other threads use up a limit between the look and the take, the request is
//! refused after all, and what was taken before stays taken: an error to the strict side, of at most one request per
//! thread at work in that moment. The limit with least left is taken first, so that it seldom happens.

use std::{array, num::NonZeroU32};

use super::{Limit, LimitKey, Rate, Refusal, Standing, Tier, Verdict};

/// Limits that one request may be under. Few, because every request carries room for their readings along.
pub const CHARGES_MAX: usize = 4;

/// One limit that a request is under.
#[derive(Clone, Copy)]
pub struct Charge<'a> {
    /// Which limit.
    pub limit: &'a Limit,
    /// Whose units.
    pub key: LimitKey,
    /// At which rate.
    pub tier: Tier,
    /// How many units: 1, or the number of URLs of a bulk request.
    pub cost: NonZeroU32,
}

/// Where a request stands with one of its limits.
#[derive(Clone, Copy)]
pub struct Reading<'a> {
    /// Which limit.
    pub limit: &'a Limit,
    /// Whose units.
    pub key: LimitKey,
    /// At which of its rates.
    pub tier: Tier,
    /// Where it stands after the decision.
    pub standing: Standing,
}

/// The answer about a request.
pub struct Admission<'a> {
    /// In the order of the charges; the tail is empty.
    readings: [Option<Reading<'a>>; CHARGES_MAX],
    /// The refusal that lasts longest, and the charge that it came from.
    refusal: Option<(usize, Refusal)>,
}

/// More limits on a request than can be answered for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("check `{charges}` limits at once: expected at most {CHARGES_MAX}")]
pub struct TooManyCharges {
    /// What was asked for.
    pub charges: usize,
}

/// Checks all, then takes from all. Without charges there is nothing to refuse.
pub fn take_all<'a>(charges: &[Charge<'a>], now_ns: u64) -> Result<Admission<'a>, TooManyCharges> {
    if charges.len() > CHARGES_MAX {
        return Err(TooManyCharges { charges: charges.len() });
    }
    let mut admission = Admission { readings: [None; CHARGES_MAX], refusal: None };
    if let [charge] = charges {
        admission.note(0, charge, charge.take(now_ns));
        return Ok(admission);
    }
    for (index, charge) in charges.iter().enumerate() {
        admission.note(index, charge, charge.look(now_ns));
    }
    let mut left: [bool; CHARGES_MAX] = array::from_fn(|index| index < charges.len());
    while admission.refusal.is_none() {
        let Some(index) = admission.least_left(&left) else { break };
        left[index] = false;
        admission.note(index, &charges[index], charges[index].take(now_ns));
    }
    Ok(admission)
}

// === impl Reading ===

impl Reading<'_> {
    /// The rate that it is about.
    pub fn rate(&self) -> Rate {
        self.limit.rate(self.tier)
    }
}

// === impl Charge ===

impl Charge<'_> {
    fn take(&self, now_ns: u64) -> Verdict {
        self.limit.take(&self.key, self.tier, now_ns, self.cost)
    }

    fn look(&self, now_ns: u64) -> Verdict {
        self.limit.look(&self.key, self.tier, now_ns, self.cost)
    }
}

// === impl Admission ===

impl<'a> Admission<'a> {
    /// Whether the request may go on.
    pub fn admitted(&self) -> bool {
        self.refusal.is_none()
    }

    /// Why not: the refusal that lasts longest, and the limit it came from.
    pub fn refusal(&self) -> Option<(Refusal, Reading<'a>)> {
        let (index, refusal) = self.refusal?;
        Some((refusal, self.readings[index]?))
    }

    /// Where the request stands with each of its limits.
    pub fn readings(&self) -> impl Iterator<Item = &Reading<'a>> {
        self.readings.iter().flatten()
    }

    /// The limit that a client will meet first: the one that refused, else the one with the smallest part left.
    pub fn tightest(&self) -> Option<Reading<'a>> {
        match self.refusal() {
            Some((_, reading)) => Some(reading),
            None => self.least_left(&[true; CHARGES_MAX]).and_then(|index| self.readings[index]),
        }
    }

    /// Refuses what was admitted, because the count over all nodes is used up for so long.
    #[must_use]
    pub fn overruled(mut self, limit: &str, retry_ns: u64) -> Self {
        let Some(index) = self.readings().position(|reading| reading.limit.name() == limit) else {
            return self;
        };
        if let Some(reading) = &mut self.readings[index] {
            let full_ns = reading.standing.full_ns.max(retry_ns);
            reading.standing = Standing { remaining: 0, next_ns: retry_ns, full_ns, ..reading.standing };
            self.refusal = Some((index, Refusal::Wait { retry_ns }));
        }
        self
    }

    fn note(&mut self, index: usize, charge: &Charge<'a>, verdict: Verdict) {
        let Charge { limit, key, tier, .. } = *charge;
        self.readings[index] = Some(Reading { limit, key, tier, standing: verdict.standing });
        if let Err(refusal) = verdict.outcome
            && self.refusal.is_none_or(|(_, other)| lasts(other) < lasts(refusal))
        {
            self.refusal = Some((index, refusal));
        }
    }

    /// Of those in `among`, the one with the smallest part of its limit left.
    fn least_left(&self, among: &[bool; CHARGES_MAX]) -> Option<usize> {
        let readings = self.readings.iter().enumerate().filter(|(index, _)| among[*index]);
        let parts = readings.filter_map(|(index, reading)| {
            let standing = reading.as_ref()?.standing;
            // In parts of 2^32, to compare limits of different size.
            let part = (u64::from(standing.remaining) << 32) / u64::from(standing.limit.max(1));
            Some((part, index))
        });
        parts.min().map(|(_, index)| index)
    }
}

/// How long a refusal lasts, to compare.
fn lasts(refusal: Refusal) -> u64 {
    match refusal {
        Refusal::Wait { retry_ns } => retry_ns,
        Refusal::TooCostly => u64::MAX,
    }
}
