//! The generic cell rate algorithm (ITU-T I.371, annex A): one time says everything about a key.
//!
//! The state is the theoretical arrival time, in nanoseconds: the moment at which all that was used has come back. Its
//! distance to now is the key's debt. A request of cost c is admitted when debt + c × interval ≤ burst × interval, so that
//! in any span of t at most burst + t / interval units are admitted, and no request waits for a window to turn.

use std::num::NonZeroU32;

use super::{Rate, Refusal, Standing, standing::Decision, state::STATE_MAX};

/// Decides about `cost` units at `now_ns`.
pub(super) fn decide(rate: Rate, state: u64, now_ns: u64, cost: NonZeroU32) -> Decision {
    let debt = state.saturating_sub(now_ns);
    let tolerance = u64::from(rate.burst()) * rate.interval_ns();
    if cost.get() > rate.burst() {
        return Decision { outcome: Err(Refusal::TooCostly), standing: indebted(rate, debt) };
    }
    let wanted = debt.saturating_add(u64::from(cost.get()) * rate.interval_ns());
    match wanted.checked_sub(tolerance) {
        Some(retry_ns @ 1..) => {
            Decision { outcome: Err(Refusal::Wait { retry_ns }), standing: indebted(rate, debt) }
        }
        Some(0) | None => Decision {
            outcome: Ok(now_ns.saturating_add(wanted).min(STATE_MAX)),
            standing: indebted(rate, wanted),
        },
    }
}

/// Where a key stands at `now_ns`.
pub(super) fn standing(rate: Rate, state: u64, now_ns: u64) -> Standing {
    indebted(rate, state.saturating_sub(now_ns))
}

fn indebted(rate: Rate, debt: u64) -> Standing {
    let interval = rate.interval_ns();
    let tolerance = u64::from(rate.burst()) * interval;
    let remaining = tolerance.saturating_sub(debt) / interval;
    let next_ns = debt.saturating_sub(tolerance.saturating_sub((remaining + 1) * interval));
    Standing {
        limit: rate.count(),
        remaining: u32::try_from(remaining).unwrap_or(u32::MAX),
        next_ns: if debt == 0 { 0 } else { next_ns },
        full_ns: debt,
    }
}
